"""Servers as processes, which may hand over to another process of theirs."""

import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("VESTIBULE_BUILD", ROOT / "build/release"))
HOST = "127.0.0.1"
START_SECONDS = 30
END_SECONDS = 30


def wait_until(what: str, condition, seconds: float = START_SECONDS):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise RuntimeError(f"not in {seconds} s: {what}")
        time.sleep(0.02)
    return value


class Processes:
    """Those that a server is made of; all end with it."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._running: list[subprocess.Popen] = []

    def start(self, *argv) -> subprocess.Popen:
        log = self._folder / f"{Path(str(argv[0])).name}.{len(self._running)}.log"
        with log.open("w") as out:
            process = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        process.log = log
        self._running.append(process)
        return process

    def check(self) -> None:
        for process in self._running:
            if process.poll() not in (None, 0):
                raise RuntimeError(f"{process.args[0]} ended with {process.returncode}:\n{process.log.read_text()[-3000:]}")

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
