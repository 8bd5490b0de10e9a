"""What the shared PIN guard costs a Redis server: `python3 redis_cost.py` starts one of its own, loads the script that rproxyd loads, calls it as
rproxyd does, and prints µs of redis-server's CPU time. CPU time, not the clock: other work on the machine moves it little."""

import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALLS = 2000
WINDOW, MEMORY = "300000", "43200000"  # find_time and room.remember, in ms, as the defaults are


def script() -> str:
    return re.search(r'R"lua\((.*?)\)lua"', (ROOT / "rproxyd/guard/fleet_script.cc").read_text(), re.DOTALL)[1]


class Redis:
    def __enter__(self) -> "Redis":
        self._folder = tempfile.TemporaryDirectory()
        path = f"{self._folder.name}/socket"
        self._process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", self._folder.name],
                                         stdout=subprocess.DEVNULL)
        self._socket = socket.socket(socket.AF_UNIX)
        while self._socket.connect_ex(path) != 0:
            assert self._process.poll() is None, "redis-server has ended"
            time.sleep(0.01)
        self._answers = self._socket.makefile("rb")
        return self

    def __exit__(self, *_error) -> None:
        self._answers.close()
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def ask(self, *words: str):
        self._socket.sendall(f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(each.encode()), each.encode()) for each in words))
        return self._answer()

    def _answer(self):
        line = self._answers.readline()
        kind, rest = line[:1], line[1:].strip()
        assert kind != b"-", line
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind == b"$":
            return self._answers.read(int(rest) + 2)[:-2].decode()
        return rest.decode()

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Guard:
    """One proxy's."""

    def __init__(self, redis: Redis, name: str):
        self.redis, self.name = redis, name
        self._sha = redis.ask("SCRIPT", "LOAD", script())
        self._lineage, _now, self._heard, *_ = self._call("join", "-", "0", [])

    def say(self, *words: str) -> None:
        """None: it only asks what is new."""
        answer = self._call("go", self._lineage, self._heard, words)
        assert answer[3] == "go", answer
        self._heard = answer[4][-1].split()[0] if answer[4] else self._heard

    def _call(self, mode: str, lineage: str, heard: str, words):
        return self.redis.ask("EVALSHA", self._sha, "1", "{vestibule}:guard", mode, self.name, lineage, heard, "a-lineage", WINDOW, MEMORY, *words)


PAYLOAD = "198.51.100.7 demo-room-of-somebody 0"


def measured(redis: Redis, what) -> float:
    """µs of a call, once the tables are as full as they get."""
    for number in range(CALLS):
        what(number)
    before = redis.cpu_seconds()
    for number in range(CALLS, 2 * CALLS):
        what(number)
    return (redis.cpu_seconds() - before) / CALLS * 1e6


def main() -> None:
    with Redis() as redis:
        guard = Guard(redis, "one")
        print(f"nothing new: {measured(redis, lambda _: guard.say()):.0f}")

        def attempt(number: int) -> None:
            guard.say("want", f"w{number}", "0", PAYLOAD, "")
            guard.say("end", f"w{number}", "0", PAYLOAD, "")

        print(f"an attempt, of two calls: {measured(redis, attempt):.0f}")

        def batch(number: int) -> None:
            guard.say(*(word for each in range(50) for word in ("want", f"b{number}-{each}", "0", PAYLOAD, "")))
            guard.say(*(word for each in range(50) for word in ("none", f"b{number}-{each}", "0", PAYLOAD, "")))

        print(f"an attempt, fifty to a call: {measured(redis, batch) / 50:.0f}")
        sibling = Guard(redis, "other")

        def followed(number: int) -> None:
            attempt(2 * CALLS + number)
            sibling.say()

        print(f"an attempt, and a sibling that hears of it: {measured(redis, followed):.0f}")


if __name__ == "__main__":
    main()
