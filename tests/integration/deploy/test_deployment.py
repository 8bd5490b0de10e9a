"""The guide's deployments between its firewalls, on a machine on which nothing but deploy/setup has been used: its own interface files,
firewall, users, units and configurations, and then calls through it."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from appliance import CALLERS, NODES, TURN, TURN_ON_THE_LAN, Site
from daemons import wait_until, write_private
from demo_node.process import DemoNode
from machine import ROOT, Machine
from terminal import Terminal
from turnd import Refused

SETUP = ROOT / "deploy/setup"
SINGLE = {
    "networks": {"nic0": {"ipaddress": TURN, "netmask": "255.255.255.128", "gateway": "198.51.100.129"}},
    "managementnetworks": ["10.0.50.0/24"], "hostname": "proxy", "domain": "example.com", "dns": ["8.8.8.8", "8.8.4.4"],
    "ntp": ["0.no.pool.ntp.org", "1.no.pool.ntp.org", "2.no.pool.ntp.org"], "conferencenodes": NODES,
    "turnserver": {"enabled": True, "username": "pexip", "password": "admin123"}, "enablecsp": True,
    "preparehost": True, "interfaces": {"nic0": "dmz"},
}
DUAL = SINGLE | {
    "networks": {"nic0": {"ipaddress": TURN_ON_THE_LAN, "netmask": "255.255.255.0", "gateway": "10.40.0.1", "routes": [{"to": "10.0.50.0/24", "via": "10.40.0.1"}]},
                 "nic1": {"ipaddress": TURN, "netmask": "255.255.255.128", "gateway": "198.51.100.129"}},
    "dualnic": True, "interfaces": {"nic0": "lan", "nic1": "dmz"},
}
TYPED = [TURN, "255.255.255.128", "198.51.100.129", "10.0.50.0 255.255.255.0", "", "proxy", "example.com", "8.8.8.8 8.8.4.4",
         "0.no.pool.ntp.org 1.no.pool.ntp.org 2.no.pool.ntp.org", *NODES, "", "pexip admin123", "yes",
         *[""] * 6, "yes", "dmz"]  # the newer questions' defaults; this machine's interface


class Deployed:
    """A site whose machine in the DMZ has nothing but its cables."""

    def __init__(self, running, tmp_path: Path, site: Site, *node_flags: str):
        self.site, self._running = site, running
        site.turn.ip(*(f"address flush dev {each}" for each in cards(site)))
        site.turn.run("nft", "flush", "ruleset")
        self.machine = running.enter_context(Machine(site.turn, tmp_path / "proxy"))
        self.nodes = []
        for number, address in enumerate(NODES, 1):
            with site.nodes:
                self.nodes.append(running.enter_context(DemoNode(*node_flags, name=f"node{number}", listen=f"{address}:443")))

    def set_up(self, answers: dict) -> str:
        write_private(self.machine.root / "root/answers.json", json.dumps(answers))
        return self.machine.run(SETUP, "--answers", "/root/answers.json", "--output", "/root/out") + \
            self.machine.run(SETUP, "--output", "/root/out", "--apply", "--yes")

    def begin(self, networkd: bool = False) -> None:
        """What the wizard says at its end is to be done."""
        self.machine.run("sh", "-c", "systemd-sysusers && systemd-tmpfiles --create vestibule.conf")
        self.machine.run("sh", "-c", "chgrp vestibule /etc/vestibule/* && chmod 640 /etc/vestibule/*")
        if networkd:
            self.machine.launch("networkd", "/lib/systemd/systemd-networkd")
            self._wait_for_routes()
        else:
            self.machine.run("ifup", "--all", "--force", "--interfaces=/etc/network/interfaces.vestibule")
        self.machine.run("nft", "-f", "/etc/nftables.conf")
        for daemon in ("rproxyd", "turnd"):
            if (self.machine.root / f"etc/vestibule/{daemon}.json").exists():
                self.machine.run(daemon, "check", "--config", f"/etc/vestibule/{daemon}.json")
                self.machine.start(daemon)

    def _wait_for_routes(self) -> None:
        wait_until("networkd has configured", lambda: "default via 198.51.100.129" in self.site.turn.run("ip", "route"))

    def page(self, path: str, *options: str) -> str:
        """As a caller on the Internet sees it."""
        return self.site.internet.run("curl", "--silent", "--show-error", "--insecure", "--max-time", "20", "--interface", CALLERS[0],
                                      "--resolve", f"proxy.example.com:443:{TURN}", *options, f"https://proxy.example.com{path}")

    def joins_a_conference(self) -> None:
        answer = json.loads(self.page("/api/client/v2/conferences/open/request_token", "--json", '{"display_name": "a caller"}'))
        assert answer["status"] == "success" and answer["result"]["token"]
        assert "<html" in self.page("/webapp/", "--location").lower()
        assert "https://proxy.example.com/" in self.site.internet.run("curl", "--silent", "--head", "--interface", CALLERS[0], f"http://{TURN}/",
                                                                      "--header", "Host: proxy.example.com")

    def call_is_relayed(self, node: str, server: str = TURN) -> None:
        """Restricted: the node's own allocation, and a caller on the Internet as its peer, both ways."""
        client, caller = self.site.node(node, server), self.site.caller()
        assert client.allocate()[0] == TURN and 49152 <= client.relayed[1] <= 65535
        client.bind(0x4000, caller.address)
        caller.send(b"from the Internet", client.relayed)
        assert client.receive_channel(0x4000) == b"from the Internet"
        client.send_channel(0x4000, b"from the LAN")
        assert caller.receive() == (b"from the LAN", client.relayed)

    def callers_relay_to(self, node: str, secret: str, *ways: tuple[str, int]) -> None:
        """Permissive: a caller on the Internet with a time-limited credential, and the node's media port as its peer, both ways."""
        name = f"{int(time.time()) + 3600}:carol"
        password = base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()
        peer = self.site.node_as_peer(node, 40000)
        for transport, port in ways:
            client = self.site.client(user=name, password=password, transport=transport, port=port)
            client.allocate()
            client.bind(0x4000, peer.address)
            client.send_channel(0x4000, b"from the Internet")
            assert peer.receive() == (b"from the Internet", client.relayed)
            peer.send(b"from the LAN", client.relayed)
            assert client.receive_channel(0x4000) == b"from the LAN"


