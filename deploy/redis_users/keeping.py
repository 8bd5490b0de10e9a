"""The round: ask, write, wait. What the server said last is good for a while when it can't be reached, and then for nobody."""

import sys
import threading

from .files import Files
from .server import Refused, Server


def say(text: str) -> None:
    print(f"redis_credentials: {text}", file=sys.stderr, flush=True)


def keep(server: Server, files: Files, every: int, good_for: int, stopping: threading.Event | None) -> int:
    """`stopping` absent: once."""
    said = None
    while True:
        try:
            users, secrets, left_out = files.write(server.snapshot(files.realm))
            now = f"{server}: {users} users and {secrets} secrets of {files.realm}"
            if left_out:
                now += f"; left out: {', '.join(left_out[:10])}{', …' if len(left_out) > 10 else ''}, which turnd can't take"
            done = 0
        except (OSError, Refused, ValueError) as problem:
            now, done = f"{server}: {problem}", 1
            age = files.age()
            if age is None or age > good_for:
                try:
                    files.clear()
                    now += "; nobody is let in by what it said"
                except OSError as other:
                    now += f"; and {other}"
            else:
                now += "; what it said last stays in force"
        if now != said:
            said = now
            say(now)
        if stopping is None or stopping.wait(every):
            return done if stopping is None else 0
