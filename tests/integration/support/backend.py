"""A backend whose part the test plays itself: a listening socket, and what the proxy says on it."""

import select
import socket
import ssl

from wire import GUARD_SECONDS, Wire

BACKLOG = 512


class Backend:
    """The kernel accepts for us; accept() takes the next connection, TLS handshake included."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", receive_buffer: int | None = None):
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=BACKLOG)
        self._listener.settimeout(GUARD_SECONDS)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._connections: list[Wire] = []

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        host = self._listener.getsockname()[0]
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.address}"

    def accept(self) -> Wire:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(GUARD_SECONDS)
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
        self._connections.append(Wire(connection))
        return self._connections[-1]

    def next(self, *kept: Wire) -> Wire:
        """The connection that brings the next request: one of these plain ones, or a new one."""
        for each in kept:
            if each.has_more():
                return each
        ready = select.select([self._listener, *(each.socket for each in kept)], [], [], GUARD_SECONDS)[0]
        assert ready, "no next request"
        return next((each for each in kept if each.socket in ready), None) or self.accept()

    def waits(self, seconds: float) -> bool:
        """Whether a connection is there to be accepted, or comes in time."""
        return bool(select.select([self._listener], [], [], seconds)[0])

    def close(self) -> None:
        for each in self._connections:
            each.close()
        self._listener.close()
