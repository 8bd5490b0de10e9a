"""Bytes through turnd, over sockets: each direction, each framing, each transport."""

import os
import socket

import pytest
from aioice import stun

from daemons import HOST, wait_until
from turnd import Peer, Refused

SIZES = [0, 1, 2, 3, 4, 160, 1200, 1472]
TRANSPORTS = ["udp", "tcp"]


def test_binding_says_where_the_client_is_seen_from(start, client):
    with client(start()) as asking:
        answer = asking.request(stun.Method.BINDING)
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == asking.socket.getsockname()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_channel_data_arrives_byte_for_byte_both_ways(start, client, peer, transport):
    alice = client(start(), transport)
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    for size in SIZES:
        payload = os.urandom(size)
        alice.send_channel(0x4000, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(payload[::-1], relayed)
        assert alice.receive_channel(0x4000) == payload[::-1]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_indications_arrive_byte_for_byte_both_ways(start, client, peer, transport):
    alice = client(start(), transport)
    relayed = alice.allocate()
    alice.permit(peer.address)
    for size in SIZES:
        payload = os.urandom(size)
        alice.send_indication(peer.address, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(payload[::-1], relayed)
        assert alice.receive_indication() == (peer.address, payload[::-1])


def test_a_burst_arrives_whole_and_in_order(start, client, peer):
    alice = client(start())
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    alice.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    packets = [number.to_bytes(4, "big") + os.urandom(600) for number in range(100)]
    for packet in packets:
        alice.send_channel(0x4000, packet)
    assert [peer.receive()[0] for _ in packets] == packets
    for packet in packets:
        peer.send(packet, relayed)
    assert [alice.receive_channel(0x4000) for _ in packets] == packets


def test_frames_may_arrive_in_pieces_and_several_at_once(start, client, peer):
    alice = client(start(), "tcp")
    alice.allocate()
    alice.bind(0x4000, peer.address)
    frame = b"\x40\x00\x00\x05hello\0\0\0"
    for byte in frame:
        alice.send(bytes([byte]))
    assert peer.receive()[0] == b"hello"
    alice.send(frame * 3 + frame[:6])
    alice.send(frame[6:])
    assert [peer.receive()[0] for _ in range(4)] == [b"hello"] * 4


def test_two_clients_relay_to_each_other(start, client):
    turnd = start()
    alice, bob = client(turnd, "udp"), client(turnd, "tcp")
    alice.allocate(), bob.allocate()
    alice.bind(0x4000, bob.relayed)
    bob.bind(0x4123, alice.relayed)
    alice.send_channel(0x4000, b"hello bob")
    assert bob.receive_channel(0x4123) == b"hello bob"
    bob.send_channel(0x4123, b"hello alice")
    assert alice.receive_channel(0x4000) == b"hello alice"


def test_without_a_permission_nothing_passes(start, client, peer, running):
    stranger = running.enter_context(Peer("127.0.0.2"))
    alice = client(start())
    relayed = alice.allocate()
    alice.permit(peer.address)
    stranger.send(b"let me in", relayed)
    alice.send_indication(stranger.address, b"let me out")
    # What comes behind them arrives, so they have been seen and dropped.
    peer.send(b"hello", relayed)
    assert alice.receive_indication() == (peer.address, b"hello")
    alice.send_indication(peer.address, b"hello")
    assert peer.receive()[0] == b"hello"
    stranger.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        stranger.receive()


def test_a_peer_that_is_gone_ends_nothing(start, client, peer, running):
    alice = client(start())
    relayed = alice.allocate()
    with Peer() as gone:
        alice.bind(0x4000, gone.address)
    alice.bind(0x4001, peer.address)
    for _ in range(5):
        alice.send_channel(0x4000, b"is anybody there?")  # answered by ICMP
    alice.send_channel(0x4001, b"hello")
    assert peer.receive() == (b"hello", relayed)
    peer.send(b"hello", relayed)
    while (data := alice.receive())[:2] != b"\x40\x01":  # it is told of the errors too: test_turn_icmp.py
        assert stun.parse_message(data).message_method == stun.Method.DATA
    assert data[4:] == b"hello"


def test_the_relay_address_is_free_again_after_a_refresh_of_zero(start, client, running):
    alice = client(start())
    relayed = alice.allocate()
    alice.refresh(0)

    def can_be_bound() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(relayed)
            except OSError:
                return False
            return True

    wait_until("the port is free", can_be_bound)
    with pytest.raises(Refused) as refused:
        alice.refresh(600)
    assert refused.value.code == 437


def test_an_allocation_ends_with_its_connection(start, client):
    turnd = start()
    client(turnd).request(stun.Method.BINDING)  # by now it has opened what it needs for itself
    before = turnd.open_descriptors()
    with client(turnd, "tcp") as alice:
        alice.allocate()
        assert turnd.open_descriptors() == before + 2
    wait_until("both sockets are closed", lambda: turnd.open_descriptors() == before)


def test_ports_that_others_hold_are_passed_over(start, client, running):
    first = 20000
    held = 0
    for port in range(first, first + 8):
        probe = running.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            probe.bind((HOST, port))
            held += 1
        except OSError:
            held += 1
    probe.close()  # the last one is free, unless somebody else has it
    alice = client(start(relay={"ports": [first, first + 7]}))
    assert alice.allocate() == (HOST, first + 7)


def test_the_answer_leaves_from_the_address_that_was_asked(start, client):
    turnd = start(listeners=[{"transport": "udp", "address": "0.0.0.0:0"}])
    for host in ("127.0.0.1", "127.0.0.5"):
        # The socket is connected: an answer from another address would never reach it.
        alice = client((host, turnd.port("udp")))
        alice.request(stun.Method.BINDING)
        alice.allocate()


def test_data_leaves_from_the_address_that_was_asked(start, client, peer):
    turnd = start(listeners=[{"transport": "udp", "address": "0.0.0.0:0"}])
    alice = client(("127.0.0.5", turnd.port("udp")))
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    peer.send(b"hello", relayed)
    assert alice.receive_channel(0x4000) == b"hello"


def test_ipv6_clients_relays_and_peers(start, client, running):
    turnd = start(listeners=[{"transport": "udp", "address": "[::1]:0"}],
                  relay={"addresses": ["::1"]}, peers={"allow": ["::1"]})
    there = running.enter_context(Peer("::1"))
    alice = client(("::1", turnd.port("udp")))
    answer = alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, **{"REQUESTED-ADDRESS-FAMILY": 2 << 24})
    relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
    alice.bind(0x4000, there.address)
    alice.send_channel(0x4000, b"hello")
    assert there.receive() == (b"hello", relayed)
    there.send(b"hello", relayed)
    assert alice.receive_channel(0x4000) == b"hello"


def test_two_workers_serve_everybody(start, client, peer):
    turnd = start(workers=2)
    clients = [client(turnd) for _ in range(16)]  # the kernel deals them out by port
    for channel, each in enumerate(clients, 0x4000):
        each.allocate()
        each.bind(channel, peer.address)
        each.send_channel(channel, channel.to_bytes(2, "big"))
        assert peer.receive() == (channel.to_bytes(2, "big"), each.relayed)
    assert len({each.relayed for each in clients}) == len(clients)
    workers = {port // 2 % 2 for _, port in (each.relayed for each in clients)}
    assert workers == {0, 1}, "the ports tell who served whom"


@pytest.mark.parametrize("user, password", [("pexip", "wrong"), ("nobody", "admin123")])
def test_a_wrong_password_or_user_gets_401(start, client, user, password):
    alice = client(start(), user=user, password=password)
    with pytest.raises(Refused) as refused:
        alice.allocate()
    assert refused.value.code == 401


def test_restricted_mode(start, client):
    turnd = start(clients={"turn": ["127.0.0.9"]})
    stranger = client(turnd)
    stranger.request(stun.Method.BINDING)
    with pytest.raises(Refused) as refused:
        stranger.allocate()
    assert refused.value.code == 403


def test_external_addresses_are_told(start, client):
    alice = client(start(relay={"external_addresses": {HOST: "203.0.113.5"}}))
    assert alice.allocate()[0] == "203.0.113.5"


def test_a_stream_that_speaks_something_else_is_closed(start, client):
    stranger = client(start(), "tcp")
    stranger.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert stranger.socket.recv(1) == b""


def test_a_half_frame_is_limited_before_authentication(start, client):
    stranger = client(start(), "tcp")
    stranger.send(b"\x00\x01\xff\xfc\x21\x12\xa4\x42")
    assert stranger.socket.recv(1) == b""
