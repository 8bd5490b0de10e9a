"""The networks that the replaced appliance stood in, after its guide: a LAN with two conferencing
nodes, a DMZ with the TURN server, the Internet with callers, and between them a firewall that lets
pass what the guide's Appendix 1 lists. Everything else is dropped and counted.

             LAN 10.40.0.0/24       DMZ 198.51.100.128/25            WAN
    nodes .10, .11 ---------- .1 firewall .129 ---------- turn .130
                                     198.51.100.2 ------- .1 internet (callers 203.0.113.10, .11)
"""

from pathlib import Path

from aioice import stun

from namespaces import Host, Network
from turnd import PASSWORD, REALM, USER, Peer, TurnClient, Turnd

NODES = ["10.40.0.10", "10.40.0.11"]
CALLERS = ["203.0.113.10", "203.0.113.11"]
CALLER_IPV6 = "2001:db8:203::10"
TURN = "198.51.100.130"  # as the world sees it
TURN_IPV6 = "2001:db8:dead::130"
TURN_BEHIND_NAT = "10.0.0.5"
TURN_ON_THE_LAN = "10.40.0.2"  # the second NIC's address
TURN_OUTSIDE = "203.0.113.130"  # a TURN server that stands outside of the firewall
FIREWALL_OUTSIDE = "198.51.100.2"
PORT = 3478
OFFLOAD = False  # every site's turnd relays channels in the kernel

# Named counters: what the firewall dropped. `unasked`: towards the LAN, where nobody had asked.
# `to_lan`, `to_wan`: what was on its way there; `hairpins`: what the DMZ sent to its own outside address.
COUNTERS = "".join(f"counter {name} {{ packets 0 bytes 0 }}\n" for name in ("unasked", "refused", "to_lan", "to_wan", "hairpins"))


def appendix_1(turn: str, more: str = "") -> str:
    """The guide's two tables. `turn` is the server's address in the DMZ; `more`: a site's own rules."""
    nodes = ", ".join(NODES)
    return f"""
table inet site {{
  {COUNTERS}
  chain account {{
    type filter hook forward priority filter - 1; policy accept;
    oifname "lan" counter name to_lan
    oifname "wan" counter name to_wan
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept

    iifname "wan" ip daddr {turn} tcp dport {{ 80, 443 }} accept
    iifname "wan" ip daddr {turn} udp dport 3478 accept
    iifname "wan" ip daddr {turn} udp dport 49152-65535 accept
    iifname "wan" ip6 daddr {TURN_IPV6} udp dport 49152-65535 accept
    iifname "dmz" ip daddr {TURN} counter name hairpins drop
    iifname "dmz" oifname "wan" ip saddr {turn} meta l4proto udp accept
    iifname "dmz" oifname "wan" ip6 saddr {TURN_IPV6} meta l4proto udp accept

    iifname "dmz" oifname "lan" ip saddr {turn} ip daddr {{ {nodes} }} tcp dport 443 accept
    iifname "lan" oifname "dmz" ip saddr {{ {nodes} }} ip daddr {turn} udp dport 3478 accept
    iifname "lan" oifname "wan" ip saddr {{ {nodes} }} udp dport {{ 3478, 19302 }} accept
    {more}
    oifname "lan" counter name unasked drop
    counter name refused drop
  }}
}}
table ip nat {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    iifname "lan" oifname "wan" snat to {FIREWALL_OUTSIDE}
  }}
}}
"""


def static_nat(turns_round: bool) -> str:
    """One address outside for one inside, both ways. `turns_round`: also for what the DMZ sends to
    its own outside address, which few firewalls do."""
    hairpin_in = f'iifname "dmz" ip daddr {TURN} dnat to {TURN_BEHIND_NAT}' if turns_round else ""
    hairpin_out = f'iifname "dmz" oifname "dmz" ip saddr {TURN_BEHIND_NAT} snat to {TURN}' if turns_round else ""
    return f"""
table ip static_nat {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    iifname {{ "wan", "lan" }} ip daddr {TURN} dnat to {TURN_BEHIND_NAT}
    {hairpin_in}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat - 1;
    oifname "wan" ip saddr {TURN_BEHIND_NAT} snat to {TURN}
    {hairpin_out}
  }}
}}
"""


