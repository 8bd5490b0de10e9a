"""What a daemon holds, second by second."""

import re
import statistics
import threading
import time
from pathlib import Path

from daemons import Daemon, wait_until

EVERY_SECONDS = 1.0
QUIET_SECONDS = 60
KEPT = 16  # descriptors of the daemon's own that it has opened since: files, connections that it keeps


class Watch:
    def __init__(self, daemon: Daemon):
        self._daemon = daemon
        self._over = threading.Event()
        self.at_first = daemon.open_descriptors()
        self.at_last = 0
        self.memory: list[int] = []  # bytes
        self.descriptors: list[int] = []

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            status = Path(f"/proc/{self._daemon.pid}/status").read_text()
            self.memory.append(int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024)
            self.descriptors.append(self._daemon.open_descriptors())

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def wait_for_quiet(self) -> None:
        """Until what its clients had is given back."""
        def now() -> int:
            self.at_last = self._daemon.open_descriptors()
            return self.at_last

        end = time.monotonic() + QUIET_SECONDS
        while now() > self.at_first + KEPT and time.monotonic() < end:
            time.sleep(0.5)
        wait_until("the daemon still runs", lambda: self._daemon.running)


def second_and_last_quarter(samples: list[int]) -> tuple[float, float]:
    """Medians: what the first quarter takes is warming up."""
    quarter = max(1, len(samples) // 4)
    return statistics.median(samples[quarter:2 * quarter] or samples), statistics.median(samples[-quarter:])
