"""A Debian 12 machine in namespaces of its own, with its systemd as the first process: packages are installed on it as on any other.

Its files are a copy of what debootstrap made, which is kept in build/machines for the next time.
"""

import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/integration/support")]

from daemons import wait_until  # noqa: E402

SUITE = "bookworm"
INSTALL_SECONDS, COMMAND_SECONDS = 1200, 120
CGROUPS = Path("/sys/fs/cgroup")
_machines = itertools.count()
IN_MEMORY = """
made=$(mktemp -d)
trap 'umount "$made"; rmdir "$made"' EXIT
mount -t tmpfs -o mode=755 tmpfs "$made"
debootstrap --variant=minbase --include="$2" "$3" "$made" "$4"
cp -a "$made/." "$1/"
"""


def base() -> Path:
    """The folder with a fresh Debian; made once for each list of packages."""
    wanted = [line for line in (HERE / "base.txt").read_text().splitlines() if line and not line.startswith("#")]
    name = f"{SUITE}-{hashlib.sha256(' '.join(wanted).encode()).hexdigest()[:12]}"
    made = ROOT / "build/machines" / name
    if made.exists():
        return made
    making = made.with_name(f"{name}.{os.getpid()}")
    making.parent.mkdir(parents=True, exist_ok=True)
    log = making.with_suffix(".log")
    making.mkdir()
    with log.open("w") as out:  # in memory first: dpkg waits for the disk after every file
        done = subprocess.run(["unshare", "--mount", "bash", "-euc", IN_MEMORY, "bash", making, ",".join(wanted), SUITE, mirror()],
                              stdout=out, stderr=subprocess.STDOUT, timeout=INSTALL_SECONDS)
    assert done.returncode == 0, log.read_text()[-2000:]
    shutil.rmtree(making / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(making / "var/lib/apt/lists", ignore_errors=True)
    making.rename(made)
    return made


def mirror() -> str:
    """The one that this machine uses."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", f"Codename: {SUITE}"],
                            capture_output=True, text=True, check=True).stdout.split()
    assert listed, "no Debian mirror among this machine's apt sources"
    return listed[0]


class Machine:
    """with host: machine = Machine(folder); machine.run("systemctl", "is-active", "turnd")"""

    def __init__(self, folder: Path):
        """It has the network of the thread that calls."""
        self.root = folder / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", base(), self.root], check=True)
        (self.root / "etc/machine-id").write_text("")
        (self.root / "etc/dpkg/dpkg.cfg.d/test").write_text("force-unsafe-io\n")  # no waiting for the disk
        self._log = folder / "console.log"
        name = f"vestibule-packages-{os.getpid()}-{next(_machines)}"
        self._groups = [each / name for each in hierarchies()]
        for group in self._groups:
            group.mkdir()
        with self._log.open("w") as log:
            self._outside = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--uts", "--ipc", "--kill-child", HERE / "boot", self.root],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, preexec_fn=self._into_groups)
        try:
            wait_until("the machine's systemd", lambda: self._outside.poll() is not None or self._is_up())
            assert self._outside.poll() is None
        except AssertionError:
            self.close()
            raise AssertionError(f"the machine does not start:\n{self._log.read_text(errors='replace')}") from None

    def _into_groups(self) -> None:
        for group in self._groups:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    def _is_up(self) -> bool:
        if not self._children():
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def _children(self) -> list[str]:
        return Path(f"/proc/{self._outside.pid}/task/{self._outside.pid}/children").read_text().split()

    def run(self, *command, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess:
        """As its root user."""
        done = subprocess.run(["nsenter", "--target", self._children()[0], "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net", "--root", "--wd=/root",
                               "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "HOME=/root",
                               *map(str, command)],
                              input=stdin, capture_output=True, text=True, timeout=COMMAND_SECONDS)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def says(self, *command) -> str:
        return self.run(*command).stdout.strip()

    def property(self, unit: str, name: str) -> str:
        return self.says("systemctl", "show", "--property", name, "--value", unit)

    def journal(self, unit: str) -> str:
        return self.says("journalctl", "--no-pager", "--output=cat", "--unit", unit)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def close(self) -> None:
        for child in self._children():
            os.kill(int(child), signal.SIGKILL)  # with it goes everything in its namespace
        self._outside.wait(timeout=COMMAND_SECONDS)
        for group in self._groups:
            end = time.monotonic() + COMMAND_SECONDS
            while group.exists():
                remove(group)
                assert time.monotonic() < end, f"{group} is still in use"


def hierarchies() -> list[Path]:
    """Where systemd keeps its units: the unified hierarchy, or beside old ones its own."""
    if (CGROUPS / "cgroup.procs").exists():
        return [CGROUPS]
    return [CGROUPS / "systemd", CGROUPS / "unified"]


def remove(group: Path) -> None:
    for below in [each for each in group.iterdir() if each.is_dir()]:
        remove(below)
    try:
        group.rmdir()
    except OSError:
        time.sleep(0.05)  # its last process is about to be gone
