"""The end: what is in progress may finish, nothing new begins, and it is over in time."""

import signal
import socket

import pytest

from daemons import HOST, wait_until
from rproxyd import answer, request

LONG, SHORT = "60s", "300ms"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def open_stream(proxy, backend, transport: str = "https"):
    client = proxy.connect(transport)
    client.send(request("GET", "/events"))
    there = backend.accept()
    there.head()
    there.send(STREAM_HEAD, b"2\r\n1\n\r\n")
    client.head()
    assert client.chunk() == b"1\n"
    return client, there


def drain(proxy, number: int = signal.SIGTERM) -> None:
    """Until nothing new is taken."""
    proxy.signal(number)
    wait_until("connections are refused", lambda: refused(proxy))


def refused(proxy) -> bool:
    try:
        socket.create_connection((HOST, proxy.port("https")), 5).close()
        return False
    except ConnectionResetError:
        return False  # it waited in the queue of a socket that was closed just then
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_in_progress_goes_on_and_no_connection_is_taken(start, backend, number):
    proxy = start(backend.url, drain_timeout=LONG)
    client, there = open_stream(proxy, backend)
    drain(proxy, number)
    for event in (b"2\n", b"3\n"):
        there.send(b"2\r\n%s\r\n" % event)
        assert client.chunk() == event
    assert proxy.running
    there.send(b"0\r\n\r\n")
    assert client.chunk() == b"" and client.trailers() == []
    assert (client.rest(), client.end) == (b"", "clean")
    client.close()
    proxy.wait()  # exit code 0, long before drain_timeout


def test_an_upload_in_progress_goes_on(start, backend):
    proxy = start(backend.url, drain_timeout=LONG)
    with proxy.connect() as client:
        client.send(request("POST", "/", "Content-Length: 8"), b"half")
        there = backend.accept()
        there.head()
        assert there.exactly(4) == b"half"
        drain(proxy)
        client.send(b"half")
        assert there.exactly(4) == b"half"
        there.send(answer(200, b"ok"))
        got = client.message()
        assert (got.body, got.head["connection"]) == (b"ok", "close")
    proxy.wait()


def test_a_request_whose_head_has_begun_is_served(start, backend):
    proxy = start(backend.url, drain_timeout=LONG)
    with proxy.connect() as client:
        client.send(b"GET /half HTTP/1.1\r\nHo")
        with proxy.connect() as other:  # by whose answer the half head has been read, too
            other.send(request("GET", "/"))
            there = backend.accept()
            there.head()
            there.send(answer(200, b"ok"))
            other.message()
        drain(proxy)
        client.send(b"st: a\r\n\r\n")
        there = backend.next(there)
        assert there.head().line == "GET /half HTTP/1.1"
        there.send(answer(200, b"ok"))
        assert client.message().head["connection"] == "close"
    proxy.wait()


@pytest.mark.parametrize("transport", ["http", "https"])
def test_an_idle_client_is_closed_cleanly_at_once(start, backend, transport):
    proxy = start(backend.url, drain_timeout=LONG)
    with proxy.connect(transport) as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"ok"))
        client.message()
        proxy.signal(signal.SIGTERM)
        assert (client.rest(), client.end) == (b"", "clean")
    proxy.wait()


def test_a_client_that_has_not_shaken_hands_does_not_hold_up_the_end(start, backend):
    proxy = start(backend.url, drain_timeout=LONG, timeouts={"handshake": "1h"})
    with socket.create_connection((HOST, proxy.port("https"))) as silent:
        silent.sendall(b"\x16\x03\x01")
        proxy.stop()


def test_what_has_not_ended_by_the_drain_timeout_is_broken_off(start, backend):
    proxy = start(backend.url, drain_timeout=SHORT)
    client, there = open_stream(proxy, backend)
    proxy.signal(signal.SIGTERM)
    assert (client.rest(), client.end) == (b"", "cut")
    assert there.rest() == b""
    proxy.wait()
    proxy.wait_for_log("drain.timeout")


def test_a_second_signal_ends_at_once(start, backend):
    proxy = start(backend.url, drain_timeout="1h")
    client, there = open_stream(proxy, backend)
    drain(proxy)
    assert proxy.running
    proxy.signal(signal.SIGTERM)
    assert (client.rest(), client.end) == (b"", "cut")
    proxy.wait()


def test_a_hangup_kills_nobody(start, backend):
    proxy = start(backend.url)
    client, there = open_stream(proxy, backend)
    proxy.signal(signal.SIGHUP)
    proxy.wait_for_log("reload.done")
    there.send(b"2\r\n2\n\r\n")
    assert client.chunk() == b"2\n"
    assert proxy.running


def test_a_client_that_is_gone_kills_nobody(proxy, backend):
    """SIGPIPE: writing to a connection that was reset."""
    client, there = open_stream(proxy, backend)
    client.reset()
    for _ in range(100):
        try:
            there.send(b"2\r\n2\n\r\n")
        except ConnectionError:
            break
    assert there.rest() == b""
    assert proxy.running


def test_the_access_log_is_complete_at_the_end(start, backend, tmp_path):
    proxy = start(backend.url, drain_timeout=SHORT)
    client, there = open_stream(proxy, backend)
    proxy.stop()
    assert '"GET /events HTTP/1.1" 200 2 ' in (tmp_path / "access.log").read_text()
