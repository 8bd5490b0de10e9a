"""HTTP/2 clients before HTTP/1.1 backends: streams, windows and resets."""

import hashlib
import signal
import subprocess
import time
from contextlib import suppress

import h2.errors
import pytest

from daemons import in_background
from http2 import AUTHORITY, Http2Client
from rproxyd import answer, chunked
from wire import client_tls

BODY = bytes(range(256)) * 700
HELD_BYTES_LIMIT = 32 * 1024 * 1024
DOWNLOAD = 40 * 1024 * 1024
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CALM = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
PING, GOAWAY, ACK = 6, 7, 1


def open_client(proxy, **options) -> Http2Client:
    return Http2Client(proxy.connect(tls=client_tls("h2"), **options))


@pytest.fixture
def client(proxy):
    with open_client(proxy) as opened:
        yield opened


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# ---- messages

def test_a_request_and_its_answer_cross(client, backend, proxy):
    number = client.request("GET", "/a%2Fb?x=1", ("accept", "text/*"), ("cookie", "a=1"), ("cookie", "b=2"))
    there = backend.accept()
    head = there.head()
    assert head.line == "GET /a%2Fb?x=1 HTTP/1.1"
    assert (head["host"], head["accept"], head["cookie"]) == (AUTHORITY, "text/*", "a=1; b=2")
    assert (head["x-forwarded-for"], head["x-forwarded-proto"], head["x-forwarded-host"]) == ("127.0.0.1", "https", AUTHORITY)
    there.send(answer(200, b"hello", "Content-Type: text/plain", "Set-Cookie: a=1", "Set-Cookie: b=2", "Connection: keep-alive, X-P", "X-P: 1"))
    got = client.answer(number)
    assert (got.status, bytes(got.body), got.head["content-length"]) == (200, b"hello", ["5"])
    assert got.head["set-cookie"] == ["a=1", "b=2"]
    assert not {"connection", "x-p", "transfer-encoding"} & got.head.keys() and "date" in got.head
    assert '"GET /a%2Fb?x=1 HTTP/2.0" 200 5 ' in proxy.access_lines()[0]


def test_bodies_cross_with_and_without_a_length(client, backend):
    number = client.request("POST", "/", ("content-length", str(len(BODY))), end=False)
    there = backend.accept()
    client.send_body(number, BODY)
    got = there.message()
    assert got.head["content-length"] == str(len(BODY)) and got.body == BODY
    there.send(answer(200, BODY[::-1]))
    assert bytes(client.answer(number).body) == BODY[::-1]

    number = client.request("POST", "/", end=False)
    assert there.head()["transfer-encoding"] == "chunked"
    client.send_body(number, b"abc")
    assert b"".join(iter(there.chunk, b"")) == b"abc" and there.trailers() == []
    there.send(CHUNKED_HEAD, chunked(b"d", b"ef"))
    got = client.answer(number)
    assert bytes(got.body) == b"def" and "content-length" not in got.head


def test_trailers_cross_both_ways(client, backend):
    number = client.request("PUT", "/", ("te", "trailers"), end=False)
    client.send_body(number, b"abc", end=False)
    client.send_trailers(number, ("x-sum", "1"), ("authorization", "no"))
    there = backend.accept()
    got = there.message()
    assert (got.head["te"], got.body, got.trailers) == ("trailers", b"abc", [("x-sum", "1")])
    there.send(CHUNKED_HEAD, chunked(b"def", trailers=("X-Sum: 2", "Set-Cookie: no=1")))
    got = client.answer(number)
    assert (bytes(got.body), got.trailers) == (b"def", [("x-sum", "2")])


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body_end_with_their_head(client, backend, method, status):
    number = client.request(method, "/")
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 %d Whatever\r\n%s\r\n" % (status, b"Content-Length: 7\r\n" if status == 200 else b""))
    got = client.answer(number)
    assert (got.status, bytes(got.body)) == (status, b"")


