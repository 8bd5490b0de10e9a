"""What a relayed datagram's IP header says (RFC 8656, section 15), as the other end sees it."""

import socket

import pytest
from aioice import stun

from daemons import HOST
from turnd import Peer

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
