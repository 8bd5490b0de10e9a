"""People, and an attacker, outside of the machine that has the fleet. A program of its own, since a process has one network:

    fleet_clients.py attack --server 192.0.2.1 --source 192.0.2.9       guesses PINs, and says what came back
    fleet_clients.py people --server 192.0.2.1 --turn 192.0.2.1 192.0.2.2 --peer 192.0.2.1:9999

People go on until standard input ends; then one line of JSON says what they noticed.
"""

import argparse
import http.client
import json
import random
import ssl
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from turn_client import Refused, TurnClient  # noqa: E402

TOKEN, EVENTS = "/api/client/v2/conferences/{}/request_token", "/api/client/v2/conferences/{}/events"
OPEN_ROOM, PIN_ROOM = "open", "demo"
PING_SECONDS, SILENCE_SECONDS = 0.1, 3.0
TRY_ALTERNATE = 300
CONTEXT = ssl._create_unverified_context()


def connection(server: str, source: str | None = None) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection(server, 443, timeout=20, context=CONTEXT, source_address=(source, 0) if source else None)


def guess(server: str, source: str, pin: str) -> str:
    """On a new connection: 403 is the node's word that it was wrong; everything else is no guess."""
    try:
        asked = connection(server, source)
        asked.request("POST", TOKEN.format(PIN_ROOM), '{"display_name": "x"}', {"Content-Type": "application/json", "pin": pin})
        status = asked.getresponse().status
        asked.close()
        return str(status)
    except (OSError, http.client.HTTPException):
        return "closed"


def attack(given) -> dict:
    begun = time.monotonic()
    with ThreadPoolExecutor(given.threads) as threads:
        answers = Counter(threads.map(lambda number: guess(given.server, given.source, f"{5000 + number}"), range(given.guesses)))
    return {"tried": given.guesses, "answers": dict(answers), "seconds": time.monotonic() - begun}


