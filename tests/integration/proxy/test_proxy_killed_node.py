"""A node is killed with -9 in the midst of a call: what each client sees. docs/failures.md shows the table of this file."""

import h2.errors
import pytest

from http2 import Http2Client
from mortal_node import EVENT, MortalNode
from rproxyd import request
from websocket import handshake
from wire import CUT, client_tls


OTHER = "node2"


@pytest.fixture
def node(running) -> MortalNode:
    """The one that everybody in this file is on."""
    return running.enter_context(MortalNode("node1"))


@pytest.fixture
def proxy(start, running, node):
    other = running.enter_context(MortalNode(OTHER, healthy=True))
    return start(pool={"servers": [{"url": node.url}, {"url": other.url, "backup": True}]},
                 routes=[{"path": "/", "pool": "nodes", "websocket": True}])


def send(proxy, method: str, target: str, *fields: str, body: bytes = b""):
    client = proxy.connect()
    client.send(request(method, target, *fields, body=body))
    return client


def ask(client) -> str:
    client.send(request("GET", "/"))
    got = client.message()
    assert got.status == 200
    return got.body.decode()


def test_each_client_sees_what_can_be_done_for_it(proxy, node):
    idle = proxy.connect()
    assert ask(idle) == node.name
    get = send(proxy, "GET", "/silent")
    post = send(proxy, "POST", "/silent", body=b"body")
    upload = send(proxy, "POST", "/upload", "Content-Length: 1000000")
    upload.send(b"x" * 10)
    half = send(proxy, "GET", "/half")
    assert half.head()["content-length"] == "10" and half.exactly(5) == b"12345"
    events = send(proxy, "GET", "/events", "Accept: text/event-stream")
    assert events.head().status == 200 and events.chunk() == EVENT
    socket = proxy.connect()
    socket.send(handshake("/ws"))
    assert socket.head().line.startswith("HTTP/1.1 101") and socket.exactly(4) == b"\x81\x02hi"

    node.wait_for("GET /silent", "POST /silent", "POST /upload")
    node.kill()

    assert get.message().body.decode() == OTHER     # asked again of the other node
    assert post.message().status == 502             # it may have been carried out
    assert upload.message().status == 502
    assert (half.rest(), half.end) == (b"", CUT)    # never a clean end
    assert (events.rest(), events.end) == (b"", CUT)
    assert socket.rest() == b""                     # the end without a Close frame: 1006 in a browser
    assert ask(idle) == OTHER             # a connection of a client is not the node's
    with proxy.connect() as newcomer:
        assert ask(newcomer) == OTHER


def test_on_http_2_the_streams_of_the_node_end_and_their_connection_stays(proxy, node):
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        get = client.request("GET", "/silent")
        post = client.request("POST", "/silent")
        half = client.request("GET", "/half")
        events = client.request("GET", "/events")
        client.until(lambda: client.streams[half].body == b"12345" and client.streams[events].body == EVENT)

        node.wait_for("GET /silent", "POST /silent")
        node.kill()

        assert client.answer(get).body.decode() == OTHER
        assert client.answer(post).status == 502
        for cut in (half, events):
            client.until(lambda number=cut: client.streams[number].over)
            assert client.streams[cut].reset == h2.errors.ErrorCodes.INTERNAL_ERROR
        assert client.get("/").body.decode() == OTHER
