"""A TLS client's socket for a thread that reads and one that writes.

Python's own (until 3.13) lets both into OpenSSL at the same time: what SSL_get_error() tells the reader may then be of the writer's
call, and an answer that has not come yet is taken for the end of the connection."""

import select
import ssl
import threading
import time


class SharedTlsSocket(ssl.SSLSocket):
    """As what SSLContext.wrap_socket() makes, with share() called once the handshake is over. recv(), send() and sendall() alone."""

    _turn = None  # a lock, once it is shared

    def share(self) -> "SharedTlsSocket":
        self._patience = self.gettimeout()
        super().settimeout(0)
        self._turn = threading.Lock()
        return self

    def settimeout(self, seconds: float | None) -> None:
        if self._turn is None:
            super().settimeout(seconds)
        else:
            self._patience = seconds

    def recv(self, count: int = 1024, flags: int = 0) -> bytes:
        if self._turn is None:
            return super().recv(count, flags)
        return self._in_turn(super().recv, count)

    def send(self, data, flags: int = 0) -> int:
        if self._turn is None:
            return super().send(data, flags)
        return self._in_turn(super().send, data)

    def _in_turn(self, call, what):
        """Waits without the lock."""
        end = None if self._patience is None else time.monotonic() + self._patience
        while True:
            try:
                with self._turn:
                    return call(what)
            except ssl.SSLWantReadError:
                waiting = ([self], [])
            except ssl.SSLWantWriteError:
                waiting = ([], [self])
            if not any(select.select(*waiting, [], None if end is None else max(0, end - time.monotonic()))):
                raise TimeoutError("timed out")


def connected_tls(context: ssl.SSLContext, plain) -> SharedTlsSocket:
    context.sslsocket_class = SharedTlsSocket
    return context.wrap_socket(plain).share()
