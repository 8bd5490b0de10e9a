"""What a process has only so much of: descriptors, connections, body bytes."""

from contextlib import suppress

import pytest

from daemons import HOST, wait_until
from rproxyd import answer, chunked, request
from wire import connect

DESCRIPTORS = 60
NOWHERE = "http://255.255.255.255"  # connect(2) refuses this at once


def serve(client, there, body: bytes) -> None:
    client.send(request("GET", "/"))
    there.head()
    there.send(answer(200, body))
    assert client.message().body == body


def test_without_descriptors_old_clients_are_served_and_new_ones_later(start, backend):
    """EMFILE on accept: connections wait in the backlog, and the loop does not spin."""
    proxy = start(backend.url, descriptors=DESCRIPTORS)
    with proxy.connect("http") as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"before"))
        assert client.message().body == b"before"
        crowd = [connect(HOST, proxy.port("http")) for _ in range(DESCRIPTORS)]
        proxy.wait_for_log("accept.failed")
        assert proxy.open_descriptors() == DESCRIPTORS
        for number in range(20):  # over a backend connection that is kept
            serve(client, there, b"%d" % number)
        late = crowd.pop()  # not accepted so far
        late.send(request("GET", "/late"))
        for each in crowd:
            each.close()
        there = backend.next(there)
        assert there.head().line == "GET /late HTTP/1.1"
        there.send(answer(200, b"late"))
        assert late.message().body == b"late"
        wait_until("descriptors are free again", lambda: proxy.open_descriptors() < DESCRIPTORS / 2)
        with proxy.connect("http") as another:
            serve(another, there, b"another")
    assert proxy.log.count("accept.failed") < 100


def test_a_node_is_not_to_blame_for_our_lack_of_descriptors(start, backend):
    """It is not left alone afterwards, and its clients stay with it."""
    proxy = start(NOWHERE, backend.url, descriptors=DESCRIPTORS, pools={"none": {"servers": [NOWHERE]}},
                  routes=[{"path": "/none", "pool": "none"}, {"path": "/", "pool": "nodes"}])
    crowd = []
    with proxy.connect("http") as client:

        def ask(target: str = "/") -> int:
            client.send(request("GET", target))
            if target == "/" and not crowd:
                there = backend.accept()
                there.head()
                there.send(answer(200, b"ok", "Connection: close"))
                assert there.rest() == b""
            return client.message().status

        # Also so that UBSan has seen the end of every type: it looks at new ones by means of descriptors.
        assert (ask("/none"), ask(), ask()) == (502, 200, 200)
        in_use = proxy.open_descriptors()
        with connect(HOST, proxy.port("http")) as other:
            other.send(request("GET", "/none", "Connection: close"))
            other.rest()
        wait_until("it is closed", lambda: proxy.open_descriptors() <= in_use)
        crowd += [connect(HOST, proxy.port("http")) for _ in range(DESCRIPTORS)]
        proxy.wait_for_log("accept.failed")
        assert ask() == 502
        while crowd:
            crowd.pop().close()
        wait_until("descriptors are free again", lambda: proxy.open_descriptors() < DESCRIPTORS / 2)
        assert ask() == 200
    assert backend.address not in proxy.log


def test_the_limit_of_connections_holds_and_gives_back(start, backend):
    proxy = start(backend.url, limits={"connections": 3}, routes=[{"path": "/", "redirect": "/webapp/"}], pools={})

    def is_served(client) -> bool:
        with suppress(ConnectionError):
            client.send(request("GET", "/"))
            return client.read() != b""
        return False

    clients = [connect(HOST, proxy.port("http")) for _ in range(3)]
    assert all(is_served(each) for each in clients)
    assert not is_served(connect(HOST, proxy.port("http")))
    proxy.wait_for_log("limits.connections")
    clients.pop().close()
    wait_until("there is room for another", lambda: is_served(connect(HOST, proxy.port("http"))))


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_body_at_the_limit_passes_and_one_past_it_is_a_413(start, backend, transport):
    proxy = start(backend.url, limits={"body_bytes": "1KiB"})
    with proxy.connect(transport) as client:
        client.send(request("POST", "/", body=bytes(1024)))
        there = backend.accept()
        assert there.message().body == bytes(1024)
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"
        client.send(request("POST", "/", body=bytes(1025)))
        assert client.message().status == 413


def test_a_chunked_body_past_the_limit_is_broken_off(start, backend):
    proxy = start(backend.url, limits={"body_bytes": "1KiB"})
    with proxy.connect() as client:
        client.send(request("POST", "/", "Transfer-Encoding: chunked"), b"3e8\r\n%s\r\n" % bytes(1000))
        there = backend.accept()
        there.head()
        assert there.chunk() == bytes(1000)
        client.send(chunked(bytes(25)))
        assert client.message().status == 413
    assert b"0\r\n" not in there.rest()
