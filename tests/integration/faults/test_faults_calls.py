"""System calls that fail as they may: interrupted by signals, taken in part, without a buffer. Whatever is carried arrives whole."""

import errno
import os

import pytest

from daemons import HOST, wait_until
from established import held_by, nothing_is_cut
from flows import CHANNEL, Echo, Flow
from http2 import Http2Client
from rproxyd import answer, request
from turnd import Peer, Reloading
from wire import client_tls, connect

INTERRUPTED = {"interrupt_every": 2}
IN_SIPS = {"short_bytes": 700}
NARROW = {"small_buffers": 16 << 10}  # the kernel takes little at a time, and says EAGAIN most of the time
ALL = INTERRUPTED | IN_SIPS | NARROW
BODY = os.urandom(100_000)


@pytest.mark.parametrize("transport, trouble", [("http", ALL), ("https", ALL), ("https", INTERRUPTED), ("https", IN_SIPS), ("https", NARROW)],
                         ids=["http", "https", "interrupted", "in-sips", "narrow"])
def test_large_bodies_arrive_byte_for_byte_both_ways(start_proxy, new_backend, faults, transport, trouble):
    backend = new_backend(tls=transport == "https")
    proxy = start_proxy(backend.url, environment=faults.environment(), workers=2)
    for name, value in trouble.items():
        setattr(faults, name, value)
    there = None
    with proxy.connect(transport) as client:
        for number in range(2):
            client.send(request("POST", f"/{number}", body=BODY))
            there = there or backend.accept()
            assert there.message().body == BODY
            there.send(answer(200, BODY))
            assert client.message().body == BODY
    assert not trouble.keys() & INTERRUPTED.keys() or faults.interrupted > 5
    assert not trouble.keys() & IN_SIPS.keys() or faults.shortened > 100


def test_http_2_streams_are_whole_and_each_others_equals(start_proxy, new_backend, faults):
    backend = new_backend()
    proxy = start_proxy(backend.url, environment=faults.environment())
    for name, value in ALL.items():
        setattr(faults, name, value)
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        streams = [client.request("GET", f"/{number}") for number in range(8)]
        asked = {}
        for _ in streams:
            there = backend.accept()
            asked[int(there.head().line.split()[1][1:])] = there
        for number, there in asked.items():
            there.send(answer(200, BODY[:20_000 + number]))
        for number, stream in enumerate(streams):
            assert client.answer(stream).body == BODY[:20_000 + number]
    assert faults.interrupted > 5 and faults.shortened > 50


def test_nothing_established_is_cut_when_it_begins(start_proxy, new_backend, faults):
    held, other = new_backend(), new_backend()
    proxy = start_proxy(other.url, environment=faults.environment(), **held_by(held))
    with nothing_is_cut(proxy, held) as established:
        for name, value in ALL.items():
            setattr(faults, name, value)
        for _ in range(20):
            established.lives()
    assert faults.interrupted > 5


