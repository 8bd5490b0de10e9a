"""Web requests by h2load, over HTTP/2 and HTTP/1.1: as many as are answered, or so many a second."""

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from daemons import HOST

CONNECTIONS = 10  # of each version
ROUND_SECONDS = 10
KEPT_LATENCIES = 2_000_000


@dataclass
class Seen:
    requests: int = 0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)  # milliseconds


def command(port: int, seconds: float, *flags: str) -> list[str]:
    return ["h2load", *flags, "-c", str(CONNECTIONS), "-t", "1", "-D", f"{seconds:.0f}", f"https://{HOST}:{port}/"]


def saturate(port: int, seconds: float) -> float:
    """Requests a second, half of the time over each version."""
    rates = []
    for flags in ((), ("--h1",)):
        said = subprocess.run(command(port, max(1, seconds / 2), *flags), capture_output=True, text=True, check=True).stdout
        rates.append(float(re.search(r"([\d.]+) req/s", said)[1]))
    return sum(rates) / len(rates)


def offer(port: int, seconds: float, per_second: float, folder: Path) -> Seen:
    """Both versions at once, each half. In rounds, so that connections, too, come and go."""
    seen, end = Seen(), time.monotonic() + seconds
    rate = max(1, round(per_second / 2 / CONNECTIONS))
    while (left := end - time.monotonic()) > 1:
        logs = [folder / f"h2load.{version}" for version in (1, 2)]
        for log in logs:
            log.unlink(missing_ok=True)
        running = [subprocess.Popen(command(port, min(ROUND_SECONDS, left), "--rps", str(rate), "--log-file", str(log), *flags),
                                    stdout=subprocess.PIPE, text=True) for log, flags in zip(logs, (("--h1",), ()))]
        for process, log in zip(running, logs):
            _count(seen, process.communicate()[0], log)
    seen.latencies.sort()
    return seen


def _count(seen: Seen, said: str, log: Path) -> None:
    """h2load writes a line for each answer: when, its status, and how many microseconds it took."""
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said)
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said)
    if not counts or not statuses:
        raise RuntimeError(f"h2load said:\n{said}")
    seen.requests += int(counts[1])
    seen.failed += int(counts[2]) + sum(int(statuses[each]) for each in (2, 3, 4))
    if log.exists() and len(seen.latencies) < KEPT_LATENCIES:
        seen.latencies += [int(line.split("\t")[2]) / 1000 for line in log.read_text().splitlines() if line.count("\t") == 2]
