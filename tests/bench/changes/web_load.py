"""Load on a proxy, and what its clients saw: h2load over both versions, a new connection every few milliseconds, and event
streams whose events are numbered."""

import asyncio
import re
import ssl
from dataclasses import dataclass

STREAMS = 200
NEW_CONNECTIONS_PER_SECOND = 50
H2LOAD_CLIENTS = 10
H2LOAD_REQUESTS_PER_SECOND = 40  # a client
PATIENCE_SECONDS = 10
ROUND_SECONDS = 1


@dataclass
class Seen:
    requests: int = 0
    failed: int = 0
    connections: int = 0
    refused: int = 0  # or broken before their answer
    streams: int = 0
    cut: int = 0
    events: int = 0
    missed: int = 0

    def row(self) -> dict:
        return {"requests (h2load)": f"{self.requests:,}", "failed": self.failed,
                "new connections": f"{self.connections:,}", "refused or broken": self.refused,
                "event streams": self.streams, "cut": self.cut, "events": f"{self.events:,}", "missed": self.missed}


def tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class WebLoad:
    def __init__(self, port: int, seconds: float):
        self.port, self._seconds = port, seconds
        self._tls = tls()
        self._over = False
        self.seen = Seen()

    async def run(self, change) -> Seen:
        """`change` is a coroutine function; it runs once the load has settled."""
        streams = [asyncio.create_task(self._stream()) for _ in range(STREAMS)]
        while self.seen.events < STREAMS:
            await asyncio.sleep(0.05)
        load = [asyncio.create_task(self._h2load(*flags)) for flags in ((), ("--h1",))]
        load.append(asyncio.create_task(self._connect_anew()))
        await asyncio.sleep(self._seconds * 0.2)
        await change()
        await asyncio.gather(*load)
        self._over = True
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        return self.seen

    async def _open(self, target: str):
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port, ssl=self._tls), PATIENCE_SECONDS)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n".encode())
        return reader, writer

    async def _stream(self) -> None:
        self.seen.streams += 1
        try:
            reader, _writer = await self._open("/events")
            expected = 0
            async for line in reader:
                if line.startswith(b"data: "):
                    number = int(line[6:])
                    self.seen.missed += number - expected
                    expected = number + 1
                    self.seen.events += 1
        except (OSError, asyncio.TimeoutError):
            pass
        if not self._over:
            self.seen.cut += 1

    async def _connect_anew(self) -> None:
        end = asyncio.get_running_loop().time() + self._seconds
        asked = []
        while asyncio.get_running_loop().time() < end:
            asked.append(asyncio.create_task(self._ask_once()))
            await asyncio.sleep(1 / NEW_CONNECTIONS_PER_SECOND)
        await asyncio.gather(*asked)

    async def _ask_once(self) -> None:
        self.seen.connections += 1
        try:
            reader, writer = await self._open("/")
            answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
            writer.close()
            if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"x" * 256):
                self.seen.refused += 1
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            self.seen.refused += 1

    async def _h2load(self, *flags: str) -> None:
        """In rounds: it doesn't connect again where a server closes its connection for good reason (GOAWAY)."""
        end = asyncio.get_running_loop().time() + self._seconds
        while asyncio.get_running_loop().time() < end:
            await self._h2load_round(*flags)

    async def _h2load_round(self, *flags: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "h2load", *flags, "-c", str(H2LOAD_CLIENTS), "-t", "1", "-D", str(ROUND_SECONDS), "--rps", str(H2LOAD_REQUESTS_PER_SECOND),
            f"https://127.0.0.1:{self.port}/", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        said = (await process.communicate())[0].decode()
        counts = re.search(r"requests: (\d+) total.*?(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said)
        statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said)
        if not counts or not statuses:
            raise RuntimeError(f"h2load said:\n{said}")
        self.seen.requests += int(counts[2])
        self.seen.failed += int(counts[3]) + sum(int(statuses[each]) for each in (2, 3, 4))
