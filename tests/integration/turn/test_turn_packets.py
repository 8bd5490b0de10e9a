"""What a relayed datagram's IP header says (RFC 8656, section 15), as the other end sees it."""

import socket

import pytest
from aioice import stun

from daemons import HOST
from namespaces import Network
from turnd import Peer, TurnClient, Turnd, configuration

IP_RECVTTL, IP_RECVTOS = 12, 13  # socket has no names for them
EF_ECT0 = 0xB8 | 0x02  # expedited forwarding, with ECN
V4 = {"level": socket.IPPROTO_IP, "tos": socket.IP_TOS, "ttl": socket.IP_TTL,
      "tell": (IP_RECVTOS, IP_RECVTTL), "told": (socket.IP_TOS, socket.IP_TTL)}
V6 = {"level": socket.IPPROTO_IPV6, "tos": socket.IPV6_TCLASS, "ttl": socket.IPV6_UNICAST_HOPS,
      "tell": (socket.IPV6_RECVTCLASS, socket.IPV6_RECVHOPLIMIT), "told": (socket.IPV6_TCLASS, socket.IPV6_HOPLIMIT)}


def of(host: str) -> dict:
    return V6 if ":" in host else V4


def mark(sock: socket.socket, names: dict, tos: int, ttl: int) -> None:
    sock.setsockopt(names["level"], names["tos"], tos)
    sock.setsockopt(names["level"], names["ttl"], ttl)


def tell(sock: socket.socket, names: dict) -> None:
    for option in names["tell"]:
        sock.setsockopt(names["level"], option, 1)


def received(sock: socket.socket, names: dict) -> tuple[bytes, int, int]:
    """The payload, its DSCP and ECN, its TTL."""
    data, control, _flags, _address = sock.recvmsg(65536, 256)
    found = {kind: int.from_bytes(value[:4], "little") for level, kind, value in control if level == names["level"]}
    return data, found[names["told"][0]], found[names["told"][1]]


@pytest.mark.parametrize("host", [HOST, "::1"])
def test_dscp_ecn_and_ttl_go_along_both_ways(start, client, running, host):
    """Rule 31."""
    family = {"REQUESTED-ADDRESS-FAMILY": 2 << 24} if ":" in host else {}
    literal = f"[{host}]" if ":" in host else host
    turnd = start(listeners=[{"transport": "udp", "address": f"{literal}:0"}],
                  relay={"addresses": [host]}, peers={"allow": [host]})
    there = running.enter_context(Peer(host))
    alice = client((host, turnd.port("udp")))
    relayed = alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, **family).attributes["XOR-RELAYED-ADDRESS"]
    alice.bind(0x4000, there.address)
    names = of(host)
    tell(there.socket, names)
    tell(alice.socket, names)

    mark(alice.socket, names, EF_ECT0, 33)
    alice.send_channel(0x4000, b"by channel")
    assert received(there.socket, names) == (b"by channel", EF_ECT0, 32)
    alice.send_indication(there.address, b"by indication")
    assert received(there.socket, names) == (b"by indication", EF_ECT0, 32)
    mark(alice.socket, names, 0, 200)
    alice.send_channel(0x4000, b"unmarked")
    assert received(there.socket, names) == (b"unmarked", 0, 199)

    mark(there.socket, names, 0x28, 77)
    there.send(b"back", relayed)
    assert received(alice.socket, names)[1:] == (0x28, 76)
    mark(there.socket, names, 0x03, 2)
    there.send(b"back", relayed)
    assert received(alice.socket, names)[1:] == (0x03, 1)


MANY = 20  # more in a row than the relay takes for a habit of theirs


