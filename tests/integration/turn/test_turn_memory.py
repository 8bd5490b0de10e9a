"""What turnd's memory grows by: so much for an allocation, and nothing for strangers."""

import os
import re
import socket
import struct
from pathlib import Path

import pytest

from daemons import program

ALLOCATIONS = 2000
BYTES_PER_ALLOCATION = 2048
FLOOD = 1_000_000
AT_A_TIME = 200  # what fits the receive buffer that an unprivileged socket has
SLACK_BYTES = 512 << 10  # what an allocator may do with its pages, whatever the number of packets

BINDING, ALLOCATE, REFRESH, SEND = 0x0001, 0x0003, 0x0004, 0x0016
COOKIE = b"\x21\x12\xa4\x42"


@pytest.fixture(autouse=True)
def _plain_build():
    binary = program("turnd").read_bytes()
    if b"__asan_" in binary or b"__tsan_" in binary or b"__msan_" in binary:
        pytest.skip("a sanitizer has memory of its own for every block")


def private_bytes(turnd) -> int:
    """Memory of the process's own: neither the kernel's nor pages of the program's file."""
    status = Path(f"/proc/{turnd.pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def test_an_idle_allocation_over_udp_takes_two_kilobytes_at_most(start, client):
    turnd = start(limits={"allocations": 0, "allocations_per_user": 0, "unauthenticated_answers_per_source": 0})

    def allocate(count: int) -> None:
        for _ in range(count):
            client(turnd).allocate()

    allocate(ALLOCATIONS // 10)  # by now it has what it needs for itself
    before = private_bytes(turnd)
    allocate(ALLOCATIONS)
    each = (private_bytes(turnd) - before) / ALLOCATIONS
    print(f"{each:.0f} bytes an allocation")
    assert each <= BYTES_PER_ALLOCATION


# ---- strangers


class Spoofer:
    """Sends from any address of 127.0.0.0/8 and any port."""

    def __init__(self, to: tuple[str, int]):
        if os.geteuid() != 0:
            pytest.skip("raw sockets need root")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._to = to

    def send(self, number: int, payload: bytes) -> None:
        """`number` makes the source: another one each, up to some billions."""
        source = bytes([127, 1 + number % 200, number // 200 % 256, 1 + number // 51200 % 250])
        head = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0, 64, socket.IPPROTO_UDP, 0)
        udp = struct.pack("!HHHH", 1024 + number % 64000, self._to[1], 8 + len(payload), 0)
        self._socket.sendto(head + source + socket.inet_aton(self._to[0]) + udp + payload, (self._to[0], 0))

    def close(self) -> None:
        self._socket.close()


def unread_bytes(port: int) -> int:
    """What waits in the sockets of a UDP port."""
    waiting = 0
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            waiting += int(fields[4].rpartition(":")[2], 16)
    return waiting


def message(kind: int, body: bytes = b"", number: int = 0) -> bytes:
    return struct.pack("!HH", kind, len(body)) + COOKIE + number.to_bytes(12, "big") + body


@pytest.fixture
def flood(start, running):
    """Sends payload(n) for each n, as fast as it is read, to a daemon that is ended afterwards."""
    turnd = start()
    spoofer = Spoofer(turnd.address("udp"))
    running.callback(spoofer.close)
    port = turnd.port("udp")

    def send(count: int, payload, source=lambda number: number) -> None:
        for number in range(count):
            spoofer.send(source(number), payload(number))
            if number % AT_A_TIME == 0:
                while unread_bytes(port):
                    assert turnd.running

    return turnd, send


def refused(turnd, code: int) -> int:
    return int(re.search(rf"\b{code}=(\d+)", turnd.log)[1])


def test_a_million_unauthenticated_allocates_of_a_million_sources_take_none(flood):
    """Rule 34; each is a new source, so each is answered."""
    turnd, send = flood
    udp = b"\x00\x19\x00\x04\x11\x00\x00\x00"
    send(20_000, lambda number: message(ALLOCATE, udp, number), lambda number: number + FLOOD)
    before = private_bytes(turnd)
    send(FLOOD, lambda number: message(ALLOCATE, udp, number))
    assert private_bytes(turnd) - before <= SLACK_BYTES
    turnd.stop()
    assert refused(turnd, 401) > FLOOD * 0.9, "some may be lost on the way"


@pytest.mark.parametrize("what", ["malformed", "truncated", "oversized", "replayed", "claims a login", "one source"])
def test_floods_take_no_memory(flood, what):
    """Rules 34 and 35."""
    turnd, send = flood
    whole = message(ALLOCATE, b"\x00\x19\x00\x04\x11\x00\x00\x00")
    login = b"\x00\x06\x00\x05pexip\0\0\0" + b"\x00\x14\x00\x0bexample.com\0" + b"\x00\x15\x00\x04none" + b"\x00\x08\x00\x14" + bytes(20)
    payload = {
        "malformed": lambda number: bytes([number % 256]) * (number % 200),
        "truncated": lambda number: whole[:number % len(whole)],
        "oversized": lambda number: message(SEND, b"\x00\x13\xff\x00" + bytes(8000), number),
        "replayed": lambda number: whole,
        "claims a login": lambda number: message(REFRESH, login, number),
        "one source": lambda number: message(BINDING, b"", number),
    }[what]
    source = (lambda number: 7) if what in ("replayed", "one source") else (lambda number: number)
    send(20_000, payload, source)
    before = private_bytes(turnd)
    send(50_000, payload, source)
    assert private_bytes(turnd) - before <= SLACK_BYTES
    turnd.stop()
    if what in ("replayed", "one source"):
        assert re.search(r"limited=\"?.*unauthenticated_answers_per_source=\d{5}", turnd.log)
