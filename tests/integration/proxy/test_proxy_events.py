"""Event streams: every event leaves at once, for as long as the client stays, for many clients."""

import time
from urllib.parse import quote

from daemons import wait_until
from demo_node.client import Client
from rproxyd import request

MANY = 200
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(number: int) -> bytes:
    return b"id: %d\nevent: ping\ndata: {}\n\n" % number


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def open_stream(proxy, backend, *fields: str):
    """The client's end and the backend's, with the first event delivered before there was a second."""
    client = proxy.connect()
    client.send(request("GET", "/api/client/v2/conferences/demo/events?token=t", "Accept: text/event-stream", *fields))
    there = backend.accept()
    there.head()
    there.send(STREAM_HEAD, chunk(event(1)))
    assert client.head()["content-type"] == "text/event-stream"
    assert client.chunk() == event(1)
    return client, there


def test_each_event_is_there_before_the_next_is_sent(proxy, backend):
    client, there = open_stream(proxy, backend)
    for number in range(2, 200):
        there.send(chunk(event(number)))
        assert client.chunk() == event(number)


def test_a_stream_without_chunks_leaves_at_once_too(proxy, backend):
    with proxy.connect() as client:
        client.send(request("GET", "/events"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event(1))
        client.head()
        assert client.chunk() == event(1)
        there.send(event(2))
        assert client.chunk() == event(2)


def test_a_stream_outlives_every_other_timeout(start, backend):
    """Only stream_idle counts once the answer has begun."""
    shortest = {each: "300ms" for each in ("head", "body", "keep_alive", "connect", "response", "backend_idle")}
    proxy = start(backend.url, timeouts=shortest)
    client, there = open_stream(proxy, backend)
    for number in range(2, 5):
        time.sleep(0.7)
        there.send(chunk(event(number)))
        assert client.chunk() == event(number)


def test_many_streams_at_once_each_get_their_own_events(proxy, backend):
    streams = [open_stream(proxy, backend) for _ in range(MANY)]
    for number, (_, there) in enumerate(streams):
        there.send(chunk(event(number)))
    for number, (client, _) in enumerate(streams):
        assert client.chunk() == event(number)
    leaving, staying = streams[::2], streams[1::2]
    for client, _ in leaving:
        client.close()
    for _, there in leaving:
        assert there.rest() == b""
    for client, there in staying:
        there.send(chunk(event(1000)))
        assert client.chunk() == event(1000)
    for client, there in staying:
        client.close()
        assert there.rest() == b""
    assert len(proxy.access_lines(MANY)) == MANY


def test_a_conference_is_followed_through_the_proxy(start, node):
    """The client API's own stream: the roster, and who joins later."""
    demo = node("node1")
    proxy = start(demo.url)
    client = Client(proxy.url)
    ada = client.join("Ada")
    with proxy.connect() as stream:
        stream.send(request("GET", f"/api/client/v2/conferences/demo/events?token={quote(ada['token'])}"))
        assert stream.head().status == 200
        roster = b""
        while b"participant_sync_end" not in roster:
            roster += stream.chunk()
        assert b'"Ada"' in roster
        client.join("Grace")
        later = b""
        while b'"Grace"' not in later:
            later += stream.chunk()
        assert b"event: participant_create" in later
        assert demo.state()["event_streams"] == 1
    wait_until("the stream has ended at the node", lambda: demo.state()["event_streams"] == 0)
