"""Real fail2ban in a folder of its own: server, socket, database, and an action that writes a file."""

import subprocess
from pathlib import Path

from daemons import END_SECONDS, ROOT, wait_until

CONFIGURATION = ROOT / "deploy/fail2ban"

ACTION = """\
[Definition]
actionstart =
actionstop =
actioncheck =
actionban = echo <ip> >> %s
actionunban =
"""


class Fail2ban:
    """with Fail2ban(folder, "vestibule-pin", log) as jail: … jail.banned(), jail.failed()"""

    def __init__(self, folder: Path, jail: str, log: Path):
        self._folder = folder / "fail2ban"
        self._jail = jail
        self._banned = folder / "banned"
        for name in ("filter.d", "jail.d", "action.d"):
            (self._folder / name).mkdir(parents=True)
        for each in CONFIGURATION.glob("*/*.conf"):
            (self._folder / each.relative_to(CONFIGURATION)).write_text(each.read_text())
        (self._folder / "action.d/write.conf").write_text(ACTION % self._banned)
        (self._folder / "fail2ban.conf").write_text(
            f"[Definition]\nloglevel = INFO\nlogtarget = {folder}/fail2ban.log\nsyslogsocket = auto\nsocket = {self.socket}\n"
            f"pidfile = {self._folder}/pid\ndbfile = None\ndbmaxmatches = 10\ndbpurgeage = 1d\n[Thread]\n")
        (self._folder / "jail.conf").write_text("[DEFAULT]\nbackend = polling\nusedns = no\nenabled = false\n")
        (self._folder / "jail.local").write_text(f"[{jail}]\nenabled = true\nlogpath = {log}\naction = write\n")
        self._process: subprocess.Popen | None = None

    @property
    def socket(self) -> Path:
        return self._folder / "socket"

    def client(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(["fail2ban-client", "-c", self._folder, "-s", self.socket, *command],
                              capture_output=True, text=True, timeout=END_SECONDS)

    def failed(self) -> int:
        """Lines that count, as the jail says."""
        status = self.client("status", self._jail).stdout
        return int(next(line.rpartition(":")[2] for line in status.splitlines() if "Total failed" in line))

    def banned(self) -> list[str]:
        return self._banned.read_text().split() if self._banned.exists() else []

    def __enter__(self) -> "Fail2ban":
        self._process = subprocess.Popen(["fail2ban-server", "-c", self._folder, "-s", self.socket, "-p", self._folder / "pid", "-f", "start"],
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_until("the jail", lambda: self._process.poll() is not None or self.client("status", self._jail).returncode == 0)
        assert self._process.poll() is None, self._process.stdout.read()
        return self

    def __exit__(self, *_error) -> None:
        self._process.terminate()
        self._process.wait(END_SECONDS)
        self._process.stdout.close()
