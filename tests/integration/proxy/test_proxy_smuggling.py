"""Requests that two readers may take for different ones, with other servers as the node behind us: whatever a client sends,
the node sees one request or none, and never the one that is hidden in it (rules 1 to 5, 11)."""

import re
import struct
from contextlib import ExitStack, suppress

import pytest

from ambiguous import CUT, ENDED, HIDDEN, OPEN, RAW, WHOLE
from daemons import wait_until
from http2 import AUTHORITY, Http2Client
from logging_nodes import LoggingNode
from rproxyd import Rproxyd, configuration, request
from wire import client_tls

NODES = [(server, protocol) for server in ("nginx", "haproxy", "nghttpx") for protocol in ("http/1.1", "h2")]


class Stage:
    """rproxyd before a node. Each case has a number in its target, since a node may note a request that was broken off later
    than the next one."""

    def __init__(self, proxy: Rproxyd, node: LoggingNode):
        self.proxy, self._node = proxy, node
        self._number = 0

    def next_case(self) -> str:
        """What stands in the place of OPEN in it; of the same length whatever the number."""
        self._number += 1
        return self._target

    @property
    def _target(self) -> str:
        return f"/case-{self._number:04}"

    def requests(self, arrives: bool = False) -> list[str]:
        """What the node has seen of this case, once it has served somebody else on the connection that it had been
        kept on; what it could not make sense of is nothing that it should see."""
        other = f"/somebody-else-{self._number:04}"
        with self.proxy.connect("http") as client:
            client.send(request("GET", other))
            assert client.message().status == 200
            assert not client.has_more()
        wait_until("the others at the node", lambda: self._count(other) and (not arrives or self._count(self._target)))
        seen = self._node.seen()
        assert self._count(other) == 1
        assert all(re.search(r" \S*/(somebody-else|case)-\d{4}\S* HTTP/\S+ \d+$", line) for line in seen), seen[-5:]
        return [line for line in seen if self._target in line]

    def _count(self, target: str) -> int:
        return sum(target in line for line in self._node.seen())


@pytest.fixture(scope="module", params=NODES, ids=[f"{server}-{protocol}" for server, protocol in NODES])
def stage(request, tmp_path_factory, certificate):
    server, protocol = request.param
    folder = tmp_path_factory.mktemp("smuggling")
    with ExitStack() as running:
        node = running.enter_context(LoggingNode(server, protocol, folder))
        configured = configuration(folder, certificate.file(), [node.url], pool={"protocol": protocol}, log={"level": "info"},
                                   timeouts={"head": "1s", "body": "1s"})
        yield Stage(running.enter_context(Rproxyd(folder, configured)), node)


def final_status(client) -> int | None:
    """Of the first answer that is one; None: the connection ended without."""
    received = b""
    while piece := client.read():
        received += piece
        for status in (int(each[:3]) for each in received.split(b"HTTP/1.1 ")[1:]):
            if status >= 200:
                return status
    return None


def test_the_corpus_is_large_and_its_names_are_right():
    assert len(RAW) > 100 and WHOLE | CUT <= RAW.keys()


@pytest.mark.parametrize("name", RAW)
def test_the_node_sees_one_request_or_none(stage, name):
    with stage.proxy.connect("http") as client:
        client.send(RAW[name].replace(OPEN.encode(), stage.next_case().encode()))
        status = final_status(client)
    seen = stage.requests(arrives=name in WHOLE)
    if name in WHOLE:
        assert (status, [line.split()[-1] for line in seen]) == (200, ["200"]), seen
    elif name in CUT:
        assert len(seen) <= 1
    else:
        assert seen == [] and status >= 400, seen


# ---- HTTP/2 from the client, HTTP/1.1 or HTTP/2 to the node

PSEUDO = [(":method", "POST"), (":scheme", "https"), (":authority", AUTHORITY), (":path", "/open")]
BREAK = "\r\n\r\n" + HIDDEN.decode()


def changed(name: str, value: str) -> list[tuple[str, str]]:
    return [(each, value if each == name else old) for each, old in PSEUDO]


