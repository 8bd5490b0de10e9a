"""Thousands of open event streams: each gets every event, and what they cost of memory is known."""

import asyncio
import os

import pytest

from daemons import HOST, program
from wire import client_tls

STREAMS = 5000
# Of our process, kernel aside: two connections, one of them TLS, and an exchange between them.
MOST_BYTES_A_STREAM = 35 << 10
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Events:
    """A node that keeps every stream open and sends what it is told to all of them."""

    def __init__(self):
        self.streams: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Events":
        self._server = await asyncio.start_server(self._serve, HOST, 0, backlog=4096)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_error) -> None:
        for stream in self.streams:
            stream.close()
        self._server.close()

    async def _serve(self, reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        self.streams.append(writer)

    def send(self, event: bytes) -> None:
        for stream in self.streams:
            stream.write(b"%x\r\n%s\r\n" % (len(event), event))


async def open_stream(port: int) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection(HOST, port, ssl=client_tls("http/1.1"), server_hostname="proxy.example.com")
    writer.write(b"GET /api/client/v2/conferences/demo/events HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    reader.writer = writer
    return reader


async def open_all(port: int) -> list[asyncio.StreamReader]:
    streams = []
    while len(streams) < STREAMS:
        streams += await asyncio.gather(*(open_stream(port) for _ in range(100)))
    return streams


async def chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readuntil(b"\r\n"), 16)
    return (await reader.readexactly(size + 2))[:-2]


def test_five_thousand_event_streams_get_every_event_at_a_known_cost(start, tmp_path, record_property):
    async def run() -> None:
        async with Events() as node:
            proxy = start(node.url, workers=2, limits={"connections": 0})
            warm = await open_stream(proxy.port("https"))
            before = proxy.resident_bytes()
            streams = await open_all(proxy.port("https"))
            each = (proxy.resident_bytes() - before) // STREAMS
            for number in range(3):
                node.send(b"data: %d\n\n" % number)
                got = await asyncio.gather(*(chunk(stream) for stream in streams))
                assert set(got) == {b"data: %d\n\n" % number}
            record_property("bytes_a_stream", each)
            print(f"{each} bytes a stream")
            if "sanitize" not in sanitizers():
                assert each < MOST_BYTES_A_STREAM
            for stream in [warm, *streams]:
                stream.writer.transport.abort()

    if os.sysconf("SC_OPEN_MAX") < 4 * STREAMS:
        pytest.skip(f"needs {4 * STREAMS} descriptors for the test itself")
    asyncio.run(run())


def sanitizers() -> str:
    """The sanitizer libraries that the program is linked with, whose memory is not ours to judge."""
    binary = program("rproxyd").read_bytes()
    return "sanitize" if b"__asan_init" in binary or b"__tsan_init" in binary else ""
