"""What a client of rproxyd has under way, for tests that change something meanwhile: nothing of it may be cut."""

from contextlib import contextmanager

from rproxyd import answer, request
from websocket import handshake, switching

PATH = "/held/"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def held_by(backend) -> dict:
    """Changes to a configuration: a pool of that backend, which the test plays, below PATH."""
    return {"pools": {"held": {"servers": [backend.url]}},
            "routes": [{"path": PATH, "pool": "held", "websocket": True}, {"path": "/", "pool": "nodes"}]}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Established:
    """An upload in progress, an event stream and a WebSocket, each on a connection of its own."""

    def __init__(self, proxy, backend, transport: str = "http"):
        self.clients = [proxy.connect(transport) for _ in range(3)]
        self.uploader, self.reader, self.talker = self.clients
        self.nodes = []
        self.uploader.send(request("POST", PATH + "upload", "Content-Length: 10") + b"01234")
        self.uploaded = self._accepted(backend)
        assert self.uploaded.exactly(5) == b"01234"
        self.reader.send(request("GET", PATH + "events"))
        self.events = self._accepted(backend)
        self.events.send(EVENTS, chunk(b"first"))
        assert self.reader.head().status == 200
        assert self.reader.chunk() == b"first"
        self.talker.send(handshake(PATH + "ws"))
        self.talked = self._accepted(backend)
        self.talked.send(switching())
        assert self.talker.head().status == 101

    def _accepted(self, backend):
        node = backend.accept()
        node.head()
        self.nodes.append(node)
        return node

    def lives(self) -> None:
        """The stream and the WebSocket go on, both ways."""
        self.events.send(chunk(b"another"))
        assert self.reader.chunk() == b"another"
        self.talker.send(b"ping")
        assert self.talked.exactly(4) == b"ping"
        self.talked.send(b"pong")
        assert self.talker.exactly(4) == b"pong"

    def finish(self) -> None:
        """The upload is completed and answered by the node that it began with."""
        self.lives()
        self.uploader.send(b"56789")
        assert self.uploaded.exactly(5) == b"56789"
        self.uploaded.send(answer(200, b"thanks"))
        assert self.uploader.message().body == b"thanks"

    def close(self) -> None:
        for each in self.clients:
            each.close()


@contextmanager
def nothing_is_cut(proxy, backend, transport: str = "http"):
    """What is established before the block is there after it, and ends well."""
    established = Established(proxy, backend, transport)
    try:
        yield established
        established.finish()
    finally:
        established.close()
