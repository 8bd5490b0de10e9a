"""What there is to type elsewhere: into the conferencing platform, into the DNS, and where containers run."""

import ipaddress
from pathlib import Path

from installation import checks, compose_files
from installation.from_answers import TURN_PORT, inside, nodes, outside
from installation.questions import FIRST, Answers, get, has_second, has_turn, has_web


def notes(answers: Answers, output: Path) -> str:
    name = f"{get(answers, 'hostname')}.{get(answers, 'domain')}"
    public = get(answers, "externalnat") or outside(answers)
    parts = []
    if has_turn(answers):
        parts.append(f"""In the conferencing platform
  Call Control > TURN Servers > Add TURN server
    Name        {name}
    Address     {inside(answers)}
    Port        {TURN_PORT}
    Username    {get(answers, "turnserver.username")}
    Password    the one that you chose
  Platform Configuration > Locations: for each location, choose it as TURN server.
{stun(answers)}""")
        if get(answers, "turnserver.sharedsecret"):
            parts.append("For time-limited credentials of clients: the shared secret stands in turnd.json, under credentials.shared_secrets.\n")
    if has_web(answers):
        parts.append(f"""In the DNS of {get(answers, "domain")}
  {name}. 86400 IN A {public}
  _pexapp._tcp.{get(answers, "domain")}. 86400 IN SRV 10 100 443 {name}.

Callers then reach https://{name}/webapp/; `rproxyd doctor --domain {get(answers, "domain")}` follows their way.
""")
    services = [name for name, has in (("rproxyd", has_web(answers)), ("turnd", has_turn(answers))) if has]
    commands = "".join(f"  {each}\n" for each in compose_files.commands(output, services))
    parts.append(f"In containers instead of packages (docs/containers.md): as root, in the folder of compose.yaml\n{commands}")
    for what in out_of_reach(answers):
        parts.append(f"{what} is not in the first interface's network, and no static route leads there by it.\n")
    if has_web(answers) and len(nodes(answers)) < 3:
        parts.append("Three conferencing nodes or more are recommended, so that one may be missing.\n")
    return "\n".join(parts)


def out_of_reach(answers: Answers) -> list[str]:
    """With two interfaces the default route goes outside: what is inside, and lies beyond a router, needs a route of its own."""
    if not has_second(answers):
        return []
    first = f"networks.{FIRST}"
    near = [ipaddress.IPv4Network(f"{get(answers, f'{first}.ipaddress')}/{get(answers, f'{first}.netmask')}", strict=False)]
    near += [ipaddress.IPv4Network(route["to"]) for route in get(answers, f"{first}.routes", [])]
    hosts = [each.partition(":")[0] for each in nodes(answers)]
    wanted = [*get(answers, "managementnetworks", []), *(each for each in hosts if checks.is_address(each))]
    return [each for each in wanted if not any(ipaddress.IPv4Network(each).subnet_of(one) for one in near)]


def stun(answers: Answers) -> str:
    if has_second(answers) or get(answers, "externalnat") is None:
        return ("  Where nodes have private addresses behind NAT, and reach this server without it, they need another STUN server,\n"
                "  outside of the firewall: Call Control > STUN Servers, then Platform Configuration > Locations.\n")
    return "  The nodes learn their public address from this server; no STUN server of their own is needed.\n"
