"""Podman for tests: images and containers in a folder of the test's own, a network of its own that the
containers take for the machine's, and docker-compose, which speaks with podman by its socket.

Commands run in a mount namespace without cgroups, which a build machine may not let us write to.
"""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from daemons import ROOT, program, wait_until
from namespaces import Host

DESCRIPTORS = 10000  # what an unprivileged machine has
COMMAND_SECONDS = 300
READY_SECONDS = 180  # several containers start at once, each a copy of its image's files, on a machine that may have more to do

STORAGE = """
[storage]
driver = "vfs"
graphroot = "{folder}/graph"
runroot = "{run}"
"""
CONTAINERS = """
[containers]
default_ulimits = ["nofile={descriptors}:{descriptors}", "nproc={descriptors}:{descriptors}"]
[engine]
tmp_dir = "{run}/libpod"
lock_type = "file"
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class CannotRun(Exception):
    """It is the machine, or podman, that can't; nothing of ours has been tried."""


class Engine:
    """with Engine(folder, host) as engine: … Raises CannotRun."""

    def __init__(self, folder: Path, host: Host):
        self.folder, self.host = folder, host
        folder.mkdir()
        # A long name is no good: podman's own "container cleanup", which restarts what has ended, refuses a --runroot of more than 50 characters.
        self._run = Path(tempfile.mkdtemp(prefix="vestibule-", dir="/run"))
        (folder / "storage.conf").write_text(STORAGE.format(folder=folder, run=self._run))
        (folder / "containers.conf").write_text(CONTAINERS.format(run=self._run, descriptors=DESCRIPTORS))
        self.socket = self._run / "podman.sock"
        self.environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "CONTAINERS_CONF": str(folder / "containers.conf"),
            "DOCKER_HOST": f"unix://{self.socket}", "COMPOSE_PROJECT_NAME": "vestibule"}

    def __enter__(self) -> "Engine":
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self._run)
            with self.host:
                self._holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", "umount /sys/fs/cgroup/unified 2>/dev/null; echo ready; exec cat"],
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.callback(end, self._holder)
            if self._holder.stdout.readline() != b"ready\n":
                raise CannotRun("no mount namespace of its own")
            stack.callback(self.run, "podman", "rm", "--all", "--force", "--volumes", "--time", "1", check=False)
            self._try()
            service = subprocess.Popen([*self._inside, "podman", "system", "service", "--time", "0", f"unix://{self.socket}"],
                                       env=self.environment, stdout=subprocess.DEVNULL, stderr=(self.folder / "service.log").open("w"))
            stack.callback(end, service)
            wait_until("podman's socket", self.socket.exists)
            self._left = stack.pop_all()
        return self

    def __exit__(self, *_error) -> None:
        self._left.close()

    def left(self) -> list[str]:
        """Of processes and mounts, once it is closed."""
        known = (str(self._run), str(self.folder))
        found = [f"process {path.parent.name}: {line}" for path in Path("/proc").glob("[0-9]*/cmdline") if any(each in (line := text_of(path)) for each in known)]
        found += [f"mount {line}" for line in text_of(Path("/proc/self/mountinfo")).splitlines() if any(each in line for each in known)]
        return found

    def _try(self) -> None:
        """A container of nothing but /usr/bin/true."""
        root = self.folder / "trial"
        self.lay_out(Path("/usr/bin/true"), root)
        (root / "Containerfile").write_text("FROM scratch\nCOPY . /\n")
        try:
            self.run("buildah", "bud", "--isolation", "chroot", "--network", "host", "--tag", "localhost/trial", "--file", root / "Containerfile", root)
            self.podman("run", "--rm", "--network", "host", "localhost/trial", "/usr/bin/true")
        except (AssertionError, subprocess.TimeoutExpired) as error:
            raise CannotRun(str(error)) from None

    @property
    def _inside(self) -> list[str]:
        return ["nsenter", "--target", str(self._holder.pid), "--mount", "--net", f"--wdns={ROOT}"]

    def run(self, *command, check: bool = True, environment: dict | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run([*self._inside, *map(str, command)], capture_output=True, text=True, timeout=COMMAND_SECONDS,
                              env=self.environment | (environment or {}))
        assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def podman(self, *arguments, check: bool = True) -> subprocess.CompletedProcess:
        return self.run("podman", *arguments, check=check)

    def lay_out(self, of: Path, root: Path, configuration: Path = Path("/dev/null")) -> None:
        self.run(ROOT / "deploy/containers/image_root", of, configuration, root)

    def build(self, name: str) -> None:
        """The last stage of deploy/containers/Containerfile around a program that is built already."""
        root = self.folder / "built"
        self.lay_out(program(name), root / f"image/{name}", ROOT / f"deploy/containers/{name}.json")
        self.run("buildah", "bud", "--isolation", "chroot", "--network", "host", "--format", "docker", "--build-context", f"built={root}",
                 "--target", name, "--file", "deploy/containers/Containerfile", "--tag", f"localhost/vestibule/{name}", ".")

    def inspect(self, container: str) -> dict:
        return json.loads(self.podman("inspect", container).stdout)[0]

    def image(self, name: str) -> dict:
        return json.loads(self.podman("image", "inspect", f"localhost/vestibule/{name}").stdout)[0]

    def is_ready(self, container: str) -> bool:
        """By the image's own health check."""
        return self.podman("healthcheck", "run", container, check=False).returncode == 0


def end(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(30)


def text_of(file: Path) -> str:
    """Empty, if it has gone meanwhile."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


class Stack:
    """deploy/compose.yaml, and what lies beside it, with variables of a test's own."""

    def __init__(self, engine: Engine, folder: Path, variables: dict[str, str], files: tuple[str, ...] = ("compose.yaml",)):
        self.engine, self.folder = engine, folder
        self._files = [word for each in files for word in ("--file", f"deploy/{each}")]
        for each in ("secrets", "files"):
            (folder / each).mkdir()
            (folder / each).chmod(0o755)
        self._variables = folder / "variables.env"
        self._override = folder / "override.yaml"
        names = ["rproxyd", "turnd", "turnd-2", *(["redis"] if "compose.fleet.yaml" in files else [])]
        services = "\n".join(f"  {name}: {{ ulimits: {{ nproc: {DESCRIPTORS} }} }}" for name in names)
        # Debian 12's podman lets bpf pass for CAP_SYS_ADMIN alone.
        services += f"\n  turnd-offload: {{ ulimits: {{ nproc: {DESCRIPTORS} }}, security_opt: [seccomp=unconfined] }}"
        self._override.write_text(f'version: "3.9"\nservices:\n{services}\n')
        self.set(**variables)

    def set(self, **variables: str) -> None:
        self._variables.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))

    def compose(self, *arguments, check: bool = True, **variables: str) -> subprocess.CompletedProcess:
        given = {"VESTIBULE_ENV": str(self._variables), "VESTIBULE_SECRETS": str(self.folder / "secrets"),
                 "VESTIBULE_FILES": str(self.folder / "files"), "VESTIBULE_DESCRIPTORS": str(DESCRIPTORS),
                 "VESTIBULE_RPROXYD_IMAGE": "localhost/vestibule/rproxyd", "VESTIBULE_TURND_IMAGE": "localhost/vestibule/turnd"}
        return self.engine.run("docker-compose", *self._files, "--file", self._override, *arguments, check=check,
                               environment=given | variables)

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--quiet", service).stdout.split()

    def wait_until_ready(self, service: str, count: int = 1) -> list[str]:
        def ready():
            found = self.containers(service)
            return found if len(found) == count and all(map(self.engine.is_ready, found)) else None

        return wait_until(f"{count} of {service} ready", ready, READY_SECONDS)
