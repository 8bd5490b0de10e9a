"""Answers of nodes that are compressed on their way: which, and how they arrive."""

import gzip
import subprocess
import zlib

import pytest

from http2 import Http2Client
from rproxyd import answer, chunked, request
from wire import client_tls

PAGE = b"<p>the same again and again</p>" * 1000
HTML = "Content-Type: text/html"


@pytest.fixture
def proxy(start, backend):
    return start(backend.url, compression={"enabled": True})


def passed_on(proxy, backend, *fields: str, sent: bytes = PAGE, accept: str = "Accept-Encoding: gzip", asked: tuple = (), status: int = 200):
    with proxy.connect() as client:
        client.send(request("GET", "/", accept, *asked))
        there = backend.accept()
        there.head()
        there.send(answer(status, sent, "Connection: close", *fields))
        return client.message()


def test_text_is_compressed_for_clients_that_take_it(proxy, backend):
    got = passed_on(proxy, backend, HTML, 'ETag: "a"', "Accept-Ranges: bytes")
    assert got.head["content-encoding"] == "gzip" and gzip.decompress(got.body) == PAGE and len(got.body) < 2000
    assert got.head["etag"] == 'W/"a"' and got.head["vary"] == "Accept-Encoding" and "accept-ranges" not in got.head
    got = passed_on(proxy, backend, HTML, 'ETag: "a"', accept="Accept-Encoding: identity")
    assert "content-encoding" not in got.head and got.body == PAGE and got.head["etag"] == '"a"' and got.head["vary"] == "Accept-Encoding"


def test_curl_understands_it_over_both_versions(start, node):
    demo = node("node1")
    proxy = start(demo.url, compression={"enabled": True, "least_bytes": "1"})
    plain = subprocess.run(["curl", "-skf", proxy.url + "/webapp/"], capture_output=True, check=True, timeout=30).stdout
    for version in ("--http1.1", "--http2"):
        for coding in ("gzip", "br"):
            done = subprocess.run(["curl", "-sk", version, "-D", "-", "-o", "/dev/null", "-H", f"Accept-Encoding: {coding}", proxy.url + "/webapp/"],
                                  capture_output=True, text=True, check=True, timeout=30)
            assert f"content-encoding: {coding}" in done.stdout.lower()
            done = subprocess.run(["curl", "-skf", version, "--compressed", proxy.url + "/webapp/"], capture_output=True, check=True, timeout=30)
            assert done.stdout == plain


def test_an_answer_in_pieces_arrives_in_pieces(proxy, backend):
    """Each can be read before the next is sent."""
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        number = client.request("GET", "/", ("accept-encoding", "gzip"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        reader, got = zlib.decompressobj(31), b""
        for piece in (b'{"first":1}', b'{"second":2}'):
            there.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            while not got.endswith(piece):
                client.until(lambda: client.streams[number].body)
                got += reader.decompress(bytes(client.streams[number].body))
                client.streams[number].body.clear()
        there.send(chunked())
        client.answer(number)
        assert got == b'{"first":1}{"second":2}'


@pytest.mark.parametrize("fields, more", [
    (["Content-Type: text/event-stream"], {}), (["Content-Type: image/png"], {}), ([], {}),
    ([HTML, "Content-Encoding: br"], {}), ([HTML, "Cache-Control: no-transform"], {}), ([HTML, "Set-Cookie: a=b"], {}),
    ([HTML], {"sent": b"short"}), ([HTML], {"status": 404}), ([HTML, "Content-Range: bytes 0-1/2"], {"status": 206}),
    ([HTML], {"asked": ("Cookie: session=1",)}), ([HTML], {"asked": ("Authorization: Basic eDp5",)}), ([HTML], {"asked": ("token: x",)})])
def test_everything_else_passes_as_it_is(proxy, backend, fields, more):
    got = passed_on(proxy, backend, *fields, **more)
    assert got.body == more.get("sent", PAGE)
    assert got.head.all("content-encoding") == [each[18:] for each in fields if each.startswith("Content-Encoding")]


def test_nothing_is_compressed_unless_it_is_switched_on(start, backend):
    got = passed_on(start(backend.url), backend, HTML)
    assert "content-encoding" not in got.head and "vary" not in got.head and got.body == PAGE