class People:
    """Everything that they notice, counted."""

    def __init__(self, given):
        self.given = given
        self.over = threading.Event()
        self._lock = threading.Lock()
        self.counts = Counter()
        self.waits: dict[str, list[float]] = {"stream": [], "call": []}  # s until what was cut went on
        self.failures: list[str] = []

    def note(self, what: str, wait: tuple[str, float] | None = None) -> None:
        with self._lock:
            self.counts[what] += 1
            if wait:
                self.waits[wait[0]].append(wait[1])

    def failed(self, what: str, error: object) -> None:
        self.note(f"{what}_failed")
        with self._lock:
            self.failures.append(f"{what}: {error!r}")

    # ---- requests, each on a new connection or on one that is kept for a few

    def browse(self) -> None:
        while not self.over.is_set():
            asked = connection(self.given.server)
            for number in range(3):
                try:
                    asked.request("GET", "/webapp/")
                    answer = asked.getresponse()
                    answer.read()
                    self.note("requests" if answer.status == 200 else f"requests_{answer.status}")
                    if answer.headers.get("Connection", "") == "close":
                        break
                except (OSError, http.client.HTTPException) as error:
                    # A kept connection may end as the next request is on its way: browsers ask again on a new one, and so does this
                    # (RFC 9112 section 9.3.1).
                    if number:
                        self.note("requests_again")
                    else:
                        self.failed("requests", error)
                    break
                self.over.wait(0.1)
            asked.close()

    # ---- event streams, opened again when they end

    def listen(self) -> None:
        ended = None
        while not self.over.is_set():
            try:
                stream, events = self._stream()
            except (OSError, http.client.HTTPException, KeyError) as error:
                self.failed("streams", error)
                self.over.wait(0.2)
                continue
            self.note("streams", ("stream", time.monotonic() - ended) if ended else None)
            self._hear(events)
            stream.close()
            if not self.over.is_set():
                self.note("streams_cut")
                ended = time.monotonic()

    def _stream(self):
        asked = connection(self.given.server)
        asked.request("POST", TOKEN.format(OPEN_ROOM), '{"display_name": "x"}', {"Content-Type": "application/json"})
        token = json.loads(asked.getresponse().read())["result"]["token"]
        asked.request("GET", EVENTS.format(OPEN_ROOM), headers={"token": token})
        events = asked.getresponse()
        assert events.status == 200, events.status
        asked.sock.settimeout(None)  # it may say nothing for long
        return asked, events

    @staticmethod
    def _hear(events) -> None:
        """Until it ends."""
        try:
            while events.readline():
                pass
        except (OSError, http.client.HTTPException, ValueError):
            pass

    # ---- calls: an allocation, a channel to a peer that answers, and pings through it

    def call(self, number: int) -> None:
        drawn = random.Random(f"{self.given.seed}-{number}")
        self.over.wait(drawn.uniform(0, 3))
        while not self.over.is_set():
            self.note("calls")
            until, silent_since = time.monotonic() + drawn.uniform(2, self.given.longest), None
            while not self.over.is_set() and time.monotonic() < until:
                silent_since = self._talk(drawn, until, silent_since)
                if silent_since is None:
                    break
                self.note("calls_cut")

    def _talk(self, drawn, until: float, silent_since: float | None) -> float | None:
        """Through one allocation, until the call is over (None) or is cut: since when nothing is heard."""
        client = self._allocated(drawn)
        if not client:
            return silent_since or time.monotonic()
        peer = (self.given.peer[0], self.given.peer[1])
        heard = None
        try:
            client.create_permission(peer)
            client.bind_channel(peer)
            heard = time.monotonic()
            while not self.over.is_set() and time.monotonic() < until:
                client.send(peer, b"ping")
                self.note("pings")
                try:
                    client.receive(PING_SECONDS)
                    self.note("pongs")
                    heard = time.monotonic()
                    if silent_since:
                        self.waits["call"].append(heard - silent_since)
                        silent_since = None
                    self.over.wait(PING_SECONDS)
                except TimeoutError:
                    if time.monotonic() - heard > SILENCE_SECONDS:
                        return heard
            client.refresh(0)
        except (OSError, Refused):
            return None if self.over.is_set() else heard or time.monotonic()
        finally:
            client.close()
        return None

    def _allocated(self, drawn) -> TurnClient | None:
        """At one of the servers by lot; who is sent away goes where it is sent."""
        servers = drawn.sample(self.given.turn, len(self.given.turn))
        for server in servers:
            try:
                client = TurnClient("udp", (server, 3478), user=self.given.user, password=self.given.password)
            except OSError:
                continue
            try:
                client.allocate()
                self.note(f"allocations_at_{server}")
                return client
            except Refused as refused:
                self.note("sent_elsewhere" if refused.code == TRY_ALTERNATE else f"allocations_{refused.code}")
            except OSError:
                self.note("asked_in_vain")
            client.close()
        self.failed("allocations", "no server took it")
        self.over.wait(0.2)
        return None

    def run(self) -> dict:
        ending = [threading.Thread(target=self.browse, daemon=True) for _ in range(self.given.browsers)]
        ending += [threading.Thread(target=self.call, args=(number,), daemon=True) for number in range(self.given.calls)]
        listening = [threading.Thread(target=self.listen, daemon=True) for _ in range(self.given.streams)]
        for each in ending + listening:
            each.start()
        print("begun", flush=True)
        sys.stdin.read()
        self.over.set()
        for each in ending:  # those who listen may have nothing to hear
            each.join(30)
        return {"counts": dict(self.counts), "waits": self.waits, "failures": self.failures[:20]}


def socket_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("attack", "people"))
    parser.add_argument("--server", required=True)
    parser.add_argument("--source")
    parser.add_argument("--guesses", type=int, default=60)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--turn", nargs="+", default=[])
    parser.add_argument("--peer", type=socket_address)
    parser.add_argument("--user", default="pexip")
    parser.add_argument("--password", default="")
    parser.add_argument("--browsers", type=int, default=3)
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--calls", type=int, default=16)
    parser.add_argument("--longest", type=float, default=30, help="seconds of a call")
    parser.add_argument("--seed", default="9")
    given = parser.parse_args()
    print(json.dumps(attack(given) if given.what == "attack" else People(given).run()), flush=True)


if __name__ == "__main__":
    main()
