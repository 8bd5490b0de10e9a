"""The machine under the benchmark: which core is whose, what processes used, and what others did meanwhile."""

import os
import re
import time
from enum import Enum
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Core(Enum):
    """The server has one to itself, what offers load another one. With more workers than one the server has both, and goes first."""

    SERVER = 0
    GENERATOR = 1
    BOTH = 2

    def numbers(self) -> list[int]:
        two = sorted(os.sched_getaffinity(1))[:2]
        return two if self is Core.BOTH else [two[self.value]]

    def prefix(self) -> list[str]:
        """Real-time priority, so that a busy machine delays nothing that is measured: what others still cost is told by
        Window.elsewhere."""
        priority = "2" if self is Core.BOTH else "1"
        return ["taskset", "-c", ",".join(map(str, self.numbers())), *(["chrt", "--fifo", priority] if may_be_first() else [])]


def may_be_first() -> bool:
    return os.geteuid() == 0


def come_before_generators() -> None:
    """This process says when to measure: it must not wait for a generator that is always busy."""
    os.sched_setaffinity(0, Core.GENERATOR.numbers())
    if may_be_first():
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(3))


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
    """Of a core, or both: what anyone did on it, or a hypervisor took."""
    heads = tuple(f"cpu{number} " for number in core.numbers())
    total = 0
    for row in Path("/proc/stat").read_text().splitlines():
        if row.startswith(heads):
            user, nice, system, _idle, _wait, irq, softirq, stolen = map(int, row.split()[1:9])
            total += user + nice + system + irq + softirq + stolen
    return total / TICKS


def description() -> str:
    """Of the machine, for who reads figures."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{model[1].strip() if model else os.uname().machine}, {len(os.sched_getaffinity(1))} cores, {os.uname().sysname} {os.uname().release.split('-')[0]}"


class Window:
    """A stretch of time, what a server's processes used in it, and what they hold at its end."""

    def __init__(self, pids: list[int], core: Core = Core.SERVER, generator: list[int] | None = None):
        self._pids, self._core = pids, core
        self._beside = generator if generator and core is Core.BOTH else []  # it is on the other core else

    def __enter__(self):
        self._before = time.monotonic(), cpu_seconds(self._pids), cpu_seconds(self._beside), busy_seconds(self._core)
        return self

    def __exit__(self, *_):
        begin, cpu, beside, busy = self._before
        self.seconds = time.monotonic() - begin
        self.cpu_seconds = cpu_seconds(self._pids) - cpu
        others = busy_seconds(self._core) - busy - self.cpu_seconds - (cpu_seconds(self._beside) - beside)
        self.elsewhere = max(0.0, others) / self.seconds / len(self._core.numbers())
        self.load = self.cpu_seconds / self.seconds
        self.memory = memory_bytes(self._pids)
