"""ICMP errors reach the client whose datagram caused them (RFC 8656, section 11.5), and harm nobody."""

import time

import pytest
from aioice import stun

from daemons import HOST
from turnd import Peer

ICMP = 0x8004
PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}

# aioice has no name for it, and none is needed.
stun.ATTRIBUTES_BY_TYPE[ICMP] = (ICMP, "ICMP", stun.pack_bytes, stun.unpack_bytes)
stun.ATTRIBUTES_BY_NAME["ICMP"] = stun.ATTRIBUTES_BY_TYPE[ICMP]


def receive_icmp(client) -> tuple[tuple[str, int], tuple[int, int], int]:
    """Which peer, type and code, and the error data."""
    message = stun.parse_message(client.receive())
    assert (message.message_method, message.message_class) == (stun.Method.DATA, stun.Class.INDICATION)
    assert "DATA" not in message.attributes
    value = message.attributes["ICMP"]
    assert len(value) == 8 and value[:2] == bytes(2)
    type_and_code = int.from_bytes(value[2:4], "big")
    return message.attributes["XOR-PEER-ADDRESS"], (type_and_code >> 9, type_and_code & 0x1FF), int.from_bytes(value[4:], "big")


def gone(host: str = HOST) -> tuple[str, int]:
    """Where a peer was."""
    with Peer(host) as peer:
        return peer.address


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_closed_port_of_a_peer_is_told(start, client, transport):
    """Rule 30."""
    alice = client(start(), transport)
    alice.allocate()
    where = gone()
    alice.bind(0x4000, where)
    alice.send_channel(0x4000, b"is anybody there?")
    assert receive_icmp(alice) == (where, PORT_UNREACHABLE[4], 0)
    alice.send_indication(where, b"nobody at all?")
    assert receive_icmp(alice) == (where, PORT_UNREACHABLE[4], 0)


def test_a_closed_port_is_told_over_ipv6(start, client):
    """Rule 30."""
    turnd = start(listeners=[{"transport": "udp", "address": "[::1]:0"}], relay={"addresses": ["::1"]}, peers={"allow": ["::1"]})
    alice = client(("::1", turnd.port("udp")))
    alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, **{"REQUESTED-ADDRESS-FAMILY": 2 << 24})
    where = gone("::1")
    alice.permit(where)
    alice.send_indication(where, b"is anybody there?")
    assert receive_icmp(alice) == (where, PORT_UNREACHABLE[6], 0)


def test_an_error_of_one_peer_costs_no_packet_to_another(start, client, peer):
    """Rule 30: what the kernel reports for an earlier datagram is not the fate of the next."""
    alice = client(start())
    relayed = alice.allocate()
    alice.bind(0x4000, gone())
    alice.bind(0x4001, peer.address)
    packets = [number.to_bytes(2, "big") for number in range(100)]
    for packet in packets:
        alice.send_channel(0x4000, packet)
        alice.send_channel(0x4001, packet)
        assert peer.receive() == (packet, relayed)
    peer.send(b"hello", relayed)
    while (data := alice.receive())[:2] != b"\x40\x01":
        assert stun.parse_message(data).attributes["ICMP"]
    assert data[4:] == b"hello"


def test_a_client_is_told_of_so_many_and_no_more(start, client, peer):
    """A client that sends where nobody listens, or somebody who forges errors, floods nobody."""
    alice = client(start())
    relayed = alice.allocate()
    alice.bind(0x4000, gone())
    alice.bind(0x4001, peer.address)
    alice.send_channel(0x4000, b"first")
    receive_icmp(alice)
    begin = time.monotonic()
    for _ in range(500):
        alice.send_channel(0x4000, b"again")
    alice.send_channel(0x4001, b"done")
    assert peer.receive()[0] == b"done"
    peer.send(b"done", relayed)
    told = 0
    while alice.receive()[:2] != b"\x40\x01":
        told += 1
    seconds = int(time.monotonic() - begin) + 2  # as many as it can have begun
    assert told <= 10 * seconds
