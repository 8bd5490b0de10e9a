"""A TURN client in plain Python, sharing no code with the server: RFC 8489 and RFC 8656 as far as
Binding, allocations with long-term credentials, permissions, channels and data go.

    with TurnClient("udp", ("127.0.0.1", 3478), user="u", password="p") as client:
        client.allocate()                      # client.relayed, client.mapped
        client.create_permission(peer)
        client.bind_channel(peer)
        client.send(peer, b"…")                # ChannelData where a channel is bound, else a Send indication
        source, data = client.receive()
"""

import hashlib
import hmac
import os
import select
import socket
import ssl
import struct
import time
import zlib

MAGIC_COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 0x001, 0x003, 0x004, 0x006, 0x007, 0x008, 0x009
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x0006, 0x0008, 0x0009, 0x000C, 0x000D
XOR_PEER_ADDRESS, DATA_ATTRIBUTE, REALM, NONCE = 0x0012, 0x0013, 0x0014, 0x0015
XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT, XOR_MAPPED_ADDRESS, FINGERPRINT = 0x0016, 0x0019, 0x0020, 0x8028

UDP_PROTOCOL = 17
RETRANSMIT_SECONDS = 0.5
ANSWER_SECONDS = 5


class Refused(Exception):
    """An error answer: .code and .reason are the server's."""

    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class TurnClient:
    def __init__(self, transport, server, *, user="", password="", tls_context=None, server_name=None, source=("", 0)):
        self.user, self.password = user, password
        self.realm = self.nonce = b""
        self.relayed = self.mapped = None
        self.lifetime = 0
        self._channels = {}  # peer -> number
        self._waiting = []  # (peer, data) that arrived while an answer was awaited
        self._wire = Datagrams(server, source) if transport == "udp" else Stream(server, source, tls_context, server_name)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        try:
            if self.relayed:
                self.refresh(0)
        except (OSError, Refused):
            pass
        self.close()

    def close(self):
        self._wire.close()

    @property
    def local(self):
        return self._wire.socket.getsockname()[:2]

    def binding(self):
        """The address that the server sees."""
        answer = self._transact(BINDING, [])
        return address_of(answer, XOR_MAPPED_ADDRESS)

    def allocate(self, lifetime=None):
        attributes = [(REQUESTED_TRANSPORT, struct.pack("!B3x", UDP_PROTOCOL))]
        if lifetime is not None:
            attributes.append((LIFETIME, struct.pack("!I", lifetime)))
        answer = self._authenticated(ALLOCATE, attributes)
        self.relayed = address_of(answer, XOR_RELAYED_ADDRESS)
        self.mapped = address_of(answer, XOR_MAPPED_ADDRESS)
        self.lifetime = struct.unpack("!I", answer.attribute(LIFETIME))[0]
        return self.relayed

    def refresh(self, lifetime=600):
        answer = self._authenticated(REFRESH, [(LIFETIME, struct.pack("!I", lifetime))])
        self.lifetime = struct.unpack("!I", answer.attribute(LIFETIME))[0]
        if self.lifetime == 0:
            self.relayed = None

    def create_permission(self, *peers):
        self._authenticated(CREATE_PERMISSION, [(XOR_PEER_ADDRESS, peer) for peer in peers])

    def bind_channel(self, peer, number=None):
        number = number or 0x4000 + len(self._channels)
        self._authenticated(CHANNEL_BIND, [(CHANNEL_NUMBER, struct.pack("!H2x", number)), (XOR_PEER_ADDRESS, peer)])
        self._channels[peer] = number

    def send(self, peer, data):
        if peer in self._channels:
            self._wire.send(struct.pack("!HH", self._channels[peer], len(data)) + data)
        else:
            self._wire.send(encode(SEND | INDICATION, os.urandom(12), [(XOR_PEER_ADDRESS, peer), (DATA_ATTRIBUTE, data)]))

    def receive(self, timeout=ANSWER_SECONDS):
        """The next data from a peer: (address, bytes). TimeoutError when none comes."""
        if self._waiting:
            return self._waiting.pop(0)
        end = time.monotonic() + timeout
        while True:
            packet = self._wire.receive(end - time.monotonic())
            if data := self._as_data(packet):
                return data

    def _as_data(self, packet):
        """What a peer sent, as (address, bytes); None for other messages."""
        if 0x40 <= packet[0] <= 0x4F:
            number, size = struct.unpack_from("!HH", packet)
            for peer, bound in self._channels.items():
                if bound == number:
                    return peer, packet[4 : 4 + size]
            return None
        message = Message(packet)
        if message.kind == DATA | INDICATION:
            return address_of(message, XOR_PEER_ADDRESS), message.attribute(DATA_ATTRIBUTE)
        return None

    def _authenticated(self, method, attributes):
        for _ in range(3):
            credentials = [(USERNAME, self.user.encode()), (REALM, self.realm), (NONCE, self.nonce)] if self.nonce else []
            try:
                return self._transact(method, attributes + credentials, self._key() if self.nonce else None)
            except Refused as refused:
                # 401 and 438 bring the realm and nonce to try with (RFC 8489, section 9.2.5).
                if refused.code not in (401, 438) or (refused.code == 401 and self.nonce):
                    raise
                self.realm, self.nonce = refused.realm, refused.nonce
        raise Refused(438, "no nonce was good enough")

    def _key(self):
        return hashlib.md5(f"{self.user}:{self.realm.decode()}:{self.password}".encode()).digest()

    def _transact(self, method, attributes, key=None):
        transaction = os.urandom(12)
        request = encode(method | REQUEST, transaction, attributes, key)
        end = time.monotonic() + ANSWER_SECONDS
        again = 0.0
        while True:
            now = time.monotonic()
            if now >= end:
                raise TimeoutError(f"no answer within {ANSWER_SECONDS} s")
            if now >= again:
                self._wire.send(request)
                again = now + RETRANSMIT_SECONDS if self._wire.unreliable else end
            try:
                packet = self._wire.receive(min(end, again) - now)
            except TimeoutError:
                continue
            if data := self._as_data(packet):
                self._waiting.append(data)
                continue
            message = Message(packet)
            if message.transaction != transaction:
                continue
            if message.kind == method | SUCCESS:
                if key and not message.verify(key):
                    raise ValueError("the answer's MESSAGE-INTEGRITY is wrong")
                return message
            code = message.attribute(ERROR_CODE)
            refused = Refused(code[2] * 100 + code[3], code[4:].decode(errors="replace"))
            refused.realm, refused.nonce = message.attribute(REALM, b""), message.attribute(NONCE, b"")
            raise refused


