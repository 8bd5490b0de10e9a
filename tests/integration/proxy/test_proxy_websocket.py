"""WebSocket through rproxyd: byte for byte on both sides, and with clients and servers of others."""

import asyncio
import hashlib
import signal

import pytest
import websockets

from daemons import HOST, in_background
from http2 import AUTHORITY, Http2Client
from rproxyd import answer, request
from websocket import KEY, EchoServer, accept_value, handshake, switching
from wire import client_tls, server_tls

OPEN = [{"path": "/closed", "pool": "nodes"}, {"path": "/", "pool": "nodes", "websocket": True}]
MUCH = 20 * 1024 * 1024


@pytest.fixture(params=["http", "https"])
def transport(request) -> str:
    """What is spoken on both sides of the proxy."""
    return request.param


@pytest.fixture
def backend(new_backend, transport):
    return new_backend(tls=transport == "https")


@pytest.fixture
def proxy(start, backend):
    return start(backend.url, routes=OPEN)


@pytest.fixture
def client(proxy, transport):
    with proxy.connect(transport) as connection:
        yield connection


@pytest.fixture
def tunnel(client, backend):
    """Both ends of one that is open."""
    client.send(handshake())
    there = backend.accept()
    there.head()
    there.send(switching())
    assert client.head().status == 101
    return client, there


# ---- HTTP/1.1

def test_a_handshake_crosses_and_is_accepted(client, backend, proxy):
    client.send(handshake("/ws?a=1", "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate", "Origin: https://o"))
    there = backend.accept()
    head = there.head()
    assert head.line == "GET /ws?a=1 HTTP/1.1"
    assert (head["upgrade"], head["connection"]) == ("websocket", "upgrade")
    assert (head["sec-websocket-key"], head["sec-websocket-version"], head["origin"]) == (KEY, "13", "https://o")
    assert head["sec-websocket-protocol"] == "chat" and head["x-forwarded-for"] == "127.0.0.1"
    assert not {"content-length", "transfer-encoding"} & head.names
    there.send(switching(KEY, "Sec-WebSocket-Protocol: chat", "Keep-Alive: 5"))
    got = client.head()
    assert (got.status, got["upgrade"], got["connection"].lower()) == (101, "websocket", "upgrade")
    assert (got["sec-websocket-accept"], got["sec-websocket-protocol"]) == (accept_value(KEY), "chat")
    assert not {"content-length", "transfer-encoding", "keep-alive"} & got.names


def test_bytes_cross_as_they_come(tunnel):
    client, there = tunnel
    for size in (1, 2, 1000, 70000):
        client.send(b"u" * size)
        assert there.exactly(size) == b"u" * size
        there.send(b"d" * size)
        assert client.exactly(size) == b"d" * size


