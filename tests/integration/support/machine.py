"""A machine of its own, as far as its files and its network go: a root folder with the host's programs and nothing else of the host's,
in a network namespace. What deploy/setup wrote for a whole machine is used there as it stands, with Debian's own tools.

    with Network() as network:
        machine = Machine(network.host("proxy"), tmp_path / "root")
        machine.run("ifup", "-a")
        machine.start("rproxyd")    # as its unit says
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

from daemons import program, wait_until
from namespaces import Host

ROOT = Path(__file__).resolve().parents[3]
# In a mount namespace that goes with the command. The daemons lie over /usr/sbin, where their units look for them.
ENTER = """
set -e
cd "$1"
mount -t overlay overlay -o lowerdir="$2":/usr usr
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys  # as in a container: nobody waits for udev
mount --bind "$3" "$1$3"
shift 3
exec chroot . "$@"
"""


class Machine:
    def __init__(self, host: Host, root: Path, project: Path = ROOT):
        self.host, self.root, self._project = host, root, project
        self._running: dict[str, subprocess.Popen] = {}
        for folder in ("usr", "dev", "proc", "sys", "run/systemd", "run/network", "tmp", "root", "var/lib", "var/log", "etc/systemd/network",
                       "etc/network/if-pre-up.d", "etc/network/if-up.d", "etc/network/if-down.d", "etc/network/if-post-down.d", "etc/ssh/sshd_config.d", "etc/ssl"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / str(project).lstrip("/")).mkdir(parents=True, exist_ok=True)
        for folder in ("bin", "sbin", "lib", "lib64"):
            (root / folder).symlink_to(f"usr/{folder}")
        for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "login.defs", "ssl/openssl.cnf"):
            (root / "etc" / name).write_bytes((Path("/etc") / name).read_bytes())
        (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        (root / "run/systemd/container").write_text("lxc\n")
        self._programs = root.with_name(f"{root.name}-programs")
        (self._programs / "sbin").mkdir(parents=True)
        for name in ("rproxyd", "turnd"):
            if program(name).exists():
                os.link(program(name), self._programs / "sbin" / name) if same_device(program(name), self._programs) else \
                    (self._programs / "sbin" / name).write_bytes(program(name).read_bytes())
                (self._programs / "sbin" / name).chmod(0o755)

    def command(self, *command: str) -> list[str]:
        return ["unshare", "--mount", "bash", "-c", ENTER, "enter", str(self.root), str(self._programs), str(self._project), *map(str, command)]

    def run(self, *command: str, expect: int = 0, stdin: str = "") -> str:
        with self.host:
            done = subprocess.run(self.command(*command), input=stdin, capture_output=True, text=True)
        assert done.returncode == expect, f"{shlex.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, daemon: str) -> None:
        """As systemd would: the unit's user, its folders, its one capability, its command."""
        unit = (self.root / f"etc/systemd/system/{daemon}.service").read_text()
        user, group, command = (re.search(rf"^{key}=(.*)$", unit, re.MULTILINE)[1] for key in ("User", "Group", "ExecStart"))
        for key, parent in (("StateDirectory", "/var/lib"), ("LogsDirectory", "/var/log")):
            if found := re.search(rf"^{key}=(.*)$", unit, re.MULTILINE):
                self.run("install", "-d", "-o", user, "-g", group, "-m", "0750", f"{parent}/{found[1]}")
        self.launch(daemon, "setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--inh-caps=-all,+net_bind_service",
                    "--ambient-caps=+net_bind_service", "--bounding-set=-all,+net_bind_service", "--no-new-privs", *shlex.split(command))
        wait_until(f"{daemon} serves", lambda: f"{daemon} serves" in self.log(daemon) or not self.is_running(daemon))
        assert self.is_running(daemon), self.log(daemon)

    def launch(self, name: str, *command: str) -> None:
        with self.host, (self.root / f"tmp/{name}.log").open("w") as log:
            self._running[name] = subprocess.Popen(self.command(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def is_running(self, name: str) -> bool:
        return self._running[name].poll() is None

    def log(self, name: str) -> str:
        return (self.root / f"tmp/{name}.log").read_text(errors="replace")

    def switch_off(self) -> None:
        """Nobody waits for calls to end."""
        for process in self._running.values():
            process.kill()
            process.wait()
        self._running.clear()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_error) -> None:
        self.switch_off()


def same_device(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev
