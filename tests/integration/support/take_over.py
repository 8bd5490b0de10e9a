"""The protocol of a take-over (libcore/take_over/channel.h), as far as a test plays one of its sides."""

import array
import json
import socket
import struct
from pathlib import Path

from daemons import WAIT_SECONDS

HEADER = struct.Struct("=IIII")
MAGIC = 0x56544B4F
PORTION, OFFERED, READY, HANDED, SERVING, KEPT, REFUSED, NOTE = range(1, 9)
BATCH = 253
ACKNOWLEDGED = b"\x06"


def cbor(value) -> bytes:
    """Null, whole numbers, short texts and objects of them."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return bytes([value]) if value < 24 else b"\x1a" + value.to_bytes(4, "big")
    if isinstance(value, str):
        return b"\x78" + bytes([len(value)]) + value.encode()
    return bytes([0xA0 + len(value)]) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


class Channel:
    def __init__(self, connection: socket.socket):
        self._socket = connection
        connection.settimeout(WAIT_SECONDS)

    def send(self, kind: int, state=None, sockets: list[socket.socket] = ()) -> None:
        encoded = cbor(state)
        self._socket.sendall(HEADER.pack(MAGIC, kind, len(encoded), len(sockets)) + encoded)
        if sockets:
            assert len(sockets) <= BATCH
            rights = array.array("i", [each.fileno() for each in sockets])
            self._socket.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            assert self._exactly(1) == ACKNOWLEDGED

    def receive(self) -> tuple[int, bytes, list[socket.socket]]:
        """Kind, state as it came, sockets; EOFError: the other side has ended."""
        magic, kind, size, count = HEADER.unpack(self._exactly(HEADER.size))
        assert magic == MAGIC
        state = self._exactly(size)
        sockets = []
        while len(sockets) < count:
            _, ancillary, flags, _ = self._socket.recvmsg(1, socket.CMSG_SPACE(4 * BATCH))
            assert not flags & socket.MSG_CTRUNC
            for _, _, data in ancillary:
                sockets += [socket.socket(fileno=fd) for fd in array.array("i", data)]
            self._socket.sendall(ACKNOWLEDGED)
        return kind, state, sockets

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = self._socket.recv(size - len(got))
            if not piece:
                raise EOFError
            got += piece
        return got

    def close(self) -> None:
        self._socket.close()


class Successor(Channel):
    """A new process."""

    def __init__(self, path: Path, program: str, protocol: int = 1):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(WAIT_SECONDS)
        connection.connect(str(path))
        connection.sendall(json.dumps({"command": "take-over", "program": program, "protocol": protocol}).encode() + b"\n")
        super().__init__(connection)

    def until(self, kind: int) -> list[socket.socket]:
        """What comes up to a message of this kind: its sockets."""
        sockets = []
        while True:
            came, _, more = self.receive()
            sockets += more
            if came == kind:
                return sockets
            assert came == PORTION, came


class Predecessor:
    """An old process, that listens at the path of an admin socket."""

    def __init__(self, path: Path):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._listener.settimeout(WAIT_SECONDS)

    def accept(self) -> tuple[dict, Channel]:
        """The question that came, and the way to answer."""
        connection, _ = self._listener.accept()
        connection.settimeout(WAIT_SECONDS)
        line = b""
        while not line.endswith(b"\n"):
            line += connection.recv(1)
        return json.loads(line), Channel(connection)

    def close(self) -> None:
        self._listener.close()
