"""The same bytes for rproxyd, nginx and HAProxy: where one begins and the next one ends they must not see differently. What they refuse
they may refuse each for itself; a request that we pass on and another server takes is the same request at the same place."""

import random
import re
import socket
from contextlib import ExitStack, suppress

import pytest

from ambiguous import CHUNKS, CODINGS, ENDED, HIDDEN, OPEN, RAW, get, post
from daemons import HOST, wait_until
from logging_nodes import LoggingNode
from rproxyd import Rproxyd, configuration

MADE = 400  # inputs beside those that have a name
LAST = 99999  # the number of the request that is behind all others
HEADS = [*CODINGS.values(), *(b"Content-Length: %d" % size for size in (0, 4, 5, len(HIDDEN), len(ENDED))), b"Connection: close", b"X-A: 1",
         b"Expect: 100-continue", b"Connection: keep-alive, content-length"]
BODIES = [HIDDEN, ENDED, b"", b"abcd", *CHUNKS.values()]
DAMAGE = b"\0\t\n\r ,:;0123\x0b\x7f\x80\xff"


def made(number: int) -> bytes:
    """A request of lines that speak of framing, in any order, with something behind it; one in three is damaged."""
    lot = random.Random(number)
    lines = [lot.choice(HEADS) for _ in range(lot.randrange(4))]
    whole = bytearray(post(*lines, body=lot.choice(BODIES)) if lot.random() < 0.8 else get(*lines) + lot.choice(BODIES))
    if lot.random() < 0.33:
        whole[lot.randrange(len(whole))] = lot.choice(DAMAGE)
    return bytes(whole)


def hear_out(client: socket.socket) -> bytes:
    heard = b""
    with client, suppress(ConnectionError):
        while more := client.recv(65536):
            heard += more
    return heard


class Readers:
    """Each has the same bytes on a connection of its own, and notes which requests it has read; what it refuses it doesn't note."""

    def __init__(self, proxy: Rproxyd, nodes: dict[str, LoggingNode]):
        self._proxy, self._nodes = proxy, nodes
        self._waiting: dict[int, socket.socket] = {}
        self.refused: set[int] = set()  # by us, first or last

    def tell(self, raw: bytes, number: int) -> None:
        """/open and /hidden have the input's number from here on; /hidden is as long as before, for the lengths that speak of it."""
        raw = raw.replace(OPEN.encode(), b"/open-%05d" % number).replace(b"/hidden", b"/H%05d" % number)
        for name, node in self._nodes.items():
            client = socket.create_connection((HOST, self._proxy.port("http") if name == "rproxyd" else int(node.url.rpartition(":")[2])))
            client.settimeout(30)
            client.sendall(raw)
            if name == "rproxyd":
                self._waiting[number] = client  # for whom a client that half-closes has left; its time-outs are short
            else:
                client.shutdown(socket.SHUT_WR)
                hear_out(client)

    def read(self) -> dict[str, dict[int, list[str]]]:
        """By server and number: open and hidden, in their order."""
        for number, client in self._waiting.items():
            if b"HTTP/1.1 4" in hear_out(client):
                self.refused.add(number)
        self.tell(get(b"Connection: close"), LAST)
        hear_out(self._waiting[LAST])
        return {name: self._of(node) for name, node in self._nodes.items()}

    def _of(self, node: LoggingNode) -> dict[int, list[str]]:
        wait_until("the last request in the log", lambda: any(f"/open-{LAST}" in line for line in node.seen()))
        requests: dict[int, list[str]] = {}
        for line in node.seen():
            match = re.search(r"/(open-|H)(\d{5}).* 200$", line)
            if match:
                requests.setdefault(int(match[2]), []).append("open" if match[1] == "open-" else "hidden")
        return requests


@pytest.fixture(scope="module")
def readers(tmp_path_factory, certificate):
    with ExitStack() as running:
        nodes = {}
        for name, server in [("rproxyd", "nginx"), ("nginx", "nginx"), ("haproxy", "haproxy")]:
            nodes[name] = running.enter_context(LoggingNode(server, "http/1.1", tmp_path_factory.mktemp(name)))
        folder = tmp_path_factory.mktemp("framing")
        configured = configuration(folder, certificate.file(), [nodes["rproxyd"].url],
                                   timeouts={"head": "1s", "body": "1s", "keep_alive": "1s"})
        yield Readers(running.enter_context(Rproxyd(folder, configured)), nodes)


def test_what_we_pass_on_others_read_alike(readers):
    inputs = [*RAW.items(), *((f"made {number}", made(number)) for number in range(MADE))]
    for number, (_, raw) in enumerate(inputs):
        readers.tell(raw, number)
    read = readers.read()
    compared, otherwise = 0, []
    for number, (name, raw) in enumerate(inputs):
        ours = read["rproxyd"].get(number, [])
        for server in ("nginx", "haproxy"):
            theirs = read[server].get(number, [])
            both = min(len(ours), len(theirs))
            compared += both > 0
            swallowed = ours and len(theirs) > len(ours) and number not in readers.refused
            if ours[:both] != theirs[:both] or swallowed:
                otherwise.append(f"{name}: we read {ours}, {server} {theirs}: {raw!r}")
    assert not otherwise, "\n".join(otherwise)
    assert compared > MADE / 4, "too few of them are in order"