HTTP2 = {  # fields, body
    "h2.CL zero": ([*PSEUDO, ("content-length", "0")], HIDDEN),
    "h2.CL less": ([*PSEUDO, ("content-length", "4")], HIDDEN),
    "h2.CL more": ([*PSEUDO, ("content-length", str(len(HIDDEN) + 10))], HIDDEN),
    "h2.CL twice": ([*PSEUDO, ("content-length", "0"), ("content-length", str(len(HIDDEN)))], HIDDEN),
    "h2.CL list": ([*PSEUDO, ("content-length", f"0, {len(HIDDEN)}")], HIDDEN),
    "h2.CL plus": ([*PSEUDO, ("content-length", f"+{len(HIDDEN)}")], HIDDEN),
    "h2.TE": ([*PSEUDO, ("transfer-encoding", "chunked")], ENDED),
    "h2.TE with length": ([*PSEUDO, ("transfer-encoding", "chunked"), ("content-length", str(len(ENDED)))], ENDED),
    "h2.TE upper-case": ([*PSEUDO, ("Transfer-Encoding", "chunked")], ENDED),
    "h2.TE in a value": ([*PSEUDO, ("x-a", "1\r\nTransfer-Encoding: chunked")], ENDED),
    "h2.TE behind a line feed": ([*PSEUDO, ("x-a", "1\nTransfer-Encoding: chunked")], ENDED),
    "h2.TE behind a carriage return": ([*PSEUDO, ("x-a", "1\rTransfer-Encoding: chunked")], ENDED),
    "h2.TE in a name": ([*PSEUDO, ("x-a: 1\r\ntransfer-encoding", "chunked")], ENDED),
    "h2.TE as a name": ([*PSEUDO, ("transfer-encoding: chunked\r\nx-a", "1")], ENDED),
    "h2.TE name with a space": ([*PSEUDO, ("transfer-encoding ", "chunked")], ENDED),
    "h2.TE name with a colon": ([*PSEUDO, ("transfer-encoding:", "chunked")], ENDED),
    "request in a value": ([*PSEUDO, ("x-a", "1" + BREAK)], b""),
    "request in a name": ([*PSEUDO, ("x-a: 1" + BREAK.lower(), "1")], b""),
    "request in the path": (changed(":path", "/open HTTP/1.1\r\nHost: a" + BREAK), b""),
    "version in the path": (changed(":path", "/open HTTP/1.1"), b""),
    "line feed in the path": (changed(":path", "/open\nX-A: 1"), b""),
    "request in the method": (changed(":method", "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\nPOST"), b""),
    "space in the method": (changed(":method", "GET /hidden?"), b""),
    "request in the authority": (changed(":authority", "a" + BREAK), b""),
    "path in the authority": (changed(":authority", "a/hidden"), b""),
    "request in the scheme": (changed(":scheme", "https://a/hidden"), b""),
    "line end in the scheme": (changed(":scheme", "https" + BREAK), b""),
    "another host": ([*PSEUDO, ("host", "other.example.com")], b""),
    "connection": ([*PSEUDO, ("connection", "content-length")], HIDDEN),
    "upgrade": ([*PSEUDO, ("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__")], HIDDEN),
    "pseudo-header in the trailers": (PSEUDO, b"trailers"),
}
HTTP2_BEGINS = {"h2.CL less", "h2.CL more", "h2.CL zero", "pseudo-header in the trailers"}


@pytest.mark.parametrize("name", HTTP2)
def test_a_downgraded_request_is_one_or_none(stage, name):
    """Rules 5 and 11."""
    fields, body = HTTP2[name]
    target = stage.next_case()
    with Http2Client(stage.proxy.connect(tls=client_tls("h2"))) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            number = client.send_head([(each, value.replace(OPEN, target)) for each, value in fields], end=not body)
            if body == b"trailers":
                client.send_trailers(number, (":path", "/hidden"), ("x-a", "1"))
            elif body:
                client.send_body(number, body)
        stream = client.streams[number]
        while not (client.ended or stream.over or client.goaway is not None):
            client.pump()
        assert stream.status is None or 400 <= stream.status < 600 or name in HTTP2_BEGINS
    seen = stage.requests()
    assert len(seen) <= (name in HTTP2_BEGINS), seen


def test_a_body_that_is_a_request_crosses_as_a_body(stage):
    """So that the others are not refused for something else: the same, without anything wrong in it, arrives."""
    target = stage.next_case()
    with Http2Client(stage.proxy.connect(tls=client_tls("h2"))) as client:
        number = client.send_head([*PSEUDO[:3], (":path", target), ("content-length", str(len(HIDDEN)))], end=False)
        client.send_body(number, HIDDEN)
        assert client.answer(number).status == 200
    assert len(stage.requests(arrives=True)) == 1


# ---- HTTP/2's own frames

def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


@pytest.mark.parametrize("frames", [
    frame(0, 1, 1, HIDDEN),                       # DATA of a stream that nobody opened
    frame(9, 4, 1, b"\x82"),                      # CONTINUATION of nothing
    b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",   # HTTP/1.1 where frames should be
], ids=["data-of-an-idle-stream", "continuation-of-nothing", "http/1.1"])
def test_frames_out_of_order_reach_no_node(stage, frames):
    stage.next_case()
    with Http2Client(stage.proxy.connect(tls=client_tls("h2"))) as client:
        client.wire.send(frames)
        with suppress(ConnectionError):
            client.wire.finish_sending()
            client.wire.rest()
    assert stage.requests() == []