@pytest.mark.parametrize("host", [HOST, "::1"])
def test_each_datagram_has_its_own_dscp_and_ttl_whatever_many_before_it_had(start, client, running, host):
    """Rule 31. Sockets are told what most of their datagrams have: it must not stick to another one."""
    family = {"REQUESTED-ADDRESS-FAMILY": 2 << 24} if ":" in host else {}
    literal = f"[{host}]" if ":" in host else host
    turnd = start(listeners=[{"transport": "udp", "address": f"{literal}:0"}], relay={"addresses": [host]}, peers={"allow": [host]})
    there = running.enter_context(Peer(host))
    alice = client((host, turnd.port("udp")))
    relayed = alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, **family).attributes["XOR-RELAYED-ADDRESS"]
    alice.bind(0x4000, there.address)
    names = of(host)
    tell(there.socket, names)
    tell(alice.socket, names)
    series = [(EF_ECT0, 33)] * MANY + [(0, 200), (EF_ECT0, 33)] + [(0, 64)] * MANY + [(0x28, 64)] * MANY + [(0, 2)]
    for tos, ttl in series:
        mark(alice.socket, names, tos, ttl)
        alice.send_channel(0x4000, b"up")
        assert received(there.socket, names) == (b"up", tos, ttl - 1)
    for tos, ttl in series:
        mark(there.socket, names, tos, ttl)
        there.send(b"down", relayed)
        assert received(alice.socket, names)[1:] == (tos, ttl - 1)
    # An answer, which has the system's own TTL, between data that has not.
    mark(there.socket, names, EF_ECT0, 33)
    for _ in range(MANY):
        there.send(b"down", relayed)
        received(alice.socket, names)
    alice.socket.send(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)))
    default = 64 if ":" in host else int(open("/proc/sys/net/ipv4/ip_default_ttl").read())
    assert received(alice.socket, names)[1:] == (0, default)
    there.send(b"down", relayed)
    assert received(alice.socket, names)[1:] == (EF_ECT0, 32)


def test_a_burst_of_a_peers_reaches_the_client_whole(start, client, peer):
    """More than a relay socket is read at a time: it is read again though nothing new comes."""
    alice = client(start())
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    sent = [b"%03d" % i for i in range(100)]
    for each in sent:
        peer.send(each, relayed)
    assert [alice.receive_channel(0x4000) for _ in sent] == sent


def test_nothing_leaves_with_a_ttl_of_0(start, client, peer):
    """Rule 31."""
    alice = client(start())
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    mark(alice.socket, V4, 0, 1)
    alice.send_channel(0x4000, b"at its end")
    mark(alice.socket, V4, 0, 2)
    alice.send_channel(0x4000, b"one hop left")
    assert peer.receive() == (b"one hop left", relayed)
    mark(peer.socket, V4, 0, 1)
    peer.send(b"at its end", relayed)
    mark(peer.socket, V4, 0, 64)
    peer.send(b"fresh", relayed)
    assert alice.receive_channel(0x4000) == b"fresh"


def test_datagrams_of_a_client_on_tcp_have_the_systems_ttl(start, client, peer):
    """RFC 8656, section 16."""
    alice = client(start(), "tcp")
    alice.allocate()
    alice.bind(0x4000, peer.address)
    tell(peer.socket, V4)
    alice.send_channel(0x4000, b"hello")
    default = int(open("/proc/sys/net/ipv4/ip_default_ttl").read())
    assert received(peer.socket, V4) == (b"hello", 0, default)


# ---- fragmentation: a narrow link between the server and its peer

# aioice has no name for it.
stun.ATTRIBUTES_BY_TYPE[0x001A] = (0x001A, "DONT-FRAGMENT", stun.pack_bytes, stun.unpack_bytes)
stun.ATTRIBUTES_BY_TYPE[0x8004] = stun.ATTRIBUTES_BY_NAME["ICMP"] = (0x8004, "ICMP", stun.pack_bytes, stun.unpack_bytes)
stun.ATTRIBUTES_BY_NAME["DONT-FRAGMENT"] = stun.ATTRIBUTES_BY_TYPE[0x001A]
NARROW = 1280
DF = 0x4000


