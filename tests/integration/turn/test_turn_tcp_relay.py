"""TCP allocations (RFC 6062) over sockets: connections in both directions, bound at whichever worker
the kernel deals the client's data connection to."""

import hashlib
import os
import re
import socket
import struct
import subprocess
import time

import pytest
from aioice import stun

from daemons import HOST, in_background, wait_until
from turnd import GUARD_SECONDS, PASSWORD, TCP_TRANSPORT, USER, Refused, TurnClient

WORKERS = [1, 2, 4]
TRANSPORTS = ["tcp", "tls"]
MEGABYTE = 1 << 20


class TcpPeer:
    """Listens on the other side of the relay."""

    def __init__(self, host: str = HOST):
        self.socket = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.settimeout(GUARD_SECONDS)
        self.address = self.socket.getsockname()[:2]

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, source = self.socket.accept()
        connection.settimeout(GUARD_SECONDS)
        return connection, source[:2]

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.socket.close()


@pytest.fixture
def listening(running):
    return running.enter_context(TcpPeer())


@pytest.fixture
def start_tcp(start):
    return lambda **changes: start(**({"relay": {"addresses": [HOST], "tcp": True}} | changes))


class Relay:
    """A client's control connection with a TCP allocation, and data connections beside it."""

    def __init__(self, running, turnd, transport: str, **attributes):
        self._running, self._turnd, self._transport = running, turnd, transport
        self.control = self._client()
        self._notes = []
        answer = self.control.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=TCP_TRANSPORT, **attributes)
        self.relayed = answer.attributes["XOR-RELAYED-ADDRESS"]

    def _client(self, **options) -> TurnClient:
        return self._running.enter_context(TurnClient(self._turnd.address(self._transport), self._transport, **options))

    def connect(self, peer) -> int:
        return self.control.request(stun.Method.CONNECT, XOR_PEER_ADDRESS=peer).attributes["CONNECTION-ID"]

    def attempt(self) -> tuple[int, tuple[str, int]]:
        message = stun.parse_message(self.control.receive())
        assert (message.message_method, message.message_class) == (stun.Method.CONNECTION_ATTEMPT, stun.Class.INDICATION)
        return message.attributes["CONNECTION-ID"], message.attributes["XOR-PEER-ADDRESS"]

    def bind(self, connection: int, **options) -> socket.socket:
        client = self._client(**options)
        client.request(stun.Method.CONNECTION_BIND, CONNECTION_ID=connection)
        return client.socket

    def open(self, peer) -> tuple[socket.socket, socket.socket]:
        """Both ends of a tunnel."""
        data = self.bind(self.connect(peer.address))
        there, source = peer.accept()
        self._running.enter_context(there)
        assert source == self.relayed
        return data, there


