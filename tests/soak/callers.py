"""Those who guess PINs, and those who know it and must get in all the time."""

import json
import time
from dataclasses import dataclass, field

from rproxyd import request
from wire import client_tls, connect

BAN_TIME = "20s"
ATTACKERS = [f"127.0.3.{number}" for number in range(1, 9)]
CALLERS = [f"127.0.4.{number}" for number in range(1, 5)]
RIGHT, WRONG = "1234", "0000"
REFUSED = (None, 429)  # banned, or a newcomer to a room that is under attack
TARGET = "/api/client/v2/conferences/demo/request_token"
EVERY_SECONDS = 0.25  # an attempt by an attacker, and one by a caller


@dataclass
class Seen:
    guesses: int = 0
    refused: int = 0  # without asking the node
    let_in: int = 0   # of the guesses; none may be
    calls: int = 0
    failures: list[str] = field(default_factory=list)  # of those who know the PIN


def attempt(port: int, source: str, pin: str) -> int | None:
    """The status; None: the connection was refused."""
    body = json.dumps({"display_name": "Ada", "pin": pin}).encode()
    try:
        with connect("127.0.0.1", port, tls=client_tls("http/1.1"), server_name="proxy.example.com", source=source) as client:
            client.send(request("POST", TARGET, "Content-Type: application/json", "Connection: close", body=body))
            return client.message().status
    except (OSError, AssertionError):
        return None


def run(port: int, seconds: float) -> Seen:
    seen, number, end = Seen(), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        status = attempt(port, ATTACKERS[number % len(ATTACKERS)], WRONG)
        seen.guesses += 1
        seen.refused += status in REFUSED
        seen.let_in += status == 200
        status = attempt(port, CALLERS[number % len(CALLERS)], RIGHT)
        seen.calls += 1
        if status != 200:
            seen.failures.append(f"a caller with the right PIN got {status}")
        number += 1
        time.sleep(EVERY_SECONDS)
    return seen
