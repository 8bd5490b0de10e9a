"""rproxyd upgrade, turnd upgrade: the running daemon starts what is installed now, and that takes over."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

import daemons
from admin import command
from daemons import END_SECONDS, HOST, Daemon, run, wait_until, write_private

RPROXYD = {"workers": 1, "listeners": [{"address": f"{HOST}:0"}], "routes": [{"path": "/", "redirect": "/webapp/"}]}
TURND = {"workers": 1, "realm": "example.com", "listeners": [{"transport": "udp", "address": f"{HOST}:0"}],
         "relay": {"addresses": [HOST]}, "credentials": {"users": {"user": "password"}}}


class Installed:
    """A daemon that runs from a file of its own, which can be replaced."""

    def __init__(self, name: str, folder: Path, monkeypatch):
        (folder / "bin").mkdir()
        self.program = folder / "bin" / name
        shutil.copy(daemons.program(name), self.program)
        monkeypatch.setattr(daemons, "BUILD", folder)
        self.name, self.socket = name, folder / f"{name}.sock"
        self.configured = (RPROXYD if name == "rproxyd" else TURND) | {
            "drain_timeout": "0s", "log": {"level": "debug"}, "admin": {"address": None, "socket": str(self.socket)}}
        self.first = Daemon(name, folder, self.configured)
        self.first.start()

    def install_again(self) -> None:
        """As a package manager does: another file gets the name."""
        fresh = self.program.with_suffix(".new")
        shutil.copy(self.program, fresh)
        fresh.rename(self.program)

    def upgrade(self) -> subprocess.CompletedProcess:
        return run(self.name, "upgrade", "--config", self.first.config)

    @property
    def pid(self) -> int:
        return command(self.socket, {"command": "status"})["pid"]

    def end(self) -> None:
        if self.pid != self.first.pid:
            process = os.pidfd_open(self.pid)
            signal.pidfd_send_signal(process, signal.SIGTERM)
            assert select.select([process], [], [], END_SECONDS)[0]
            os.close(process)
            self.first.wait()
        else:
            self.first.signal(signal.SIGTERM)
            self.first.wait()


@pytest.fixture(params=["rproxyd", "turnd"])
def installed(request, tmp_path, monkeypatch):
    with ExitStack() as ending:
        made = Installed(request.param, tmp_path, monkeypatch)
        ending.callback(made.end)
        yield made


def test_the_program_that_is_installed_now_serves_in_place_of_the_running_one(installed):
    installed.install_again()
    done = installed.upgrade()
    assert done.returncode == 0, done.stderr + installed.first.log
    assert installed.pid != installed.first.pid and f"process {installed.pid}, serves" in done.stdout
    installed.first.wait()  # it has nothing left
    assert Path(f"/proc/{installed.pid}/exe").readlink() == installed.program
    assert "upgrade.begin" in installed.first.log
    again = installed.upgrade()
    assert again.returncode == 0, again.stderr


def test_the_new_process_is_the_system_s_child_and_keeps_the_watchdog_quiet_itself(tmp_path, monkeypatch):
    """sd_notify(3): WATCHDOG_PID is the process that is to say WATCHDOG=1; of the old one it must not be inherited."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(daemons.WAIT_SECONDS)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.setenv("WATCHDOG_PID", "1")  # another one's
    installed = Installed("turnd", tmp_path, monkeypatch)
    try:
        assert manager.recv(4096).startswith(b"READY=1")
        assert installed.upgrade().returncode == 0
        said = manager.recv(4096)
        assert f"MAINPID={installed.pid}".encode() in said.splitlines()
        assert manager.recv(4096) == b"WATCHDOG=1"
        parent = int(Path(f"/proc/{installed.pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert parent not in (installed.first.pid, os.getpid())
    finally:
        installed.end()


def test_one_that_cannot_begin_leaves_the_old_one_serving(installed):
    write_private(installed.first.config, json.dumps(installed.configured | {"realn": ""}))
    done = run(installed.name, "upgrade", "--socket", installed.socket)
    assert done.returncode == 1
    assert "has ended, and its log says why; the one that ran serves on" in done.stderr
    assert "unknown key" in installed.first.log
    assert installed.pid == installed.first.pid and command(installed.socket, {"command": "status"})["state"] == "serving"


def test_a_program_that_is_not_there_is_said(installed):
    kept = installed.program.rename(installed.program.with_suffix(".kept"))
    done = subprocess.run([kept, "upgrade", "--socket", installed.socket], capture_output=True, text=True, timeout=END_SECONDS)
    assert done.returncode == 1
    assert f"{installed.program} can't be started: No such file or directory" in done.stderr
    assert installed.pid == installed.first.pid


def test_without_a_daemon_it_is_said(tmp_path):
    done = run("turnd", "upgrade", "--socket", tmp_path / "none.sock")
    assert done.returncode == 1 and "cannot reach the daemon" in done.stderr


def test_the_first_process_of_a_container_starts_no_successor(tmp_path):
    """All others end with it."""
    socket_path = tmp_path / "turnd.sock"
    config = write_private(tmp_path / "turnd.json", json.dumps(TURND | {"admin": {"address": None, "socket": str(socket_path)}}))
    with subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", daemons.program("turnd"), "--config", config],
                          stderr=subprocess.DEVNULL) as container:
        try:
            wait_until("turnd's socket", socket_path.exists)
            done = run("turnd", "upgrade", "--socket", socket_path)
        finally:
            container.kill()
    assert done.returncode == 1 and "first process of its container" in done.stderr
