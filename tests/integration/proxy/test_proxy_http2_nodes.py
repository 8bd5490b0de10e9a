"""HTTP/2 towards nodes (pools.*.protocol "h2"): connections, streams, and what ends them."""

import hashlib
import time

import h2.errors
import pytest

from daemons import in_background
from http2 import Http2Client
from http2_backend import Http2Backend
from rproxyd import answer, request
from websocket import KEY, accept_value, handshake, switching
from wire import client_tls, server_tls

H2 = {"protocol": "h2"}
CODES = h2.errors.ErrorCodes
DOWNLOAD = 40 * 1024 * 1024
HELD_BYTES_LIMIT = 32 * 1024 * 1024


@pytest.fixture
def new_node(running, certificate):
    def make(tls: bool = True, alpn: tuple[str, ...] = ("h2",), **options) -> Http2Backend:
        context = server_tls(certificate.file()) if tls else None
        if context and alpn:
            context.set_alpn_protocols(list(alpn))
        made = Http2Backend(context, **options)
        running.callback(made.close)
        return made

    return make


@pytest.fixture
def backend(new_node) -> Http2Backend:
    return new_node()


@pytest.fixture
def proxy(start, backend):
    return start(backend.url, pool=H2)


def ask(proxy, method: str = "GET", target: str = "/", *fields: str, body: bytes = b""):
    """A client of its own that has sent a request."""
    client = proxy.connect("http")
    client.send(request(method, target, *fields, body=body))
    return client


# ---- connections

def test_requests_of_many_clients_share_one_connection(proxy, backend):
    first = ask(proxy, "GET", "/0")
    node = backend.accept_http2()
    clients = [first, *(ask(proxy, "GET", f"/{place}") for place in range(1, 20))]
    requests = {each[":path"]: each for each in (node.next() for _ in clients)}
    for place, client in reversed(list(enumerate(clients))):
        node.answer(requests[f"/{place}"], 200, b"answer %d" % place)
        assert client.message().body == b"answer %d" % place
    assert not backend.waits(0)


def test_requests_that_come_while_the_connection_is_made_share_it(proxy, backend):
    clients = [ask(proxy, "GET", f"/{place}") for place in range(10)]  # the handshake is ours to make
    node = backend.accept_http2()
    for _ in clients:
        each = node.next()
        node.answer(each, 200, each[":path"].encode())
    assert [client.message().body for client in clients] == [b"/%d" % place for place in range(10)]
    assert not backend.waits(0)


def test_no_more_streams_than_the_node_allows(proxy, backend):
    first = ask(proxy, "GET", "/0")
    node = backend.accept_http2(max_concurrent_streams=2)
    held = [node.next()]
    node.until(lambda: node.acknowledged)
    node.answer(held.pop(), 200, b"0")
    assert first.message().body == b"0"
    clients = [ask(proxy, "GET", f"/{place}") for place in range(4)]
    other = backend.accept_http2(max_concurrent_streams=2)
    for each in (node, node, other, other):
        got = each.next()
        each.answer(got, 200, b"")
    for client in clients:
        assert client.message().status == 200


def test_a_connection_beside_full_ones_is_kept_for_the_next_request(proxy, backend):
    held = ask(proxy, "GET", "/events")
    full = backend.accept_http2(max_concurrent_streams=1)
    full.next()
    full.until(lambda: full.acknowledged)
    first = ask(proxy, "GET", "/0")
    node = backend.accept_http2()
    node.answer(node.next(), 200, b"0")
    assert first.message().body == b"0"
    for place in range(1, 5):
        client = ask(proxy, "GET", f"/{place}")
        node.answer(node.next(), 200, b"%d" % place)
        assert client.message().body == b"%d" % place
    assert not backend.waits(0) and held


def test_plain_http_2_by_prior_knowledge(start, new_node):
    backend = new_node(tls=False)
    proxy = start(backend.url, pool=H2)
    client = ask(proxy)
    node = backend.accept_http2()
    got = node.next()
    assert (got[":scheme"], got[":authority"], got[":method"], got[":path"]) == ("http", "proxy.example.com", "GET", "/")
    node.answer(got, 200, b"plain")
    assert client.message().body == b"plain"


@pytest.mark.parametrize("alpn", [("http/1.1",), ()], ids=["http/1.1", "no ALPN"])
def test_a_node_without_http_2_is_asked_in_http_1_1_and_that_is_said_once(start, new_node, alpn):
    backend = new_node(alpn=alpn)
    proxy = start(backend.url, pool=H2)
    clients = [ask(proxy, "GET", f"/{place}") for place in range(3)]
    for _ in clients:
        there = backend.accept()
        head = there.head()
        assert head.line.endswith(" HTTP/1.1")
        there.send(answer(200, head.line.encode()))
    assert sorted(client.message().body for client in clients) == [b"GET /%d HTTP/1.1" % place for place in range(3)]
    proxy.wait_for_log("does not offer HTTP/2")
    assert proxy.log.count("does not offer HTTP/2") == 1


