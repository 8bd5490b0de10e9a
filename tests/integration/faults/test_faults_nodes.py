"""One node misbehaves, in every way that nodes have, while everybody is served by two. Those on the other node notice nothing: an
upload, an event stream and a WebSocket there, and its requests. Those on this one get what can be got for them, and are back on
it when it is well. docs/faults.md shows the table of this file."""

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from daemons import HOST, in_background, wait_until
from established import held_by, nothing_is_cut
from responder import Responder
from rproxyd import answer, request
from wire import GUARD_SECONDS, Head, connect

WHOLE = answer(200, b"faulty")
OF_THE_NODE, OF_THE_OTHER, CUT, BAD_GATEWAY, TIMEOUT = "faulty", "other", "cut", "502", "504"
SOMETHING = {OF_THE_NODE, OF_THE_OTHER, BAD_GATEWAY}  # a POST of which nobody knows whether its bytes had left


def reset(there: socket.socket) -> None:
    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    there.close()


def head_of(there: socket.socket) -> bool:
    """A whole request, its small body included; False: the connection ended instead."""
    got = b""
    while b"\r\n\r\n" not in got or (got.startswith(b"POST") and not got.endswith(b"body")):
        more = there.recv(65536)
        if not more:
            return False
        got += more
    return True


def after_a_request(*says: bytes, end=None):
    def behave(node, there) -> None:
        while head_of(there):
            for each in says:
                there.sendall(each)
            if end:
                return end(there)

    return behave


def half_close(there) -> None:
    there.shutdown(socket.SHUT_WR)
    while there.recv(65536):
        pass


def hang(node, there) -> None:
    node.well_again.wait(GUARD_SECONDS)


def slowly(node, there) -> None:
    while head_of(there):
        for each in WHOLE:
            there.sendall(bytes([each]))
            time.sleep(0.002)


def well(node, there) -> None:
    after_a_request(WHOLE)(node, there)


TLS_ALERT = bytes.fromhex("15030300020228")  # fatal, handshake_failure

# What the node does with each connection; what then becomes of a GET, and of a POST.
FAULTS = {
    "resets what it accepts": (lambda node, there: reset(there), {OF_THE_OTHER}, SOMETHING),
    "closes what it accepts": (lambda node, there: there.close(), {OF_THE_OTHER}, SOMETHING),
    "dies before its answer": (after_a_request(end=reset), {OF_THE_OTHER}, {BAD_GATEWAY}),
    "half-closes without an answer": (after_a_request(end=half_close), {OF_THE_OTHER}, {BAD_GATEWAY}),
    "half-closes behind its answer": (after_a_request(WHOLE, end=half_close), {OF_THE_NODE}, {OF_THE_NODE}),
    "dies in its head": (after_a_request(WHOLE[:20], end=reset), {OF_THE_OTHER}, {BAD_GATEWAY}),
    "says more than it sends": (after_a_request(WHOLE[:-2], end=reset), {CUT}, {CUT}),
    "sends more than it says": (after_a_request(WHOLE + b"surplus"), {OF_THE_NODE}, {OF_THE_NODE}),
    "talks nonsense": (after_a_request(b"SSH-2.0-OpenSSH_9.2p1\r\n"), {BAD_GATEWAY}, {BAD_GATEWAY}),
    "hangs": (hang, {TIMEOUT}, {TIMEOUT}),
    "is slow": (slowly, {OF_THE_NODE}, {OF_THE_NODE}),
}
OVER_TLS = {  # nothing of a request has left before the handshake has ended
    "resets the handshake": lambda node, there: (there.recv(100), reset(there)),
    "ends the handshake": lambda node, there: (there.recv(100), there.close()),
    "answers the handshake in plain text": lambda node, there: (there.recv(100), there.sendall(WHOLE), there.recv(65536)),
    "refuses the handshake": lambda node, there: (there.recv(100), there.sendall(TLS_ALERT), there.recv(65536)),
    "never shakes hands": hang,
}


