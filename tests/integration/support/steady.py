"""Clients that are served all the time while something changes, and the node behind the proxy: event streams that count, WebSockets
that are echoed, requests one after the other over both versions, and new connections. What any of them misses is a failure.

    clients = Clients(port); clients.open(streams=20, sockets=4); … ; clients.end(); assert not clients.failures
"""

import asyncio
import subprocess
import threading

import websockets

from daemons import HOST, wait_until
from wire import GUARD_SECONDS, client_tls

EVERY_SECONDS = 0.2  # an event, and a word over a WebSocket
NAME = "proxy.example.com"


class _Loop:
    """asyncio on a thread of its own. Tasks are kept: asyncio itself forgets those that only wait for each other."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def _begin(self, work) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(GUARD_SECONDS)

    def close(self) -> None:
        async def cancel() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._do(cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SteadyNode(_Loop):
    """GET /events never ends, everything else is answered at once; WebSockets, at an address of their own, are echoed."""

    def __enter__(self) -> "SteadyNode":
        async def serve() -> None:
            server = await asyncio.start_server(self._serve, HOST, 0, backlog=1024)
            echo = await websockets.serve(self._echo, HOST, 0)
            self.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
            self.echo_url = f"http://{HOST}:{echo.sockets[0].getsockname()[1]}"

        self._do(serve())
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    @staticmethod
    async def _echo(connection) -> None:
        async for message in connection:
            await connection.send(message)

    @staticmethod
    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"GET /events "):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    continue
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                number = 0
                while not writer.is_closing():
                    event = b"data: %d\n\n" % number
                    writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                    number += 1
                    await asyncio.sleep(EVERY_SECONDS)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


class Clients(_Loop):
    def __init__(self, port: int):
        super().__init__()
        self._port = port
        self._over = False
        self.failures: list[str] = []
        self.got: list[int] = []  # by each stream and WebSocket: events, words
        self.connections = 0      # opened for one request each

    def open(self, streams: int, sockets: int) -> None:
        """Returns when all of them have got something."""
        async def all_of_them() -> None:
            for i in range(streams + sockets):
                self.got.append(0)
                place = len(self.got) - 1
                self._begin(self._judged(f"event stream {place}", self._stream(place)) if i < streams else
                            self._judged(f"WebSocket {place}", self._socket(place)))

        self._do(all_of_them())
        self.go_on()

    def go_on(self) -> None:
        """Returns when each stream and each WebSocket has got something more, or one has failed."""
        before = list(self.got)
        wait_until("all get something", lambda: self.failures or all(now > then for now, then in zip(self.got, before)))

    def connect_anew(self, per_second: float) -> None:
        async def again_and_again() -> None:
            while not self._over:
                self._begin(self._judged("new connection", self._ask_once()))
                await asyncio.sleep(1 / per_second)

        asyncio.run_coroutine_threadsafe(again_and_again(), self._loop)

    def end(self) -> None:
        self._over = True
        self.close()

    async def _judged(self, what: str, work) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001: whatever it is, a client was let down
            self.failures.append(f"{what}: {error!r}")

    async def _ask(self, target: str, *fields: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        opening = asyncio.open_connection(HOST, self._port, ssl=client_tls("http/1.1"), server_hostname=NAME)
        reader, writer = await asyncio.wait_for(opening, GUARD_SECONDS)
        writer.write("\r\n".join([f"GET {target} HTTP/1.1", f"Host: {NAME}", *fields, "", ""]).encode())
        return reader, writer

    async def _stream(self, place: int) -> None:
        reader, writer = await self._ask("/events")
        try:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            while True:
                size = int(await reader.readuntil(b"\r\n"), 16)
                event = (await reader.readexactly(size + 2))[:-2]
                assert event == b"data: %d\n\n" % self.got[place], f"{event} in place of {self.got[place]}"
                self.got[place] += 1
        finally:
            writer.transport.abort()

    async def _socket(self, place: int) -> None:
        async with websockets.connect(f"wss://{HOST}:{self._port}/ws", ssl=client_tls("http/1.1"), server_hostname=NAME,
                                      open_timeout=GUARD_SECONDS, ping_interval=None) as connection:
            while True:
                word = str(self.got[place])
                await connection.send(word)
                said = await connection.recv()
                assert said == word, f"{said} in place of {word}"
                self.got[place] += 1
                await asyncio.sleep(EVERY_SECONDS)

    async def _ask_once(self) -> None:
        reader, writer = await self._ask("/", "Connection: close")
        try:
            answer = await asyncio.wait_for(reader.read(), GUARD_SECONDS)
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\nok"), answer
            self.connections += 1
        finally:
            writer.close()


class Requests(threading.Thread):
    """One curl after the other, each with many requests at a time on few connections: it uses another connection when it is told
    to, by Connection: close or GOAWAY, as browsers do."""

    ROUND = 200

    def __init__(self, port: int, *options: str):
        super().__init__(daemon=True)
        self._command = ["curl", "--insecure", "--resolve", f"{NAME}:{port}:{HOST}", "--max-time", str(GUARD_SECONDS),
                         "--no-progress-meter", "--output", "/dev/null", "--write-out", r"%{http_code} %{errormsg}\n", *options, f"https://{NAME}:{port}/[1-{self.ROUND}]"]
        self._over = threading.Event()
        self.answered = 0
        self.failures: list[str] = []
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            done = subprocess.run(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            lines = done.stdout.splitlines()
            good = sum(line.strip() == "200" for line in lines)
            self.answered += good
            if done.returncode != 0 or good != self.ROUND:
                self.failures.append(f"{' '.join(self._command)}: exit code {done.returncode}, {good} of {self.ROUND} answered: "
                                     + "; ".join(sorted({line for line in lines if line.strip() != "200"})))

    def end(self) -> None:
        self._over.set()
        self.join()