def test_an_idle_connection_is_closed_with_goaway(start, backend):
    proxy = start(backend.url, pool=H2, timeouts={"backend_idle": "200ms"})
    client = ask(proxy)
    node = backend.accept_http2()
    node.answer(node.next(), 200, b"ok")
    assert client.message().body == b"ok"
    assert node.end() == "clean" or node.wire.end == "cut"
    assert node.goaway == CODES.NO_ERROR


def test_a_node_that_ends_its_connection_loses_nobody(proxy, backend):
    client = ask(proxy)
    node = backend.accept_http2()
    node.answer(node.next(), 200, b"one")
    assert client.message().body == b"one"
    node.wire.reset()
    client.send(request("GET", "/two"))
    node = backend.accept_http2()
    node.answer(node.next(), 200, b"two")
    assert client.message().body == b"two"


# ---- what was not processed goes elsewhere

@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_behind_a_goaway_are_sent_again(proxy, backend, method):
    first = ask(proxy, "GET", "/first")
    node = backend.accept_http2()
    kept = node.next()
    second = ask(proxy, method, "/second")
    lost = node.next()
    assert lost.number > kept.number
    node.go_away(kept.number)
    other = backend.accept_http2()
    other.answer(other.next(), 200, b"second")
    assert second.message().body == b"second"
    node.answer(kept, 200, b"first")  # an established one goes on
    assert first.message().body == b"first"
    node.end()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_stream_is_sent_again(start, new_node, method):
    one, two = new_node(), new_node()
    proxy = start(one.url, two.url, pool=H2)
    client = ask(proxy, method, "/")
    backend = one if one.waits(5) else two
    node = backend.accept_http2()
    node.reset(node.next(), CODES.REFUSED_STREAM)
    other = (two if backend is one else one).accept_http2()
    other.answer(other.next(), 200, b"here")
    assert client.message().body == b"here"


def test_a_post_that_a_node_may_have_processed_is_not_sent_again(start, new_node):
    one, two = new_node(), new_node()
    proxy = start(one.url, two.url, pool=H2)
    client = ask(proxy, "POST", "/")
    backend = one if one.waits(5) else two
    node = backend.accept_http2()
    node.reset(node.next(), CODES.INTERNAL_ERROR)
    assert client.message().status == 502
    assert not one.waits(0) and not two.waits(0)


# ---- breaking off

def test_a_stream_that_is_reset_in_its_answer_is_an_incomplete_answer(proxy, backend):
    client = ask(proxy)
    node = backend.accept_http2()
    got = node.next()
    node.head(got, 200)
    node.body(got, b"half")
    assert client.head().status == 200 and client.chunk() == b"half"
    node.reset(got)
    client.rest()
    assert client.end == "cut"
    other = ask(proxy)  # and no other stream's trouble
    node.answer(node.next(), 200, b"well")
    assert other.message().body == b"well"


def test_a_client_that_goes_resets_its_stream_and_no_other(proxy, backend):
    gone = ask(proxy, "GET", "/gone")
    node = backend.accept_http2()
    lost = node.next()
    stays = ask(proxy, "GET", "/stays")
    kept = node.next()
    gone.reset()
    node.until(lambda: lost.reset is not None)
    assert lost.reset == CODES.CANCEL
    node.answer(kept, 200, b"stays")
    assert stays.message().body == b"stays"


@pytest.mark.parametrize("fields", [
    [(":status", "200"), ("content-length", "x")],
    [(":status", "101")],
    [(":status", "200"), ("Upper", "case")],
    [(":status", "200"), ("connection", "close")],
    [("x", "no status")],
], ids=["length", "101", "upper case", "connection", "no status"])
def test_a_malformed_answer_is_a_502_and_ends_its_stream_alone(proxy, backend, fields):
    client = ask(proxy)
    node = backend.accept_http2()
    got = node.next()
    node.connection.send_headers(got.number, fields, end_stream=fields[0][1] != "101")
    node.flush()
    assert client.message().status == 502
    other = ask(proxy)
    node.answer(node.next(), 200, b"well")
    assert other.message().body == b"well"


def test_an_answer_longer_or_shorter_than_it_says_is_incomplete(proxy, backend):
    client = ask(proxy)
    node = backend.accept_http2()
    got = node.next()
    node.head(got, 200, ("content-length", "10"))
    node.body(got, b"short", end=True)
    client.head()
    client.rest()
    assert client.end == "cut"


# ---- back-pressure (rule 16)

def test_a_slow_client_holds_up_no_other_stream_and_costs_little(start, backend):
    proxy = start(backend.url, pool=H2, honest_memory=True)
    slow = proxy.connect("http", receive_buffer=4096)
    slow.send(request("GET", "/slow"))
    node = backend.accept_http2()
    got = node.next()
    before = proxy.resident_bytes()
    node.head(got, 200, ("content-length", str(DOWNLOAD)))
    sent = 0
    while room := min(node.connection.local_flow_control_window(got.number), 16384):
        node.connection.send_data(got.number, bytes(room))
        sent += room
        node.flush()
        if node.connection.local_flow_control_window(got.number) == 0:
            time.sleep(0.3)
            other = ask(proxy, "GET", "/quick")
            quick = node.next()  # takes WINDOW_UPDATEs, too
            node.answer(quick, 200, b"quick")
            assert other.message().body == b"quick"
    assert sent < DOWNLOAD / 4
    assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
    in_background(lambda: node.body(got, bytes(DOWNLOAD - sent), end=True))
    assert hashlib.sha256(slow.message().body).digest() == hashlib.sha256(bytes(DOWNLOAD)).digest()


