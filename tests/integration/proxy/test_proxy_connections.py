"""Connections on both sides: when they are kept, when they must not be, and who notices that one has ended."""

import signal
import time
from contextlib import contextmanager

import pytest

from daemons import in_background, wait_until
from rproxyd import answer, chunked, request

LONGER_THAN_A_LINGER = 3.0
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def stopped(daemon):
    """What happens meanwhile, the daemon finds in one wake-up, in the order in which it happened."""
    daemon.signal(signal.SIGSTOP)
    wait_until("the daemon stands still", lambda: state_of(daemon) == "T")
    yield
    daemon.signal(signal.SIGCONT)


def state_of(daemon) -> str:
    with open(f"/proc/{daemon.pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def serve(client, there, target: str, body: bytes = b"ok") -> None:
    """One exchange over connections that are there already."""
    client.send(request("GET", target))
    assert there.head().line == f"GET {target} HTTP/1.1"
    there.send(answer(200, body))
    assert client.message().body == body


# ---- kept

@pytest.mark.parametrize("transport", ["http", "https"])
def test_both_connections_are_kept_from_request_to_request(proxy, backend, transport):
    with proxy.connect(transport) as client:
        client.send(request("GET", "/1"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        assert client.message().body == b"1"
        for number in range(2, 30):
            serve(client, there, f"/{number}", b"%d" % number)


def test_a_backend_connection_serves_one_client_after_the_other(proxy, backend):
    with proxy.connect() as client:
        client.send(request("GET", "/1"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        client.message()
    with proxy.connect("http") as client:
        serve(client, there, "/2")


def test_two_requests_at_once_use_two_backend_connections(proxy, backend):
    with proxy.connect() as one, proxy.connect() as other:
        one.send(request("GET", "/one"))
        first = backend.accept()
        assert first.head().line == "GET /one HTTP/1.1"
        other.send(request("GET", "/other"))
        second = backend.accept()
        assert second.head().line == "GET /other HTTP/1.1"
        second.send(answer(200, b"other"))
        assert other.message().body == b"other"
        first.send(answer(200, b"one"))
        assert one.message().body == b"one"


def test_pipelined_requests_are_answered_in_order(proxy, backend):
    count = 20
    with proxy.connect("http") as client:
        client.send(b"".join(request("POST", f"/{n}", body=b"%d" % n) for n in range(count)))
        connections = []
        for number in range(count):
            # Each request goes out when the answer before it is complete: on a kept connection or a new one.
            there = backend.next(*connections)
            connections.append(there)
            got = there.message()
            assert (got.head.line, got.body) == (f"POST /{number} HTTP/1.1", b"%d" % number)
            there.send(answer(200, b"answer %d" % number))
        assert [client.message().body for _ in range(count)] == [b"answer %d" % n for n in range(count)]


def test_a_client_that_sends_far_ahead_is_held_back_and_loses_nothing(proxy, backend):
    """Rule 16: what is read ahead has a limit (kPipelineBytes)."""
    count = 3000
    first = request("GET", "/first")
    ahead = b"".join(request("GET", "/redirect-me", "X-Filler: " + "x" * 900) for _ in range(count))
    with proxy.connect("http") as client:
        client.socket.settimeout(0)
        sent = client.socket.send(first)
        assert sent == len(first)
        there = backend.accept()
        there.head()
        taken = 0
        try:
            while taken < len(ahead):
                taken += client.socket.send(ahead[taken:])
        except BlockingIOError:
            pass
        client.socket.settimeout(30)
        there.send(answer(200, b"first", "Connection: close"))
        assert client.message().body == b"first"
        there = backend.accept()
        assert there.head().line == "GET /redirect-me HTTP/1.1"


# ---- not kept

@pytest.mark.parametrize("head, body", [
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", b"ok"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"),
    (CHUNKED_HEAD.replace(b"200 OK\r\n", b"200 OK\r\nConnection: Keep, CLOSE\r\n"), chunked(b"ok")),
], ids=["close", "http-1.0", "close-in-a-list"])
def test_a_backend_that_says_close_is_not_asked_again_on_that_connection(proxy, backend, head, body):
    with proxy.connect() as client:
        client.send(request("GET", "/1"))
        there = backend.accept()
        there.head()
        there.send(head, body)
        got = client.message()
        assert got.body == b"ok" and "connection" not in got.head  # the client's connection stays
        assert there.rest() == b""
        client.send(request("GET", "/2"))
        again = backend.accept()
        assert again.head().line == "GET /2 HTTP/1.1"
        again.send(answer(200, b"2"))
        assert client.message().body == b"2"


@pytest.mark.parametrize("whole", [
    answer(200, b"ok") + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    answer(200, b"ok") + b"x",
    answer(200, b"ok") + b"\r\n",
    CHUNKED_HEAD + chunked(b"ok") + b"\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\nleft over",
], ids=["an-answer", "a-byte", "an-empty-line", "after-chunks", "a-body-under-204"])
def test_bytes_left_over_from_an_answer_kill_the_connection(proxy, backend, whole):
    """Rule 5."""
    with proxy.connect() as client:
        client.send(request("GET", "/1"))
        there = backend.accept()
        there.head()
        there.send(whole)
        got = client.message()
        assert got.status in (200, 204) and got.body == (b"ok" if got.status == 200 else b"")
        client.send(request("GET", "/2"))
        again = backend.accept()
        assert again.head().line == "GET /2 HTTP/1.1"
        again.send(answer(200, b"2"))
        assert client.message().body == b"2"
        assert there.rest() == b""


def test_bytes_that_nobody_asked_for_kill_a_kept_connection(proxy, backend):
    """Rule 5: an answer that waits before its request is sent would be taken for the next one's."""
    with proxy.connect() as client:
        client.send(request("GET", "/1"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        assert client.message().body == b"1"
        there.send(answer(200, b"for whom?"))
        assert there.rest() == b""
        client.send(request("GET", "/2"))
        again = backend.accept()
        again.head()
        again.send(answer(200, b"2"))
        assert client.message().body == b"2"


def test_a_head_to_which_a_body_came_back_is_not_followed_by_another_request(proxy, backend):
    """Rule 5."""
    with proxy.connect() as client:
        client.send(request("HEAD", "/1"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"a body where none may be"))
        assert client.head()["content-length"] == "24"
        client.send(request("GET", "/2"))
        again = backend.accept()
        again.head()
        again.send(answer(200, b"2"))
        assert client.message().body == b"2"


def test_a_client_that_says_close_gets_its_answer_and_a_clean_end(proxy, backend):
    with proxy.connect() as client:
        client.send(request("GET", "/1", "Connection: close"))
        there = backend.accept()
        assert "connection" not in there.head()
        there.send(answer(200, b"1"))
        got = client.message()
        assert (got.body, got.head["connection"]) == (b"1", "close")
        assert (client.rest(), client.end) == (b"", "clean")
    with proxy.connect() as client:
        serve(client, there, "/2")


def test_a_slow_reader_that_said_close_gets_its_answer_to_the_end(proxy, backend):
    """A client on a bad line takes longer than the moment that a connection lingers after its last answer."""
    body = b"0123456789" * 1_000_000
    with proxy.connect(receive_buffer=4096) as client:
        client.send(request("GET", "/", "Connection: close"))
        there = backend.accept()
        there.head()
        sending = in_background(lambda: (there.send(answer(200, body, "Connection: close")), there.rest()))
        head, got = client.head(), bytearray()
        while sending.is_alive():  # until the proxy has the answer, and the kernel has not yet all of it
            got += client.exactly(4096)
            sending.join(0.001)
        time.sleep(LONGER_THAN_A_LINGER)
        got += client.rest()
        assert (head.status, bytes(got), client.end) == (200, body, "clean")


# ---- races

@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", ["closed", "reset", "talked"])
def test_a_kept_connection_that_ends_just_when_it_is_chosen_is_replaced(proxy, backend, method, end):
    """Rule 18: nothing was sent on it, so that this is safe for every method."""
    with proxy.connect("http") as client, proxy.connect("http") as other:
        other.send(request("GET", "/1"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"1"))
        other.message()
        with stopped(proxy):
            client.send(request(method, "/2", body=b"body" if method == "POST" else b""))
            if end == "closed":
                there.close()
            elif end == "reset":
                there.reset()
            else:
                there.send(b"unasked")
        again = backend.accept()
        assert again.message().head.line == f"{method} /2 HTTP/1.1"
        again.send(answer(200, b"2"))
        assert client.message().body == b"2"


# ---- the client leaves

@pytest.mark.parametrize("leave", ["close", "reset", "cut_off", "finish_sending"])
@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_client_that_leaves_while_it_waits_ends_the_request_at_the_backend(proxy, backend, transport, leave):
    client = proxy.connect(transport)
    client.send(request("GET", "/slow"))
    there = backend.accept()
    there.head()
    getattr(client, leave)()
    assert there.rest() == b""
    client.close()
    assert '"GET /slow HTTP/1.1" 499 0 ' in proxy.access_lines()[0]


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_client_that_leaves_in_the_midst_of_its_answer_ends_it_at_the_backend(proxy, backend, transport):
    with proxy.connect(transport) as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(CHUNKED_HEAD, b"2\r\nhi\r\n")
        client.head()
        assert client.chunk() == b"hi"
    assert there.rest() == b""


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_client_that_leaves_in_the_midst_of_its_body_leaves_an_incomplete_request(proxy, backend, transport):
    with proxy.connect(transport) as client:
        client.send(request("POST", "/", "Transfer-Encoding: chunked"), b"2\r\nhi\r\n")
        there = backend.accept()
        there.head()
        assert there.chunk() == b"hi"
    assert there.rest() == b""  # and no last chunk