def cards(site: Site) -> list[str]:
    return [name for each in site.turn.run("ip", "-o", "link").splitlines() if (name := each.split(": ")[1].partition("@")[0]) != "lo"]


def test_the_guides_example_by_the_wizard_alone(running, tmp_path):
    here = Deployed(running, tmp_path, Site.single_nic(running))
    said = here.set_up(SINGLE)
    assert "_pexapp._tcp.example.com. 86400 IN SRV 10 100 443 proxy.example.com." in said and f"Address     {TURN}" in said
    here.begin()
    here.joins_a_conference()
    for node in NODES:
        here.call_is_relayed(node)
    with pytest.raises(Refused, match="403"):
        here.site.client().allocate()  # restricted: not for callers
    here.site.asked_for_nothing()


def test_the_guides_example_typed_at_a_terminal_and_begun_by_networkd(running, tmp_path):
    here = Deployed(running, tmp_path, Site.single_nic(running))
    with here.site.turn:
        terminal = Terminal(here.machine.command("sh", "-c", f"cd /root && exec {SETUP}"))
    terminal.until("IP address:")
    review = terminal.type(*TYPED)
    assert TURN in review and "admin123" not in review and "pexip ********" in review
    assert "yes or no [no]" in terminal.type("write")
    terminal.send("yes")
    assert terminal.end() == 0 and "Done." in terminal.shown
    here.begin(networkd=True)
    here.joins_a_conference()
    here.call_is_relayed(NODES[0])
    here.site.asked_for_nothing()


@pytest.mark.parametrize("networkd", [False, True])
def test_two_interfaces(running, tmp_path, networkd):
    """Appendix 2: the nodes reach TURN on the LAN, callers come to the DMZ, and the management network has its route."""
    here = Deployed(running, tmp_path, Site.dual_nic(running))
    here.set_up(DUAL)
    here.begin(networkd)
    wait_until("the management network's route", lambda: "10.0.50.0/24 via 10.40.0.1 dev lan" in here.site.turn.run("ip", "route"))
    assert here.site.turn.run("ip", "route").count("default") == 1
    here.joins_a_conference()
    here.call_is_relayed(NODES[1], TURN_ON_THE_LAN)
    here.site.asked_for_nothing()


def test_permissive_with_turn_on_443(running, tmp_path):
    """A caller relays towards a node with a time-limited credential: on port 3478, and over UDP and TLS on 443, beside the web."""
    more = f'iifname "wan" ip daddr {TURN} udp dport 443 accept\n' \
           f'iifname "dmz" oifname "lan" ip saddr {TURN} ip daddr {{ {", ".join(NODES)} }} udp dport 40000-49999 accept'
    here = Deployed(running, tmp_path, Site.single_nic(running, more))
    here.set_up(SINGLE | {"turnserver": SINGLE["turnserver"] | {"clientturn": True, "port443": True}})
    here.begin()
    here.joins_a_conference()
    secret = json.loads((here.machine.root / "root/out/answers.json").read_text())["turnserver"]["sharedsecret"]
    here.callers_relay_to(NODES[0], secret, ("udp", 3478), ("udp", 443), ("tls", 443))
    here.call_is_relayed(NODES[1])