def test_100_continue_is_said_by_the_proxy(client, backend):
    number = client.request("POST", "/", ("expect", "100-continue"), ("content-length", "4"), end=False)
    there = backend.accept()
    assert "expect" not in there.head()
    client.until(lambda: client.streams[number].informational)
    assert client.streams[number].informational[0][":status"] == ["100"]
    client.send_body(number, b"body")
    assert there.exactly(4) == b"body"
    there.send(answer(200, b"done"))
    assert bytes(client.answer(number).body) == b"done"


def test_early_hints_come_before_the_answer(client, backend):
    number = client.request()
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    client.until(lambda: client.streams[number].informational)
    assert client.streams[number].informational[0]["link"] == ["</style.css>"]
    there.send(answer(200, b"page"))
    assert bytes(client.answer(number).body) == b"page"


# ---- many streams

def test_a_hundred_streams_at_once_are_answered_in_any_order(client, backend):
    opened = []
    for place in range(100):
        number = client.request("GET", f"/{place}")
        there = backend.accept()
        assert there.head().line == f"GET /{place} HTTP/1.1"
        opened.append((number, there))
    for place, (number, there) in reversed(list(enumerate(opened))):
        there.send(answer(200, b"answer %d" % place))
        assert bytes(client.answer(number).body) == b"answer %d" % place


def test_each_event_of_a_stream_is_there_before_the_next_is_sent(client, backend):
    number = client.request("GET", "/events")
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    got = client.streams[number]
    for event in range(50):
        there.send(chunk(b"data: %d\n\n" % event))
        client.until(lambda: got.body.endswith(b"data: %d\n\n" % event))


def test_a_stream_that_takes_nothing_holds_up_no_other(client, backend):
    client.connection.increment_flow_control_window(1 << 24)  # the connection's is not the limit here
    client.flush()
    slow = client.request("GET", "/slow")
    there = backend.accept()
    there.head()
    client.opens_windows = False
    in_background(lambda: suppressed(there.send, answer(200, bytes(10_000_000))))
    client.until(lambda: len(client.streams[slow].body) == 65535)  # and no more without a WINDOW_UPDATE
    client.opens_windows = True
    other = None
    for place in range(20):
        number = client.request("GET", f"/{place}")
        other = other or backend.accept()
        other.head()
        other.send(answer(200, BODY))
        assert bytes(client.answer(number).body) == BODY
    assert len(client.streams[slow].body) == 65535
    client.open_window(slow)
    assert len(client.answer(slow).body) == 10_000_000


def suppressed(work, *arguments) -> None:
    with suppress(OSError):
        work(*arguments)


# ---- back-pressure

