"""What deploy/setup asks, in the guide's order: its eleven steps first, then those of newer appliances. Answers are kept in the form of the
appliance's own .reverseproxy-config.json, so that either can start from the other's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from installation import checks
from installation.site import TURN_ONLY

Answers = dict[str, Any]
FIRST, SECOND = "nic0", "nic1"


@dataclass
class Question:
    key: str  # with dots; of the answers
    text: str
    check: Callable[..., Any]
    help: str = ""
    default: Callable[[Answers], str | None] = lambda _answers: None
    asked: Callable[[Answers], bool] = lambda _answers: True
    lines: bool = False  # one value a line, an empty one ends
    secret: bool = False
    number: int | None = None  # of the guide's step


def get(answers: Answers, key: str, default: Any = None) -> Any:
    found: Any = answers
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return default if found is None else found


def put(answers: Answers, key: str, value: Any) -> None:
    *folders, last = key.split(".")
    for part in folders:
        answers = answers.setdefault(part, {})
    answers[last] = value


def has_turn(answers: Answers) -> bool:
    return get(answers, "turnserver.enabled", False)


def has_web(answers: Answers) -> bool:
    nodes = get(answers, "conferencenodes", [])
    return bool(nodes) and nodes != [TURN_ONLY] and get(answers, "enablewebloadbalance", True)


def has_second(answers: Answers) -> bool:
    return get(answers, "dualnic", False)


def prepared(answers: Answers) -> bool:
    return get(answers, "preparehost", False)


def said(value: Callable[[Answers], Any]) -> Callable[[Answers], str | None]:
    """A default from what is known."""

    def default(answers: Answers) -> str | None:
        found = value(answers)
        if found is None or found == []:
            return None
        if isinstance(found, bool):
            return "yes" if found else "no"
        return " ".join(map(str, found)) if isinstance(found, list) else str(found)

    return default


QUESTIONS = [
    Question(f"networks.{FIRST}.ipaddress", "IP address", checks.host_address, number=1,
             help="of this machine's interface; with two interfaces, of the one that faces the conferencing nodes"),
    Question(f"networks.{FIRST}.netmask", "Subnet mask", checks.netmask, number=2, default=lambda _: "255.255.255.0"),
    Question(f"networks.{FIRST}.gateway", "Default gateway", checks.address, number=3, help="in the same network as the address"),
    Question("managementnetworks", "Network address and subnet mask of a network or host allowed to use SSH", checks.network, number=4, lines=True,
             help="one a line, such as 10.0.50.0 255.255.255.0; an empty line ends. With none, a prepared machine takes no SSH: its console alone is left"),
    Question("hostname", "Hostname", checks.hostname, number=5, default=lambda _: "proxy",
             help="with the domain it is the name by which clients reach the proxy, and that its certificate has"),
    Question("domain", "Domain suffix", checks.domain, number=6),
    Question("dns", "DNS servers, space separated", checks.several(checks.address), number=7),
    Question("ntp", "NTP servers, space separated", checks.several(checks.server), number=8, help="three or more are recommended",
             default=lambda _: "0.debian.pool.ntp.org 1.debian.pool.ntp.org 2.debian.pool.ntp.org"),
    Question("conferencenodes", "IP address of the next conferencing node", checks.node, number=9, lines=True,
             help=f"one a line; an empty line ends. For a TURN server only: {TURN_ONLY}"),
    Question("turnserver", "User name and password of the TURN server, or 'disable'", checks.credentials, number=10, secret=True,
             help="separated by a space, such as: pexip a-long-password. 'disable' when only the reverse proxy is wanted"),
    Question("enablecsp", "Content Security Policy, yes or no", checks.yes_or_no, number=11, default=lambda _: "yes", asked=has_web,
             help="protects against cross-site scripting; 'no' when plug-ins, or branding or pexrtc.js from other hosts, are in use"),
    Question("dualnic", "A second network interface, yes or no", checks.yes_or_no, default=lambda _: "no",
             help="the first one then faces the conferencing nodes, the second one the Internet"),
    Question(f"networks.{SECOND}.ipaddress", "IP address of the second interface", checks.host_address, asked=has_second),
    Question(f"networks.{SECOND}.netmask", "Subnet mask of the second interface", checks.netmask, asked=has_second, default=lambda _: "255.255.255.0"),
    Question(f"networks.{SECOND}.gateway", "Default gateway of the second interface", checks.address, asked=has_second,
             help="the only one: the first interface then has none, and static routes to what lies behind it"),
    Question(f"networks.{FIRST}.routes", "Static route by the first interface", checks.route, asked=has_second, lines=True,
             help="one a line, such as 10.0.50.0 255.255.255.0 via 10.40.0.1; an empty line ends"),
    Question("externalnat", "Public address of the TURN server, when it is behind NAT", checks.address, asked=has_turn, default=lambda _: "none",
             help="the address that callers see, or 'none'"),
    Question("turnserver.clientturn", "TURN for callers, yes or no", checks.yes_or_no, asked=has_turn, default=lambda _: "no",
             help="no: only conferencing nodes relay (restricted); yes: clients with time-limited credentials, too (permissive)"),
    Question("turnserver.port443", "TURN on port 443, too (UDP and TLS), yes or no", checks.yes_or_no, asked=has_turn, default=lambda _: "no",
             help="for callers behind firewalls that let nothing else out; over TCP it shares the port with the web, and over UDP it has it"),
    Question("enablefail2ban", "PIN guard, yes or no", checks.yes_or_no, asked=has_web, default=lambda _: "yes",
             help="bans whoever enters five wrong PINs within five minutes, for five minutes"),
    Question("certificate", "Certificate file (pexip.pem)", str, asked=lambda a: has_web(a) or get(a, "turnserver.port443", False),
             default=lambda _: "/etc/vestibule/pexip.pem", help="server certificate, then its unencrypted key, then intermediates; made self-signed if it isn't there"),
    Question("preparehost", "Prepare this machine's network, firewall, DNS, NTP and SSH as well, yes or no", checks.yes_or_no, default=lambda _: "no",
             help="only for a machine that does nothing else"),
    Question(f"interfaces.{FIRST}", "Name of the first interface", checks.interface, asked=prepared, default=lambda _: "eth0"),
    Question(f"interfaces.{SECOND}", "Name of the second interface", checks.interface, asked=lambda a: prepared(a) and has_second(a), default=lambda _: "eth1"),
]


def check(question: Question, text: str, answers: Answers) -> Any:
    """The value. Raises checks.Wrong."""
    if question.key == "externalnat" and text.lower() == "none":
        return None
    value = question.check(text)
    if question.key == "turnserver":
        if value and (names := [each for each in get(answers, "conferencenodes", []) if not checks.is_address(each.partition(":")[0])]):
            raise checks.Wrong(f"the TURN server knows conferencing nodes by address alone, and {', '.join(names)} is a name: give addresses, or 'disable'")
        kept = {key: each for key, each in get(answers, "turnserver", {}).items() if key not in ("username", "password")}
        return kept | {"enabled": value is not None} | (value or {})
    if question.key.endswith(".gateway"):
        card = question.key.rsplit(".", 1)[0]
        return checks.in_same_network(value, get(answers, f"{card}.ipaddress"), get(answers, f"{card}.netmask"))
    if question.key == f"networks.{SECOND}.ipaddress" and value == get(answers, f"networks.{FIRST}.ipaddress"):
        raise checks.Wrong(f"{value} is the first interface's address")
    return value
