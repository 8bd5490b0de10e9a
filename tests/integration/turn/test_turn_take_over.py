"""run --take-over: a new turnd gets the running one's sockets and allocations, and no client notices.

Between its two processes turnd reads nothing for a moment: what comes meanwhile waits in the sockets, so
that every datagram of a flow arrives, once and in its order."""

import json
import signal
import socket
import subprocess
import threading
import time

import pytest

from daemons import END_SECONDS, HOST, wait_until
from turnd import PASSWORD, USER, Peer, TurnClient, Turnd, configuration

EVERY_SECONDS = 0.002
LISTENERS = [{"transport": each, "address": f"{HOST}:0"} for each in ("udp", "tcp", "tls", "dtls")]


class Line:
    """Processes of turnd, each of which takes over from the one before."""

    def __init__(self, folder, **changes):
        self._folder = folder
        self.changes = {"listeners": LISTENERS, "workers": 2, "take_over_timeout": "30s",
                        "admin": {"address": None, "socket": str(folder / "turnd.sock")}} | changes
        self.processes = []
        self.started = []  # by us
        self.next()

    @property
    def now(self) -> Turnd:
        return self.processes[-1]

    def _prepared(self, changes) -> Turnd:
        folder = self._folder / str(len(self.started))
        folder.mkdir()
        arguments = ["--take-over"] if self.processes else []
        return Turnd(folder, configuration(**self.changes | changes), arguments=arguments)

    def next(self, **changes) -> Turnd:
        """The next one serves."""
        turnd = self._prepared(changes)
        self.started.append(turnd)
        turnd.start()
        self.processes.append(turnd)
        return turnd

    def refused(self, **changes) -> Turnd:
        """The next one that can't."""
        turnd = self._prepared(changes)
        self.started.append(turnd)
        with pytest.raises(AssertionError, match="did not start"):
            turnd.start()
        return turnd

    def end(self) -> None:
        """The newest is told to; those before it end with their last client."""
        if self.processes:
            self.now.signal(signal.SIGTERM)
        for turnd in reversed(self.processes):
            turnd.wait()


@pytest.fixture
def line(running, tmp_path):
    def begin(**changes) -> Line:
        made = Line(tmp_path, **changes)
        running.callback(made.end)
        return made

    return begin


class Flow:
    """Numbered datagrams both ways through a client's channel, until told to stop."""

    def __init__(self, client: TurnClient, peer: Peer):
        self.client, self.peer = client, peer
        self._stop = threading.Event()
        self._done = threading.Event()
        self.sent = 0
        self.up, self.down, self.errors = [], [], []
        for each in (client.socket, peer.socket):
            if isinstance(each, socket.socket):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True)
                         for work in (self._send, self._receive_up, self._receive_down)]
        for thread in self._threads:
            thread.start()

    def _guarded(self, work) -> None:
        try:
            work()
        except Exception as error:  # told by finish()
            self.errors.append(repr(error))

    def _send(self) -> None:
        while not self._stop.is_set():
            number = self.sent.to_bytes(4, "big")
            self.client.send_channel(0x4000, number)
            self.peer.send(number, self.client.relayed)
            self.sent += 1
            time.sleep(EVERY_SECONDS)
        end = (0xFFFFFFFF).to_bytes(4, "big")
        self.client.send_channel(0x4000, end)
        self.peer.send(end, self.client.relayed)

    def _receive_up(self) -> None:
        while (number := int.from_bytes(self.peer.receive()[0], "big")) != 0xFFFFFFFF:
            self.up.append(number)

    def _receive_down(self) -> None:
        while (number := int.from_bytes(self.client.receive_channel(0x4000), "big")) != 0xFFFFFFFF:
            self.down.append(number)

    def finish(self) -> None:
        """Every one of them has arrived, in both directions, and in order."""
        enough = self.sent + 20
        wait_until("more of it", lambda: self.sent > enough or self.errors)
        self._stop.set()
        for thread in self._threads:
            thread.join(END_SECONDS)
        assert not self.errors, self.errors
        expected = list(range(self.sent))
        assert self.up == expected, missing("up", self.up, expected)
        assert self.down == expected, missing("down", self.down, expected)


def missing(way: str, got: list, expected: list) -> str:
    return f"{way}: {len(expected)} sent, {len(got)} received, missing {sorted(set(expected) - set(got))[:20]}"


def begin_flow(running, client, where, transport) -> Flow:
    caller = client(where, transport)
    caller.allocate()
    other = running.enter_context(Peer())
    caller.bind(0x4000, other.address)
    return Flow(caller, other)


def serves_on(client: TurnClient) -> None:
    """Its requests, with the nonce that it has."""
    nonce = client._nonce
    client.refresh(600)
    client.permit((HOST, 9))
    client.bind(0x4001, (HOST, 10))
    assert client._nonce == nonce


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_ten_take_overs_lose_no_datagram_and_no_allocation(running, line, client, transport):
    turnds = line()
    flows = [begin_flow(running, client, turnds.now, transport) for _ in range(6)]
    for _ in range(10):
        before = turnds.now
        turnds.next()
        before.wait()  # it has nothing left
        time.sleep(0.05)
    for flow in flows:
        flow.finish()
        serves_on(flow.client)