class Narrow:
    """turn .1 -- 10.1.0.0/24 -- router -- 10.2.0.0/24, with a smaller MTU -- .2 peer, and the same in IPv6."""

    def __init__(self, running, tmp_path):
        network = running.enter_context(Network())
        self.turn, router, self.far = network.host("turn"), network.router("router"), network.host("far")
        network.link(self.turn, "eth0", ["10.1.0.1/24", "fd00:1::1/64"], router, "eth0", ["10.1.0.254/24", "fd00:1::fe/64"])
        network.link(router, "eth1", ["10.2.0.254/24", "fd00:2::fe/64"], self.far, "eth0", ["10.2.0.2/24", "fd00:2::2/64"])
        router.ip(f"link set eth1 mtu {NARROW}")
        self.turn.route("default via 10.1.0.254", "default via fd00:1::fe")
        self.far.route("default via 10.2.0.254", "default via fd00:2::fe")
        with self.turn:
            running.enter_context(Turnd(tmp_path, configuration(
                listeners=[{"transport": "udp", "address": "10.1.0.1:3478"}],
                relay={"addresses": ["10.1.0.1", "fd00:1::1"]}, peers={"allow": ["10.2.0.0/24", "fd00:2::/64"]})))
            self.client = running.enter_context(TurnClient(("10.1.0.1", 3478)))
        with self.far:
            self.wire = running.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP))
            self.wire.settimeout(30)
            self.peers = [running.enter_context(Peer("10.2.0.2")), running.enter_context(Peer("fd00:2::2"))]

    def send(self, peer: Peer, payload: bytes, dont_fragment: bool) -> None:
        message = stun.Message(message_method=stun.Method.SEND, message_class=stun.Class.INDICATION)
        message.attributes |= {"XOR-PEER-ADDRESS": peer.address, "DATA": payload}
        if dont_fragment:
            message.attributes["DONT-FRAGMENT"] = b""
        self.client.send(bytes(message))


@pytest.fixture
def narrow(running, tmp_path) -> Narrow:
    return Narrow(running, tmp_path)


def test_dont_fragment_sets_df_on_that_datagram_and_on_no_other(narrow):
    """Rule 8, on the wire; the Allocate may ask for it as well (RFC 8656, section 7.2)."""
    narrow.client.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, DONT_FRAGMENT=b"")
    peer = narrow.peers[0]
    narrow.client.bind(0x4000, peer.address)
    for payload, dont_fragment in ((b"may be", False), (b"may not", True), (b"may again", False)):
        narrow.send(peer, payload, dont_fragment)
        packet = narrow.wire.recv(65536)
        assert packet[28:] == payload
        assert bool(int.from_bytes(packet[6:8], "big") & DF) == dont_fragment, payload
    narrow.client.send_channel(0x4000, b"by channel")
    assert not int.from_bytes(narrow.wire.recv(65536)[6:8], "big") & DF


@pytest.mark.parametrize("family", [4, 6])
def test_a_datagram_too_long_for_the_path(narrow, family):
    """Rules 8 and 30: without DONT-FRAGMENT it arrives in fragments, with it the client is told of the MTU."""
    peer = narrow.peers[0 if family == 4 else 1]
    changes = {} if family == 4 else {"REQUESTED-ADDRESS-FAMILY": 2 << 24}
    narrow.client.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, **changes)
    narrow.client.permit(peer.address)
    payload = bytes(range(256)) * 5 + bytes(100)  # fits our own link
    if family == 4:  # IPv6 routers fragment nothing, and our kernel learns of the MTU first
        narrow.send(peer, payload, dont_fragment=False)
        assert peer.receive()[0] == payload
    narrow.send(peer, payload, dont_fragment=True)
    told = stun.parse_message(narrow.client.receive()).attributes
    assert told["XOR-PEER-ADDRESS"] == peer.address
    kind = (3, 4) if family == 4 else (2, 0)
    assert told["ICMP"] == bytes([0, 0]) + (kind[0] << 9 | kind[1]).to_bytes(2, "big") + NARROW.to_bytes(4, "big")
    narrow.send(peer, payload, dont_fragment=False)
    assert peer.receive()[0] == payload


def test_a_datagram_too_long_for_our_own_link(narrow):
    """Rule 8: it is not sent, and the client is told as a router would tell it."""
    peer = narrow.peers[0]
    narrow.client.allocate()
    narrow.client.permit(peer.address)
    narrow.send(peer, bytes(2000), dont_fragment=True)
    told = stun.parse_message(narrow.client.receive()).attributes
    assert told["XOR-PEER-ADDRESS"] == (peer.address[0], 0), "the kernel doesn't say which port it was"
    assert told["ICMP"] == bytes([0, 0, 6, 4]) + (1500).to_bytes(4, "big")
