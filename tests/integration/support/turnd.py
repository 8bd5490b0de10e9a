"""turnd, and clients and peers in a test's hands."""

import hashlib
import json
import signal
import socket
import ssl
from enum import IntEnum
from pathlib import Path

from aioice import stun

from daemons import HOST, Daemon, wait_until, write_private
from dtls import DtlsSocket
from rproxyd import merged
from tls_socket import connected_tls

USER, PASSWORD, REALM = "pexip", "admin123", "example.com"
UDP_TRANSPORT, TCP_TRANSPORT = 17 << 24, 6 << 24
GUARD_SECONDS = 30

# What aioice's own TURN client has no use for.
for _attribute in ((0x0013, "DATA", stun.pack_bytes, stun.unpack_bytes),
                   (0x0017, "REQUESTED-ADDRESS-FAMILY", stun.pack_unsigned, stun.unpack_unsigned),
                   (0x0018, "EVEN-PORT", stun.pack_bytes, stun.unpack_bytes),
                   (0x0022, "RESERVATION-TOKEN", stun.pack_bytes, stun.unpack_bytes),
                   (0x002A, "CONNECTION-ID", stun.pack_unsigned, stun.unpack_unsigned),
                   (0x8023, "ALTERNATE-SERVER", stun.pack_address, stun.unpack_address),
                   (0x8030, "MOBILITY-TICKET", stun.pack_bytes, stun.unpack_bytes)):
    stun.ATTRIBUTES_BY_TYPE[_attribute[0]] = stun.ATTRIBUTES_BY_NAME[_attribute[1]] = _attribute
stun.Method = IntEnum("Method", {each.name: each.value for each in stun.Method}
                      | {"CONNECT": 0x00A, "CONNECTION_BIND": 0x00B, "CONNECTION_ATTEMPT": 0x00C})


def configuration(**changes) -> dict:
    """UDP, TCP and TLS on loopback, peers on loopback allowed; `changes` are merged in."""
    return merged({
        "workers": 1,
        "drain_timeout": "0s",
        "realm": REALM,
        "listeners": [{"transport": each, "address": f"{HOST}:0"} for each in ("udp", "tcp", "tls")],
        "relay": {"addresses": [HOST]},
        "peers": {"allow": ["127.0.0.0/8"]},
        "credentials": {"users": {USER: PASSWORD}},
        "admin": {"address": None, "socket": None},
    }, changes)


class Turnd(Daemon):
    def __init__(self, folder: Path, configured: dict | None = None, **options):
        without_admin = {"admin": {"address": None, "socket": None}}
        super().__init__("turnd", folder, merged(without_admin, configured or configuration()), **options)

    def address(self, transport: str) -> tuple[str, int]:
        return HOST, self.port(transport)


class Reloading:
    """A running turnd, and the configuration that it is to read next."""

    def __init__(self, turnd):
        self.turnd = turnd
        self.config = json.loads(turnd.config.read_text())

    def reload(self, says="reload.done"):
        seen = self.turnd.log.count(says)
        write_private(self.turnd.config, json.dumps(self.config, indent=2))
        self.turnd.signal(signal.SIGHUP)
        wait_until(f"{says} in the log", lambda: self.turnd.log.count(says) > seen)


def served_certificate(port: int) -> str:
    """What a TLS listener shows, in PEM."""
    return ssl.get_server_certificate((HOST, port))


class Refused(Exception):
    """An error answer."""

    def __init__(self, answer: stun.Message):
        self.code = answer.attributes["ERROR-CODE"][0]
        super().__init__(f"{self.code} {answer.attributes['ERROR-CODE'][1]}")


def connected(server: tuple[str, int], transport: str, source: str | tuple[str, int] | None = None):
    """A socket, or what looks like one. `source`: an address to come from, or one with a port."""
    source = (source, 0) if isinstance(source, str) else source
    if transport == "dtls":
        return DtlsSocket(server, source, GUARD_SECONDS)
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
    plain.settimeout(GUARD_SECONDS)
    if source is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plain.bind(source)
    plain.connect(server)
    if transport != "tls":
        return plain
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return connected_tls(context, plain)


