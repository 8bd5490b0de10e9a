"""rproxyd and turnd as processes, for tests: written configuration, start, signals, end.

A daemon listens on ports of the kernel's choice and says which in its announce file. Each ends with
a check: the exit code that was expected, and not a word from a sanitizer.
"""

import json
import os
import re
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("VESTIBULE_BUILD", ROOT / "build/dev"))
HOST = "127.0.0.1"

START_SECONDS = 30
END_SECONDS = 60
WAIT_SECONDS = 60  # a guard for what must happen, not a measure of how fast it does
POLL_SECONDS = 0.01

# A finding of any sanitizer ends the process; tests/run says the same.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
FINDING = re.compile(r"(Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer|runtime error:")


def program(name: str) -> Path:
    return BUILD / "bin" / name


def run(name: str, *arguments, environment: dict | None = None, stdin: str = "") -> subprocess.CompletedProcess:
    """A command of a daemon's own that ends by itself: check, --version, …"""
    return subprocess.run([program(name), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=END_SECONDS, env=SANITIZERS | dict(os.environ) | (environment or {}))


def wait_until(what: str, condition, seconds: float = WAIT_SECONDS):
    """Polls until the condition holds, and returns what it returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(POLL_SECONDS)
    return value


def in_background(work) -> threading.Thread:
    """`work` runs beside the test, for a side that would otherwise wait for the other."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def write_private(path: Path, text: str) -> Path:
    """Readable by its owner alone from the first moment on."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    return path


class Daemon:
    """with Daemon("turnd", folder, configuration) as daemon: … daemon.port("udp") …"""

    def __init__(self, name: str, folder: Path, configuration: dict, *, descriptors: int | None = None,
                 honest_memory: bool = False, arguments: list[str] = (), environment: dict | None = None,
                 prefix: list[str] = ()):
        """`descriptors`: the most that the process may have open. `honest_memory`: AddressSanitizer
        keeps little of what was freed, so that resident_bytes() tells what is in use. `arguments`: of run.
        `environment`: of the process, over the test's own. `prefix`: what starts it."""
        self.name = name
        self.folder = folder
        self.config = write_private(folder / f"{name}.json", json.dumps(configuration, indent=2))
        self._announced = folder / f"{name}.listeners"
        self._log = folder / f"{name}.log"
        self._descriptors = descriptors
        self._arguments = list(arguments)
        self._prefix = list(prefix)
        self._environment = SANITIZERS | dict(os.environ) | (environment or {})
        if honest_memory:
            self._environment["ASAN_OPTIONS"] += ":quarantine_size_mb=4:thread_local_quarantine_size_kb=64"
        self._process: subprocess.Popen | None = None

    def start(self) -> "Daemon":
        self._announced.unlink(missing_ok=True)
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*self._prefix, program(self.name), "run", "--config", self.config, "--announce", self._announced, *self._arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=self._environment, preexec_fn=self._limit)
        end = time.monotonic() + START_SECONDS
        while not self._announced.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise AssertionError(f"{self.name} did not start:\n{self.log}")
            time.sleep(POLL_SECONDS)
        return self

    def _limit(self) -> None:
        if self._descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._descriptors, self._descriptors))

    @property
    def listeners(self) -> list[dict]:
        return json.loads(self._announced.read_text())["listeners"]

    def port(self, transport: str) -> int:
        """Of the first listener with that transport."""
        address = next(each["address"] for each in self.listeners if each["transport"] == transport)
        return int(address.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_for_log(self, text: str) -> None:
        wait_until(f"{text!r} in the log of {self.name}", lambda: text in self.log)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def resident_bytes(self) -> int:
        """Physical memory in use: VmRSS."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def open_descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait(self, expect: int = 0) -> None:
        """For the end that something else has caused."""
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            code = f"none in {END_SECONDS} s"
        assert not FINDING.search(self.log), f"{self.name}:\n{self.log}"
        assert code == expect, f"{self.name} ended with {code}:\n{self.log}"

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        self.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Daemon":
        return self.start()

    def __exit__(self, *_error) -> None:
        """A daemon that has ended already is judged as well, unless wait() or kill() did that."""
        if self._process.returncode is None:
            if self._process.poll() is None:
                self.signal(signal.SIGTERM)
            self.wait()
