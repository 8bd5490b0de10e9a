"""Twenty take-overs in a row under load: no request fails, no stream is cut, no WebSocket loses a word."""

import asyncio
import json
import re
import subprocess
import threading
import time

import websockets

from daemons import HOST
from test_proxy_take_over import line  # noqa: F401: a fixture
from wire import client_tls

TIMES = 20
STREAMS = 100
SOCKETS = 20
EVERY = 0.05


class Node:
    """Streams that count, WebSockets that echo, and answers."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._serve, HOST, 0, backlog=4096)
            echo = await websockets.serve(self._echo, HOST, 0)
            self.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
            self.echo_url = f"http://{HOST}:{echo.sockets[0].getsockname()[1]}"
            ready.set()

        self.loop.create_task(serve())
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        assert ready.wait(30)

    async def _echo(self, connection) -> None:
        async for message in connection:
            await connection.send(message)

    async def _serve(self, reader, writer) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"/events" not in head.split(b"\r\n")[0]:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    continue
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                number = 0
                while True:
                    event = b"data: %d\n\n" % number
                    writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                    await writer.drain()
                    number += 1
                    await asyncio.sleep(EVERY)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Clients:
    """Those who stay: streams and WebSockets, each opened under another process of the line."""

    def __init__(self, port: int):
        self._port = port
        self.loop = asyncio.new_event_loop()
        self.cut: list[str] = []
        self.events = 0
        self.words = 0
        self._ending = False
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self, streams: int, sockets: int) -> None:
        async def all_of_them() -> None:
            opened = [asyncio.Event() for _ in range(streams + sockets)]
            for i in range(streams):
                self.loop.create_task(self._stream(opened[i]))
            for i in range(sockets):
                self.loop.create_task(self._socket(opened[streams + i]))
            await asyncio.gather(*(each.wait() for each in opened))

        asyncio.run_coroutine_threadsafe(all_of_them(), self.loop).result(60)

    def end(self) -> None:
        self._ending = True
        for task in asyncio.all_tasks(self.loop):
            self.loop.call_soon_threadsafe(task.cancel)

    async def _stream(self, opened: asyncio.Event) -> None:
        expected = 0
        try:
            reader, writer = await asyncio.open_connection(HOST, self._port, ssl=client_tls("http/1.1"), server_hostname="proxy.example.com")
            writer.write(b"GET /events HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            opened.set()
            while True:
                size = int(await reader.readuntil(b"\r\n"), 16)
                event = (await reader.readexactly(size + 2))[:-2]
                assert event == b"data: %d\n\n" % expected, event
                expected += 1
                self.events += 1
        except asyncio.CancelledError:
            writer.transport.abort()
        except Exception as error:  # noqa: BLE001: whatever it is, the stream was cut
            self.cut.append(f"stream after {expected}: {error!r}")
        finally:
            opened.set()

    async def _socket(self, opened: asyncio.Event) -> None:
        word = 0
        try:
            async with websockets.connect(f"wss://{HOST}:{self._port}/ws", ssl=client_tls("http/1.1"), server_hostname="proxy.example.com",
                                          ping_interval=None) as connection:
                opened.set()
                while True:
                    await connection.send(str(word))
                    assert await connection.recv() == str(word)
                    word += 1
                    self.words += 1
                    await asyncio.sleep(EVERY)
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001
            self.cut.append(f"WebSocket after {word}: {error!r}")
        finally:
            opened.set()


class Load(threading.Thread):
    """h2load, again and again until told to stop."""

    def __init__(self, url: str, *options: str):
        super().__init__()
        self._command = ["h2load", *options, "-n", "3000", "-c", "10", url]
        self._stop = threading.Event()
        self.done = 0
        self.failed: list[str] = []
        self.start()

    def run(self) -> None:
        while not self._stop.is_set():
            ran = subprocess.run(self._command, capture_output=True, text=True)
            counts = re.search(r"requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored", ran.stdout)
            self.done += int(counts[2]) if counts else 0
            if not counts or counts[1] != counts[2]:
                self.failed.append(ran.stdout + ran.stderr)

    def finish(self) -> int:
        self._stop.set()
        self.join()
        assert not self.failed, f"{len(self.failed)} runs failed\n{self.failed[0]}"
        return self.done


def test_twenty_take_overs_under_load(line, record_property):  # noqa: F811
    node = Node()
    served = line(node.url, workers=2, take_over_timeout="0",
                  limits={"connections_per_client": 0},
                  routes=[{"path": "/ws", "pool": "echo", "websocket": True}, {"path": "/", "pool": "nodes"}],
                  pools={"echo": {"servers": [node.echo_url]}}, log={"level": "info", "access": None})
    port = served.now.port("https")
    clients = Clients(port)
    url = f"https://{HOST}:{port}/who"
    loads = [Load(url, "--h1"), Load(url, "-m", "10")]
    pauses = []
    for i in range(TIMES):
        clients.open(STREAMS // TIMES, SOCKETS // TIMES)
        before = time.monotonic()
        served.next()
        pauses.append(time.monotonic() - before)
        time.sleep(0.3)
    clients.open(1, 1)
    time.sleep(1)
    assert sum(each.running for each in served.started) > TIMES  # who has streams, lives
    requests = [each.finish() for each in loads]
    assert clients.cut == []
    events, words = clients.events, clients.words
    clients.end()
    for old in served.started[:-1]:
        old.wait()
    record_property("requests", json.dumps(requests))
    print(f"{requests} requests by HTTP/1.1 and 2, {events} events, {words} words over WebSockets; "
          f"a take-over took {sum(pauses) / len(pauses):.2f} s, at most {max(pauses):.2f} s")
    assert events > STREAMS and words > SOCKETS