def test_a_download_waits_for_its_windows(start, backend):
    """Rule 16."""
    proxy = start(backend.url, honest_memory=True)
    with open_client(proxy) as client:
        number = client.request()
        there = backend.accept()
        there.head()
        before = proxy.resident_bytes()
        client.opens_windows = False
        sent = []

        def send_all() -> None:
            there.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % DOWNLOAD)
            for _ in range(DOWNLOAD // 65536):
                there.send(bytes(65536))
                sent.append(1)

        sending = in_background(send_all)
        client.until(lambda: len(client.streams[number].body) == 65535)
        wait_until_still(lambda: len(sent))
        assert len(sent) * 65536 < DOWNLOAD / 2
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
        client.opens_windows = True
        client.open_window(number)
        got = client.answer(number)
        assert hashlib.sha256(got.body).digest() == hashlib.sha256(bytes(DOWNLOAD)).digest()
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
        sending.join()


def wait_until_still(count) -> None:
    seen = None
    while seen != count():
        seen = count()
        time.sleep(1)


def test_an_upload_gets_no_window_while_its_backend_takes_nothing(start, new_backend):
    """Rule 16."""
    backend = new_backend(receive_buffer=4096)
    proxy = start(backend.url, honest_memory=True)
    with open_client(proxy) as client:
        number = client.request("POST", "/", ("content-length", str(DOWNLOAD)), end=False)
        there = backend.accept()
        there.head()
        before = proxy.resident_bytes()
        sending = in_background(lambda: client.send_body(number, bytes(DOWNLOAD)))
        wait_until_still(lambda: client.connection.local_flow_control_window(number) == 0)
        assert sending.is_alive() and client.connection.local_flow_control_window(number) == 0
        assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
        assert hashlib.sha256(there.exactly(DOWNLOAD)).digest() == hashlib.sha256(bytes(DOWNLOAD)).digest()
        sending.join()
        there.send(answer(200, b"ok"))
        assert bytes(client.answer(number).body) == b"ok"


# ---- breaking off

def test_a_reset_stream_ends_its_request_and_no_other(client, backend):
    first, second = client.request("GET", "/first"), client.request("GET", "/second")
    there, other = backend.accept(), backend.accept()
    if there.head().line == "GET /second HTTP/1.1":
        there, other = other, there
        there.head()
    else:
        other.head()
    client.reset(first)
    assert there.rest() == b""
    other.send(answer(200, b"second"))
    assert bytes(client.answer(second).body) == b"second"


@pytest.mark.parametrize("half", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CHUNKED_HEAD + b"4\r\nhalf\r\n"], ids=["length", "chunks"])
def test_a_backend_that_dies_in_its_answer_resets_the_stream_and_no_other(client, backend, half):
    """Rule 19."""
    number = client.request()
    there = backend.accept()
    there.head()
    there.send(half)
    client.until(lambda: client.streams[number].body == b"half")
    there.close()
    got = client.answer(number)
    assert not got.ended and got.reset == h2.errors.ErrorCodes.INTERNAL_ERROR
    number = client.request()
    there = backend.accept()
    there.head()
    there.send(answer(200, b"next"))
    assert bytes(client.answer(number).body) == b"next"


def test_an_early_answer_ends_the_stream_before_its_body(client, backend):
    number = client.request("POST", "/", end=False)
    client.send_body(number, b"some", end=False)
    there = backend.accept()
    there.head()
    there.send(answer(413, b"too large"))
    got = client.answer(number)
    assert (got.status, bytes(got.body)) == (413, b"too large")
    assert b"0\r\n" not in there.rest()
    number = client.request()
    there = backend.accept()
    there.head()
    there.send(answer(200, b"next"))
    assert bytes(client.answer(number).body) == b"next"


def test_a_client_that_leaves_ends_all_its_requests(proxy, backend):
    client = open_client(proxy)
    for place in range(10):
        client.request("GET", f"/{place}")
    served = [backend.accept() for _ in range(10)]
    for there in served:
        there.head()
    client.close()
    for there in served:
        assert there.rest() == b""
    assert all('" 499 0 ' in line for line in proxy.access_lines(10))


# ---- what is refused

