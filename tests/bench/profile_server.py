"""Where a server's time goes while a line is measured: perf's samples by the processor's clock, which a virtual machine has, too."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from machine import Core, Window

SAMPLES_A_SECOND = 1999
SHOWN = 45
ATTACH_SECONDS = 0.2


class ProfiledWindow(Window):
    """Of a line with several stretches the first is looked at: its figure is what is to be explained."""

    def __init__(self, pids: list[int], core: Core, generator: list[int] | None, samples: Path):
        super().__init__(pids, core, generator)
        self._samples = samples

    def __enter__(self):
        self._perf = None
        if not self._samples.exists():
            command = ["perf", "record", "--event", "cpu-clock", "--freq", SAMPLES_A_SECOND, "--quiet",
                       "--output", self._samples, "--pid", ",".join(map(str, self._pids))]
            self._perf = subprocess.Popen([*Core.GENERATOR.prefix(), *map(str, command)], stderr=subprocess.PIPE, text=True)
            time.sleep(ATTACH_SECONDS)
        return super().__enter__()

    def __exit__(self, *why):
        super().__exit__(*why)
        if self._perf:
            self._perf.send_signal(signal.SIGINT)
            self._perf.wait()


def show_profile(samples: Path) -> None:
    said = subprocess.run(["perf", "report", "--stdio", "--no-children", "--sort", "dso,symbol", "--input", samples], capture_output=True, text=True)
    rows = [row for row in said.stdout.splitlines() if row.strip() and not row.startswith("#")]
    if not rows:
        sys.exit(f"perf saw nothing: {said.stderr[-500:]}")
    by_file: dict[str, float] = {}
    for row in rows:
        part, file = re.match(r"\s*([\d.]+)%\s+(\S+)", row).groups()
        by_file[file] = by_file.get(file, 0) + float(part)
    print("  " + ", ".join(f"{file} {part:.0f}%" for file, part in sorted(by_file.items(), key=lambda each: -each[1]) if part >= 1))
    print("\n".join(re.sub(r"\s+-\s+-\s*$", "", row) for row in rows[:SHOWN]), flush=True)