class FaultyNode:
    def __init__(self, behave):
        self.behave, self.well_again = behave, threading.Event()
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server((HOST, 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        in_background(self._serve)

    def _serve(self) -> None:
        while True:
            try:
                there, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(there)
            in_background(lambda there=there: self._one(there))

    def _one(self, there) -> None:
        there.settimeout(GUARD_SECONDS)
        try:
            self.behave(self, there)
        except (OSError, TimeoutError):
            pass
        finally:
            there.close()

    def misbehave(self, behave) -> None:
        """From the next connection on; those that were kept end."""
        self.behave = behave
        for each in self._connections:
            with suppress(OSError):  # it has ended
                each.shutdown(socket.SHUT_RDWR)

    def recover(self) -> None:
        self.behave = well
        self.well_again.set()

    def close(self) -> None:
        self.well_again.set()
        self._listener.close()


class Scene:
    """The faulty node, another one, and a client of each: the first newcomer gets the first node, the next the second."""

    def __init__(self, start_proxy, new_backend, running, behave, scheme: str):
        self.faulty = FaultyNode(well if scheme == "http" else behave)
        running.callback(self.faulty.close)
        self.other = running.enter_context(Responder("other"))
        self.held = new_backend()
        self.proxy = start_proxy(f"{scheme}://{HOST}:{self.faulty.port}", self.other.url, workers=2,
                                 pool={"retry": {"attempts": 2}}, timeouts={"response": "2s", "connect": "2s"}, **held_by(self.held))
        self.sources = [f"127.0.1.{number}" for number in range(1, 9)]
        if scheme == "http":
            self.homes = {source: self.ask(source) for source in self.sources}
            assert set(self.homes.values()) == {"faulty", "other"}
            self.faulty.misbehave(behave)

    def ask(self, source: str, method: str = "GET") -> str:
        with connect(HOST, self.proxy.port("http"), source=source) as client:
            client.send(request(method, "/", "Connection: close", body=b"body" if method == "POST" else b""))
            answered, end_of_head, body = client.rest().partition(b"\r\n\r\n")
            if not end_of_head and client.end == CUT:
                return CUT  # the reset came with what would have been sent before it
            head = Head.parse(answered + end_of_head)
            if head.status != 200:
                return str(head.status)
            return body.decode() if len(body) == int(head["content-length"]) else CUT

    @contextmanager
    def asked_all_the_time(self, name: str):
        """What the clients of that node get, one request after the other."""
        got, ends = [], threading.Event()

        def keep_asking(source: str) -> None:
            while not ends.is_set():
                got.append(self.ask(source))

        load = [in_background(lambda source=source: keep_asking(source)) for source in self.of(name)[:2]]
        try:
            yield got
        finally:
            ends.set()
            for each in load:
                each.join()

    def of(self, name: str) -> list[str]:
        return [source for source, home in self.homes.items() if home == name]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_node_does_is_seen_by_its_own_clients_alone(start_proxy, new_backend, running, fault):
    behave, of_gets, of_posts = FAULTS[fault]
    scene = Scene(start_proxy, new_backend, running, behave, "http")
    with nothing_is_cut(scene.proxy, scene.held) as established, scene.asked_all_the_time("other") as served:
        mine = scene.of("faulty")
        assert scene.ask(mine[0]) in of_gets
        established.lives()
        assert scene.ask(mine[1], "POST") in of_posts | {OF_THE_OTHER}, "or the node is left alone by now"
        scene.faulty.recover()
        wait_until("its clients are back", lambda: all(scene.ask(source) == "faulty" for source in mine))
        wait_until("requests beside that", lambda: len(served) > 5)
    assert set(served) == {"other"}


@pytest.mark.parametrize("fault", OVER_TLS)
def test_a_node_whose_tls_fails_gets_no_request_and_nobody_notices(start_proxy, new_backend, running, fault):
    """A POST, too, goes to another node: nothing of it can have been carried out."""
    scene = Scene(start_proxy, new_backend, running, OVER_TLS[fault], "https")
    with nothing_is_cut(scene.proxy, scene.held) as established:
        for source in scene.sources:
            assert scene.ask(source, "POST") == "other"
            established.lives()
