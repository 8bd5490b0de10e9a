"""The machine under the benchmark: which core is whose, what processes used, and what others did meanwhile."""

import os
import time
from enum import Enum
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Core(Enum):
    """The server has one to itself, what offers load another one."""

    SERVER = 0
    GENERATOR = 1

    def prefix(self) -> list[str]:
        """Real-time priority, so that a busy machine delays nothing that is measured: what others still cost is told by
        Window.elsewhere."""
        number = sorted(os.sched_getaffinity(1))[self.value]
        return ["taskset", "-c", str(number), *(["chrt", "--fifo", "1"] if may_be_first() else [])]


def may_be_first() -> bool:
    return os.geteuid() == 0


def come_before_generators() -> None:
    """This process says when to measure: it must not wait for a generator that is always busy."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(1))[Core.GENERATOR.value]})
    if may_be_first():
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(2))


def cpu_seconds(pids: list[int]) -> float:
    """To the nanosecond, over all threads."""
    return sum(int(task.read_text().split()[0]) for pid in pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def memory_bytes(pids: list[int]) -> int:
    """What the processes hold: anonymous memory, and of files what they alone have."""
    total = 0
    for pid in pids:
        for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if row.startswith(("Private_Dirty:", "Private_Clean:", "Private_Hugetlb:")):
                total += int(row.split()[1]) * 1024
    return total


def busy_seconds(core: Core) -> float:
    """Of a core: what anyone did on it, or a hypervisor took."""
    number = sorted(os.sched_getaffinity(1))[core.value]
    row = next(row for row in Path("/proc/stat").read_text().splitlines() if row.startswith(f"cpu{number} "))
    user, nice, system, _idle, _wait, irq, softirq, stolen = map(int, row.split()[1:9])
    return (user + nice + system + irq + softirq + stolen) / TICKS


class Window:
    """A stretch of time, and what processes used in it."""

    def __init__(self, pids: list[int]):
        self._pids = pids

    def __enter__(self):
        self._before = time.monotonic(), cpu_seconds(self._pids), busy_seconds(Core.SERVER)
        return self

    def __exit__(self, *_):
        begin, cpu, busy = self._before
        self.seconds = time.monotonic() - begin
        self.cpu_seconds = cpu_seconds(self._pids) - cpu
        self.elsewhere = max(0.0, busy_seconds(Core.SERVER) - busy - self.cpu_seconds) / self.seconds
        self.load = self.cpu_seconds / self.seconds
