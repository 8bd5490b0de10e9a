"""A slow reader pauses the other side (rule 16): what waits in the proxy is bounded, and nothing is lost."""

import hashlib
import time
from contextlib import suppress

import pytest

from daemons import in_background
from rproxyd import request
from wire import GUARD_SECONDS

TOTAL = 200 * 1024 * 1024
BLOCK = bytes(range(251)) * 400  # about 100 KB, and out of step with every buffer
# What may be held of one transfer: the limits are fractions of a megabyte, and the sanitizers' share comes on top.
HELD_BYTES_LIMIT = 32 * 1024 * 1024
STALLED_SECONDS = 1.0


class Flow:
    """TOTAL bytes sent from a thread; `sent` shows how far it is."""

    def __init__(self, wire, as_chunks: bool):
        self.sent = 0
        self.digest = hashlib.sha256()
        self._wire, self._chunked = wire, as_chunks
        self.thread = in_background(self._run)

    def _run(self) -> None:
        self._wire.socket.settimeout(None)
        with suppress(ConnectionResetError, BrokenPipeError):
            while self.sent < TOTAL:
                piece = BLOCK[:min(len(BLOCK), TOTAL - self.sent)]
                self._wire.send(b"%x\r\n%s\r\n" % (len(piece), piece) if self._chunked else piece)
                self.digest.update(piece)
                self.sent += len(piece)
            if self._chunked:
                self._wire.send(b"0\r\n\r\n")



def wait_until_stalled(*flows: Flow) -> None:
    """Nothing moves any more: every buffer on the way is full."""
    seen = None
    while seen != (now := [each.sent for each in flows]):
        seen = now
        time.sleep(STALLED_SECONDS)
    assert all(0 < each < TOTAL / 2 for each in now), "somebody takes what nobody reads"


def receive(wire, as_chunks: bool) -> str:
    digest = hashlib.sha256()
    if as_chunks:
        for piece in iter(wire.chunk, b""):
            digest.update(piece)
    else:
        left = TOTAL
        while left:
            piece = wire.exactly(min(left, 1024 * 1024))
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def framing(as_chunks: bool) -> str:
    return "Transfer-Encoding: chunked" if as_chunks else f"Content-Length: {TOTAL}"


@pytest.mark.parametrize("tls, as_chunks", [(False, False), (True, True)], ids=["plain-length", "tls-chunks"])
def test_a_download_waits_for_its_reader(start, new_backend, tls, as_chunks):
    backend = new_backend(tls=tls)
    proxy = start(backend.url, honest_memory=True)
    with proxy.connect("https" if tls else "http") as client:
        client.send(request("GET", "/recording"))
        there = backend.accept()
        there.head()
        before = proxy.resident_bytes()
        there.send(f"HTTP/1.1 200 OK\r\n{framing(as_chunks)}\r\n\r\n".encode())
        flow = Flow(there, as_chunks)
        wait_until_stalled(flow)
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
        client.head()
        assert receive(client, as_chunks) == flow.digest.hexdigest()
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT


@pytest.mark.parametrize("tls, as_chunks", [(False, True), (True, False)], ids=["plain-chunks", "tls-length"])
def test_an_upload_waits_for_its_backend(start, new_backend, tls, as_chunks):
    backend = new_backend(tls=tls)
    proxy = start(backend.url, honest_memory=True)
    with proxy.connect("https" if tls else "http") as client:
        client.send(request("POST", "/recording", framing(as_chunks)))
        there = backend.accept()
        there.head()
        before = proxy.resident_bytes()
        flow = Flow(client, as_chunks)
        wait_until_stalled(flow)
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
        assert receive(there, as_chunks) == flow.digest.hexdigest()
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT


def test_many_clients_that_read_nothing_hold_little_each(start, backend):
    """A hundred times the limit of one stream is still only a hundred times that."""
    count, per_client = 100, 512 * 1024
    proxy = start(backend.url, honest_memory=True)
    before = proxy.resident_bytes()
    clients = [proxy.connect("http", receive_buffer=4096) for _ in range(count)]
    flows = []
    for client in clients:
        client.send(request("GET", "/recording"))
        there = backend.accept()
        there.head()
        there.send(f"HTTP/1.1 200 OK\r\n{framing(False)}\r\n\r\n".encode())
        flows.append(Flow(there, False))
    wait_until_stalled(*flows)
    assert proxy.resident_bytes() - before < count * per_client
    with proxy.connect("http") as another:  # who is served as if nothing were
        another.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert another.message().body == b"ok"
    for client in clients:
        client.reset()
    for flow in flows:
        flow.thread.join(GUARD_SECONDS)  # its connection is reset
        assert not flow.thread.is_alive()