class Site:
    """The hosts, and who acts on them. `closing` is an ExitStack."""

    def __init__(self, closing):
        self.closing = closing
        self.network = closing.enter_context(Network())
        self.firewall: Host = self.network.router("firewall")
        self.internet: Host = self.network.router("internet")
        self.nodes: Host = self.network.host("nodes")
        self.turn: Host = self.network.host("turn")
        self.daemon: Turnd | None = None
        self.network.link(self.firewall, "wan", [f"{FIREWALL_OUTSIDE}/25", "2001:db8:ffff::2/64"],
                          self.internet, "eth0", ["198.51.100.1/25", "2001:db8:ffff::1/64"])
        self.internet.ip(*(f"address add {each}/32 dev lo" for each in CALLERS), f"address add {CALLER_IPV6}/128 dev lo")
        self.firewall.route("default via 198.51.100.1", "default via 2001:db8:ffff::1")

    # ---- the guide's examples

    @classmethod
    def single_nic(cls, closing, more_rules: str = "") -> "Site":
        """"Example deployment: single NIC on public address"."""
        site = cls(closing)
        site._lan_by_cable()
        site._dmz("198.51.100.129/25", f"{TURN}/25", "198.51.100.129")
        site.internet.route("198.51.100.128/25 via 198.51.100.2", "2001:db8:dead::/64 via 2001:db8:ffff::2")
        site.firewall.firewall(appendix_1(TURN, more_rules))
        return site

    @classmethod
    def dual_nic(cls, closing, more_rules: str = "") -> "Site":
        """"Appendix 2": a second NIC on the LAN, the default route by way of the DMZ."""
        site = cls(closing)
        site.network.segment("lan", (site.firewall, "lan", ["10.40.0.1/24"]), (site.turn, "lan", [f"{TURN_ON_THE_LAN}/24"]),
                             (site.nodes, "eth0", [f"{each}/24" for each in NODES]))
        site.nodes.route("default via 10.40.0.1")
        site._dmz("198.51.100.129/25", f"{TURN}/25", "198.51.100.129")
        site.internet.route("198.51.100.128/25 via 198.51.100.2")
        site.firewall.firewall(appendix_1(TURN, more_rules))
        # The LAN's side of the server: what it sends there without having been asked is counted, and
        # goes nowhere. Of IPv4 alone: the kernel says hello in IPv6 to whatever it is plugged into.
        site.turn.firewall(f"""
table ip lan_side {{
  {COUNTERS}
  chain output {{
    type filter hook output priority filter; policy accept;
    oifname "lan" ct state established,related counter name to_lan accept
    oifname "lan" counter name unasked drop
  }}
}}""")
        return site

    @classmethod
    def static_nat(cls, closing, turns_round: bool = False) -> "Site":
        """"Configuring NAT for the TURN server": a private address, of which the world knows another."""
        site = cls(closing)
        site._lan_by_cable()
        site._dmz("10.0.0.1/24", f"{TURN_BEHIND_NAT}/24", "10.0.0.1")
        site.internet.route("198.51.100.128/25 via 198.51.100.2")
        hairpin = 'iifname "dmz" oifname "dmz" meta l4proto udp accept' if turns_round else ""
        site.firewall.firewall(appendix_1(TURN_BEHIND_NAT, hairpin) + static_nat(turns_round))
        return site

    @classmethod
    def turn_outside(cls, closing) -> "Site":
        """The TURN server beyond the firewall, so that it sees the nodes' address behind NAT."""
        site = cls(closing)
        site._lan_by_cable()
        site.network.link(site.internet, "turn", ["203.0.113.129/25"], site.turn, "eth0", [f"{TURN_OUTSIDE}/25"])
        site.turn.route("default via 203.0.113.129")
        site.firewall.firewall(appendix_1(TURN))
        return site

    def _lan_by_cable(self) -> None:
        self.network.link(self.firewall, "lan", ["10.40.0.1/24"], self.nodes, "eth0", [f"{each}/24" for each in NODES])
        self.nodes.route("default via 10.40.0.1")

    def _dmz(self, firewall: str, turn: str, gateway: str) -> None:
        self.network.link(self.firewall, "dmz", [firewall, "2001:db8:dead::129/64"], self.turn, "dmz", [turn, f"{TURN_IPV6}/64"])
        self.turn.route(f"default via {gateway}", "default via 2001:db8:dead::129")

    # ---- who acts there

    def start_turnd(self, folder: Path, listening: str = f"{TURN}:{PORT}", **configured) -> Turnd:
        if OFFLOAD:
            configured = self.with_offload() | configured
        with self.turn:
            self.daemon = self.closing.enter_context(Turnd(folder, {
                "workers": 1,
                "drain_timeout": "0s",
                "realm": REALM,
                "listeners": [{"transport": "udp", "address": listening}],
                "relay": {"addresses": [listening.rpartition(":")[0]]},
                "credentials": {"users": {USER: PASSWORD}},
            } | configured))
        return self.daemon

    def with_offload(self) -> dict:
        """For start_turnd(): its channels are relayed in the kernel."""
        self.network.like_hardware()
        return {"offload": {"mode": "xdp", "interfaces": self.turn.interfaces()}}

    def node(self, address: str = NODES[0], server: str = TURN, **options) -> TurnClient:
        """A conferencing node as a client of the TURN server: UDP, the one port."""
        return self._client(self.nodes, server, address, **options)

    def client(self, address: str = CALLERS[0], server: str = TURN, **options) -> TurnClient:
        """Somebody on the Internet as a client of the TURN server."""
        return self._client(self.internet, server, address, **options)

    def _client(self, host: Host, server: str, source: str, port: int = PORT, **options) -> TurnClient:
        with host:
            return self.closing.enter_context(TurnClient((server, port), source=source, **options))

    def caller(self, address: str = CALLERS[0]) -> Peer:
        """Somebody on the Internet as a peer: what a node's ICE agent meets."""
        with self.internet:
            return self.closing.enter_context(Peer(address))

    def node_as_peer(self, address: str = NODES[0], port: int = 0) -> Peer:
        with self.nodes:
            return self.closing.enter_context(Peer(address, port))

    # ---- what the firewall says

    @staticmethod
    def settled(client: TurnClient) -> None:
        """All that the client has sent has been dealt with: relayed data leaves at the end of the
        wake-up that brought it, and the second question comes with a later one."""
        client.request(stun.Method.BINDING)
        client.request(stun.Method.BINDING)

    def internet_heard(self) -> int:
        """Packets on their way to the Internet."""
        return self.firewall.counted("to_wan")

    def asked_for_nothing(self) -> None:
        """All that came was in Appendix 1's table, and nothing went to the LAN unasked."""
        assert self.firewall.counted("unasked") == 0
        assert self.firewall.counted("refused") == 0
