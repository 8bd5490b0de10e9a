"""The guide's deployments with one and with two network interfaces, between firewalls as in its
Appendix 1: media flows, and nothing goes to the LAN that nobody there has asked for."""

import pytest
from aioice import stun

from appliance import CALLER_IPV6, CALLERS, NODES, TURN, TURN_IPV6, TURN_ON_THE_LAN, Site
from turnd import Refused

LISTENING_ON_BOTH = [{"transport": "udp", "address": f"{each}:3478"} for each in (TURN_ON_THE_LAN, TURN)]


@pytest.fixture
def single(running, tmp_path) -> Site:
    site = Site.single_nic(running)
    site.start_turnd(tmp_path)
    return site


@pytest.fixture
def dual(running, tmp_path) -> Site:
    site = Site.dual_nic(running)
    site.start_turnd(tmp_path, listeners=LISTENING_ON_BOTH, relay={"addresses": [TURN]})
    return site


def media_flows(node, caller) -> None:
    """Both ways between a caller on the Internet and the node's relay address."""
    caller.send(b"from the Internet", node.relayed)
    assert node.receive_channel(0x4000) == b"from the Internet"
    node.send_channel(0x4000, b"from the LAN")
    assert caller.receive() == (b"from the LAN", node.relayed)


# ---- one NIC


def test_single_nic_a_callers_media_reaches_the_node_by_way_of_its_one_port(single):
    node, caller = single.node(), single.caller()
    assert node.allocate()[0] == TURN
    assert 49152 <= node.relayed[1] <= 65535
    node.bind(0x4000, caller.address)
    media_flows(node, caller)
    single.asked_for_nothing()


def test_single_nic_several_nodes_and_callers_at_once(single):
    pairs = [(single.node(node), single.caller(caller)) for node in NODES for caller in CALLERS for _ in range(4)]
    for node, caller in pairs:
        node.allocate()
        node.bind(0x4000, caller.address)
    for node, caller in pairs:
        media_flows(node, caller)
    assert len({node.relayed for node, _ in pairs}) == len(pairs)
    assert all(49152 <= node.relayed[1] <= 65535 for node, _ in pairs), "Appendix 1 has no other ports"
    single.asked_for_nothing()


def test_single_nic_an_ipv6_caller_reaches_an_ipv4_node(running, tmp_path):
    """RFC 8656 7.2: the node's REQUESTED-ADDRESS-FAMILY asks for a relay address that the caller can reach."""
    site = Site.single_nic(running)
    site.start_turnd(tmp_path, relay={"addresses": [TURN, TURN_IPV6]})
    node, caller = site.node(), site.caller(CALLER_IPV6)
    answer = node.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, REQUESTED_ADDRESS_FAMILY=2 << 24)
    node.relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
    assert node.relayed[0] == TURN_IPV6
    node.bind(0x4000, caller.address)
    media_flows(node, caller)
    site.asked_for_nothing()


def test_single_nic_the_lan_hears_only_answers_and_media_it_asked_for(single):
    """Each packet towards the LAN answers a request or carries media that the node has permitted."""
    node, caller, stranger = single.node(), single.caller(), single.caller(CALLERS[1])
    node.allocate()
    node.permit(caller.address)
    before = single.firewall.counted("to_lan")
    for _ in range(20):
        stranger.send(b"unasked", node.relayed)
    caller.send(b"asked", node.relayed)
    assert node.receive_indication() == (caller.address, b"asked")
    assert single.firewall.counted("to_lan") == before + 1
    node.refresh(0)
    before = single.firewall.counted("to_lan")
    caller.send(b"too late", node.relayed)
    single.settled(node)
    assert single.firewall.counted("to_lan") == before + 2, "the two answers"
    single.asked_for_nothing()


@pytest.mark.parametrize("peer", [NODES[0], "10.40.0.1", "10.40.0.99", "127.0.0.1", "169.254.169.254"])
def test_single_nic_nobody_outside_gets_at_the_lan(single, peer):
    """Rules 23 and 33: a peer on the LAN, or of the machine itself, is 403, and no packet leaves for it."""
    outsider = single.client()
    outsider.allocate()
    for refused_request in (lambda: outsider.permit((peer, 40000)), lambda: outsider.bind(0x4000, (peer, 40000))):
        with pytest.raises(Refused) as refused:
            refused_request()
        assert refused.value.code == 403
    outsider.send_indication((peer, 40000), b"let me in")
    Site.settled(outsider)
    assert single.firewall.counted("to_lan") == 0
    single.asked_for_nothing()