@pytest.mark.parametrize("error", [errno.ECONNABORTED, errno.EMFILE, errno.ENOBUFS, errno.ENOMEM], ids=errno.errorcode.get)
def test_a_connection_that_cant_be_accepted_keeps_no_other_out(start_proxy, new_backend, faults, error):
    backend = new_backend()
    proxy = start_proxy(backend.url, environment=faults.environment())
    faults.refuse_accept = error
    clients = [proxy.connect("http") for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(request("GET", f"/{number}", "Connection: close"))
        there = backend.accept()
        assert there.head().line.startswith(f"GET /{number} ")
        there.send(answer(200, b"ok", "Connection: close"))
        assert client.message().body == b"ok"
        client.close()
    assert faults.refused == 1


@pytest.mark.parametrize("daemon", ["rproxyd", "turnd"])
def test_a_listener_that_cant_be_watched_again_is_tried_again(start_proxy, start_turnd, new_backend, faults, daemon):
    """After EMFILE a listener is left alone for a moment; then the kernel may be short of memory (epoll_ctl(2), ENOMEM)."""
    backend = new_backend()
    started = start_proxy(backend.url, environment=faults.environment()) if daemon == "rproxyd" else start_turnd(faults.environment())
    port = started.port("http" if daemon == "rproxyd" else "tcp")
    faults.refuse_accept, faults.refuse_watch = errno.EMFILE, errno.ENOMEM
    with connect(HOST, port) as client:
        wait_until("both have been refused", lambda: faults.refused == 2)
        client.send(b"neither HTTP nor STUN\r\n\r\n")
        client.rest()  # the end comes from who has accepted it


@pytest.mark.parametrize("transport", ["udp", "dtls"])
def test_a_listener_for_datagrams_that_cant_be_watched_yet_serves_as_soon_as_it_can(start_turnd, client, running, certificate, faults, transport):
    reloading = Reloading(start_turnd(faults.environment(), listeners=[{"transport": "tcp", "address": f"{HOST}:0"}]))
    keys = {"certificates": [str(certificate.file())]} if transport == "dtls" else {}
    reloading.config["listeners"].append({"transport": transport, "address": f"{HOST}:0"} | keys)
    faults.refuse_watch = errno.ENOMEM
    reloading.reload()
    alice, peer = client(reloading.turnd, transport), running.enter_context(Peer())
    relayed = alice.allocate()
    alice.bind(CHANNEL, peer.address)
    alice.send_channel(CHANNEL, b"hello")
    assert peer.receive() == (b"hello", relayed)
    assert faults.refused == 1


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "dtls"])
def test_a_relays_packets_arrive_whole_and_in_order(start_turnd, client, running, certificate, faults, transport):
    turnd = start_turnd(faults.environment(), workers=2, listeners=[{"transport": transport, "address": f"{HOST}:0"} | (
        {"certificates": [str(certificate.file())]} if transport in ("tls", "dtls") else {})])
    for name, value in ALL.items():
        setattr(faults, name, value)
    alice, peer = client(turnd, transport), running.enter_context(Peer())
    relayed = alice.allocate()
    alice.bind(CHANNEL, peer.address)
    for number in range(100):
        payload = bytes([number]) * (1 + 11 * number)
        alice.send_channel(CHANNEL, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(payload[::-1], relayed)
        assert alice.receive_channel(CHANNEL) == payload[::-1]
    assert faults.interrupted > 20


def test_a_burst_that_is_sent_in_pieces_arrives_in_order(start_turnd, client, running, faults):
    """sendmmsg(2) that takes one message of many, or none, interrupted."""
    turnd = start_turnd(faults.environment())
    alice, peer = client(turnd), running.enter_context(Peer())
    alice.allocate()
    alice.bind(CHANNEL, peer.address)
    for name, value in (INTERRUPTED | IN_SIPS).items():
        setattr(faults, name, value)
    for burst in range(10):
        sent = [b"%d.%d" % (burst, number) + bytes(number) for number in range(40)]
        for payload in sent:
            alice.send_channel(CHANNEL, payload)
        assert [peer.receive()[0] for _ in sent] == sent


def test_a_datagram_without_a_buffer_is_lost_and_nothing_else(start_turnd, client, running, faults):
    """ENOBUFS: the packet is dropped, as a network would, and counted; the allocation, its channel and its relay live on."""
    turnd = start_turnd(faults.environment())
    alice, peer = client(turnd), running.enter_context(Peer())
    alice.allocate()
    alice.bind(CHANNEL, peer.address)
    faults.no_buffer_every = 2
    sent = [b"%04d" % number for number in range(200)]
    for payload in sent:
        alice.send_channel(CHANNEL, payload)
    wait_until("datagrams without a buffer", lambda: faults.refused)
    faults.no_buffer_every = 0
    alice.send_channel(CHANNEL, b"last")
    came = []
    while not came or came[-1] != b"last":
        came.append(peer.receive()[0])
    assert len(came) < 201
    assert came[:-1] == [each for each in sent if each in came]
    echo = running.enter_context(Echo())
    flow = Flow(client(turnd), echo.peer.address)
    flow.start()
    wait_until("numbers that come back", lambda: flow.passed > 10 or flow.wrong)
    flow.end()
    turnd.stop()
    turnd.wait_for_log("stopped: turnd has ended")
