"""Backends that die, lie or talk nonsense: what the client gets is never taken for whole (rule 19)."""

import subprocess

import pytest

from rproxyd import answer, request

CURL_PARTIAL_FILE, CURL_RECEIVE_ERROR = 18, 56
HALF = {
    "by-length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "in-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "in-a-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf",
    "before-the-trailers-end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX: y\r\n",
}


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("half", HALF)
@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_backend_that_dies_in_its_answer_leaves_an_incomplete_answer(proxy, backend, transport, half, end):
    with proxy.connect(transport) as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(HALF[half])
        head = client.head()  # it is under way before the backend dies
        getattr(there, end)()
        body = client.rest()
        assert client.end == "cut"
    if head.all("content-length"):
        assert len(body) < 10
    else:
        assert b"0\r\n" not in body


def test_an_http_1_0_client_can_tell_an_incomplete_answer_by_the_reset(proxy, backend):
    with proxy.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: proxy.example.com\r\n\r\n")
        there = backend.accept()
        there.head()
        there.send(HALF["in-chunks"])
        client.until(b"half")
        there.close()
        assert (client.rest(), client.end) == (b"", "cut")


def test_an_answer_until_the_end_is_incomplete_without_a_clean_end_of_tls(start, new_backend):
    backend = new_backend(tls=True)
    proxy = start(backend.url)
    for end in ("finish_sending", "cut_off"):
        with proxy.connect() as client:
            client.send(request("GET", "/"))
            there = backend.accept()
            there.head()
            there.send(b"HTTP/1.1 200 OK\r\n\r\nall there is")
            client.head()
            assert client.chunk() == b"all there is"
            getattr(there, end)()
            if end == "finish_sending":
                assert client.chunk() == b"" and client.trailers() == []
            else:
                assert (client.rest(), client.end) == (b"", "cut")
        there.close()


@pytest.mark.parametrize("fault", ["die_mid_answer", "die_mid_chunks"])
def test_curl_says_that_the_answer_is_incomplete(start, node, fault):
    backend = node("node1")
    proxy = start(backend.url)
    backend.fault(kind=fault, end="fin")
    done = subprocess.run(["curl", "-ks", "--http1.1", proxy.url + "/static/blob"], capture_output=True)
    assert done.returncode in (CURL_PARTIAL_FILE, CURL_RECEIVE_ERROR)


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["before-the-answer", "in-the-head"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_backend_that_dies_before_its_answer_is_a_502(proxy, backend, begin, end):
    with proxy.connect() as client:
        client.send(request("POST", "/", body=b"body"))
        there = backend.accept()
        there.message()
        there.send(begin)
        getattr(there, end)()
        got = client.message()
        assert got.status == 502 and "connection" not in got.head
        assert b"127.0.0.1" not in got.body  # nobody's business
    assert '"POST / HTTP/1.1" 502 ' in proxy.access_lines()[0]


NONSENSE = {
    "another-protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "http-2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
    "empty-line-first": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http-0.9": b"<html>",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
    "no-number": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\nab",
    "status-of-two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-0": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "status-999": b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
    "bare-line-feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "folded": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "response-splitting": b"HTTP/1.1 200 OK\r\nX-A: 1\rSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
    "an-upgrade-unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "a-huge-head": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000,
    "hints-without-end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 40,
}


@pytest.mark.parametrize("name", NONSENSE)
def test_an_answer_that_cannot_be_trusted_is_a_502_and_its_connection_is_closed(proxy, backend, name):
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(NONSENSE[name])
        while (head := client.head()).status == 103:
            pass
        assert head.status == 502
        client.body_of(head)
        there.rest()
        client.send(request("GET", "/next"))  # the client's own connection is as good as before
        there = backend.accept()
        there.head()
        there.send(answer(200, b"next"))
        assert client.message().body == b"next"


@pytest.mark.parametrize("bad", [b"g\r\n", b"3\r\nabcd\r\n", b"3\nabc\r\n", b"10000000000000000\r\n"], ids=repr)
def test_a_bad_chunk_of_a_backend_leaves_an_incomplete_answer(proxy, backend, bad):
    with proxy.connect("http") as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        client.head()
        assert client.chunk() == b"hi"
        there.send(bad)
        assert b"0\r\n" not in client.rest() and client.end == "cut"
        there.rest()


def test_a_backend_that_refuses_an_upload_and_closes_is_heard(proxy, backend):
    """Its reset follows at once, since it has not read everything; its answer came before."""
    with proxy.connect() as client:
        client.send(request("POST", "/upload", "Content-Length: 50000000"))
        there = backend.accept()
        there.head()
        there.send(answer(413, b"too large", "Connection: close"))
        there.finish_sending()
        got = client.message()
        assert (got.status, got.body) == (413, b"too large")


def test_nobody_listens_anywhere(start, new_backend):
    gone = [new_backend(), new_backend()]
    proxy = start(*(each.url for each in gone))
    first, second = (each.address for each in gone)
    for each in gone:
        each.close()
    with proxy.connect() as client:
        for _ in range(2):
            client.send(request("GET", "/"))
            assert client.message().status == 502
        client.send(request("POST", "/", body=b"body"))
        assert client.message().status == 502
    assert f'"{first}, {second}" "-, -" "' in proxy.access_lines()[0]
