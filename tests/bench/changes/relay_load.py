"""Load on a TURN server, and what its clients saw: flows of numbered packets through allocations, to a peer that sends them back."""

import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

from turn_client import Refused, TurnClient

FLOWS = 200
PACKETS_PER_SECOND = 10  # a flow, each way
PAYLOAD = 160
USER, PASSWORD = "pexip", "relay-me"
HOST = "127.0.0.1"
PEER_HOST = "127.0.0.1"
LATE_SECONDS = 2
BUFFER = 4 << 20


@dataclass
class Seen:
    sent: int = 0
    back: int = 0
    lost_allocations: int = 0

    def row(self) -> dict:
        return {"allocations": FLOWS, "lost": self.lost_allocations, "datagrams there and back": f"{self.sent:,}",
                "that did not come back": f"{self.sent - self.back:,}"}


class Echo:
    """The peer of all flows."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.socket.bind((PEER_HOST, 0))
        self.socket.settimeout(0.2)
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over:
            try:
                data, sender = self.socket.recvfrom(2048)
                self.socket.sendto(data, sender)
            except TimeoutError:
                pass

    def end(self) -> None:
        self._over = True
        self._thread.join()
        self.socket.close()


class RelayLoad:
    def __init__(self, port: int, seconds: float):
        self._seconds = seconds
        self._echo = Echo()
        peer = self._echo.socket.getsockname()
        self._clients = []
        for _ in range(FLOWS):
            client = TurnClient("udp", (HOST, port), user=USER, password=PASSWORD)
            client.allocate()
            client.bind_channel(peer, 0x4000)
            self._clients.append(client)
        self.seen = Seen()

    def run(self, change) -> Seen:
        """`change` runs beside the load, once that has settled."""
        beside = threading.Timer(self._seconds * 0.2, change)
        beside.start()
        self._send_and_count()
        beside.join()
        self.seen.lost_allocations = sum(not self._lives(client) for client in self._clients)
        for client in self._clients:
            client.close()
        self._echo.end()
        return self.seen

    def _send_and_count(self) -> None:
        """Flow by flow, spread evenly over time."""
        sockets = [client._wire.socket for client in self._clients]
        poll = select.epoll()
        by_descriptor = {}
        for one in sockets:
            one.setblocking(False)
            poll.register(one, select.EPOLLIN)
            by_descriptor[one.fileno()] = one
        begin = time.monotonic()
        interval = 1 / (FLOWS * PACKETS_PER_SECOND)
        count = int(self._seconds / interval)
        while time.monotonic() < begin + self._seconds + LATE_SECONDS and (self.seen.sent < count or self.seen.back < self.seen.sent):
            due = min(count, int((time.monotonic() - begin) / interval))
            while self.seen.sent < due:
                number = self.seen.sent
                frame = struct.pack("!HHQ", 0x4000, PAYLOAD, number) + bytes(PAYLOAD - 8)
                try:
                    sockets[number % FLOWS].send(frame)
                except OSError:
                    pass  # refused: it counts as sent and does not come back
                self.seen.sent += 1
            for descriptor, _ in poll.poll(0.001):
                self._take(by_descriptor[descriptor])
        for one in sockets:
            one.setblocking(True)
        poll.close()

    def _take(self, one: socket.socket) -> None:
        while True:
            try:
                data = one.recv(2048)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error
            if len(data) >= PAYLOAD + 4 and data[:2] == b"\x40\x00":
                self.seen.back += 1

    @staticmethod
    def _lives(client: TurnClient) -> bool:
        try:
            client.refresh(600)
            return True
        except (Refused, OSError):
            return False