class TurnClient:
    """One client over UDP, TCP, TLS or DTLS, in the order in which a test says things: no timers, no retries."""

    def __init__(self, server: tuple[str, int], transport: str = "udp", user: str = USER, password: str = PASSWORD,
                 source: str | tuple[str, int] | None = None):
        self._stream = transport in ("tcp", "tls")
        self.socket = connected(server, transport, source)
        self.socket.settimeout(GUARD_SECONDS)
        self._user, self._password = user, password
        self._key, self._nonce = None, None
        self._received = b""
        self.relayed: tuple[str, int] | None = None

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "TurnClient":
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    # ---- requests

    def request(self, method: stun.Method, **attributes) -> stun.Message:
        """With the challenge before it, where there is one. `attributes`: XOR_PEER_ADDRESS=…"""
        try:
            return self._transaction(method, attributes)
        except Refused as refused:
            if refused.code not in (401, 438) or self._nonce is not None and refused.code == 401:
                raise
            answer = refused.args and self._last
            self._nonce = answer.attributes["NONCE"]
            realm = answer.attributes["REALM"]
            self._key = hashlib.md5(f"{self._user}:{realm}:{self._password}".encode()).digest()
            self._realm = realm
            return self._transaction(method, attributes)

    def _transaction(self, method: stun.Method, attributes: dict) -> stun.Message:
        message = stun.Message(message_method=method, message_class=stun.Class.REQUEST)
        for name, value in attributes.items():
            message.attributes[name.replace("_", "-")] = value
        if self._key is not None:
            message.attributes |= {"USERNAME": self._user, "REALM": self._realm, "NONCE": self._nonce}
            message.add_message_integrity(self._key)
        self.send(bytes(message))
        while True:
            answer = stun.parse_message(self.receive())
            if answer.transaction_id == message.transaction_id:
                break
        self._last = answer
        if answer.message_class == stun.Class.ERROR:
            raise Refused(answer)
        return answer

    def allocate(self, lifetime: int = 600) -> tuple[str, int]:
        answer = self.request(stun.Method.ALLOCATE, LIFETIME=lifetime, REQUESTED_TRANSPORT=UDP_TRANSPORT)
        self.relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
        return self.relayed

    def sent_elsewhere(self) -> tuple[str, int] | None:
        """Where a new allocation is sent; None: it was served, and has ended."""
        try:
            self.allocate()
            self.refresh(0)
            return None
        except Refused as refused:
            assert refused.code == 300
            return self._last.attributes["ALTERNATE-SERVER"]

    def bind(self, channel: int, peer: tuple[str, int]) -> None:
        self.request(stun.Method.CHANNEL_BIND, CHANNEL_NUMBER=channel, XOR_PEER_ADDRESS=peer)

    def permit(self, peer: tuple[str, int]) -> None:
        self.request(stun.Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=peer)

    def refresh(self, lifetime: int) -> None:
        self.request(stun.Method.REFRESH, LIFETIME=lifetime)

    # ---- data

    def send(self, message: bytes) -> None:
        self.socket.sendall(message)

    def send_channel(self, channel: int, payload: bytes) -> None:
        padding = -len(payload) % 4 if self._stream else 0
        self.send(channel.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload + bytes(padding))

    def send_indication(self, peer: tuple[str, int], payload: bytes) -> None:
        message = stun.Message(message_method=stun.Method.SEND, message_class=stun.Class.INDICATION)
        message.attributes["XOR-PEER-ADDRESS"] = peer
        message.attributes["DATA"] = payload
        self.send(bytes(message))

    def receive(self) -> bytes:
        """The next message, or ChannelData with its header, without padding."""
        if not self._stream:
            return self.socket.recv(65536)
        head = self._take(4)
        length = int.from_bytes(head[2:], "big")
        if head[0] & 0xC0 == 0x40:
            body = self._take(length + -length % 4)
            assert not any(body[length:]), "padding is zeros"
            return head + body[:length]
        return head + self._take(16 + length)

    def receive_channel(self, channel: int) -> bytes:
        data = self.receive()
        assert int.from_bytes(data[:2], "big") == channel, data[:20]
        assert int.from_bytes(data[2:4], "big") == len(data) - 4
        return data[4:]

    def receive_indication(self) -> tuple[tuple[str, int], bytes]:
        message = stun.parse_message(self.receive())
        assert (message.message_method, message.message_class) == (stun.Method.DATA, stun.Class.INDICATION)
        return message.attributes["XOR-PEER-ADDRESS"], message.attributes["DATA"]

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            more = self.socket.recv(count - len(self._received))  # no more: the rest may be a tunnel's
            assert more, "the server closed the connection"
            self._received += more
        taken, self._received = self._received[:count], self._received[count:]
        return taken


class Peer:
    """A UDP socket on the other side of the relay."""

    def __init__(self, host: str = HOST, port: int = 0):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(GUARD_SECONDS)
        self.socket.bind((host, port))
        self.address = self.socket.getsockname()[:2]

    def receive(self) -> tuple[bytes, tuple[str, int]]:
        data, sender = self.socket.recvfrom(65536)
        return data, sender[:2]

    def send(self, payload: bytes, to: tuple[str, int]) -> None:
        self.socket.sendto(payload, to)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_error) -> None:
        self.socket.close()