def receive_all(connection: socket.socket) -> bytes:
    """To the end."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def receive(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = connection.recv(count - len(got))
        assert more, "it ended early"
        got += more
    return got


def end_writing(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def is_closed(connection: socket.socket) -> bool:
    """By the other side: with an end or a reset."""
    try:
        return connection.recv(1) == b""
    except (ConnectionError, OSError) as error:
        return not isinstance(error, TimeoutError)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bytes_pass_both_ways(start_tcp, running, transport, workers):
    relay = Relay(running, start_tcp(workers=workers), transport)
    for size in (1, 1000, 300_000):
        data, there = relay.open(running.enter_context(TcpPeer()))
        up, down = os.urandom(size), os.urandom(size)
        data.sendall(up)
        assert receive(there, size) == up
        there.sendall(down)
        assert receive(data, size) == down
        there.close()
        data.close()


@pytest.mark.parametrize("workers", WORKERS)
def test_much_passes_both_ways_at_once(start_tcp, running, listening, workers):
    relay = Relay(running, start_tcp(workers=workers), "tcp")
    data, there = relay.open(listening)
    up, down = os.urandom(16 * MEGABYTE), os.urandom(16 * MEGABYTE)
    senders = [in_background(lambda: (data.sendall(up), end_writing(data))),
               in_background(lambda: (there.sendall(down), end_writing(there)))]
    got = {}
    reader = in_background(lambda: got.update(up=receive_all(there)))
    got["down"] = receive_all(data)
    reader.join()
    for sender in senders:
        sender.join()
    assert hashlib.sha256(got["up"]).digest() == hashlib.sha256(up).digest()
    assert hashlib.sha256(got["down"]).digest() == hashlib.sha256(down).digest()


@pytest.mark.parametrize("workers", WORKERS)
def test_half_an_end_is_passed_on(start_tcp, running, listening, workers):
    relay = Relay(running, start_tcp(workers=workers), "tcp")
    data, there = relay.open(listening)
    data.sendall(b"question")
    end_writing(data)
    assert receive_all(there) == b"question"
    there.sendall(b"answer" * 100_000)
    there.close()
    assert receive_all(data) == b"answer" * 100_000


def test_an_end_over_tls_is_passed_on(start_tcp, running, listening):
    relay = Relay(running, start_tcp(), "tls")
    data, there = relay.open(listening)
    data.sendall(b"question")
    assert receive(there, 8) == b"question"
    there.sendall(b"answer")
    end_writing(there)
    assert receive_all(data) == b"answer"
    data.unwrap()  # which takes a close_notify for one of its own
    assert receive_all(there) == b""


@pytest.mark.parametrize("workers", WORKERS)
def test_peers_connect_with_a_permission(start_tcp, running, workers):
    relay = Relay(running, start_tcp(workers=workers), "tcp")
    with socket.create_connection(relay.relayed, GUARD_SECONDS) as stranger:
        assert is_closed(stranger)
    relay.control.permit((HOST, 1))
    for number in range(6):
        with socket.create_connection(relay.relayed, GUARD_SECONDS) as peer:
            peer.sendall(b"before it is bound")
            connection, source = relay.attempt()
            assert source == peer.getsockname()
            data = relay.bind(connection)
            assert receive(data, 18) == b"before it is bound"
            data.sendall(b"bound")
            assert receive(peer, 5) == b"bound"
            with pytest.raises(Refused) as refused:
                relay.bind(connection)
            assert refused.value.code == 400


def test_a_peer_that_ended_before_the_bind_has_still_sent_what_it_sent(start_tcp, running):
    relay = Relay(running, start_tcp(), "tcp")
    relay.control.permit((HOST, 1))
    with socket.create_connection(relay.relayed, GUARD_SECONDS) as peer:
        peer.sendall(b"good bye")
    connection, _ = relay.attempt()
    assert receive_all(relay.bind(connection)) == b"good bye"


@pytest.mark.parametrize("workers", WORKERS)
def test_who_reads_slowly_is_waited_for_at_bounded_memory(start_tcp, running, listening, workers):
    turnd = start_tcp(workers=workers)
    relay = Relay(running, turnd, "tcp")
    data, there = relay.open(listening)
    before = turnd.resident_bytes()
    for sender, reader in ((data, there), (there, data)):
        sent = 0
        sender.settimeout(1)
        block = os.urandom(MEGABYTE)
        try:
            while sent < 200 * MEGABYTE:
                sent += sender.send(block)
        except TimeoutError:
            pass
        assert sent < 64 * MEGABYTE, "nobody has read it"
        assert turnd.resident_bytes() < before + 8 * MEGABYTE
        sender.settimeout(GUARD_SECONDS)
        receive(reader, sent)


@pytest.mark.parametrize("workers", WORKERS)
def test_tunnels_end_with_their_allocation(start_tcp, running, workers):
    turnd = start_tcp(workers=workers)
    TurnClient(turnd.address("tcp"), "tcp").close()
    for ending in ("refresh", "close"):
        relay = Relay(running, turnd, "tcp")
        tunnels = []
        for _ in range(8):
            tunnels.append(relay.open(running.enter_context(TcpPeer())))
        waiting = running.enter_context(TcpPeer())
        relay.connect(waiting.address)
        there, _ = waiting.accept()
        if ending == "refresh":
            relay.control.refresh(0)
        else:
            relay.control.close()
        for data, peer in tunnels:
            assert is_closed(data)
            assert is_closed(peer)
        assert is_closed(there)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(relay.relayed, GUARD_SECONDS)


@pytest.mark.parametrize("workers", WORKERS)
def test_a_lost_connection_is_lost_on_both_sides(start_tcp, running, workers):
    relay = Relay(running, start_tcp(workers=workers), "tcp")
    for which in (0, 1):
        tunnel = relay.open(running.enter_context(TcpPeer()))
        tunnel[which].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        tunnel[which].close()
        with pytest.raises(ConnectionResetError):
            tunnel[1 - which].recv(1)


def test_every_socket_is_closed_in_the_end(start_tcp, running):
    turnd = start_tcp(workers=2)
    for _ in range(4):  # by now every worker has opened what it needs for itself
        with TurnClient(turnd.address("tcp"), "tcp") as asking:
            asking.request(stun.Method.BINDING)
    wait_until("those are closed", lambda: turnd.open_descriptors())
    before = turnd.open_descriptors()
    relay = Relay(running, turnd, "tcp")
    ends = [relay.open(running.enter_context(TcpPeer())) for _ in range(6)]
    for data, there in ends:
        data.close()
        there.close()
    relay.control.close()
    wait_until("all are closed", lambda: turnd.open_descriptors() <= before)


def test_refusals(start_tcp, running, listening):
    turnd = start_tcp(credentials={"users": {"bob": "builder"}})
    relay = Relay(running, turnd, "tcp")

    def code_of(call) -> int:
        with pytest.raises(Refused) as refused:
            call()
        return refused.value.code

    closed = running.enter_context(TcpPeer())
    closed.socket.close()
    assert code_of(lambda: relay.connect(closed.address)) == 447
    assert code_of(lambda: relay.connect(("10.0.0.1", 80))) == 403
    assert code_of(lambda: relay.connect(turnd.address("tcp"))) == 403
    connection = relay.connect(listening.address)
    assert code_of(lambda: relay.connect(listening.address)) == 446
    assert code_of(lambda: relay.bind(connection ^ 1)) == 400
    assert code_of(lambda: relay.bind(connection, user="bob", password="builder")) == 441
    assert code_of(lambda: relay.bind(connection, password="wrong")) == 401
    assert code_of(lambda: relay.control.bind(0x4000, listening.address)) == 403
    udp = running.enter_context(TurnClient(turnd.address("udp")))
    assert code_of(lambda: udp.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=TCP_TRANSPORT)) == 400
    relay.bind(connection)


def test_without_the_setting_there_are_no_tcp_allocations(start, running):
    with pytest.raises(Refused) as refused:
        Relay(running, start(), "tcp")
    assert refused.value.code == 442


def test_ipv6_peers(start, running):
    turnd = start(relay={"addresses": [HOST, "::1"], "tcp": True}, peers={"allow": ["127.0.0.0/8", "::1"]})
    relay = Relay(running, turnd, "tcp", **{"REQUESTED-ADDRESS-FAMILY": 2 << 24})
    data, there = relay.open(running.enter_context(TcpPeer("::1")))
    data.sendall(b"hello")
    assert receive(there, 5) == b"hello"
    there.sendall(b"hello")
    assert receive(data, 5) == b"hello"


def test_the_bandwidth_of_an_allocation_holds_for_its_tunnels(start_tcp, running):
    """A burst of a second's bytes, then the rest at that rate: the time it takes at least is sure."""
    relay = Relay(running, start_tcp(workers=2, limits={"bandwidth_per_allocation": "2MiB"}), "tcp")
    begun = time.monotonic()
    tunnels = [relay.open(running.enter_context(TcpPeer())) for _ in range(2)]
    for data, _ in tunnels:
        in_background(lambda data=data: data.sendall(bytes(3 * MEGABYTE)))
    for _, there in tunnels:
        receive(there, 3 * MEGABYTE)
    assert time.monotonic() - begun > 1.5  # 6 MiB: 2 at once, 4 in 2 s, but for what is under way


