"""The firewall that deploy/setup writes, loaded in a network of its own and probed at every port: the guide's Appendix 1, for whom it
is meant, and nothing else."""

import json
import subprocess

import pytest

import port_probe
from appliance import NODES, TURN, TURN_ON_THE_LAN
from daemons import write_private
from namespaces import Host, Network
from test_deployment import DUAL, SETUP, SINGLE

CALLER, MANAGER, STRANGER_ON_THE_LAN, DNS = "203.0.113.10", "10.0.50.9", "10.40.0.99", "8.8.8.8"
MEDIA = set(range(49152, 65536))
WEB, SSH, STUN = {80, 443}, {22}, {3478}


class Surroundings:
    """The machine, and everybody else behind one router that lets everything pass.

        internet 203.0.113.10, 8.8.8.8 -- router -- .130 machine (dual: also 10.40.0.2 on the LAN)
        manager 10.0.50.9 ----------------/   \\-- 10.40.0.0/24: nodes .10, .11, a stranger .99
    """

    def __init__(self, network: Network, dual: bool):
        self.machine, self.internet, self.lan, self.manager = (network.host(name) for name in ("machine", "internet", "lan", "manager"))
        router = network.router("router")
        network.link(router, "dmz", ["198.51.100.129/25"], self.machine, "dmz", [f"{TURN}/25"])
        network.link(router, "wan", ["203.0.113.1/24"], self.internet, "eth0", [f"{CALLER}/24", f"{DNS}/32"])
        network.link(router, "management", ["10.0.50.1/24"], self.manager, "eth0", [f"{MANAGER}/24"])
        lan = [(router, "lan", ["10.40.0.1/24"]), (self.lan, "eth0", [f"{each}/24" for each in (*NODES, STRANGER_ON_THE_LAN)])]
        network.segment("lan", *lan, *([(self.machine, "lan", [f"{TURN_ON_THE_LAN}/24"])] if dual else []))
        self.machine.route("default via 198.51.100.129", *(["10.0.50.0/24 via 10.40.0.1"] if dual else []))
        self.internet.route("default via 203.0.113.1")
        self.lan.route("default via 10.40.0.1")
        self.manager.route("default via 10.0.50.1")
        router.route(f"{DNS}/32 via {CALLER}")

    def lets_in(self, sender: Host, source: str, destination: str, tcp: set[int], udp: set[int]) -> None:
        """These ports and no others."""
        expected = {"tcp": tcp, "udp": udp}
        assert port_probe.into(self.machine, sender, source, destination, expected) == expected

    def lets_out(self, destination: str, tcp: set[int], udp: set[int], source_port: int = 40000) -> None:
        expected = {"tcp": tcp, "udp": udp}
        assert port_probe.out_of(self.machine, TURN, destination, expected, source_port) == expected


@pytest.fixture
def loaded(running, tmp_path):
    def load(answers: dict) -> Surroundings:
        here = Surroundings(running.enter_context(Network()), answers.get("dualnic", False))
        path = write_private(tmp_path / "answers.json", json.dumps(answers))
        done = subprocess.run([SETUP, "--answers", path, "--output", tmp_path / "out", "--root", tmp_path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        here.machine.run("nft", "-f", str(tmp_path / "out/etc/nftables.conf"))
        return here

    return load


def with_turn(answers: dict, **turnserver) -> dict:
    return answers | {"turnserver": answers["turnserver"] | turnserver}


@pytest.mark.parametrize("permissive", [False, True])
@pytest.mark.parametrize("on_443", [False, True])
def test_one_interface(loaded, permissive, on_443):
    """Who may relay is turnd's to say; the ports are the same."""
    here = loaded(with_turn(SINGLE, clientturn=permissive, port443=on_443))
    turn = STUN | MEDIA | ({443} if on_443 else set())
    here.lets_in(here.internet, CALLER, TURN, WEB, turn)
    here.lets_in(here.manager, MANAGER, TURN, WEB | SSH, turn)


def test_two_interfaces(loaded):
    here = loaded(DUAL)
    here.lets_in(here.internet, CALLER, TURN, WEB, STUN | MEDIA)
    here.lets_in(here.lan, NODES[0], TURN_ON_THE_LAN, WEB, STUN)
    here.lets_in(here.manager, MANAGER, TURN_ON_THE_LAN, WEB | SSH, STUN)
    here.lets_in(here.manager, MANAGER, TURN, WEB, STUN | MEDIA)  # SSH is for the internal interface alone


def test_what_goes_out(loaded):
    here = loaded(SINGLE)
    time = {123}  # servers are named, and a name may mean another address tomorrow
    here.lets_out(DNS, {53}, {53} | time)
    here.lets_out(CALLER, set(), time)
    here.lets_out(NODES[1], {443}, time)
    here.lets_out(STRANGER_ON_THE_LAN, set(), time)
    for own in (50000, 3478):
        here.lets_out(CALLER, set(), set(port_probe.PORTS), source_port=own)  # media, and TURN's answers, go to any port


def test_no_flow_of_turn_is_kept_in_a_table(loaded):
    """Which somebody could fill: of 16385 ports that a stranger sent to, and of answers, nothing is tracked."""
    here = loaded(SINGLE | {"conferencenodes": ["169.254.0.1"]})
    here.lets_in(here.internet, CALLER, TURN, set(), STUN | MEDIA)
    here.lets_out(CALLER, set(), set(port_probe.PORTS), source_port=3478)
    tracked = int(here.machine.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count"))
    assert tracked < 16


@pytest.mark.parametrize("answers, tcp, udp", [
    (SINGLE | {"turnserver": {"enabled": False}}, WEB, set()),
    (SINGLE | {"conferencenodes": ["169.254.0.1"]}, set(), STUN | MEDIA),
    (with_turn(SINGLE | {"conferencenodes": ["169.254.0.1"]}, port443=True), {443}, STUN | MEDIA | {443}),
    (SINGLE | {"managementnetworks": []}, WEB, STUN | MEDIA),
], ids=["proxy only", "TURN only", "TURN only, on 443 as well", "no SSH"])
def test_what_is_not_there_has_no_port(loaded, answers, tcp, udp):
    here = loaded(answers)
    here.lets_in(here.internet, CALLER, TURN, tcp, udp)
    here.lets_in(here.manager, MANAGER, TURN, tcp | (SSH if answers["managementnetworks"] else set()), udp)


def test_a_node_that_is_a_name_needs_no_dns_when_the_rules_are_loaded(loaded):
    here = loaded(SINGLE | {"conferencenodes": ["node.example.com:8443"], "turnserver": {"enabled": False}})
    here.lets_out(STRANGER_ON_THE_LAN, {8443}, {123})
