"""What there is to type elsewhere: into the conferencing platform, and into the DNS."""

from installation.from_answers import TURN_PORT, inside, nodes, outside
from installation.questions import Answers, get, has_second, has_turn, has_web


def notes(answers: Answers) -> str:
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
    services = "" if has_web(answers) and has_turn(answers) else " rproxyd" if has_web(answers) else " turnd"
    parts.append(f"""In containers instead of packages: put compose/.env beside deploy/compose.yaml, and compose/secrets beside it,
then `docker compose up --detach{services}` (docs/containers.md).
""")
    if has_web(answers) and len(nodes(answers)) < 3:
        parts.append("Three conferencing nodes or more are recommended, so that one may be missing.\n")
    return "\n".join(parts)


def stun(answers: Answers) -> str:
    if has_second(answers) or get(answers, "externalnat") is None:
        return ("  Where nodes have private addresses behind NAT, and reach this server without it, they need another STUN server,\n"
                "  outside of the firewall: Call Control > STUN Servers, then Platform Configuration > Locations.\n")
    return "  The nodes learn their public address from this server; no STUN server of their own is needed.\n"