def test_much_crosses_both_ways_at_once(tunnel):
    client, there = tunnel
    up, down = bytes(range(256)) * (MUCH // 256), bytes(reversed(range(256))) * (MUCH // 256)
    digests = {}

    def read(name, wire) -> None:
        digest, left = hashlib.sha256(), MUCH
        while left:
            piece = wire.exactly(min(left, 65536))
            digest.update(piece)
            left -= len(piece)
        digests[name] = digest.digest()

    # A TLS object of Python's takes one thread at a time: each side's reading waits for its writing.
    if hasattr(client.socket, "context"):
        in_background(lambda: client.send(up)), read("up", there)
        in_background(lambda: there.send(down)), read("down", client)
    else:
        threads = [in_background(lambda: client.send(up)), in_background(lambda: there.send(down)),
                   in_background(lambda: read("up", there)), in_background(lambda: read("down", client))]
        for each in threads:
            each.join()
    assert digests == {"up": hashlib.sha256(up).digest(), "down": hashlib.sha256(down).digest()}


def test_bytes_right_behind_the_handshake_and_its_answer_arrive(client, backend):
    client.send(handshake() + b"early")
    there = backend.accept()
    there.head()
    assert not there.has_more()  # rule 7: nothing before the 101
    there.send(switching() + b"eager")
    assert client.head().status == 101
    assert client.exactly(5) == b"eager" and there.exactly(5) == b"early"


@pytest.mark.parametrize("first", ["client", "backend"])
def test_each_direction_ends_by_itself(tunnel, proxy, first):
    one, other = tunnel if first == "client" else tunnel[::-1]
    if hasattr(one.socket, "context"):
        pytest.skip("Python's TLS can't read behind its own close_notify")
    one.send(b"last")
    one.finish_sending()
    assert other.rest() == b"last" and other.end == "clean"
    other.send(b"and more")
    other.finish_sending()
    assert one.rest() == b"and more" and one.end == "clean"
    assert '"GET /ws HTTP/1.1" 101 ' in proxy.access_lines()[0]


@pytest.mark.parametrize("first", ["client", "backend"])
def test_one_sides_reset_is_the_others(tunnel, proxy, first):
    one, other = tunnel if first == "client" else tunnel[::-1]
    one.reset()
    other.rest()
    assert other.end == "cut"
    assert '"GET /ws HTTP/1.1" 101 ' in proxy.access_lines()[0]


def test_a_reset_overtakes_what_the_other_side_does_not_take(start, new_backend, transport):
    backend = new_backend(tls=transport == "https", receive_buffer=4096)
    proxy = start(backend.url, routes=OPEN)
    client = proxy.connect(transport)
    client.send(handshake())
    there = backend.accept()
    there.head()
    there.send(switching())
    client.head()
    client.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            client.socket.sendall(bytes(65536))
    client.reset()
    assert '"GET /ws HTTP/1.1" 101 ' in proxy.access_lines()[0]  # while `there` has read nothing


@pytest.mark.parametrize("status", [200, 400, 403, 404, 503])
def test_any_other_answer_is_an_answer(client, backend, status):
    client.send(handshake())
    there = backend.accept()
    there.head()
    there.send(answer(status, b"no tunnel", "Upgrade: websocket", "Connection: upgrade"))
    got = client.message()
    assert (got.status, got.body) == (status, b"no tunnel") and "upgrade" not in got.head
    client.send(request("GET", "/next"))
    assert there.head().line == "GET /next HTTP/1.1"
    there.send(answer(200, b"next"))
    assert client.message().body == b"next"


def test_a_request_behind_a_refused_handshake_is_one_request(client, backend):
    client.send(handshake() + request("GET", "/next"))
    there = backend.accept()
    assert there.head().line == "GET /ws HTTP/1.1"
    assert not there.has_more()
    there.send(answer(426, b""))
    assert client.message().status == 426
    assert there.head().line == "GET /next HTTP/1.1"


@pytest.mark.parametrize("wrong", [
    switching("AAAAAAAAAAAAAAAAAAAAAA=="),
    switching().replace(b"websocket", b"h2c"),
    switching().replace(b"Connection: Upgrade\r\n", b""),
], ids=["accept", "protocol", "connection"])
def test_a_101_that_proves_nothing_is_a_502(client, backend, wrong):
    client.send(handshake())
    there = backend.accept()
    there.head()
    there.send(wrong)
    assert client.message().status == 502
    there.rest()


def test_a_101_nobody_asked_for_is_a_502(client, backend):
    client.send(request("GET", "/"))
    there = backend.accept()
    there.head()
    there.send(switching())
    assert client.message().status == 502


def test_without_websocket_on_its_route_an_upgrade_is_a_plain_request(client, backend):
    client.send(handshake("/closed"))
    there = backend.accept()
    head = there.head()
    assert "upgrade" not in head and "connection" not in head
    there.send(answer(200, b"plain"))
    assert client.message().body == b"plain"


@pytest.mark.parametrize("other", ["h2c", "TLS/1.0", "WebSocket2"])
def test_other_protocols_are_never_passed_on(client, backend, other):
    client.send(handshake().replace(b"websocket\r\n", other.encode() + b"\r\n", 1))
    there = backend.accept()
    assert "upgrade" not in there.head()


@pytest.mark.parametrize("status, bad", [
    (400, handshake().replace(b"GET", b"POST", 1)),
    (400, handshake("/ws", "Content-Length: 4") + b"body"),
    (400, handshake(key="short")),
    (400, handshake("/ws", f"Sec-WebSocket-Key: {KEY}")),
    (426, handshake().replace(b"Version: 13", b"Version: 7")),
], ids=["method", "body", "key", "two keys", "version"])
def test_a_handshake_that_is_none_reaches_no_node(client, backend, status, bad):
    client.send(bad)
    got = client.message()
    assert got.status == status
    if status == 426:
        assert got.head["sec-websocket-version"] == "13"
    assert not backend.waits(0)


def test_a_drain_lets_tunnels_be_for_its_time(start, new_backend):
    backend = new_backend()
    proxy = start(backend.url, routes=OPEN, drain_timeout="60s")
    with proxy.connect("http") as client:
        client.send(handshake())
        there = backend.accept()
        there.head()
        there.send(switching())
        client.head()
        proxy.signal(signal.SIGTERM)
        client.send(b"still")
        assert there.exactly(5) == b"still"
        there.send(b"here")
        assert client.exactly(4) == b"here"
        client.finish_sending()
        there.rest()
        there.finish_sending()
        client.rest()
        proxy.wait()


def test_a_drain_ends_tunnels_when_its_time_is_over(start, new_backend):
    backend = new_backend()
    proxy = start(backend.url, routes=OPEN, drain_timeout="1s")
    with proxy.connect("http") as client:
        client.send(handshake())
        there = backend.accept()
        there.head()
        there.send(switching())
        client.head()
        proxy.signal(signal.SIGTERM)
        client.rest()
        proxy.wait()


def test_an_idle_tunnel_is_broken_off(start, new_backend):
    backend = new_backend()
    proxy = start(backend.url, routes=OPEN, timeouts={"stream_idle": "500ms"})
    with proxy.connect("http") as client:
        client.send(handshake())
        there = backend.accept()
        there.head()
        there.send(switching())
        client.head()
        client.rest()
        there.rest()
        assert (client.end, there.end) == ("cut", "cut")
    assert '"GET /ws HTTP/1.1" 101 ' in proxy.access_lines()[0]


# ---- HTTP/2 (RFC 8441)

def connect_head(target: str = "/ws", *fields: tuple[str, str], protocol: str = "websocket") -> list[tuple[str, str]]:
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"), (":authority", AUTHORITY),
            (":path", target), ("sec-websocket-version", "13"), *fields]


