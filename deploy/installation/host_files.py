"""A dedicated machine's own files: interfaces, names, time, who may use SSH, services, and a firewall with the ports of the guide's
Appendix 1 and no others."""

import ipaddress
from pathlib import Path

from installation import checks
from installation.from_answers import TURN_ON_443, TURN_PORT, inside, nodes, on_443, outside
from installation.questions import FIRST, SECOND, Answers, get, has_second, has_turn, has_web

RELAY_PORTS = "49152-65535"
HEAD = "# Written by deploy/setup.\n"
UNITS = Path(__file__).resolve().parents[1] / "systemd"
# Of each daemon: what stands in UNITS, and where it goes.
SERVICE_FILES = {
    "rproxyd": {"rproxyd.service": "etc/systemd/system/rproxyd.service", "vestibule-rproxyd.sysusers.conf": "etc/sysusers.d/vestibule-rproxyd.conf",
                "vestibule.tmpfiles.conf": "etc/tmpfiles.d/vestibule.conf", "vestibule-rproxyd.logrotate": "etc/logrotate.d/vestibule-rproxyd"},
    "turnd": {"turnd.service": "etc/systemd/system/turnd.service", "vestibule-turnd.sysusers.conf": "etc/sysusers.d/vestibule-turnd.conf",
              "vestibule.tmpfiles.conf": "etc/tmpfiles.d/vestibule.conf"},
}


def service_files(daemons: list[str], root: Path) -> dict[str, str]:
    """Unless a package has brought them already."""
    return {place: (UNITS / name).read_text() for daemon in daemons if not (root / f"lib/systemd/system/{daemon}.service").exists()
            for name, place in SERVICE_FILES[daemon].items() if (UNITS / name).exists()}


def host_files(answers: Answers) -> dict[str, str]:
    """By path from the root."""
    cards = [FIRST, SECOND] if has_second(answers) else [FIRST]
    files = {f"etc/systemd/network/10-vestibule-{get(answers, f'interfaces.{card}')}.network": networkd(answers, card) for card in cards}
    name, domain = get(answers, "hostname"), get(answers, "domain")
    if get(answers, "managementnetworks"):
        files["etc/ssh/sshd_config.d/vestibule.conf"] = ssh_access(answers)
    return files | {
        "etc/network/interfaces.vestibule": interfaces(answers, cards),
        "etc/resolv.conf": HEAD + f"search {domain}\n" + "".join(f"nameserver {each}\n" for each in get(answers, "dns")),
        "etc/systemd/timesyncd.conf.d/vestibule.conf": HEAD + f"[Time]\nNTP={' '.join(get(answers, 'ntp'))}\n",
        "etc/hostname": f"{name}\n",
        "etc/hosts": HEAD + f"127.0.0.1 localhost\n{inside(answers)} {name}.{domain} {name}\n::1 localhost ip6-localhost ip6-loopback\n",
        "etc/nftables.conf": firewall(answers),
    }


def prefix(answers: Answers, card: str) -> int:
    return ipaddress.IPv4Network(f"0.0.0.0/{get(answers, f'networks.{card}.netmask')}").prefixlen


def gateway(answers: Answers, card: str) -> str | None:
    """One machine has one default gateway: the external interface's."""
    return None if card == FIRST and has_second(answers) else get(answers, f"networks.{card}.gateway")


def networkd(answers: Answers, card: str) -> str:
    lines = [HEAD + "[Match]", f"Name={get(answers, f'interfaces.{card}')}", "", "[Network]",
             f"Address={get(answers, f'networks.{card}.ipaddress')}/{prefix(answers, card)}", "LinkLocalAddressing=no", "IPv6AcceptRA=no"]
    if hop := gateway(answers, card):
        lines.append(f"Gateway={hop}")
    lines += [f"DNS={each}" for each in get(answers, "dns")] + [f"Domains={get(answers, 'domain')}"]
    for route in get(answers, f"networks.{card}.routes", []):
        lines += ["", "[Route]", f"Destination={route['to']}", f"Gateway={route['via']}"]
    return "\n".join(lines) + "\n"