def test_two_clients_of_the_relay_connect_to_each_other(start_tcp, running):
    turnd = start_tcp(workers=2)
    alice, bob = Relay(running, turnd, "tcp"), Relay(running, turnd, "tls")
    bob.control.permit(alice.relayed)
    here = alice.bind(alice.connect(bob.relayed))
    connection, source = bob.attempt()
    assert source == alice.relayed
    there = bob.bind(connection)
    here.sendall(b"hello bob")
    assert receive(there, 9) == b"hello bob"
    there.sendall(b"hello alice")
    assert receive(here, 11) == b"hello alice"


COTURN = {
    "tcp": ["-T", "-y"],
    "tls": ["-T", "-S", "-y"],
    "tcp, to a peer": ["-T", "-e", HOST],
    "tls, to a peer": ["-T", "-S", "-e", HOST],
    "tcp, IPv6": ["-T", "-x", "-y"],
    "tls, IPv6": ["-T", "-S", "-x", "-y"],
}


@pytest.mark.parametrize("mode", COTURN)
def test_coturns_client(start, running, mode):
    options = COTURN[mode]
    turnd = start(workers=2, clients={"rfc5766_channels": True}, relay={"addresses": [HOST, "::1"], "tcp": True},
                  peers={"allow": ["127.0.0.0/8", "::1"]})
    if "-e" in options:
        echo = running.enter_context(TcpPeer())
        options = [*options, "-r", str(echo.address[1])]

        def echoing() -> None:
            while True:
                try:
                    connection, _ = echo.accept()
                except OSError:
                    return
                in_background(lambda c=connection: [c.sendall(part) for part in iter(lambda: c.recv(1 << 16), b"")])

        in_background(echoing)
    done = subprocess.run(
        ["turnutils_uclient", "-p", str(turnd.port("tls" if "-S" in options else "tcp")), "-m", "2", "-n", "40", "-l", "171",
         "-z", "5", "-u", USER, "-w", PASSWORD, *options, HOST], capture_output=True, text=True, timeout=120)
    report = done.stdout + done.stderr
    lost = re.search(r"Total lost packets (\d+) ", report)
    assert lost and lost[1] == "0", report
    sent, received = re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", report)[-1]
    assert sent == received != "0", report