@pytest.mark.parametrize("transport", ["tls", "dtls"])
def test_sessions_that_cant_move_are_served_by_the_process_that_has_them(running, line, client, transport):
    turnds = line()
    first = turnds.now
    flow = begin_flow(running, client, first, transport)
    idle = client(first, transport)  # no allocation yet
    turnds.next()
    turnds.next()
    later = client(turnds.now, transport)  # a new one is the newest process's
    later.allocate()
    time.sleep(0.2)
    flow.finish()
    serves_on(flow.client)
    idle.allocate()
    assert first.running
    for each in (flow.client, idle):
        each.refresh(0)
        each.close()
    turnds.next()
    serves_on(later)
    if transport == "tls":
        first.wait()


@pytest.mark.parametrize("before, after", [(1, 2), (2, 1), (3, 2)])
def test_workers_may_be_more_or_fewer_afterwards(running, line, client, before, after):
    turnds = line(workers=before)
    flows = [begin_flow(running, client, turnds.now, transport) for transport in ("udp", "tcp", "udp", "udp")]
    turnds.next(workers=after)
    turnds.next(workers=before)
    for flow in flows:
        flow.finish()
        serves_on(flow.client)
    for _ in range(8):
        client(turnds.now).allocate()
        client(turnds.now, "tcp").allocate()


def test_a_call_of_coturns_client_notices_nothing(line):
    turnds = line(clients={"rfc5766_channels": True})
    uclient = subprocess.Popen(
        ["turnutils_uclient", "-p", str(turnds.now.port("udp")), "-m", "4", "-n", "150", "-z", "20", "-l", "171",
         "-u", USER, "-w", PASSWORD, "-y", "-c", HOST], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for _ in range(5):  # while it allocates, binds and relays
        time.sleep(0.4)
        turnds.next()
    assert uclient.poll() is None
    report = uclient.communicate(timeout=120)[0]
    assert "Total lost packets 0 " in report, report


# ---- what goes wrong


def test_another_configuration_of_listeners_is_refused_and_the_old_one_serves_on(running, line, client):
    turnds = line()
    flow = begin_flow(running, client, turnds.now, "udp")
    refused = turnds.refused(listeners=LISTENERS[1:])
    assert f"the running turnd listens on udp {HOST}:0, and this configuration doesn't" in refused.log
    refused = turnds.refused(realm="")
    turnds.now.wait_for_log("take_over.failed")
    turnds.next()
    flow.finish()
    serves_on(flow.client)


def speak(path, until: int) -> socket.socket:
    """The new process's side, by hand, as far as a step: 1 offered, 2 all given."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(END_SECONDS)
    connection.connect(str(path))
    connection.sendall(json.dumps({"command": "take-over", "program": "turnd", "protocol": 1, "version": "0"}).encode() + b"\n")
    for step in range(until):
        receive_portions(connection, last=2 if step == 0 else 4)
        if step + 1 < until:
            connection.sendall(header(kind=3))
    return connection


def header(kind: int, size: int = 1) -> bytes:
    """A message without descriptors, whose state is CBOR's null."""
    return b"".join(each.to_bytes(4, "little") for each in (0x56544B4F, kind, size, 0)) + b"\xf6"


def exactly(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = connection.recv(count - len(got))
        assert more, "the running daemon has closed the connection"
        got += more
    return got


def receive_portions(connection: socket.socket, last: int) -> None:
    while True:
        words = exactly(connection, 16)
        _, kind, size, descriptors = (int.from_bytes(words[i:i + 4], "little") for i in range(0, 16, 4))
        exactly(connection, size)
        while descriptors > 0:
            _, fds, _, _ = socket.recv_fds(connection, 1, 253)
            for fd in fds:
                socket.close(fd)
            descriptors -= len(fds)
            connection.sendall(b"\x06")
        if kind == last:
            return
        assert kind == 1, kind


@pytest.mark.parametrize("until", [0, 1, 2])
@pytest.mark.parametrize("transport", ["udp", "tcp", "dtls"])
def test_whoever_goes_away_in_the_middle_changes_nothing(running, line, client, until, transport):
    turnds = line()
    flow = begin_flow(running, client, turnds.now, transport)
    for _ in range(3):
        speak(turnds.changes["admin"]["socket"], until).close()
        wait_until("the next may try", lambda: "take_over.failed" in turnds.now.log)
        time.sleep(0.02)
    flow.finish()
    serves_on(flow.client)
    flow = Flow(flow.client, flow.peer)
    turnds.next()
    flow.finish()


def test_a_new_process_that_is_killed_while_it_takes_over_costs_nothing(running, line, client):
    turnds = line()
    flow = begin_flow(running, client, turnds.now, "udp")
    for milliseconds in range(4, 40, 3):
        turnd = turnds._prepared({})
        turnds.started.append(turnd)
        killer = threading.Timer(milliseconds / 1000, lambda: turnd._process and turnd._process.kill())
        killer.start()
        try:
            turnd.start()
        except AssertionError:
            continue  # before it served
        finally:
            killer.cancel()
            killer.join()
        if not turnd.running:
            turnds.processes.clear()
            pytest.skip("it was killed when it had everything and served: nothing could save that")
        turnds.processes.append(turnd)
        break
    flow.finish()
    serves_on(flow.client)
