"""What breaks a rule of HTTP is refused here, and no backend sees a byte of it (rules 1 to 8)."""

from contextlib import ExitStack

import pytest

from backend import Backend
from rproxyd import Rproxyd, answer, chunked, configuration, request

HOST = b"Host: proxy.example.com\r\n"


class Stage:
    """One rproxyd for all cases, before a backend that a probe asks after each of them."""

    def __init__(self, proxy: Rproxyd, backend: Backend):
        self.proxy = proxy
        self._backend = backend
        self._client = proxy.connect("http")
        self._client.send(request("GET", "/first"))
        self._there = backend.accept()
        self._answer("/first")

    def _answer(self, target: str) -> None:
        assert self._there.head().line == f"GET {target} HTTP/1.1"
        self._there.send(answer(200, b"ok"))
        assert self._client.message().body == b"ok"

    def probe(self) -> None:
        """The kept connection carries nothing but this, and there is no other connection."""
        self._client.send(request("GET", "/probe"))
        self._answer("/probe")
        assert not self._backend.waits(0)

    def refused(self, raw: bytes, transport: str = "http") -> int:
        """The status of the refusal that these bytes get, as the connection's last answer."""
        with self.proxy.connect(transport) as client:
            client.send(raw)
            got = client.message()
            assert got.head["connection"] == "close"
            assert got.head["cache-control"] == "no-store"  # a cache before us keeps no refusal for others
            assert (client.rest(), client.end) == (b"", "clean")
        self.probe()
        return got.status


@pytest.fixture(scope="module")
def stage(tmp_path_factory, certificate):
    folder = tmp_path_factory.mktemp("refusals")
    with ExitStack() as running:
        backend = Backend()
        running.callback(backend.close)
        configured = configuration(folder, certificate.file(), [backend.url], limits={"header_bytes": "16KiB", "header_count": 50})
        yield Stage(running.enter_context(Rproxyd(folder, configured)), backend)


