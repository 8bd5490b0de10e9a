"""The appliance's two modes, between firewalls as in the guide's Appendix 1.

Restricted: STUN for anyone; TURN for the listed nodes, or, where callers may use TURN (the later
appliance's port 443), towards those nodes alone. Permissive: time-limited credentials, any peer.
"""

import base64
import hashlib
import hmac
import time

import pytest
from aioice import stun

from appliance import CALLERS, NODES, TURN, Site
from turnd import Refused

SECRET = "shared between the platform and the server"
# Beyond Appendix 1: media from the server to the nodes' own ports, where peers are the nodes.
MEDIA_TO_NODES = f'iifname "dmz" oifname "lan" ip saddr {TURN} ip daddr {{ {", ".join(NODES)} }} udp dport 10000-49999 accept'
MEDIA_PORT = 40000


def minted(user: str = "guest", seconds: int = 3600, secret: str = SECRET) -> dict:
    """A time-limited credential as the platform makes them: rule 16."""
    name = f"{int(time.time()) + seconds}:{user}"
    password = base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()
    return {"user": name, "password": password}


def refused_with(request) -> int:
    with pytest.raises(Refused) as refused:
        request()
    return refused.value.code


# ---- restricted: the nodes are the clients


@pytest.fixture
def restricted(running, tmp_path) -> Site:
    site = Site.single_nic(running)
    site.start_turnd(tmp_path, clients={"stun": ["any"], "turn": NODES})
    return site


def test_restricted_mode_serves_the_nodes(restricted):
    for address in NODES:
        node, caller = restricted.node(address), restricted.caller()
        node.allocate()
        node.bind(0x4000, caller.address)
        caller.send(b"hello", node.relayed)
        assert node.receive_channel(0x4000) == b"hello"
        node.send_channel(0x4000, b"hello yourself")
        assert caller.receive() == (b"hello yourself", node.relayed)
    restricted.asked_for_nothing()


def test_restricted_mode_answers_stun_from_anywhere_and_refuses_turn(restricted):
    stranger = restricted.client()
    assert stranger.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"] == stranger.socket.getsockname()
    assert refused_with(stranger.allocate) == 403, "with the right password, too"
    assert refused_with(lambda: stranger.refresh(0)) == 403
    assert refused_with(lambda: stranger.permit((CALLERS[1], 40000))) == 403
    restricted.asked_for_nothing()


def test_restricted_mode_can_keep_stun_to_itself_too(running, tmp_path):
    site = Site.single_nic(running)
    site.start_turnd(tmp_path, clients={"stun": NODES, "turn": NODES})
    stranger = site.client()
    stranger.send(bytes(stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)))
    assert site.node().request(stun.Method.BINDING)  # has been served behind the stranger
    stranger.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        stranger.receive()


# ---- restricted: the nodes are the only peers


@pytest.fixture
def nodes_only(running, tmp_path) -> Site:
    site = Site.single_nic(running, MEDIA_TO_NODES)
    site.start_turnd(tmp_path, peers={"deny": ["any"], "allow": NODES}, credentials={"shared_secrets": [SECRET]},
                     listeners=[{"transport": "udp", "address": f"{TURN}:3478"}, {"transport": "tcp", "address": f"{TURN}:443"}])
    return site


@pytest.mark.parametrize("port, transport", [(3478, "udp"), (443, "tcp")])
def test_peers_limited_to_the_nodes_a_caller_reaches_them(nodes_only, port, transport):
    client, node = nodes_only.client(port=port, transport=transport, **minted()), nodes_only.node_as_peer(port=MEDIA_PORT)
    client.allocate()
    client.bind(0x4000, node.address)
    client.send_channel(0x4000, b"from the Internet")
    assert node.receive() == (b"from the Internet", client.relayed)
    node.send(b"from the LAN", client.relayed)
    assert client.receive_channel(0x4000) == b"from the LAN"
    nodes_only.asked_for_nothing()


@pytest.mark.parametrize("peer", ["10.40.0.99", "10.40.0.1", CALLERS[1], "198.51.100.129", "8.8.8.8", TURN])
def test_peers_limited_to_the_nodes_everybody_else_is_403(nodes_only, peer):
    """Rule 23; and nothing was sent there, in any of the three ways."""
    client = nodes_only.client(**minted())
    client.allocate()
    before = nodes_only.internet_heard()
    assert refused_with(lambda: client.permit((peer, MEDIA_PORT))) == 403
    assert refused_with(lambda: client.bind(0x4000, (peer, MEDIA_PORT))) == 403
    assert refused_with(lambda: client.request(stun.Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=(peer, 1))) == 403
    client.send_indication((peer, MEDIA_PORT), b"hello")
    client.send_channel(0x4000, b"hello")
    Site.settled(client)
    assert nodes_only.internet_heard() == before + 5, "the answers"
    assert nodes_only.firewall.counted("to_lan") == 0
    nodes_only.asked_for_nothing()


# ---- permissive


@pytest.fixture
def permissive(running, tmp_path) -> Site:
    site = Site.single_nic(running)
    site.start_turnd(tmp_path, credentials={"users": {"pexip": "admin123"}, "shared_secrets": [SECRET]})
    return site


def test_permissive_mode_a_callers_relay_meets_the_nodes(permissive):
    """Both ends relayed by the same server: the caller with a time-limited credential, the node with its own."""
    node, client = permissive.node(), permissive.client(**minted())
    node.allocate(), client.allocate()
    node.bind(0x4000, client.relayed)
    client.bind(0x4000, node.relayed)
    client.send_channel(0x4000, b"from the Internet")
    assert node.receive_channel(0x4000) == b"from the Internet"
    node.send_channel(0x4000, b"from the LAN")
    assert client.receive_channel(0x4000) == b"from the LAN"
    permissive.asked_for_nothing()


def test_permissive_mode_any_peer_on_the_internet(permissive):
    client, caller = permissive.client(**minted()), permissive.caller(CALLERS[1])
    client.allocate()
    client.bind(0x4000, caller.address)
    client.send_channel(0x4000, b"hello")
    assert caller.receive() == (b"hello", client.relayed)
    permissive.asked_for_nothing()


@pytest.mark.parametrize("credential", [minted(seconds=-1), minted(secret="another one"), {"user": "guest", "password": SECRET}],
                         ids=["expired", "of another secret", "without a time"])
def test_permissive_mode_refuses_what_is_no_valid_credential(permissive, credential):
    """Rule 16."""
    assert refused_with(permissive.client(**credential).allocate) == 401


def test_permissive_mode_does_not_open_the_lan(permissive):
    client = permissive.client(**minted())
    client.allocate()
    for node in NODES:
        assert refused_with(lambda: client.permit((node, MEDIA_PORT))) == 403
        client.send_indication((node, MEDIA_PORT), b"let me in")
    Site.settled(client)
    assert permissive.firewall.counted("to_lan") == 0
    permissive.asked_for_nothing()
