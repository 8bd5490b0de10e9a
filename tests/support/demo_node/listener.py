"""The HTTPS listener, with the ways in which a node's port can misbehave.

Connections are accepted here by hand instead of by a ready-made server, so that the port can
refuse, reset or fall silent while its number stays ours.
"""

import asyncio
import socket
import ssl
import struct
from dataclasses import dataclass, replace

BACKLOG = 1024
HANDSHAKE_SECONDS = 10
BIND_TRIES = 20

OPEN = "open"        # serve
REFUSE = "refuse"    # connection refused: the port is bound, but doesn't listen
RESET = "reset"      # accepted, then reset
SILENT = "silent"    # accepted, then not a byte, not even of TLS
MODES = (OPEN, REFUSE, RESET, SILENT)


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    def with_port(self, port: int) -> "Address":
        return replace(self, port=port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not ADDRESS:PORT")
    return Address(host.strip("[]") or "0.0.0.0", int(port))


class Listener:
    """start(), then set_mode() at will, then stop(). Only to be used inside the event loop."""

    def __init__(self, address: Address, protocol_factory, context: ssl.SSLContext):
        self._factory = protocol_factory
        self._context = context
        self._socket = bind(address)
        self._accepting: asyncio.Task | None = None
        self._handshakes: set[asyncio.Task] = set()
        self._transports: set[asyncio.BaseTransport] = set()
        self._unserved: set[socket.socket] = set()
        self.address = address.with_port(self._socket.getsockname()[1])
        self.mode = OPEN
        self.accepted = 0
        self.failed_handshakes = 0

    def start(self) -> None:
        self._socket.listen(BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        await self._stop_accepting()
        self._socket.close()
        self._close_unserved()

    async def set_mode(self, mode: str) -> None:
        if mode == self.mode:
            return
        await self._stop_accepting()
        self._close_unserved()
        self.mode = mode
        if mode == REFUSE:
            # Leaves the listening state and keeps the port: connects are answered with RST.
            self._socket.shutdown(socket.SHUT_RD)
        else:
            self.start()

    def open_connections(self) -> int:
        self._forget_closed()
        return len(self._transports)

    def reset_connections(self) -> int:
        """What clients see when a node's machine comes back from a power cut."""
        self._forget_closed()
        count = len(self._transports)
        for transport in self._transports:
            reset(transport)
        self._transports.clear()
        return count

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._socket)
            self.accepted += 1
            if self.mode == RESET:
                set_reset_on_close(connection)
                connection.close()
            elif self.mode == SILENT:
                self._unserved.add(connection)
            else:
                task = asyncio.create_task(self._serve(connection))
                self._handshakes.add(task)
                task.add_done_callback(self._handshakes.discard)

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(
                self._factory, connection, ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS)
        except OSError:  # ssl.SSLError is one, too
            self.failed_handshakes += 1
            connection.close()
            return
        self._forget_closed()
        self._transports.add(transport)

    async def _stop_accepting(self) -> None:
        if self._accepting:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
            self._accepting = None

    def _close_unserved(self) -> None:
        for connection in self._unserved:
            connection.close()
        self._unserved.clear()

    def _forget_closed(self) -> None:
        self._transports = {each for each in self._transports if not each.is_closing()}


def bind(address: Address) -> socket.socket:
    """A bound socket. Only an explicitly bound port survives REFUSE, so 0 is resolved first."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    for attempt in range(BIND_TRIES):
        port = address.port
        if port == 0:
            with socket.socket(family) as probe:
                probe.bind((address.host, 0))
                port = probe.getsockname()[1]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        try:
            bound.bind((address.host, port))
            return bound
        except OSError:
            bound.close()
            if address.port != 0 or attempt + 1 == BIND_TRIES:
                raise
    raise AssertionError("unreachable")


def reset(transport: asyncio.BaseTransport) -> None:
    """Ends the connection with RST."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        set_reset_on_close(connection)
    transport.abort()


def set_reset_on_close(connection) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