PSEUDO = [(":method", "GET"), (":scheme", "https"), (":authority", AUTHORITY), (":path", "/")]
BAD_HEADS = {  # rule 11
    "an upper-case name": [*PSEUDO, ("X-A", "1")],
    "connection": [*PSEUDO, ("connection", "close")],
    "keep-alive": [*PSEUDO, ("keep-alive", "timeout=5")],
    "transfer-encoding": [*PSEUDO, ("transfer-encoding", "chunked")],
    "upgrade": [*PSEUDO, ("upgrade", "websocket")],
    "te": [*PSEUDO, ("te", "gzip")],
    "line breaks in a value": [*PSEUDO, ("x-a", "1\r\nX-B: 2")],
    "nul in a value": [*PSEUDO, ("x-a", "1\0")],
    "a space in a name": [*PSEUDO, ("x a", "1")],
    "a colon in a name": [*PSEUDO, ("x:a", "1")],
    "no method": PSEUDO[1:],
    "no path": PSEUDO[:3],
    "no scheme": [PSEUDO[0], *PSEUDO[2:]],
    "no authority": [*PSEUDO[:2], PSEUDO[3]],
    "two paths": [*PSEUDO, (":path", "/b")],
    "two methods": [(":method", "POST"), *PSEUDO],
    "a late pseudo-header": [*PSEUDO[:3], ("x-a", "1"), PSEUDO[3]],
    "an unknown pseudo-header": [*PSEUDO, (":secret", "1")],
    "a space in the path": [*PSEUDO[:3], (":path", "/a b")],
    "an empty path": [*PSEUDO[:3], (":path", "")],
    "a path without a slash": [*PSEUDO[:3], (":path", "webapp")],
    "an absolute path": [*PSEUDO[:3], (":path", "https://other.example.com/")],
    "another host": [*PSEUDO, ("host", "other.example.com")],
    "two hosts": [*PSEUDO, ("host", AUTHORITY), ("host", AUTHORITY)],
    "a user in the authority": [*PSEUDO[:2], (":authority", "a@b"), PSEUDO[3]],
    "a length that is none": [*PSEUDO, ("content-length", "+1")],
    "two lengths": [*PSEUDO, ("content-length", "0"), ("content-length", "1")],
    "connect": [(":method", "CONNECT"), (":authority", AUTHORITY)],
    "trace": [(":method", "TRACE"), *PSEUDO[1:]],
    "a path above the root": [*PSEUDO[:3], (":path", "/../x")],
    "too many fields": [*PSEUDO, *[("x-a", "1")] * 200],
    "too many crumbs of cookies": [*PSEUDO, *[("cookie", "a=1")] * 200],
    "too large a field": [*PSEUDO, ("x-a", "a" * 70_000)],
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_it_is_refused_and_no_backend_sees_it(proxy, backend, name):
    with open_client(proxy) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            number = client.send_head(BAD_HEADS[name])
        stream = client.streams[number]
        while not (client.ended or stream.over or client.goaway is not None):
            client.pump()
        assert stream.reset is not None or client.goaway is not None or 400 <= stream.status < 600
        assert stream.status is None or stream.head["cache-control"] == ["no-store"]
    with open_client(proxy) as client:  # the only request that arrives
        number = client.request("GET", "/probe")
        there = backend.accept()
        assert there.head().line == "GET /probe HTTP/1.1"
        there.send(answer(200, b"ok"))
        assert client.answer(number).status == 200
        assert not backend.waits(0)


@pytest.mark.parametrize("announced, sent", [(10, 5), (5, 10), (0, 5)])
def test_a_body_unlike_its_length_resets_the_stream_and_ends_the_backend_connection(client, backend, announced, sent):
    """Rule 5."""
    number = client.request("POST", "/", ("content-length", str(announced)), end=False)
    client.send_body(number, bytes(sent))
    got = client.answer(number)
    assert got.reset is not None or got.status == 400
    if backend.waits(0.2):
        there = backend.accept()
        assert len(there.rest().partition(b"\r\n\r\n")[2]) < max(announced, 1)
    number = client.request("GET", "/next")
    there = backend.accept()
    assert there.head().line == "GET /next HTTP/1.1"


def test_rapid_resets_end_the_connection_and_nobody_elses(proxy, backend):
    """Rule 9: CVE-2023-44487."""
    with open_client(proxy) as good, open_client(proxy) as bad:
        number = good.request("GET", "/good")
        there = backend.accept()
        there.head()
        with suppress(ConnectionError):
            for _ in range(5000):
                opened = bad.connection.get_next_available_stream_id()
                bad.connection.send_headers(opened, PSEUDO, end_stream=True)
                bad.connection.reset_stream(opened)
                bad.flush()
        with suppress(ConnectionError):
            bad.end()
        assert bad.goaway == CALM
        there.send(answer(200, b"good"))
        assert bytes(good.answer(number).body) == b"good"
    assert proxy.running


# ---- clients that we did not write

@pytest.fixture
def demo_proxy(start, node):
    return start(node("node1").url, workers=2)


def test_curl(demo_proxy, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(BODY * 50)
    url = demo_proxy.url
    said = subprocess.run(["curl", "-ksS", "--http2", "-o", tmp_path / "blob", "-w", "%{http_version} %{http_code} %{size_download}",
                           f"{url}/static/blob?bytes=5000000"], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "2 200 5000000"), said.stderr
    said = subprocess.run(["curl", "-ksS", "--http2", "-T", upload, f"{url}/echo"], capture_output=True, text=True)
    assert f'"sha256": "{hashlib.sha256(BODY * 50).hexdigest()}"' in said.stdout, said.stderr


def test_curl_says_that_an_answer_is_incomplete(start, node):
    demo = node("node1")
    proxy = start(demo.url)
    demo.fault(kind="die_mid_answer", end="fin")
    done = subprocess.run(["curl", "-ks", "--http2", "-o", "/dev/null", f"{proxy.url}/static/blob"])
    assert done.returncode == 92  # HTTP/2 stream error


def test_nghttp(demo_proxy):
    done = subprocess.run(["nghttp", "-nv", f"{demo_proxy.url}/api/client/v2/status"], capture_output=True, text=True)
    assert done.returncode == 0 and ":status: 200" in done.stdout


def test_h2load(demo_proxy):
    """Two thousand requests, ten streams on each of ten connections, two workers."""
    done = subprocess.run(["h2load", "-n", "2000", "-c", "10", "-m", "10", f"{demo_proxy.url}/api/client/v2/status"],
                          capture_output=True, text=True)
    assert "2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout
    assert "status codes: 2000 2xx" in done.stdout


def test_h2load_uploads(demo_proxy, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(BODY)
    done = subprocess.run(["h2load", "-n", "200", "-c", "4", "-m", "5", "-d", upload, f"{demo_proxy.url}/echo"],
                          capture_output=True, text=True)
    assert "200 succeeded, 0 failed" in done.stdout


# ---- GOAWAY (RFC 9113 section 6.8)

def goaways_until_end(client) -> list[int]:
    """Which streams GOAWAYs named as the last, read by hand; pings are answered."""
    named, received = [], b""
    while piece := client.wire.read():
        received += piece
        while len(received) >= 9 and len(received) >= 9 + int.from_bytes(received[:3], "big"):
            size = int.from_bytes(received[:3], "big")
            kind, flags, payload = received[3], received[4], received[9:9 + size]
            if kind == GOAWAY:
                assert int.from_bytes(payload[4:8], "big") == h2.errors.ErrorCodes.NO_ERROR
                named.append(int.from_bytes(payload[:4], "big"))
            if kind == PING and not flags & ACK:
                client.wire.send(received[:4] + bytes([ACK]) + received[5:9 + size])
            received = received[9 + size:]
    return named


def test_a_drain_says_goaway_twice_and_lets_streams_finish(start, backend):
    """First one that refuses nothing; behind the answer to a ping, one that names the last request."""
    proxy = start(backend.url, drain_timeout="60s")
    with open_client(proxy) as client:
        number = client.request("GET", "/events")
        there = backend.accept()
        there.head()
        there.send(CHUNKED_HEAD, chunk(b"one"))
        client.until(lambda: client.streams[number].body == b"one")
        proxy.signal(signal.SIGTERM)
        named: list[int] = []
        reading = in_background(lambda: named.extend(goaways_until_end(client)))
        there.send(chunk(b"two"))
        there.send(b"0\r\n\r\n")
        reading.join()
        assert named == [0x7fffffff, number] and client.wire.end == "clean"
    proxy.wait()


def test_an_idle_connection_is_told_goaway_and_closed(start, backend):
    proxy = start(backend.url, timeouts={"keep_alive": "300ms"})
    with open_client(proxy) as client:
        number = client.request()
        there = backend.accept()
        there.head()
        there.send(answer(200, b"one"))
        assert bytes(client.answer(number).body) == b"one"
        reader = goaways_until_end(client)
        assert reader[0] == 0x7fffffff and reader[-1] == number
        assert client.wire.end == "clean"