def test_single_nic_what_is_allowed_by_mistake_still_ends_at_the_firewall(running, tmp_path):
    """The other half of the proof: these counters do count."""
    site = Site.single_nic(running)
    site.start_turnd(tmp_path, peers={"allow": ["10.40.0.0/24"]})
    outsider = site.client()
    outsider.allocate()
    outsider.bind(0x4000, (NODES[0], 40000))
    outsider.send_channel(0x4000, b"let me in")
    Site.settled(outsider)
    assert site.firewall.counted("unasked") == 1
    assert site.firewall.counted("to_lan") == 1, "the attempt; nothing passed"


def test_single_nic_two_nodes_meet_at_their_relay_addresses(single):
    """A call between nodes of two places, both behind the same server (rule 33: own relay addresses are no strangers)."""
    one, other = single.node(NODES[0]), single.node(NODES[1])
    one.allocate(), other.allocate()
    one.bind(0x4000, other.relayed)
    other.bind(0x4000, one.relayed)
    one.send_channel(0x4000, b"hello")
    assert other.receive_channel(0x4000) == b"hello"
    single.asked_for_nothing()


# ---- two NICs


def test_dual_nic_relays_are_on_the_external_interface(dual):
    node, caller = dual.node(server=TURN_ON_THE_LAN), dual.caller()
    assert node.allocate()[0] == TURN
    node.bind(0x4000, caller.address)
    media_flows(node, caller)
    assert dual.turn.counted("unasked") == 0
    dual.asked_for_nothing()


def test_dual_nic_nobody_outside_gets_at_the_lan(dual):
    outsider = dual.client()
    outsider.allocate()
    for peer in (*NODES, TURN_ON_THE_LAN, "10.40.0.1", "10.0.50.7"):
        with pytest.raises(Refused) as refused:
            outsider.permit((peer, 40000))
        assert refused.value.code == 403
        outsider.send_indication((peer, 40000), b"let me in")
    Site.settled(outsider)
    assert dual.turn.counted("unasked") == 0
    assert dual.turn.counted("to_lan") == 0
    dual.asked_for_nothing()


def test_dual_nic_what_is_allowed_by_mistake_is_seen_on_the_lan_side(running, tmp_path):
    """The other half of the proof: these counters do count."""
    site = Site.dual_nic(running)
    site.start_turnd(tmp_path, listeners=LISTENING_ON_BOTH, relay={"addresses": [TURN]}, peers={"allow": ["10.40.0.0/24"]})
    outsider = site.client()
    outsider.allocate()
    outsider.bind(0x4000, (NODES[0], 40000))
    outsider.send_channel(0x4000, b"let me in")
    Site.settled(outsider)
    assert site.turn.counted("unasked") > 0


def test_dual_nic_the_inner_address_tells_a_node_its_own_address(dual):
    """As the guide says: behind two NICs a node learns nothing of its outside address from here."""
    node = dual.node(server=TURN_ON_THE_LAN)
    mapped = node.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"]
    assert mapped == node.socket.getsockname()


def test_dual_nic_one_listener_for_all_addresses_answers_from_the_one_that_was_asked(running, tmp_path):
    """Rule 32: clients know the server by the address that they asked."""
    site = Site.dual_nic(running)
    site.turn.ip(f"address add {TURN_ON_THE_LAN[:-1]}3/24 dev lan")
    site.start_turnd(tmp_path, "0.0.0.0:3478", relay={"addresses": [TURN]})
    caller = site.caller()
    for node in (site.node(server=TURN_ON_THE_LAN), site.node(server=f"{TURN_ON_THE_LAN[:-1]}3")):
        node.allocate()  # a socket that is connected hears nobody else
        node.bind(0x4000, caller.address)
        media_flows(node, caller)
    assert site.client().allocate()[0] == TURN
    assert site.turn.counted("unasked") == 0
    site.asked_for_nothing()
