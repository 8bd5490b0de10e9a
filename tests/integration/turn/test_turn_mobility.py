"""RFC 8016 over sockets: an allocation goes with its client to another address, another transport,
and to the worker that the kernel deals the new address to."""

import re
import signal
import socket
import subprocess

import pytest
from aioice import stun

from daemons import HOST, wait_until
from turnd import PASSWORD, UDP_TRANSPORT, USER, Refused

MOVES = 24  # by then the kernel has dealt the client to another worker many times
WORKERS = [1, 2, 4]


def mobile_allocation(alice) -> bytes:
    answer = alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP_TRANSPORT, MOBILITY_TICKET=b"")
    alice.relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
    return answer.attributes["MOBILITY-TICKET"]


def move(fresh, ticket: bytes, **more) -> bytes:
    return fresh.request(stun.Method.REFRESH, MOBILITY_TICKET=ticket, **more).attributes["MOBILITY-TICKET"]


@pytest.mark.parametrize("workers", WORKERS)
def test_a_client_keeps_its_allocation_wherever_it_goes(start, client, peer, workers):
    turnd = start(workers=workers, clients={"mobility": True})
    alice = client(turnd)
    ticket = mobile_allocation(alice)
    relayed = alice.relayed
    alice.bind(0x4000, peer.address)
    for number in range(MOVES):
        fresh = client(turnd, "tcp" if number % 3 == 2 else "udp")
        ticket = move(fresh, ticket)
        # Until the new one is used, everything goes the old way.
        peer.send(b"before", relayed)
        assert alice.receive_channel(0x4000) == b"before"
        alice.send_channel(0x4000, b"old")
        assert peer.receive() == (b"old", relayed)
        fresh.send_channel(0x4000, b"new")
        assert peer.receive() == (b"new", relayed)
        peer.send(b"after", relayed)
        assert fresh.receive_channel(0x4000) == b"after"
        with pytest.raises(Refused) as refused:
            alice.refresh(600)
        assert refused.value.code == 437
        alice.close()
        alice = fresh
    before = turnd.open_descriptors()
    alice.refresh(0)
    wait_until("the relay socket is closed", lambda: turnd.open_descriptors() < before)


@pytest.mark.parametrize("workers", WORKERS)
def test_an_allocation_waits_for_a_client_whose_connection_broke(start, client, peer, workers):
    turnd = start(workers=workers, clients={"mobility": True})
    alice = client(turnd, "tcp")
    ticket = mobile_allocation(alice)
    relayed = alice.relayed
    alice.bind(0x4000, peer.address)
    for _ in range(8):
        alice.close()
        alice = client(turnd, "tcp")
        ticket = move(alice, ticket)
        alice.send_channel(0x4000, b"back")
        assert peer.receive() == (b"back", relayed)


@pytest.mark.parametrize("workers", WORKERS)
def test_many_move_at_once(start, client, peer, workers):
    turnd = start(workers=workers, clients={"mobility": True})
    movers = []
    for number in range(16):
        alice = client(turnd)
        movers.append((alice, mobile_allocation(alice)))
        alice.bind(0x4000 + number, peer.address)
    for _ in range(3):
        moved = []
        for number, (alice, ticket) in enumerate(movers):
            fresh = client(turnd)
            moved.append((fresh, move(fresh, ticket), alice.relayed))
            fresh.relayed = alice.relayed
        for number, (fresh, _ticket, _relayed) in enumerate(moved):
            fresh.send_channel(0x4000 + number, number.to_bytes(2, "big"))
        came = {peer.receive() for _ in moved}
        assert came == {(number.to_bytes(2, "big"), relayed) for number, (_, _, relayed) in enumerate(moved)}
        movers = [(fresh, ticket) for fresh, ticket, _ in moved]


@pytest.mark.parametrize("workers", WORKERS)
def test_a_ticket_is_worth_nothing_to_others(start, client, peer, workers):
    turnd = start(workers=workers, clients={"mobility": True}, credentials={"users": {"bob": "builder"}})
    alice = client(turnd)
    ticket = mobile_allocation(alice)
    for _ in range(6):
        for user, password, code in (("bob", "builder", 441), (USER, "wrong", 401)):
            with pytest.raises(Refused) as refused:
                move(client(turnd, user=user, password=password), ticket)
            assert refused.value.code == code
        with pytest.raises(Refused) as refused:
            move(client(turnd), ticket[:-1] + bytes([ticket[-1] ^ 1]))
        assert refused.value.code == 400
    alice.refresh(600)


def test_mobility_is_off_unless_asked_for(start, client):
    with pytest.raises(Refused) as refused:
        mobile_allocation(client(start()))
    assert refused.value.code == 405


def test_sigterm_waits_for_a_moved_allocation(start, client, peer):
    turnd = start(workers=4, drain_timeout="60s", clients={"mobility": True})
    alice = client(turnd)
    ticket = mobile_allocation(alice)
    alice.bind(0x4000, peer.address)
    moved = client(turnd)
    ticket = move(moved, ticket)
    moved.send_channel(0x4000, b"here")
    assert peer.receive()[0] == b"here"
    turnd.signal(signal.SIGTERM)
    turnd.wait_for_log("drain")
    moved.send_channel(0x4000, b"still here")
    assert peer.receive()[0] == b"still here"
    moved.refresh(0)
    turnd.wait()


@pytest.mark.parametrize("workers", [1, 4])
def test_reservation_tokens_are_good_at_every_worker(start, client, peer, workers):
    """Rule 5: the odd port is held, and belongs to whoever has the token, wherever it arrives."""
    turnd = start(workers=workers)
    for _ in range(8):
        alice, bob = client(turnd), client(turnd)
        answer = alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP_TRANSPORT, EVEN_PORT=b"\x80")
        host, port = answer.attributes["XOR-RELAYED-ADDRESS"]
        assert port % 2 == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, pytest.raises(OSError):
            probe.bind((host, port + 1))
        second = bob.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP_TRANSPORT,
                             RESERVATION_TOKEN=answer.attributes["RESERVATION-TOKEN"])
        assert second.attributes["XOR-RELAYED-ADDRESS"] == (host, port + 1)
        bob.bind(0x4000, peer.address)
        bob.send_channel(0x4000, b"odd")
        assert peer.receive() == (b"odd", (host, port + 1))


@pytest.mark.parametrize("options", [[], ["-t"]], ids=["udp", "tcp"])
def test_coturns_client_moves(start, options):
    turnd = start(workers=2, clients={"mobility": True, "rfc5766_channels": True})
    done = subprocess.run(
        ["turnutils_uclient", "-M", "-p", str(turnd.port("tcp" if options else "udp")), "-m", "2", "-n", "40", "-l", "171",
         "-z", "5", "-u", USER, "-w", PASSWORD, "-y", *options, HOST], capture_output=True, text=True, timeout=120)
    report = done.stdout + done.stderr
    lost = re.search(r"Total lost packets (\d+) ", report)
    assert lost and lost[1] == "0", report