@pytest.fixture
def http2(proxy):
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as opened:
        yield opened


@pytest.mark.parametrize("transport", ["https"], indirect=True)
class TestOverHttp2:
    def open(self, client, backend):
        number = client.send_head(connect_head("/ws", ("sec-websocket-protocol", "chat")), end=False)
        there = backend.accept()
        head = there.head()
        assert head.line == "GET /ws HTTP/1.1"
        assert (head["upgrade"], head["connection"], head["host"]) == ("websocket", "upgrade", AUTHORITY)
        assert (head["sec-websocket-version"], head["sec-websocket-protocol"]) == ("13", "chat")
        there.send(switching(head["sec-websocket-key"], "Sec-WebSocket-Protocol: chat"))
        got = client.streams[number]
        client.until(lambda: got.head)
        assert got.status == 200 and got.head["sec-websocket-protocol"] == ["chat"]
        assert not {"sec-websocket-accept", "upgrade", "connection", "content-length"} & got.head.keys()
        return number, got, there

    def test_it_is_offered_and_crosses(self, http2, backend, proxy):
        assert http2.connection.remote_settings.enable_connect_protocol == 1
        number, got, there = self.open(http2, backend)
        http2.send_body(number, b"up", end=False)
        assert there.exactly(2) == b"up"
        there.send(b"down")
        http2.until(lambda: got.body == b"down")
        http2.send_body(number, b"", end=True)
        assert there.rest() == b""
        there.close()
        http2.answer(number)
        assert '"GET /ws HTTP/2.0" 101 4 ' in proxy.access_lines()[0]

    def test_each_handshake_has_a_key_of_its_own(self, http2, backend):
        keys = set()
        for _ in range(3):
            http2.send_head(connect_head(), end=False)
            keys.add(backend.accept().head()["sec-websocket-key"])
        assert len(keys) == 3

    def test_tunnels_and_requests_share_a_connection(self, http2, backend):
        opened = [self.open(http2, backend) for _ in range(5)]
        number = http2.request("GET", "/page")
        there = backend.accept()
        there.head()
        there.send(answer(200, b"page"))
        assert bytes(http2.answer(number).body) == b"page"
        for number, got, there in reversed(opened):
            http2.send_body(number, b"%d" % number, end=False)
            assert there.exactly(len(b"%d" % number)) == b"%d" % number

    def test_a_reset_ends_the_nodes_connection_and_no_other_stream(self, http2, backend):
        number, _, there = self.open(http2, backend)
        other, got, still = self.open(http2, backend)
        http2.reset(number)
        there.rest()
        assert there.end == "cut"
        still.send(b"well")
        http2.until(lambda: got.body == b"well")

    def test_a_node_that_breaks_off_resets_the_stream(self, http2, backend):
        number, got, there = self.open(http2, backend)
        there.reset()
        assert http2.answer(number).reset is not None

    @pytest.mark.parametrize("status", [200, 403])
    def test_an_answer_that_is_no_acceptance_is_an_answer(self, http2, backend, status):
        number = http2.send_head(connect_head(), end=False)
        there = backend.accept()
        there.head()
        there.send(answer(status, b"no"))
        # RFC 8441 section 5.1: a 2xx would say that the tunnel is open.
        got = http2.answer(number)
        assert (got.status, bytes(got.body)) == (status if status != 200 else 502, b"no" if status != 200 else got.body)

    def test_what_is_not_allowed_is_refused(self, http2, backend):
        assert http2.answer(http2.send_head(connect_head("/closed"), end=False)).status == 403
        assert http2.answer(http2.send_head(connect_head(protocol="connect-udp"), end=False)).status == 501
        assert not backend.waits(0)


# ---- clients and servers of others

@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_a_real_client_and_a_real_server(start, certificate, secure):
    with EchoServer(server_tls(certificate.file()) if secure else None) as server:
        proxy = start(server.url, routes=OPEN)

        async def talk() -> None:
            port = proxy.port("https" if secure else "http")
            async with websockets.connect(
                    f"{'wss' if secure else 'ws'}://{HOST}:{port}/ws", ssl=client_tls("http/1.1") if secure else None,
                    subprotocols=["chat"], max_size=None) as connection:
                assert connection.subprotocol == "chat"
                for message in ("hello", b"\0" * 100_000, "x" * 1_000_000):
                    await connection.send(message)
                    assert await connection.recv() == message
                await asyncio.wait_for(await connection.ping(), 30)

        asyncio.run(talk())
        assert server.seen[0]["X-Forwarded-For"] == HOST
        assert '"GET /ws HTTP/1.1" 101 ' in proxy.access_lines()[0]
