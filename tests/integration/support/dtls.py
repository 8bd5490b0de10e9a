"""A DTLS 1.2 client, over OpenSSL, that looks like a socket."""

import socket
import threading
import time

from OpenSSL import SSL

MTU = 1200
DATAGRAM = 65535
LOOK_SECONDS = 0.05  # from one look at the retransmission timer to the next


class DtlsSocket:
    """Connects at once. `lose(number, outgoing)`: whether a datagram of the handshake is lost."""

    def __init__(self, server: tuple[str, int], source: tuple[str, int] | None = None, patience: float = 30,
                 lose=lambda number, outgoing: False, alpn: bytes | None = None):
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        if alpn:
            context.set_alpn_protos([alpn])
        self.datagrams = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM)
        if source:
            # A socket for each peer: each is connected, and so the kernel tells them apart.
            self.datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.datagrams.bind(source)
        self.datagrams.connect(server)
        self.tls = SSL.Connection(context)
        self.tls.set_ciphertext_mtu(MTU)
        self.tls.set_connect_state()
        self._patience, self._lose, self._count = patience, lose, 0
        self._one_at_a_time = threading.RLock()  # over self.tls: a test may send while it receives
        try:
            self._shake_hands()
        except BaseException:
            self.datagrams.close()
            raise
        self._lose = lambda *_: False

    def _shake_hands(self) -> None:
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            try:
                self.tls.do_handshake()
                self._flush()
                return
            except SSL.WantReadError:
                pass
            self._flush()
            self.datagrams.settimeout(LOOK_SECONDS)
            try:
                self._take(self.datagrams.recv(DATAGRAM))
            except TimeoutError:
                # The wrapper has no call for it; does nothing before its time has come.
                SSL._lib.DTLSv1_handle_timeout(self.tls._ssl)
                self._flush()
        raise TimeoutError("no DTLS handshake")

    def _take(self, datagram: bytes) -> None:
        self._count += 1
        if not self._lose(self._count, False):
            self.tls.bio_write(datagram)

    def _flush(self) -> None:
        """A flight is cut into its records, so that each datagram is within the MTU."""
        try:
            sealed = self.tls.bio_read(DATAGRAM)
        except SSL.WantReadError:
            return
        while sealed:
            size = 13 + int.from_bytes(sealed[11:13], "big")
            self._count += 1
            if not self._lose(self._count, True):
                self.datagrams.send(sealed[:size])
            sealed = sealed[size:]

    # ---- as a socket

    def settimeout(self, seconds: float) -> None:
        self._patience = seconds

    def sendall(self, payload: bytes) -> None:
        with self._one_at_a_time:
            self.tls.send(payload)
            self._flush()

    send = sendall

    def recv(self, size: int) -> bytes:
        """Empty when the server has closed the session."""
        end = time.monotonic() + self._patience
        while True:
            try:
                with self._one_at_a_time:
                    return self.tls.recv(size)
            except SSL.WantReadError:
                pass
            except SSL.ZeroReturnError:
                return b""
            self.datagrams.settimeout(max(0.001, end - time.monotonic()))
            datagram = self.datagrams.recv(DATAGRAM)
            with self._one_at_a_time:
                self.tls.bio_write(datagram)

    def getsockname(self):
        return self.datagrams.getsockname()

    def close(self) -> None:
        try:
            self.tls.shutdown()
            self._flush()
        except (SSL.Error, OSError):
            pass
        self.datagrams.close()