def get(*lines: bytes, first: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"".join([first, b"\r\n", HOST, *(each + b"\r\n" for each in lines), b"\r\n"])


def post(*lines: bytes) -> bytes:
    return get(*lines, first=b"POST / HTTP/1.1") + b"body of something"


FRAMING = {  # rule 1
    "length-and-chunked": (400, post(b"Content-Length: 4", b"Transfer-Encoding: chunked")),
    "chunked-and-length": (400, post(b"Transfer-Encoding: chunked", b"Content-Length: 4")),
    "two-lengths": (400, post(b"Content-Length: 4", b"Content-Length: 5")),
    "the-same-length-twice": (400, post(b"Content-Length: 4", b"Content-Length: 4")),
    "a-list-of-lengths": (400, post(b"Content-Length: 4, 4")),
    "plus": (400, post(b"Content-Length: +4")),
    "minus": (400, post(b"Content-Length: -4")),
    "underscore": (400, post(b"Content-Length: 1_0")),
    "hexadecimal": (400, post(b"Content-Length: 0x4")),
    "empty-length": (400, post(b"Content-Length:")),
    "space-inside": (400, post(b"Content-Length: 1 0")),
    "beyond-64-bits": (400, post(b"Content-Length: 18446744073709551617")),
    "beyond-any": (400, post(b"Content-Length: " + b"9" * 100)),
    "letters": (400, post(b"Content-Length: four")),
}
CODINGS = {  # rule 2
    "gzip": (501, post(b"Transfer-Encoding: gzip")),
    "gzip-then-chunked": (501, post(b"Transfer-Encoding: gzip, chunked")),
    "chunked-then-gzip": (501, post(b"Transfer-Encoding: chunked, gzip")),
    "chunked-twice": (501, post(b"Transfer-Encoding: chunked, chunked")),
    "two-fields": (501, post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")),
    "identity": (501, post(b"Transfer-Encoding: identity")),
    "empty-coding": (501, post(b"Transfer-Encoding:")),
    "quoted": (501, post(b'Transfer-Encoding: "chunked"')),
    "vertical-tab": (400, post(b"Transfer-Encoding: \x0bchunked")),
    "xchunked": (501, post(b"Transfer-Encoding: xchunked")),
    "in-http-1.0": (400, b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"body")),
}
LINES = {  # rule 3
    "bare-lf-after-the-first-line": (400, b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    "bare-lf-after-a-field": (400, get(b"X-A: 1\nX-B: 2")),
    "bare-lf-at-the-end": (400, b"GET / HTTP/1.1\r\n" + HOST + b"\n"),
    "bare-cr": (400, get(b"X-A: 1\rX-B: 2")),
    "nul-in-a-value": (400, get(b"X-A: 1\x002")),
    "nul-in-a-name": (400, get(b"X-\x00A: 1")),
    "control-byte": (400, get(b"X-A: \x01")),
    "delete": (400, get(b"X-A: \x7f")),
    "folded": (400, get(b"X-A: 1\r\n 2")),
    "folded-first-field": (400, b"GET / HTTP/1.1\r\n " + HOST + b"\r\n"),
    "space-before-the-colon": (400, get(b"X-A : 1")),
    "space-before-the-colon-of-a-length": (400, post(b"Content-Length : 4")),
    "empty-name": (400, get(b": 1")),
    "no-colon": (400, get(b"X-A")),
    "name-with-a-slash": (400, get(b"X/A: 1")),
    "name-with-a-letter-beyond-ascii": (400, get("X-Ä: 1".encode())),
}
FIRST_LINES = {
    "no-version": (400, b"GET /\r\n" + HOST + b"\r\n"),
    "http-2.0": (505, get(first=b"GET / HTTP/2.0")),
    "http-1.2": (505, get(first=b"GET / HTTP/1.2")),
    "lower-case-version": (400, get(first=b"GET / http/1.1")),
    "two-spaces": (400, get(first=b"GET  / HTTP/1.1")),
    "space-at-the-end": (400, get(first=b"GET / HTTP/1.1 ")),
    "tab": (400, get(first=b"GET\t/ HTTP/1.1")),
    "space-in-the-target": (400, get(first=b"GET /a b HTTP/1.1")),
    "fragment": (400, get(first=b"GET /#top HTTP/1.1")),
    "beyond-ascii": (400, get(first="GET /ä HTTP/1.1".encode())),
    "no-path": (400, get(first=b"GET webapp HTTP/1.1")),
    "asterisk": (400, get(first=b"GET * HTTP/1.1")),
    "other-scheme": (400, get(first=b"GET ftp://proxy.example.com/ HTTP/1.1")),
    "connect": (405, get(first=b"CONNECT proxy.example.com:443 HTTP/1.1")),
    "trace": (405, get(first=b"TRACE / HTTP/1.1")),
    "unknown-method": (501, get(first=b"BREW / HTTP/1.1")),
    "garbage": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "http-2-preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
}
HOSTS = {  # rule 4
    "no-host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "no-host-in-http-1.0": (400, b"GET / HTTP/1.0\r\n\r\n"),
    "two-hosts": (400, get(b"Host: proxy.example.com")),
    "empty-host": (400, b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    "host-with-a-path": (400, b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    "host-with-a-user": (400, b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    "host-with-a-space": (400, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "two-hosts-in-one": (400, b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    "port-out-of-range": (400, b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
    "absolute-form-without-host": (400, b"GET http://proxy.example.com/ HTTP/1.1\r\n\r\n"),
}
LIMITS = {  # rule 10 and its like: limits.header_bytes is 16 KiB here, limits.header_count 50
    "one-large-field": (431, get(b"X-A: " + b"a" * 17_000)),
    "many-fields-of-some-size": (431, get(*[b"X-A: " + b"a" * 1000] * 17)),
    "many-small-fields": (431, get(*[b"X-A: 1"] * 50)),
    "endless-name": (431, get(b"a" * 20_000)),
    "long-target": (414, get(first=b"GET /" + b"a" * 40_000 + b" HTTP/1.1")),
}
PATHS = {  # rule 8
    "above-the-root": (400, get(first=b"GET /../etc/passwd HTTP/1.1")),
    "above-the-root-encoded": (400, get(first=b"GET /%2e%2e/etc/passwd HTTP/1.1")),
    "backslash": (400, get(first=b"GET /a\\..\\b HTTP/1.1")),
    "encoded-backslash": (400, get(first=b"GET /a%5c..%5cb HTTP/1.1")),
    "encoded-nul": (400, get(first=b"GET /a%00b HTTP/1.1")),
    "half-an-encoding": (400, get(first=b"GET /a%2 HTTP/1.1")),
    "no-encoding": (400, get(first=b"GET /a%zz HTTP/1.1")),
}
CASES = FRAMING | CODINGS | LINES | FIRST_LINES | HOSTS | LIMITS


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_and_no_backend_sees_it(stage, name):
    status, raw = CASES[name]
    assert stage.refused(raw) == status


@pytest.mark.parametrize("name", ["length-and-chunked", "bare-lf-after-a-field", "two-hosts"])
def test_it_is_refused_over_tls_too(stage, name):
    status, raw = CASES[name]
    assert stage.refused(raw, "https") == status


@pytest.mark.parametrize("name", ["length-and-chunked", "bare-lf-after-a-field", "two-hosts", "unknown-method"])
def test_it_is_refused_when_it_comes_byte_by_byte(stage, name):
    status, raw = CASES[name]
    with stage.proxy.connect("http") as client:
        for byte in raw:
            client.send(bytes([byte]))
        assert client.message().status == status
    stage.probe()


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_leaves_its_route_is_refused(stage, name):
    """Rule 8. This is no fault of framing: the connection goes on."""
    status, raw = PATHS[name]
    with stage.proxy.connect("http") as client:
        client.send(raw, raw)
        assert [client.message().status for _ in range(2)] == [status, status]
    stage.probe()


@pytest.mark.parametrize("body", [
    b"g\r\nabc\r\n", b"\r\nabc\r\n", b"-3\r\nabc\r\n", b"+3\r\nabc\r\n", b"0x3\r\nabc\r\n", b" 3\r\nabc\r\n", b"3 \r\nabc\r\n",
    b"10000000000000003\r\nabc\r\n", b"3\nabc\r\n", b"3\r\nabcd\r\n", b"3\r\nabc\n", b"3;a\nb\r\nabc\r\n", b"3;a\rb\r\nabc\r\n",
    b"3;" + b"a" * 5000 + b"\r\nabc\r\n", b"0\r\nX-A: 1\n\r\n", b"0\r\nX-A : 1\r\n\r\n", b"0\r\n X-A: 1\r\n\r\n"], ids=repr)
def test_a_bad_chunk_ends_both_connections_and_the_request_stays_incomplete(proxy, backend, body):
    """Rule 3."""
    with proxy.connect("http") as client:
        client.send(request("POST", "/", "Transfer-Encoding: chunked"), b"2\r\nhi\r\n")
        there = backend.accept()
        there.head()
        assert there.chunk() == b"hi"
        client.send(body)
        assert client.message().status == 400
        assert (client.rest(), client.end) == (b"", "clean")
    left = there.rest()
    assert b"0\r\n" not in left and b"X-A" not in left


def test_a_request_hidden_in_a_body_stays_a_body(proxy, backend):
    """Rule 5: nothing that the proxy counts as body is read as a request, here or there."""
    hidden = request("GET", "/admin")
    with proxy.connect("http") as client:
        client.send(request("POST", "/", body=hidden), request("GET", "/next"))
        there = backend.accept()
        assert there.message().body == hidden
        there.send(answer(200, b"posted"))
        assert client.message().body == b"posted"
        after = backend.next(there)
        assert after.head().line == "GET /next HTTP/1.1"
        after.send(answer(200, b"next"))
        assert client.message().body == b"next"


def test_empty_lines_before_a_request_are_skipped(proxy, backend):
    """RFC 9112 section 2.2: at least one, for the sake of old clients."""
    with proxy.connect("http") as client:
        client.send(b"\r\n" + request("GET", "/"))
        there = backend.accept()
        assert there.head().line == "GET / HTTP/1.1"


def test_the_host_of_an_absolute_target_replaces_the_field(proxy, backend):
    """Rule 4."""
    with proxy.connect("http") as client:
        client.send(b"GET https://other.example.com:8443/a?b HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n")
        there = backend.accept()
        head = there.head()
        assert (head.line, head["host"]) == ("GET /a?b HTTP/1.1", "other.example.com:8443")
        assert head["x-forwarded-host"] == "other.example.com:8443"


@pytest.mark.parametrize("setting", ["keep", "refuse"])
def test_names_with_an_underscore_are_kept_or_refused_by_setting(start, backend, setting):
    """Rule 4."""
    proxy = start(backend.url, underscore_headers=setting)
    with proxy.connect() as client:
        client.send(request("GET", "/", "X_Own: 1", "X_Forwarded_For: 192.0.2.1"))
        if setting == "refuse":
            assert client.head().status == 400
            return
        head = backend.accept().head()
        assert head["x_own"] == "1" and "x_forwarded_for" not in head  # rule 13 stands


def test_names_with_an_underscore_are_dropped(proxy, backend):
    """Rule 4: to some backends they are the hyphenated name's twins."""
    with proxy.connect("http") as client:
        client.send(request("GET", "/", "X_Forwarded_For: 192.0.2.1", "Content_Length: 10", "X-Good: 1"))
        head = backend.accept().head()
        assert "x_forwarded_for" not in head and "content_length" not in head and head["x-good"] == "1"


@pytest.mark.parametrize("target", ["/a%2Fb/..;/c", "//double//slashes", "/a/./b/../c?x=%00", "/%41", "/?"])
def test_a_path_goes_on_byte_for_byte(proxy, backend, target):
    """Rule 8."""
    with proxy.connect("http") as client:
        client.send(request("GET", target))
        assert backend.accept().head().line == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize("target", ["/static/../api/x", "/static/%2e%2e/api/x", "/static/..;/api/x", "/x/../static/y", "/%73tatic/y"])
def test_a_path_whose_normalised_form_has_another_route_is_refused(start, new_backend, target):
    """Rule 8."""
    first, second = new_backend(), new_backend()
    proxy = start(first.url, pools={"other": {"servers": [second.url]}},
                  routes=[{"path": "/static/", "pool": "other"}, {"path": "/", "pool": "nodes"}])
    with proxy.connect("http") as client:
        client.send(request("GET", target))
        assert client.message().status == 400
        client.send(request("GET", "/static/y"))
        assert second.accept().head().line == "GET /static/y HTTP/1.1"
        assert not first.waits(0) and not second.waits(0)