def interfaces(answers: Answers, cards: list[str]) -> str:
    """The classic form, for /etc/network/interfaces, of a machine that has ifupdown."""
    lines = [HEAD + "auto lo", "iface lo inet loopback"]
    for card in cards:
        name = get(answers, f"interfaces.{card}")
        lines += ["", f"auto {name}", f"iface {name} inet static", f"    address {get(answers, f'networks.{card}.ipaddress')}",
                  f"    netmask {get(answers, f'networks.{card}.netmask')}"]
        if hop := gateway(answers, card):
            lines.append(f"    gateway {hop}")
        lines.append(f"    dns-nameservers {' '.join(get(answers, 'dns'))}")
        lines += [f"    post-up ip route add {route['to']} via {route['via']}" for route in get(answers, f"networks.{card}.routes", [])]
    return "\n".join(lines) + "\n"


def firewall(answers: Answers) -> str:
    """Appendix 1: what comes in, and what goes out."""
    into = []
    out = [*[f"ip daddr {each} udp dport 53 accept" for each in get(answers, "dns")],
           *[f"ip daddr {each} tcp dport 53 accept" for each in get(answers, "dns")],
           "udp dport 123 accept"]
    web_addresses = both(answers)
    turn: list[str] = []  # of the machine's own addresses and UDP ports
    if has_web(answers):
        into.append(f"ip daddr {web_addresses} tcp dport {{ 80, 443 }} accept")
        out += dict.fromkeys(node_rule(each) for each in nodes(answers))
    if has_turn(answers):
        turn = [f"{both(answers)} udp %s {TURN_PORT}", f"{outside(answers)} udp %s {RELAY_PORTS}"]
        if on_443(answers):
            turn.append(f"{outside(answers)} udp %s {TURN_ON_443}")
            if not has_web(answers):
                into.append(f"ip daddr {outside(answers)} tcp dport {TURN_ON_443} accept")
        into += [f"ip daddr {each % 'dport'} accept" for each in turn]
        out += [f"ip saddr {each % 'sport'} accept" for each in turn]
    into += [f"ip saddr {each} ip daddr {inside(answers)} tcp dport 22 accept" for each in get(answers, "managementnetworks", [])]
    return f"""#!/usr/sbin/nft -f
{HEAD}flush ruleset
table inet vestibule {{
{untracked(turn)}  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    icmp type {{ echo-request, destination-unreachable, time-exceeded, parameter-problem }} accept
{indented(into)}
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
  chain output {{
    type filter hook output priority filter; policy drop;
    ct state established,related accept
    oif lo accept
    icmp type {{ echo-request, destination-unreachable, time-exceeded, parameter-problem }} accept
{indented(out)}
  }}
}}
"""


def both(answers: Answers) -> str:
    """The machine's own addresses."""
    return f"{{ {inside(answers)}, {outside(answers)} }}" if has_second(answers) else inside(answers)


def untracked(turn: list[str]) -> str:
    """Who may send to TURN's ports doesn't depend on what was sent before: a table of all calls' flows would cost time for each packet, and
    whoever fills it would end them all."""
    if not turn:
        return ""
    return f"""  chain media_in {{
    type filter hook prerouting priority raw; policy accept;
{indented([f"ip daddr {each % 'dport'} notrack" for each in turn])}
  }}
  chain media_out {{
    type filter hook output priority raw; policy accept;
{indented([f"ip saddr {each % 'sport'} notrack" for each in turn])}
  }}
"""


def node_rule(node: str) -> str:
    """A name may mean another address tomorrow, and could not be looked up when the rules are loaded."""
    host, _, port = node.partition(":")
    return f"{f'ip daddr {host} ' if checks.is_address(host) else ''}tcp dport {port or 443} accept"


def ssh_access(answers: Answers) -> str:
    """sshd's own list, which holds without a firewall, too."""
    networks = " ".join(f"*@{each}" for each in get(answers, "managementnetworks"))
    return HEAD + f"AllowUsers {networks}\n"


def indented(rules: list[str]) -> str:
    return "\n".join(f"    {each}" for each in rules)


