"""Faults on demand: the ways in which a node's answer can go wrong.

A test puts faults into the table over the control listener. A request takes the first one whose
method and path prefix match, until that one's count is used up; `skip` lets some pass first.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

from aiohttp import web

from demo_node.listener import reset
from demo_node.webapp import pattern

MAX_FAULTS = 100
MAX_HANG_SECONDS = 3600
HANG_POLL_SECONDS = 0.1
DELIVERY_SECONDS = 0.1   # so that what was written has left before a reset overtakes it
PIECE_BYTES = 1024


@dataclass
class Fault:
    kind: str
    path: str = "/"
    method: str | None = None
    count: int | None = 1       # None: until removed
    skip: int = 0
    delay: float = 5.0          # slow_head, die: seconds before anything is sent
    bytes: int = 64 * 1024      # the answer's body, where the fault makes one
    rate: int = 1024            # bytes a second: slow_body, endless
    status: int = 503           # status
    end: str = "reset"          # die*: reset (RST), fin (no TLS close), close (clean TLS close)
    claim: int | None = None    # lying_length: the Content-Length that is sent
    headers: dict = field(default_factory=dict)
    taken: int = 0
    id: int = 0

    def matches(self, method: str, path: str) -> bool:
        return path.startswith(self.path) and self.method in (None, method)


class Table:
    def __init__(self):
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, fields: dict) -> Fault:
        """Raises ValueError with the reason if that is no fault."""
        known = Fault.__dataclass_fields__.keys() - {"taken", "id"}
        if unknown := fields.keys() - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        if fields.get("kind") not in DELIVERIES:
            raise ValueError(f"kind must be one of {', '.join(DELIVERIES)}")
        if len(self._faults) >= MAX_FAULTS:
            raise ValueError(f"more than {MAX_FAULTS} faults")
        fault = Fault(**fields, id=next(self._ids))
        if fault.end not in ("reset", "fin", "close"):
            raise ValueError("end must be reset, fin or close")
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def all(self) -> list[dict]:
        return [vars(fault) for fault in self._faults]

    @property
    def middleware(self):
        @web.middleware
        async def inject(request: web.Request, handler) -> web.StreamResponse:
            fault = self._take(request.method, request.path)
            if fault is None:
                return await handler(request)
            return await DELIVERIES[fault.kind](fault, request, handler)

        return inject

    def _take(self, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if not fault.matches(method, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count is None or fault.taken < fault.count:
                fault.taken += 1
                return fault
        return None


async def slow_head(fault: Fault, request: web.Request, handler):
    """The right answer, late."""
    await asyncio.sleep(fault.delay)
    return await handler(request)


async def slow_body(fault: Fault, request: web.Request, _handler):
    """A head at once, then the body by drops."""
    await send(request, head(200, f"Content-Length: {fault.bytes}"))
    await drip(request, fault.bytes, fault.rate)
    return closed(request)


async def hang(_fault: Fault, request: web.Request, _handler):
    """Never an answer. Ends when the client gives up."""
    waited = 0.0
    while is_open(request) and waited < MAX_HANG_SECONDS:
        await asyncio.sleep(HANG_POLL_SECONDS)
        waited += HANG_POLL_SECONDS
    return closed(request)


async def status(fault: Fault, _request: web.Request, _handler):
    """The whole answer of a node, or of a proxy before it, that gives up: 502, 503, 504, …"""
    return web.json_response({"status": "failed", "result": "Fault on demand"},
                             status=fault.status, headers=fault.headers)


async def die_before_answer(fault: Fault, request: web.Request, _handler):
    """The request has been read; no byte comes back."""
    end(request, fault.end)
    return closed(request)


async def die_mid_head(fault: Fault, request: web.Request, _handler):
    await send(request, b"HTTP/1.1 200 OK\r\nContent-Ty")
    await asyncio.sleep(DELIVERY_SECONDS)
    end(request, fault.end)
    return closed(request)


async def die_mid_answer(fault: Fault, request: web.Request, _handler):
    """Half of what Content-Length announced."""
    await send(request, head(200, f"Content-Length: {fault.bytes}"))
    await send_pattern(request, fault.bytes // 2)
    await asyncio.sleep(DELIVERY_SECONDS)
    end(request, fault.end)
    return closed(request)


async def die_mid_chunks(fault: Fault, request: web.Request, _handler):
    """A chunked answer without its last chunk."""
    await send(request, head(200, "Transfer-Encoding: chunked"))
    await send(request, b"%x\r\n" % PIECE_BYTES + pattern(0, PIECE_BYTES) + b"\r\n")
    await asyncio.sleep(DELIVERY_SECONDS)
    end(request, fault.end)
    return closed(request)


async def lying_length(fault: Fault, request: web.Request, _handler):
    """`bytes` of body under a Content-Length of `claim`; more than claimed by default."""
    claim = fault.bytes // 2 if fault.claim is None else fault.claim
    await send(request, head(200, f"Content-Length: {claim}"))
    await send_pattern(request, fault.bytes)
    await asyncio.sleep(DELIVERY_SECONDS)
    return closed(request)


async def endless(fault: Fault, request: web.Request, _handler):
    """Chunks without an end, until the client leaves."""
    await send(request, head(200, "Transfer-Encoding: chunked"))
    size = min(PIECE_BYTES, max(1, fault.rate))
    for offset in itertools.count(0, size):
        if not is_open(request):
            break
        await send(request, b"%x\r\n" % size + pattern(offset, size) + b"\r\n")
        await asyncio.sleep(size / fault.rate)
    return closed(request)


async def garbage(_fault: Fault, request: web.Request, _handler):
    """Bytes that are no HTTP."""
    await send(request, b"\x00\x01 this is not HTTP \r\n\r\n")
    await asyncio.sleep(DELIVERY_SECONDS)
    return closed(request)


DELIVERIES = {each.__name__: each for each in (
    slow_head, slow_body, hang, status, die_before_answer, die_mid_head, die_mid_answer,
    die_mid_chunks, lying_length, endless, garbage)}


def head(code: int, *fields: str) -> bytes:
    """Written past aiohttp, which would put a lie right."""
    lines = [f"HTTP/1.1 {code} OK", "Content-Type: application/octet-stream", *fields, "", ""]
    return "\r\n".join(lines).encode()


async def send(request: web.Request, data: bytes) -> None:
    """Waits while the client doesn't read, so that a fault takes no memory either."""
    if not is_open(request):
        return
    request.transport.write(data)
    while is_open(request) and request.transport.get_write_buffer_size() > PIECE_BYTES * 256:
        await asyncio.sleep(HANG_POLL_SECONDS)


async def send_pattern(request: web.Request, total: int) -> None:
    for offset in range(0, total, PIECE_BYTES):
        await send(request, pattern(offset, min(PIECE_BYTES, total - offset)))


async def drip(request: web.Request, total: int, rate: int) -> None:
    size = max(1, min(PIECE_BYTES, rate // 10))
    for offset in range(0, total, size):
        if not is_open(request):
            return
        await send(request, pattern(offset, min(size, total - offset)))
        await asyncio.sleep(size / rate)


def is_open(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def end(request: web.Request, how: str) -> None:
    if not is_open(request):
        return
    if how == "reset":
        reset(request.transport)
    elif how == "fin":
        request.transport.abort()
    else:
        request.transport.close()


def closed(request: web.Request) -> web.Response:
    """For handlers that did all by themselves: aiohttp finds the connection closed."""
    if is_open(request):
        request.transport.close()
    return web.Response()
