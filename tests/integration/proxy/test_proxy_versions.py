"""What HTTP can do, from each version to each: HTTP/1.1 and HTTP/2 clients before HTTP/1.1 and HTTP/2 nodes."""

import hashlib

import pytest

from daemons import in_background
from http2 import Http2Client
from http2_backend import Http2Backend
from rproxyd import answer, chunked, request
from wire import client_tls, server_tls

BODY = bytes(range(256)) * 700
UPLOAD = 30 * 1024 * 1024
HELD_BYTES_LIMIT = 32 * 1024 * 1024


class Http1Side:
    """A client of one request."""

    def __init__(self, proxy):
        self.wire = proxy.connect("http")

    def ask(self, method: str, target: str, *fields: tuple[str, str], open: bool = False) -> None:
        lines = [f"{name}: {value}" for name, value in fields]
        if open and not any(name == "content-length" for name, _ in fields):
            lines.append("Transfer-Encoding: chunked")
        self.chunks = open and "Transfer-Encoding: chunked" in lines
        self.wire.send(request(method, target, *lines))

    def send(self, data: bytes) -> None:
        self.wire.send(b"%x\r\n%s\r\n" % (len(data), data) if self.chunks else data)

    def end(self, *trailers: tuple[str, str]) -> None:
        if self.chunks:
            self.wire.send(chunked(trailers=tuple(f"{name}: {value}" for name, value in trailers)))

    def informational(self) -> tuple[int, dict]:
        head = self.wire.head()
        return head.status, dict(head.fields)

    def head(self):
        self._head = self.wire.head()
        return self._head.status, {name.lower(): value for name, value in self._head.fields}

    def some(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            got += self.wire.chunk()
        return got

    def rest(self) -> tuple[bytes, list]:
        message = self.wire.body_of(self._head)
        return message.body, message.trailers


class Http2Side:
    def __init__(self, proxy):
        self.client = Http2Client(proxy.connect(tls=client_tls("h2")))

    def ask(self, method: str, target: str, *fields: tuple[str, str], open: bool = False) -> None:
        self.number = self.client.request(method, target, *fields, end=not open)
        self.stream = self.client.streams[self.number]
        self._taken = 0

    def send(self, data: bytes) -> None:
        self.client.send_body(self.number, data, end=False)

    def end(self, *trailers: tuple[str, str]) -> None:
        if trailers:
            self.client.send_trailers(self.number, *trailers)
        else:
            self.client.send_body(self.number, b"")

    def informational(self) -> tuple[int, dict]:
        self.client.until(lambda: self.stream.informational)
        fields = self.stream.informational.pop(0)
        return int(fields[":status"][0]), {name: values[0] for name, values in fields.items()}

    def head(self):
        self.client.until(lambda: self.stream.head)
        return self.stream.status, {name: values[0] for name, values in self.stream.head.items()}

    def some(self, size: int) -> bytes:
        self.client.until(lambda: len(self.stream.body) - self._taken >= size)
        self._taken += size
        return bytes(self.stream.body[self._taken - size:self._taken])

    def rest(self) -> tuple[bytes, list]:
        self.client.answer(self.number)
        return bytes(self.stream.body), self.stream.trailers


class Http1Node:
    def __init__(self, backend):
        self.wire = backend.accept()

    def request(self) -> tuple[str, str, dict]:
        self._head = self.wire.head()
        method, target, _ = self._head.line.split(" ")
        return method, target, {name.lower(): value for name, value in self._head.fields}

    def some(self, size: int) -> bytes:
        return self.wire.chunk() if "transfer-encoding" in self._head else self.wire.exactly(size)

    def body(self) -> tuple[bytes, list]:
        message = self.wire.body_of(self._head)
        return message.body, message.trailers

    def inform(self, status: int, *fields: tuple[str, str]) -> None:
        self.wire.send(f"HTTP/1.1 {status} Whatever\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode() for n, v in fields) + b"\r\n")

    def answer(self, status: int, body: bytes, *fields: tuple[str, str]) -> None:
        self.wire.send(answer(status, body, *(f"{name}: {value}" for name, value in fields)))

    def head(self, status: int, *fields: tuple[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self.wire.send(f"HTTP/1.1 {status} Whatever\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode())

    def bare_head(self, status: int, *fields: tuple[str, str]) -> None:
        self.wire.send(f"HTTP/1.1 {status} Whatever\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode() for n, v in fields) + b"\r\n")

    def send(self, data: bytes) -> None:
        self.wire.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self, *trailers: tuple[str, str]) -> None:
        self.wire.send(chunked(trailers=tuple(f"{name}: {value}" for name, value in trailers)))


class Http2NodeSide:
    def __init__(self, backend):
        self.node = backend.accept_http2()

    def request(self) -> tuple[str, str, dict]:
        self.current = self.node.next()
        return self.current[":method"], self.current[":path"], {name: values[0] for name, values in self.current.head.items()}

    def some(self, size: int) -> bytes:
        self.node.until(lambda: len(self.current.body) >= size)
        got = bytes(self.current.body[:size])
        del self.current.body[:size]
        return got

    def body(self) -> tuple[bytes, list]:
        self.node.until(lambda: self.current.ended)
        return bytes(self.current.body), self.current.trailers

    def inform(self, status: int, *fields: tuple[str, str]) -> None:
        self.node.head(self.current, status, *fields)

    def answer(self, status: int, body: bytes, *fields: tuple[str, str]) -> None:
        self.node.answer(self.current, status, body, *fields)

    def head(self, status: int, *fields: tuple[str, str]) -> None:
        self.node.head(self.current, status, *fields)

    def bare_head(self, status: int, *fields: tuple[str, str]) -> None:
        self.node.head(self.current, status, *fields, end=True)

    def send(self, data: bytes) -> None:
        self.node.body(self.current, data)

    def end(self, *trailers: tuple[str, str]) -> None:
        if trailers:
            self.node.trailers(self.current, *trailers)
        else:
            self.node.body(self.current, b"", end=True)


@pytest.fixture(params=["h1", "h2"])
def to(request) -> str:
    return request.param


@pytest.fixture(params=["h1", "h2"])
def by(request) -> str:
    return request.param


@pytest.fixture
def backend(running, certificate, to):
    context = server_tls(certificate.file())
    context.set_alpn_protocols(["h2" if to == "h2" else "http/1.1"])
    made = Http2Backend(context)
    running.callback(made.close)
    return made


@pytest.fixture
def proxy(start, backend, to):
    return start(backend.url, honest_memory=True, pool={"protocol": "h2" if to == "h2" else "http/1.1"})


@pytest.fixture
def client(proxy, by):
    return Http2Side(proxy) if by == "h2" else Http1Side(proxy)


@pytest.fixture
def meet(backend, to):
    """The node's side of the request that was sent."""
    return lambda: Http2NodeSide(backend) if to == "h2" else Http1Node(backend)


def test_a_request_with_a_body_of_known_length(client, meet):
    client.ask("POST", "/a%2Fb?x=1", ("content-length", str(len(BODY))), ("cookie", "a=1"), open=True)
    there = meet()
    in_background(lambda: (client.send(BODY), client.end()))
    method, target, fields = there.request()
    assert (method, target, fields["content-length"], fields["cookie"]) == ("POST", "/a%2Fb?x=1", str(len(BODY)), "a=1")
    assert there.body()[0] == BODY
    there.answer(201, BODY[::-1], ("location", "/new"))
    status, fields = client.head()
    assert (status, fields["location"], fields["content-length"]) == (201, "/new", str(len(BODY)))
    assert client.rest()[0] == BODY[::-1]


def test_trailers_both_ways(client, meet):
    client.ask("PUT", "/", ("te", "trailers"), open=True)
    client.send(b"abc")
    client.end(("x-sum", "1"), ("authorization", "no"))
    there = meet()
    there.request()
    assert there.body() == (b"abc", [("x-sum", "1")])
    there.head(200)
    there.send(b"def")
    there.end(("x-sum", "2"), ("set-cookie", "no=1"))
    client.head()
    assert client.rest() == (b"def", [("x-sum", "2")])


def test_100_continue(client, meet):
    client.ask("POST", "/", ("expect", "100-continue"), ("content-length", "4"), open=True)
    there = meet()
    _, _, fields = there.request()
    assert "expect" not in fields
    assert client.informational()[0] == 100
    client.send(b"body")
    client.end()
    assert there.body()[0] == b"body"
    there.answer(200, b"done")
    assert client.head()[0] == 200 and client.rest()[0] == b"done"


def test_103_early_hints(client, meet):
    client.ask("GET", "/")
    there = meet()
    there.request()
    there.inform(103, ("link", "</a.css>"))
    there.inform(103, ("link", "</b.css>"))
    assert [client.informational()[1]["link"] for _ in range(2)] == ["</a.css>", "</b.css>"]
    there.answer(200, b"page")
    assert client.head()[0] == 200 and client.rest()[0] == b"page"


def test_head(client, meet):
    client.ask("HEAD", "/")
    there = meet()
    assert there.request()[0] == "HEAD"
    there.bare_head(200, ("content-length", "12345"), ("etag", '"e"'))
    status, fields = client.head()
    assert (status, fields["content-length"], fields["etag"]) == (200, "12345", '"e"')


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(client, meet, status):
    client.ask("GET", "/")
    there = meet()
    there.request()
    there.bare_head(status, ("etag", '"e"'))
    assert client.head()[0] == status


def test_ranges(client, meet):
    client.ask("GET", "/film", ("range", "bytes=10-19"), ("if-range", '"e"'))
    there = meet()
    _, _, fields = there.request()
    assert (fields["range"], fields["if-range"]) == ("bytes=10-19", '"e"')
    there.answer(206, b"0123456789", ("content-range", "bytes 10-19/100"), ("accept-ranges", "bytes"))
    status, fields = client.head()
    assert (status, fields["content-range"], fields["content-length"]) == (206, "bytes 10-19/100", "10")
    assert client.rest()[0] == b"0123456789"


def test_each_event_of_a_stream_leaves_at_once(client, meet):
    client.ask("GET", "/events", ("accept", "text/event-stream"))
    there = meet()
    there.request()
    there.head(200, ("content-type", "text/event-stream"))
    assert client.head()[1]["content-type"] == "text/event-stream"  # before the first event
    for place in range(20):
        event = b"data: %04d\n\n" % place
        there.send(event)
        assert client.some(len(event)) == event
    there.end()


def test_a_request_and_its_answer_go_both_ways_at_once(client, meet):
    client.ask("POST", "/", open=True)
    client.send(b"one")
    there = meet()
    there.request()
    assert there.some(3) == b"one"
    there.head(200)
    there.send(b"ONE")
    client.head()
    assert client.some(3) == b"ONE"
    client.send(b"two")
    assert there.some(3) == b"two"
    there.send(b"TWO")
    assert client.some(3) == b"TWO"
    client.end()
    there.end()


def test_a_large_upload_at_bounded_memory(client, meet, proxy):
    client.ask("POST", "/", ("content-length", str(UPLOAD)), open=True)
    there = meet()
    there.request()
    before = proxy.resident_bytes()

    def send() -> None:
        for _ in range(UPLOAD // 65536):
            client.send(b"\xa5" * 65536)
        client.end()

    sending = in_background(send)
    digest = hashlib.sha256()
    for _ in range(UPLOAD // 65536):
        digest.update(there.some(65536))
    assert digest.digest() == hashlib.sha256(b"\xa5" * UPLOAD).digest()
    assert proxy.resident_bytes() - before < HELD_BYTES_LIMIT
    sending.join()
    there.answer(200, b"ok")
    client.head()
    assert client.rest()[0] == b"ok"


def test_an_early_answer_in_the_midst_of_an_upload(client, meet):
    client.ask("POST", "/", ("content-length", "1000"), open=True)
    client.send(b"x" * 10)
    there = meet()
    there.request()
    assert there.some(10) == b"x" * 10
    there.answer(413, b"too large")
    assert client.head()[0] == 413
    assert client.rest()[0] == b"too large"
