"""Relays whose packets are numbered and timed, and allocations that come and go."""

import select
import socket
import struct
import time
from dataclasses import dataclass, field

from turn_client import Refused, TurnClient

HOST, USER, PASSWORD = "127.0.0.1", "pexip", "admin123"
FLOWS = 50
PACKETS_PER_SECOND = 100  # of a flow at full load: audio both ways
PAYLOAD = 160
BUFFER = 4 << 20
LATE_SECONDS = 2
REFRESH_SECONDS = 60
CHANNEL = 0x4000
CHURN_PER_SECOND = 10


@dataclass
class Seen:
    flows: int = 0
    sent: int = 0
    back: int = 0
    lost_allocations: int = 0
    latencies: list[float] = field(default_factory=list)  # milliseconds, there and back


@dataclass
class Churn:
    allocations: int = 0
    failures: list[str] = field(default_factory=list)


class Peer:
    """Sends everything back; served by the loop of the load itself."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)

    def send_back(self) -> None:
        while True:
            try:
                data, sender = self.socket.recvfrom(2048)
                self.socket.sendto(data, sender)
            except BlockingIOError:
                return


def run(port: int, seconds: float, load: float) -> Seen:
    seen, peer = Seen(flows=FLOWS), Peer()
    clients = []
    for _ in range(FLOWS):
        client = TurnClient("udp", (HOST, port), user=USER, password=PASSWORD)
        client.allocate()
        client.bind_channel(peer.socket.getsockname(), CHANNEL)
        clients.append(client)
    sockets = [client._wire.socket for client in clients]
    poll = select.epoll()
    by_descriptor = {one.fileno(): one for one in sockets}
    for one in (*sockets, peer.socket):
        one.setblocking(False)
        poll.register(one, select.EPOLLIN)
    begin = refreshed = time.monotonic()
    interval = 1 / (FLOWS * PACKETS_PER_SECOND * load)
    left_out = 0
    while (now := time.monotonic()) < begin + seconds or seen.back < seen.sent and now < begin + seconds + LATE_SECONDS:
        due = int((min(now, begin + seconds) - begin) / interval) - left_out
        if due - seen.sent > FLOWS:  # the generator was kept from running: what is late is left out, not sent in a heap
            left_out += due - seen.sent
            due = seen.sent
        while seen.sent < due:
            frame = struct.pack("!HHd", CHANNEL, PAYLOAD, time.monotonic()) + bytes(PAYLOAD - 8)
            sockets[seen.sent % FLOWS].send(frame)
            seen.sent += 1
        for descriptor, _ in poll.poll(interval):
            if descriptor == peer.socket.fileno():
                peer.send_back()
            else:
                take(seen, by_descriptor[descriptor])
        if now > refreshed + REFRESH_SECONDS:
            refreshed = now
            seen.lost_allocations += sum(not lives(client, peer) for client in clients)
    seen.lost_allocations += sum(not lives(client, peer) for client in clients)
    for client in clients:
        client._wire.socket.setblocking(True)
        client.refresh(0)
        client.close()
    seen.latencies.sort()
    return seen


def take(seen: Seen, one: socket.socket) -> None:
    while True:
        try:
            data = one.recv(2048)
        except BlockingIOError:
            return
        if data[:2] == b"\x40\x00":
            seen.back += 1
            seen.latencies.append(1000 * (time.monotonic() - struct.unpack_from("!d", data, 4)[0]))


def lives(client: TurnClient, peer: Peer) -> bool:
    """Refreshes the allocation and its channel; a packet that comes meanwhile is lost to the count, so the peer is quiet."""
    client._wire.socket.setblocking(True)
    try:
        client.refresh(600)
        client.bind_channel(peer.socket.getsockname(), CHANNEL)
        return True
    except (Refused, OSError):
        return False
    finally:
        client._wire.socket.setblocking(False)


def come_and_go(udp: int, tcp: int, seconds: float) -> Churn:
    seen, end = Churn(), time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((HOST, 0))
        peer.settimeout(10)
        while time.monotonic() < end:
            transport, port = ("udp", udp) if seen.allocations % 2 else ("tcp", tcp)
            try:
                with TurnClient(transport, (HOST, port), user=USER, password=PASSWORD) as client:
                    relayed = client.allocate()
                    client.bind_channel(peer.getsockname())
                    client.send(peer.getsockname(), b"there")
                    assert peer.recvfrom(100) == (b"there", relayed)
                    peer.sendto(b"and back", relayed)
                    assert client.receive()[1] == b"and back"
            except (Refused, OSError, AssertionError) as error:
                seen.failures.append(f"{transport}: {error!r}")
            seen.allocations += 1
            time.sleep(1 / CHURN_PER_SECOND)
    return seen
