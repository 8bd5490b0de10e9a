"""One end of a TCP connection in a test's hands, plain or TLS, byte for byte.

A test holds both ends of the proxy: it sends as the client, looks at what reaches the backend,
answers as the backend, and looks at what reaches the client. Nothing here waits for longer than
GUARD_SECONDS, and nothing depends on how long anything took.
"""

import socket
import ssl
import struct
from dataclasses import dataclass, field

GUARD_SECONDS = 30
READ_BYTES = 256 * 1024

CLEAN = "clean"  # FIN, and before it close_notify on TLS
CUT = "cut"      # RST, or on TLS a FIN without close_notify


@dataclass
class Head:
    """A request's or an answer's first line and fields, as they stood on the wire."""
    line: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def parse(cls, raw: bytes) -> "Head":
        line, *rest = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        assert all(":" in each for each in rest), raw
        return cls(line, [(name, value.strip()) for name, _, value in (each.partition(":") for each in rest)])

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.fields if each.lower() == name]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{len(values)} fields {name} in {self}"
        return values[0]

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    @property
    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.fields}

    @property
    def status(self) -> int:
        version, status, _ = self.line.split(" ", 2)
        assert version == "HTTP/1.1", self.line
        return int(status)


@dataclass
class Message:
    head: Head
    body: bytes
    trailers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return self.head.status


class Wire:
    def __init__(self, connection: socket.socket):
        connection.settimeout(GUARD_SECONDS)
        self.socket = connection
        self._got = b""
        self.end: str | None = None  # CLEAN or CUT, once the other side has ended

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    # ---- receiving

    def read(self) -> bytes:
        """What there is, or what comes next; b"" at the end."""
        if self._got:
            got, self._got = self._got, b""
            return got
        if self.end:
            return b""
        try:
            got = self.socket.recv(READ_BYTES)
            if not got:
                self.end = CLEAN
            return got
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            self.end = CUT
        except ssl.SSLError as error:
            if error.reason != "UNEXPECTED_EOF_WHILE_READING":
                raise
            self.end = CUT
        return b""

    def _more(self) -> None:
        got, self._got = self._got, b""
        more = self.read()
        self._got = got + more
        assert more, f"the connection ended ({self.end}) after {self._got[-200:]!r}"

    def until(self, mark: bytes) -> bytes:
        """Everything up to the mark, the mark included."""
        while mark not in self._got:
            self._more()
        end = self._got.index(mark) + len(mark)
        taken, self._got = self._got[:end], self._got[end:]
        return taken

    def exactly(self, size: int) -> bytes:
        pieces, left = [], size
        while left:
            piece = self.read()
            assert piece, f"the connection ended ({self.end}) with {left} of {size} bytes to come"
            pieces.append(piece[:left])
            self._got = piece[left:]
            left -= len(pieces[-1])
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Everything until the end; `end` then says which."""
        pieces = []
        while piece := self.read():
            pieces.append(piece)
        return b"".join(pieces)

    def head(self) -> Head:
        return Head.parse(self.until(b"\r\n\r\n"))

    def chunk(self) -> bytes:
        """The next chunk's data; b"" for the last chunk, whose trailers are still to come."""
        size = int(self.until(b"\r\n"), 16)
        if size == 0:
            return b""
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def trailers(self) -> list[tuple[str, str]]:
        fields = []
        while (line := self.until(b"\r\n")) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            fields.append((name, value.strip()))
        return fields

    def body_of(self, head: Head) -> Message:
        if "transfer-encoding" in head:
            assert head["transfer-encoding"] == "chunked" and "content-length" not in head, head
            body = b"".join(iter(self.chunk, b""))
            return Message(head, body, self.trailers())
        return Message(head, self.exactly(int(head["content-length"])) if "content-length" in head else b"")

    def message(self) -> Message:
        """A whole request; or a whole answer with framing of its own, to anything but HEAD."""
        return self.body_of(self.head())

    def has_more(self) -> bool:
        """Something was received with what has been taken."""
        return bool(self._got)

    # ---- ending

    def finish_sending(self) -> None:
        """FIN; on TLS, close_notify before it."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.settimeout(0)
            try:
                self.socket.unwrap()
            except ssl.SSLError:
                pass  # close_notify has gone out; what comes back, or doesn't, is another matter
            self.socket.settimeout(GUARD_SECONDS)
        self.socket.shutdown(socket.SHUT_WR)

    def cut_off(self) -> None:
        """FIN without close_notify: what a TLS peer that crashed leaves behind."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_error) -> None:
        self.close()


def connect(host: str, port: int, *, tls: ssl.SSLContext | None = None, server_name: str | None = None,
            source: str | None = None, receive_buffer: int | None = None) -> Wire:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    plain.settimeout(GUARD_SECONDS)
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source:
        plain.bind((source, 0))
    plain.connect((host, port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(tls.wrap_socket(plain, server_hostname=server_name, suppress_ragged_eofs=False) if tls else plain)


def client_tls(*alpn: str) -> ssl.SSLContext:
    """Trusts anybody; tells an end without close_notify from one with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def server_tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context
