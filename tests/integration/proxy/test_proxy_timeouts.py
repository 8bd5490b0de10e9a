"""Every wait has an end (rule 17). Nothing here is measured: each test waits for what the time-out causes."""

import select
import socket
import time

import pytest

from daemons import HOST
from rproxyd import answer, request
from wire import connect

SHORT = "200ms"


@pytest.fixture
def blackhole():
    """The address of a listener that takes no connection any more: its backlog is full."""
    with socket.create_server((HOST, 0), backlog=1) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        yield f"{HOST}:{address[1]}"
        for each in waiting:
            each.close()


def test_a_client_that_does_not_shake_hands_is_closed(start, backend):
    proxy = start(backend.url, timeouts={"handshake": SHORT})
    with connect(HOST, proxy.port("https")) as client:
        client.send(b"\x16\x03\x01")
        assert client.rest() == b""


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost: a"], ids=["nothing", "half-a-head"])
@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_client_that_sends_no_whole_head_is_closed(start, backend, transport, begin):
    proxy = start(backend.url, timeouts={"head": SHORT})
    with proxy.connect(transport) as client:
        client.send(begin)
        client.rest()
    assert not backend.waits(0)


def test_a_head_that_comes_in_drops_gets_no_more_time(start, backend):
    """Slowloris."""
    proxy = start(backend.url, timeouts={"head": "500ms"})
    with proxy.connect("http") as client:
        client.send(b"GET / HTTP/1.1\r\n")
        end = time.monotonic() + 30
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < end:
                client.send(b"X-Drop: 1\r\n")
                time.sleep(0.05)


def test_a_second_head_has_its_own_time(start, backend):
    proxy = start(backend.url, timeouts={"head": SHORT})
    with proxy.connect("http") as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        assert client.message().body == b"1"
        time.sleep(0.5)  # idle for longer than a head may take
        client.send(request("GET", "/"))
        there.head()
        there.send(answer(200, b"2"))
        assert client.message().body == b"2"
        client.send(b"GET")
        assert client.rest() == b""


def test_a_request_body_that_stops_coming_is_a_408(start, backend):
    proxy = start(backend.url, timeouts={"body": SHORT})
    with proxy.connect() as client:
        client.send(request("POST", "/", "Content-Length: 10"), b"half")
        there = backend.accept()
        there.head()
        assert there.rest() == b"half"
        assert client.message().status == 408
    assert '"POST / HTTP/1.1" 408 ' in proxy.access_lines()[0]


def test_a_backend_that_takes_no_body_is_a_504(start, new_backend):
    """The client is not to blame when it is held back."""
    backend = new_backend(receive_buffer=4096)
    proxy = start(backend.url, timeouts={"body": SHORT})
    with proxy.connect("http") as client:
        client.send(request("POST", "/", "Content-Length: 100000000"))
        backend.accept().head()
        client.socket.settimeout(0.1)
        while not select.select([client.socket], [], [], 0)[0]:
            try:
                client.send(bytes(1_000_000))
            except OSError:
                pass
        assert client.head().status == 504


def test_a_backend_that_does_not_answer_is_a_504(start, backend):
    proxy = start(backend.url, timeouts={"response": SHORT})
    with proxy.connect() as client:
        client.send(request("GET", "/slow"))
        there = backend.accept()
        there.head()
        assert client.message().status == 504
        assert there.rest() == b""  # and is asked no more
        client.send(request("GET", "/next"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"next"))
        assert client.message().body == b"next"


@pytest.mark.parametrize("method, repeated", [("GET", True), ("POST", False)])
def test_another_backend_is_asked_after_a_timeout_if_that_is_configured_and_safe(start, new_backend, method, repeated):
    """Rule 18."""
    first, second = new_backend(), new_backend()
    proxy = start(first.url, second.url, timeouts={"response": SHORT}, pool={"retry": {"on": ["connect", "timeout"]}})
    with proxy.connect() as client:
        client.send(request(method, "/", body=b"body" if method == "POST" else b""))
        first.accept().message()
        if repeated:
            there = second.accept()
            there.message()
            there.send(answer(200, b"second"))
            assert client.message().body == b"second"
        else:
            assert client.message().status == 504
            assert not second.waits(0)


def test_the_time_to_the_answer_does_not_limit_the_answer(start, backend):
    proxy = start(backend.url, timeouts={"response": SHORT, "body": SHORT})
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        client.head()
        assert client.chunk() == b"a"
        time.sleep(0.6)
        there.send(b"1\r\nb\r\n0\r\n\r\n")
        assert client.chunk() == b"b" and client.chunk() == b""


def test_an_answer_that_stands_still_is_broken_off(start, backend):
    proxy = start(backend.url, timeouts={"stream_idle": SHORT})
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        client.head()
        assert client.chunk() == b"a"
        assert (client.rest(), client.end) == (b"", "cut")
        assert there.rest() == b""


@pytest.mark.parametrize("transport", ["http", "https"])
def test_an_idle_client_is_closed_cleanly(start, backend, transport):
    proxy = start(backend.url, timeouts={"keep_alive": SHORT})
    with proxy.connect(transport) as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        assert client.message().body == b"1"
        assert (client.rest(), client.end) == (b"", "clean")


def test_a_client_is_not_idle_while_it_keeps_asking(start, backend):
    """Also when every answer is the proxy's own, in the same wake-up as its request."""
    proxy = start(backend.url, timeouts={"keep_alive": "2s"}, routes=[{"path": "/", "redirect": "/webapp/"}], pools={})
    with proxy.connect("http") as client:
        for _ in range(10):
            client.send(request("GET", "/"))
            assert client.message().status == 302
            time.sleep(0.3)


def test_an_idle_backend_connection_is_closed(start, backend):
    proxy = start(backend.url, timeouts={"backend_idle": SHORT})
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        assert client.message().body == b"1"
        assert there.rest() == b""


def test_a_blackholed_backend_is_passed_over_after_the_connect_timeout(start, backend, blackhole):
    proxy = start(f"http://{blackhole}", backend.url, timeouts={"connect": SHORT})
    with proxy.connect() as client:
        client.send(request("POST", "/", body=b"body"))  # nothing was sent: safe for every method
        there = backend.accept()
        assert there.message().body == b"body"
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"
    assert f'"{blackhole}, {backend.address}" "-, 200" "' in proxy.access_lines()[0]


def test_a_backend_that_does_not_shake_hands_is_passed_over_after_the_connect_timeout(start, new_backend):
    silent, backend = new_backend(), new_backend()
    proxy = start(f"https://{silent.address}", backend.url, timeouts={"connect": SHORT})
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"
