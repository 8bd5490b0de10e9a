"""A complete set of answers as a Site."""

import secrets
from pathlib import Path

from installation import checks
from installation.questions import FIRST, SECOND, Answers, get, has_second, has_turn, has_web
from installation.site import TURN_ONLY, Certificate, Guard, Node, Site, Turn, Web

TURN_PORT = 3478
TURN_ON_443 = 443  # UDP, beside what shares TCP with the web
INTERNAL_TCP_PORT = 3479  # where turnd takes what rproxyd hands on from port 443
SECRET_BYTES = 32


def site_of(answers: Answers) -> Site:
    site = Site(turn_on_443=on_443(answers) and has_web(answers))
    if has_web(answers):
        site.web = web(answers)
        site.guard = Guard(enabled=get(answers, "enablefail2ban", False))
    if has_turn(answers):
        site.turn = turn(answers)
    return site


def inside(answers: Answers) -> str:
    return get(answers, f"networks.{FIRST}.ipaddress")


def outside(answers: Answers) -> str:
    return get(answers, f"networks.{SECOND}.ipaddress") if has_second(answers) else inside(answers)


def web(answers: Answers) -> Web:
    addresses = [inside(answers)] + ([outside(answers)] if has_second(answers) else [])
    return Web(listen=addresses, strict_paths=True, nodes=[Node(each) for each in nodes(answers)], certificates=[Certificate(get(answers, "certificate"))],
               content_security_policy="default" if get(answers, "enablecsp", False) else "off")


def nodes(answers: Answers) -> list[str]:
    return [each for each in get(answers, "conferencenodes", []) if each != TURN_ONLY]


def on_443(answers: Answers) -> bool:
    return has_turn(answers) and get(answers, "turnserver.port443", False)


def turn(answers: Answers) -> Turn:
    media = [each for each in get(answers, "medianodes", []) if each not in nodes(answers)]
    hosts = [host for each in nodes(answers) + media if checks.is_address(host := each.partition(":")[0])]
    made = Turn(realm=get(answers, "domain"), listeners=[("udp", f"{inside(answers)}:{TURN_PORT}")], relay_addresses=[outside(answers)],
                users=users(answers))
    if has_second(answers):
        made.listeners.append(("udp", f"{outside(answers)}:{TURN_PORT}"))
    if on_443(answers):
        made.listeners.append(("udp", f"{outside(answers)}:{TURN_ON_443}"))
        # What comes over TLS is rproxyd's to tell from the web, where there is one.
        made.listeners.append(("tcp", f"127.0.0.1:{INTERNAL_TCP_PORT}") if has_web(answers) else ("tls", f"{outside(answers)}:{TURN_ON_443}"))
        made.certificate = Certificate(get(answers, "certificate"))
    if public := get(answers, "externalnat"):
        made.external_addresses = {outside(answers): public}
    if get(answers, "turnserver.clientturn", False):
        made.secrets = [shared_secret(answers)]
        made.peers_allow = hosts
    elif on_443(answers):
        made.peers_allow, made.peers_deny = hosts, ["any"]
    elif nodes(answers) or media:
        made.clients = hosts
    return made


def users(answers: Answers) -> dict[str, str]:
    name, password = get(answers, "turnserver.username"), get(answers, "turnserver.password")
    return {name: password} if name and password else {}


def shared_secret(answers: Answers) -> str:
    """Made once, and kept with the answers."""
    secret = get(answers, "turnserver.sharedsecret") or secrets.token_urlsafe(SECRET_BYTES)
    answers["turnserver"]["sharedsecret"] = secret
    return secret


def created(answers: Answers) -> Path | None:
    """The certificate's file, if one is needed."""
    return Path(get(answers, "certificate")) if has_web(answers) or on_443(answers) else None
