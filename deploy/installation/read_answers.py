"""The appliance's own answers, .reverseproxy-config.json, and what became of each."""

import json
from pathlib import Path
from typing import Any

from installation import answers_file, checks
from installation.answers_file import NotAnswers
from installation.from_answers import nodes, on_443, site_of
from installation.questions import Answers, get, has_second, has_web, put
from installation.report import Report
from installation.site import Site

PEM = "/etc/nginx/ssl/pexip.pem"
# About the machine, and so for deploy/setup --answers.
HOST_KEYS = {"networks", "internal", "external", "interfaces", "dualnic", "hostname", "dns", "ntp", "managementnetworks", "snmp", "generate-certs"}
READ_KEYS = HOST_KEYS | {"enablewebloadbalance", "conferencenodes", "medianodes", "enablecsp", "enablefail2ban", "turnserver", "domain", "certificate",
                         "externalnat", "preparehost"}
KINDS = {"networks": dict, "conferencenodes": list, "medianodes": list, "turnserver": dict, "enablecsp": bool, "enablefail2ban": bool,
         "enablewebloadbalance": bool, "domain": str}


class Reader:
    def __init__(self, path: Path, report: Report):
        self._path, self._report = path, report
        self._answers = answers_file.load(path)

    def read(self) -> Site:
        """Raises NotAnswers."""
        answers = self._answers
        for key, kind in KINDS.items():
            if (value := answers.get(key)) is not None and not isinstance(value, kind):
                raise NotAnswers(f"{self._at(key)}: {json.dumps(value)} was not expected; expected {kind.__name__}")
        if (has_web(answers) or on_443(answers)) and get(answers, "certificate") is None:
            put(answers, "certificate", PEM)
        try:
            site = site_of(answers)
        except (KeyError, TypeError, AttributeError) as problem:
            raise NotAnswers(f"{self._path}: an answer is missing or of another kind ({problem})") from None
        self._say_web(answers, site)
        self._say_turn(answers, site)
        for key in sorted(answers.keys() & HOST_KEYS):
            self._report.carry(self._at(key), "is about the machine: deploy/setup --answers takes it")
        for key in sorted(answers.keys() - READ_KEYS):
            self._report.leave(self._at(key), "is not known here")
        return site

    def _at(self, key: str) -> str:
        return f"{self._path}: {key}"

    def _say_web(self, answers: Answers, site: Site) -> None:
        if site.web is None:
            return
        self._report.carry(self._at("conferencenodes"), ", ".join(nodes(answers)))
        self._report.change(self._at("conferencenodes"), "new clients go round the nodes, and a client stays on its own; clients were dealt out by their address")
        self._report.carry(self._at("enablecsp"), f'content_security_policy is "{site.web.content_security_policy}"')
        self._report.carry(self._at("enablefail2ban"), f"the PIN guard is {'on' if site.guard.enabled else 'off'}")
        if site.guard.enabled:
            self._report.change(self._at("enablefail2ban"), "5 wrong PINs lead to a ban, as 10 lines of the log did; right ones no longer count")
        self._report.ask(f"the certificate {get(answers, 'certificate')} has to be on this machine, readable by the daemon's user alone")

    def _say_turn(self, answers: Answers, site: Site) -> None:
        if site.turn is None:
            return
        means: Any = {
            (True, False): "permissive: clients with time-limited credentials may relay, to any peer that isn't private, and to the nodes",
            (False, True): "restricted: whoever has the credentials may relay, to the conferencing nodes alone",
            (False, False): "restricted: the conferencing nodes alone may relay",
        }
        clients = get(answers, "turnserver.clientturn", False)
        self._report.carry(self._at("turnserver.clientturn"), means[clients, on_443(answers) and not clients])
        if site.turn_on_443:
            self._report.change(self._at("turnserver.port443"), "TURN over TLS and the web share TCP port 443: rproxyd tells them apart, and hands TURN on to turnd; "
                                                                "TURN has UDP port 443, and port 3478 as well")
        elif on_443(answers):
            self._report.change(self._at("turnserver.port443"), "TURN has TLS and UDP on port 443, and port 3478 as well")
        for name in [each for each in nodes(answers) if not checks.is_address(each.partition(":")[0])]:
            self._report.ask(f"{self._at('conferencenodes')}: {name} is a name: add its address to clients.turn, or peers.allow, in turnd.json")
        if has_second(answers):
            self._report.change(self._at("networks"), "TURN and STUN are answered on both interfaces; it was the internal one alone")
        for name in site.turn.users:
            self._report.carry(self._at("turnserver.username"), f"the user {name}")
        if site.turn.secrets:
            self._report.carry(self._at("turnserver.sharedsecret"), "the shared secret")
        if not (site.turn.users or site.turn.secrets):
            self._report.ask("nobody has credentials for TURN: add a user (turnd user add) or a shared secret")