class Message:
    def __init__(self, packet):
        if len(packet) < 20:
            raise ValueError("shorter than a STUN header")
        self.packet = packet
        self.kind, size, cookie = struct.unpack_from("!HHI", packet)
        self.transaction = packet[8:20]
        if cookie != MAGIC_COOKIE or size + 20 != len(packet):
            raise ValueError("not a STUN message")
        self.attributes = []
        at = 20
        while at < len(packet):
            kind, size = struct.unpack_from("!HH", packet, at)
            self.attributes.append((kind, packet[at + 4 : at + 4 + size], at))
            at += 4 + (size + 3) // 4 * 4

    def attribute(self, wanted, *default):
        for kind, value, _ in self.attributes:
            if kind == wanted:
                return value
        if default:
            return default[0]
        raise ValueError(f"attribute {wanted:#06x} is missing")

    def verify(self, key):
        """MESSAGE-INTEGRITY covers what stands before it, with a length that ends after it."""
        for kind, value, at in self.attributes:
            if kind == MESSAGE_INTEGRITY:
                covered = self.packet[:2] + struct.pack("!H", at + 24 - 20) + self.packet[4:at]
                return hmac.compare_digest(value, hmac.new(key, covered, hashlib.sha1).digest())
        return False


def encode(kind, transaction, attributes, key=None):
    body = b""
    for name, value in attributes:
        value = xor_address(value, transaction) if name == XOR_PEER_ADDRESS else value
        body += attribute(name, value)

    def head(size):
        return struct.pack("!HHI", kind, size, MAGIC_COOKIE) + transaction

    if key:
        body += attribute(MESSAGE_INTEGRITY, hmac.new(key, head(len(body) + 24) + body, hashlib.sha1).digest())
    checksum = zlib.crc32(head(len(body) + 8) + body) ^ 0x5354554E
    return head(len(body) + 8) + body + attribute(FINGERPRINT, struct.pack("!I", checksum))


def attribute(name, value):
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def xor_address(address, transaction):
    """(host, port) as an XOR-…-ADDRESS (RFC 8489, section 14.2), and back by address_of()."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    pad = struct.pack("!I", MAGIC_COOKIE) + transaction
    packed = bytes(a ^ b for a, b in zip(socket.inet_pton(family, host), pad))
    return struct.pack("!xBH", 2 if family == socket.AF_INET6 else 1, port ^ (MAGIC_COOKIE >> 16)) + packed


def address_of(message, name):
    value = message.attribute(name)
    _, family, port = struct.unpack_from("!BBH", value)
    pad = struct.pack("!I", MAGIC_COOKIE) + message.transaction
    packed = bytes(a ^ b for a, b in zip(value[4:], pad))
    return socket.inet_ntop(socket.AF_INET6 if family == 2 else socket.AF_INET, packed), port ^ (MAGIC_COOKIE >> 16)


class Datagrams:
    unreliable = True

    def __init__(self, server, source):
        self.socket = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(source)
        self.socket.connect(server)

    def send(self, packet):
        self.socket.send(packet)

    def receive(self, timeout):
        self.socket.settimeout(max(0.001, timeout))
        return self.socket.recv(65536)

    def close(self):
        self.socket.close()


class Stream:
    """STUN messages and ChannelData out of a byte stream (RFC 8656, section 12.5)."""

    unreliable = False

    def __init__(self, server, source, tls_context, server_name):
        self.socket = socket.create_connection(server, ANSWER_SECONDS, source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls_context:
            self.socket = tls_context.wrap_socket(self.socket, server_hostname=server_name or server[0])
        self._buffer = b""

    def send(self, packet):
        self.socket.sendall(packet + bytes(-len(packet) % 4))

    def receive(self, timeout):
        end = time.monotonic() + timeout
        while not (size := self._frame_size()):
            if not self._readable(end - time.monotonic()):
                raise TimeoutError("nothing arrived")
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the server closed the connection")
            self._buffer += got
        frame, self._buffer = self._buffer[:size], self._buffer[size:]
        return frame

    def _frame_size(self):
        """The size of the first frame, if it is there whole; else 0."""
        if len(self._buffer) < 4:
            return 0
        first, length = struct.unpack_from("!HH", self._buffer)
        size = (4 + length + 3) // 4 * 4 if first >= 0x4000 else 20 + length
        return size if len(self._buffer) >= size else 0

    def _readable(self, timeout):
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        self.socket.settimeout(max(0.001, timeout))
        return bool(select.select([self.socket], [], [], max(0, timeout))[0])

    def close(self):
        self.socket.close()
