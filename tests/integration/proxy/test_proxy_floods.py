"""Floods and slow clients (proxy rules 9, 10, 17): each kind is ended, counted and said in the log, and
other clients notice nothing."""

import struct
from contextlib import suppress

import h2.errors
import pytest

from daemons import in_background
from http2 import Http2Client
from rproxyd import answer, request
from wire import client_tls, connect

CALM = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


GET = b"".join(literal(*each) for each in ((b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")))

FLOODS = {
    "resets": lambda i: frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, GET) + frame(RST_STREAM, 0, 2 * i + 1, struct.pack(">I", 8)),
    "provoked resets": lambda i: frame(HEADERS, END_HEADERS, 2 * i + 1, GET) + frame(WINDOW_UPDATE, 0, 2 * i + 1, struct.pack(">I", 0x7fffffff)),
    "control frames": lambda i: frame(PING, 0, 0, struct.pack(">Q", i)),
    "settings": lambda i: frame(SETTINGS, 0, 0, struct.pack(">HI", 3, i)),
    "empty frames": lambda i: (frame(HEADERS, END_HEADERS, 1, GET) if i == 0 else b"") + frame(DATA, 0, 1),
    "window updates": lambda i: frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    "continuations": lambda i: frame(HEADERS, END_STREAM, 1, GET) if i == 0 else frame(CONTINUATION, 0, 1, literal(b"x", b"y")),
    "streams": lambda i: frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, GET),
}


@pytest.fixture
def bystander(proxy, backend):
    """A client with a request in progress; what() checks that it has noticed nothing."""
    client = proxy.connect("https")
    client.send(request("GET", "/bystander"))
    there = backend.accept()
    there.head()

    def what() -> None:
        there.send(answer(200, b"well"))
        assert client.message().body == b"well"

    return what


def goaways(received: bytes) -> list[int]:
    """The error codes of the GOAWAYs among these frames."""
    codes = []
    while len(received) >= 9:
        size = int.from_bytes(received[:3], "big")
        if received[3] == GOAWAY:
            codes.append(int.from_bytes(received[13:17], "big"))
        received = received[9 + size:]
    return codes


def said(proxy, *kinds: str) -> None:
    proxy.wait_for_log("a client costs more than it should")
    line = next(each for each in proxy.log.splitlines() if "a client costs more" in each)
    assert any(each in line for each in kinds), line


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_ends_its_connection_with_a_reason_and_is_said(proxy, bystander, kind):
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        came = []
        reading = in_background(lambda: came.append(client.wire.rest()))
        with suppress(OSError):
            for place in range(100_000):
                client.wire.send(FLOODS[kind](place))
        reading.join()
        # What is still sent to a connection that has ended resets it, and may take the GOAWAY along.
        assert goaways(came[0])[-1:] == [CALM] or client.wire.end == "cut"
    # Streams that wait for their resets are open, so there may be too many of them first.
    said(proxy, *{"settings": ["control frames"], "provoked resets": [kind, "streams"]}.get(kind, [kind]))
    bystander()


def test_streams_over_the_limit_are_refused_and_the_others_go_on(start, backend):
    proxy = start(backend.url, limits={"streams_per_connection": 2})
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        assert client.connection.remote_settings.max_concurrent_streams == 2
        first, second = client.request("GET", "/1"), client.request("GET", "/2")
        there, other = backend.accept(), backend.accept()
        client.connection.remote_settings.max_concurrent_streams = 100  # which it does not believe
        client.connection.remote_settings.acknowledge()
        third = client.answer(client.request("GET", "/3"))
        assert third.reset == h2.errors.ErrorCodes.REFUSED_STREAM
        for each in (there, other):
            each.send(answer(200, each.head().line.encode()))
        assert {bytes(client.answer(number).body) for number in (first, second)} == {b"GET /1 HTTP/1.1", b"GET /2 HTTP/1.1"}
        number = client.request("GET", "/4")
        there = backend.next(there, other)
        there.head()
        there.send(answer(200, b"fourth"))
        assert bytes(client.answer(number).body) == b"fourth"


@pytest.mark.parametrize("fields", [[("x-%d" % i, "y") for i in range(500)], [("cookie", "c%d=1" % i) for i in range(500)],
                                    [("x", "y" * 15_000)] * 5], ids=["fields", "crumbs", "bytes"])
def test_header_bombs_are_a_431(proxy, bystander, fields):
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        got = client.answer(client.request("GET", "/", *fields))
        assert got.status == 431
    said(proxy, "header bombs")
    bystander()


def test_slowloris(start, backend):
    proxy = start(backend.url, timeouts={"head": "300ms"})
    with proxy.connect("http") as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        client.rest()
    said(proxy, "slow heads")


def test_a_handshake_that_is_never_ended(start, backend):
    proxy = start(backend.url, timeouts={"handshake": "300ms"})
    with connect("127.0.0.1", proxy.port("https")) as client:
        client.send(b"\x16\x03\x01")
        client.rest()
    said(proxy, "slow handshakes")


def test_a_slow_body(start, backend):
    proxy = start(backend.url, timeouts={"body": "300ms"})
    with proxy.connect("http") as client:
        client.send(request("POST", "/", "Content-Length: 10"), b"x")
        assert client.message().status == 408
    said(proxy, "slow bodies")


@pytest.mark.parametrize("version", ["http/1.1", "h2"])
def test_a_slow_reader(start, backend, version):
    proxy = start(backend.url, timeouts={"body": "500ms"})
    if version == "h2":
        client = Http2Client(proxy.connect(tls=client_tls("h2")))
        client.opens_windows = False
        client.request("GET", "/")
    else:
        client = proxy.connect("http", receive_buffer=4096)
        client.send(request("GET", "/"))
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    with pytest.raises(OSError):
        while True:
            there.send(bytes(65536))
    said(proxy, "slow readers")
    client.close()


def test_more_connections_than_allowed(start, backend):
    proxy = start(backend.url, limits={"connections": 1})
    with proxy.connect("http") as first, proxy.connect("http") as second:
        second.rest()
        said(proxy, "connections")
        first.send(request())
        there = backend.accept()
        there.head()
        there.send(answer(200, b"well"))
        assert first.message().body == b"well"


def test_the_log_says_a_kind_once_a_minute_however_often_it_comes(start, backend):
    proxy = start(backend.url)
    for _ in range(20):
        with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
            assert client.answer(client.request("GET", "/", *[("x-%d" % i, "y") for i in range(500)])).status == 431
    said(proxy, "header bombs")
    assert proxy.log.count("a client costs more than it should") == 1
