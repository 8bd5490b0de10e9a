"""Static NAT in front of the server (`external_addresses`), and nodes behind NAT that learn their
reflexive address, between firewalls as in the guide's Appendix 1."""

import pytest
from aioice import stun

from appliance import (CALLERS, FIREWALL_OUTSIDE, NODES, TURN, TURN_BEHIND_NAT, TURN_OUTSIDE, Site)
from turnd import Refused

BEHIND_NAT = {"relay": {"addresses": [TURN_BEHIND_NAT], "external_addresses": {TURN_BEHIND_NAT: TURN}}}


@pytest.fixture
def site(running, tmp_path) -> Site:
    site = Site.static_nat(running)
    site.start_turnd(tmp_path, f"{TURN_BEHIND_NAT}:3478", **BEHIND_NAT)
    return site


# ---- static NAT


def test_static_nat_the_relay_address_is_the_outside_one_and_works(site):
    """Rule 10: external addresses are told per address and family."""
    node, caller = site.node(), site.caller()
    assert node.allocate()[0] == TURN
    node.bind(0x4000, caller.address)
    caller.send(b"from the Internet", node.relayed)
    assert node.receive_channel(0x4000) == b"from the Internet"
    node.send_channel(0x4000, b"from the LAN")
    assert caller.receive() == (b"from the LAN", node.relayed)
    site.asked_for_nothing()


def test_static_nat_the_node_may_use_the_inside_address_too(site):
    node, caller = site.node(server=TURN_BEHIND_NAT), site.caller()
    assert node.allocate()[0] == TURN
    node.permit(caller.address)
    caller.send(b"hello", node.relayed)
    assert node.receive_indication() == (caller.address, b"hello")
    site.asked_for_nothing()


def test_static_nat_a_client_outside_is_told_where_it_is_seen_from(site):
    client = site.client()
    assert client.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"] == client.socket.getsockname()
    site.asked_for_nothing()


@pytest.mark.parametrize("listener", [TURN, TURN_BEHIND_NAT])
def test_static_nat_the_servers_own_listener_is_no_peer_by_either_address(site, listener):
    """Rule 33: to relay to oneself is a loop, also by way of the outer address."""
    client = site.client()
    client.allocate()
    before = site.firewall.counted("hairpins")
    # By its inner address it is refused at once; the outer address is also that of all relays.
    try:
        client.permit((listener, 3478))
    except Refused as refused:
        assert (refused.code, listener) == (403, TURN_BEHIND_NAT)
    client.send_indication((listener, 3478), b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12))
    Site.settled(client)
    assert site.firewall.counted("hairpins") == before
    site.asked_for_nothing()


def hairpin(site) -> None:
    """Two callers, each of them with a relay address that the other one sends to."""
    alice, bob = site.client(CALLERS[0]), site.client(CALLERS[1])
    alice.allocate(), bob.allocate()
    alice.bind(0x4000, bob.relayed)
    bob.bind(0x4000, alice.relayed)
    alice.send_channel(0x4000, b"hello bob")
    assert bob.receive_channel(0x4000) == b"hello bob"
    bob.send_channel(0x4000, b"hello alice")
    assert alice.receive_channel(0x4000) == b"hello alice"


def test_static_nat_two_relays_meet_where_the_firewall_turns_packets_round(running, tmp_path):
    site = Site.static_nat(running, turns_round=True)
    site.start_turnd(tmp_path, f"{TURN_BEHIND_NAT}:3478", **BEHIND_NAT)
    hairpin(site)
    site.asked_for_nothing()


def test_static_nat_two_relays_meet_without_the_firewalls_help(site):
    """Most firewalls drop what the DMZ sends to its own outside address: the server must not need it."""
    hairpin(site)
    assert site.firewall.counted("hairpins") == 0
    site.asked_for_nothing()


# ---- a node behind NAT


def test_a_node_behind_nat_learns_its_reflexive_address(running, tmp_path):
    """RFC 8489 6.3.1, and the guide's "reflexive address": what the firewall makes of the node's."""
    site = Site.turn_outside(running)
    site.start_turnd(tmp_path, f"{TURN_OUTSIDE}:3478")
    for address in NODES:
        node = site.node(address, TURN_OUTSIDE)
        mapped = node.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"]
        assert mapped[0] == FIREWALL_OUTSIDE
        assert node.socket.getsockname()[0] == address
    site.asked_for_nothing()


def test_the_reflexive_address_is_one_that_a_caller_reaches(running, tmp_path):
    """The hole that STUN has opened: the firewall lets answers to the server alone through it, and the
    relay of a node behind NAT works as any other."""
    site = Site.turn_outside(running)
    site.start_turnd(tmp_path, f"{TURN_OUTSIDE}:3478")
    node, caller = site.node(server=TURN_OUTSIDE), site.caller()
    mapped = node.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"]
    node.allocate()
    node.bind(0x4000, caller.address)
    caller.send(b"through the relay", node.relayed)
    assert node.receive_channel(0x4000) == b"through the relay"
    caller.send(b"past the server", mapped)
    caller.send(b"through the relay again", node.relayed)
    assert node.receive_channel(0x4000) == b"through the relay again"
    assert site.firewall.counted("unasked") == 0
