"""The appliance's own answers, .reverseproxy-config.json: what its wizard asked and kept. deploy/setup starts from the same form."""

import json
from pathlib import Path
from typing import Any

from appliance.report import Report
from appliance.site import TURN_ONLY, Certificate, Guard, Node, Site, Turn, Web

PEM = "/etc/nginx/ssl/pexip.pem"
TURN_PORT, WEB_TURN_PORT = 3478, 443
INTERNAL_TCP_PORT = 3479  # where turnd takes what rproxyd hands on from port 443
HOST_KEYS = {"networks", "internal", "external", "hostname", "dns", "ntp", "managementnetworks", "snmp", "generate-certs"}


class NotAnswers(Exception):
    """With the file, the key and what was expected."""


class Reader:
    def __init__(self, path: Path, report: Report):
        self._path, self._report = path, report
        try:
            self._all = json.loads(path.read_text())
        except json.JSONDecodeError as error:
            raise NotAnswers(f"{path}:{error.lineno}: {error.msg}") from None
        if not isinstance(self._all, dict):
            raise NotAnswers(f"{path}: an object was expected")

    def read(self) -> Site:
        site = Site()
        if self._get("enablewebloadbalance", bool, default=bool(self._all.get("conferencenodes"))):
            site.web = self._web()
            site.guard = Guard(enabled=self._get("enablefail2ban", bool, default=False))
            if site.guard.enabled:
                self._report.change(self._at("enablefail2ban"), "5 wrong PINs lead to a ban, as 10 lines of the log did; right ones no longer count")
        if self._get("turnserver.enabled", bool, default=False):
            site.turn_on_443 = self._get("turnserver.port443", bool, default=False) and site.web is not None
            site.turn = self._turn(site.turn_on_443)
        for key in sorted(self._all.keys() & HOST_KEYS):
            self._report.carry(self._at(key), "is about the machine: deploy/setup --answers has it")
        known = HOST_KEYS | {"enablewebloadbalance", "conferencenodes", "medianodes", "enablecsp", "enablefail2ban", "turnserver", "domain"}
        for key in sorted(self._all.keys() - known):
            self._report.leave(self._at(key), "is not known here")
        return site

    def _at(self, key: str) -> str:
        return f"{self._path}: {key}"

    def _get(self, key: str, kind: type, default: Any = None) -> Any:
        value: Any = self._all
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return default
        if not isinstance(value, kind):
            raise NotAnswers(f"{self._at(key)}: {json.dumps(value)} was not expected; expected {kind.__name__}")
        return value

    def _address(self, which: str) -> str | None:
        card = self._get(which, str)
        found = self._get("networks", dict, default={}).get(card or "", {}).get("ipaddress")
        if not found:
            self._report.ask(f"{self._path} does not say the {which} address")
        return found

    def _web(self) -> Web:
        web = Web(strict_paths=True)
        web.listen = [each["ipaddress"] for each in self._get("networks", dict, default={}).values() if each.get("ipaddress")] or ["0.0.0.0"]
        nodes = [each for each in self._get("conferencenodes", list, default=[]) if each != TURN_ONLY]
        web.nodes = [Node(each) for each in nodes]
        self._report.carry(self._at("conferencenodes"), ", ".join(nodes) or "none")
        web.certificates = [Certificate(PEM)]
        self._report.ask(f"the certificate {PEM} has to be on this machine, readable by the daemon's user alone")
        web.content_security_policy = "default" if self._get("enablecsp", bool, default=False) else "off"
        self._report.carry(self._at("enablecsp"), f"content_security_policy is \"{web.content_security_policy}\"")
        self._report.change(self._at("conferencenodes"), "new clients go round the nodes, and a client stays on its own; clients were dealt out by their address")
        return web

    def _turn(self, on_443: bool) -> Turn:
        realm = self._get("domain", str, default="")
        inside, outside = self._address("internal"), self._address("external")
        turn = Turn(realm=realm, tcp_relay=False)
        if inside:
            turn.listeners = [("udp", f"{inside}:{TURN_PORT}")]
        if on_443:
            turn.listeners.append(("tcp", f"127.0.0.1:{INTERNAL_TCP_PORT}"))
            self._report.change(self._at("turnserver.port443"), "TURN over TLS and the web share port 443: rproxyd tells them apart, and hands TURN on to turnd")
        turn.relay_addresses = [outside] if outside else []
        nodes = [each for each in self._get("conferencenodes", list, default=[]) + self._get("medianodes", list, default=[]) if each != TURN_ONLY]
        if self._get("turnserver.clientturn", bool, default=False):
            turn.peers_allow = nodes
            self._report.carry(self._at("turnserver.clientturn"), "permissive: clients with time-limited credentials may relay, to any peer that isn't private, and to the nodes")
        elif on_443:
            turn.peers_allow, turn.peers_deny = nodes, ["any"]
            self._report.carry(self._at("turnserver.clientturn"), "restricted: whoever has the credentials may relay, to the conferencing nodes alone")
        else:
            turn.clients = nodes or ["any"]
            self._report.carry(self._at("turnserver.clientturn"), "restricted: the conferencing nodes alone may relay")
        name, password = self._get("turnserver.username", str), self._get("turnserver.password", str)
        if name and password:
            turn.users = {name: password}
            self._report.carry(self._at("turnserver.username"), f"the user {name}")
        if secret := self._get("turnserver.sharedsecret", str):
            turn.secrets = [secret]
            self._report.carry(self._at("turnserver.sharedsecret"), "the shared secret")
        if not (turn.users or turn.secrets):
            self._report.ask("nobody has credentials for TURN: add a user (turnd user add) or a shared secret")
        return turn