def test_an_upload_waits_for_the_nodes_window(start, backend):
    proxy = start(backend.url, pool=H2, honest_memory=True)
    client = proxy.connect("http")
    client.send(request("POST", "/", f"Content-Length: {DOWNLOAD}"))
    node = backend.accept_http2()
    got = node.next()
    before = proxy.resident_bytes()
    node.opens_windows = False
    sending = in_background(lambda: client.send(bytes(DOWNLOAD)))
    node.until(lambda: len(got.body) == 65535)
    other = ask(proxy, "GET", "/quick")
    node.connection.increment_flow_control_window(1 << 20)
    node.flush()
    node.answer(node.next(), 200, b"quick")
    assert other.message().body == b"quick"
    assert sending.is_alive() and proxy.resident_bytes() - before < HELD_BYTES_LIMIT
    node.opens_windows = True
    node.open_window(got)
    node.until(lambda: got.ended)
    assert len(got.body) == DOWNLOAD and not any(got.body)
    node.answer(got, 200, b"ok")
    assert client.message().body == b"ok"


# ---- WebSocket (RFC 8441 towards the node)

def test_a_websocket_over_http_2_to_a_node_that_takes_it(start, backend):
    proxy = start(backend.url, pool=H2, routes=[{"path": "/", "pool": "nodes", "websocket": True}])
    client = proxy.connect("http")
    client.send(handshake("/ws", "Sec-WebSocket-Protocol: chat"))
    node = backend.accept_http2(enable_connect_protocol=1)
    got = node.next()
    assert (got[":method"], got[":protocol"], got[":path"], got["sec-websocket-version"]) == ("CONNECT", "websocket", "/ws", "13")
    assert not {"sec-websocket-key", "upgrade", "connection", "content-length"} & got.head.keys()
    node.head(got, 200, ("sec-websocket-protocol", "chat"))
    head = client.head()
    assert (head.status, head["upgrade"], head["sec-websocket-accept"], head["sec-websocket-protocol"]) == (101, "websocket", accept_value(KEY), "chat")
    client.send(b"up")
    node.until(lambda: got.body == b"up")
    node.body(got, b"down")
    assert client.exactly(4) == b"down"
    client.finish_sending()
    node.until(lambda: got.ended)
    node.body(got, b"late", end=True)
    assert client.rest() == b"late" and client.end == "clean"
    assert '"GET /ws HTTP/1.1" 101 8 ' in proxy.access_lines()[0]


def test_a_websocket_from_an_http_2_client_to_an_http_2_node(start, backend):
    proxy = start(backend.url, pool=H2, routes=[{"path": "/", "pool": "nodes", "websocket": True}])
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        number = client.send_head([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
                                   (":authority", "proxy.example.com"), (":path", "/ws"), ("sec-websocket-version", "13")], end=False)
        node = backend.accept_http2(enable_connect_protocol=1)
        got = node.next()
        node.head(got, 200)
        stream = client.streams[number]
        client.until(lambda: stream.head)
        client.send_body(number, b"up", end=False)
        node.until(lambda: got.body == b"up")
        node.body(got, b"down", end=True)
        client.until(lambda: stream.ended)
        client.send_body(number, b"late")
        node.until(lambda: got.ended)
        assert got.body == b"uplate" and stream.body == b"down"


def test_a_websocket_to_an_http_2_node_without_extended_connect_goes_over_http_1_1(start, new_node):
    backend = new_node(alpn=("h2", "http/1.1"))
    proxy = start(backend.url, pool=H2, routes=[{"path": "/", "pool": "nodes", "websocket": True}])
    client = proxy.connect("http")
    client.send(handshake())
    node = backend.accept_http2()
    there = backend.accept()
    assert there.head().line == "GET /ws HTTP/1.1"
    there.send(switching())
    assert client.head().status == 101
    other = ask(proxy)  # while all else goes over HTTP/2
    node.answer(node.next(), 200, b"ok")
    assert other.message().body == b"ok"


def test_a_refused_websocket_is_an_answer(start, backend):
    proxy = start(backend.url, pool=H2, routes=[{"path": "/", "pool": "nodes", "websocket": True}])
    client = proxy.connect("http")
    client.send(handshake())
    node = backend.accept_http2(enable_connect_protocol=1)
    got = node.next()
    node.answer(got, 403, b"no")
    message = client.message()
    assert (message.status, message.body) == (403, b"no")
    node.until(lambda: got.reset is not None)  # nothing is left open behind it
