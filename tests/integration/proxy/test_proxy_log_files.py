"""Log files in an administrator's hands: logrotate, full disks, readers that sleep, levels, the journal."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from daemons import HOST, SANITIZERS, program, run, wait_until, write_private
from rproxyd import answer, configuration, request


def exchange(proxy, backend, target: str = "/") -> None:
    with proxy.connect("http") as client:
        client.send(request("GET", target))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"", "Connection: close"))
        assert client.message().status == 200


def targets(path: Path) -> list[str]:
    return re.findall(r'"GET (\S+) HTTP', path.read_text()) if path.exists() else []


def rotate(folder: Path, *options: str) -> None:
    configured = folder / "logrotate.conf"
    configured.write_text("\n".join([f"{folder}/access.log {{", "rotate 3", "nocompress", "su root root", *options, "}"]))
    configured.chmod(0o644)
    folder.chmod(0o755)
    subprocess.run(["logrotate", "--force", "--state", folder / "logrotate.state", configured], check=True)


def test_logrotate_moves_the_file_and_a_signal_begins_a_new_one(proxy, backend, tmp_path):
    exchange(proxy, backend, "/one")
    proxy.access_lines(1)
    rotate(tmp_path, "create 0640", "postrotate", f"kill -USR1 {proxy.pid}", "endscript")
    proxy.wait_for_log("log.reopened")
    exchange(proxy, backend, "/two")
    proxy.access_lines(1)
    assert targets(tmp_path / "access.log.1") == ["/one"] and targets(tmp_path / "access.log") == ["/two"]


def test_logrotate_that_copies_and_cuts_needs_no_signal(proxy, backend, tmp_path):
    exchange(proxy, backend, "/one")
    proxy.access_lines(1)
    rotate(tmp_path, "copytruncate")
    exchange(proxy, backend, "/two")
    proxy.access_lines(1)
    assert b"\0" not in (tmp_path / "access.log").read_bytes()
    assert targets(tmp_path / "access.log.1") == ["/one"] and targets(tmp_path / "access.log") == ["/two"]


def test_the_audit_log_is_opened_again_too(start, backend, tmp_path):
    audit = tmp_path / "audit.log"
    proxy = start(backend.url, pin_guard={"enabled": True, "audit_log": str(audit)})
    audit.rename(tmp_path / "audit.log.1")
    proxy.signal(signal.SIGUSR1)
    wait_until("a new audit log", audit.exists)


def test_a_file_that_cant_be_opened_again_stays_in_use(proxy, backend, tmp_path):
    moved = tmp_path / "moved.log"
    (tmp_path / "access.log").rename(moved)
    (tmp_path / "access.log").mkdir()
    proxy.signal(signal.SIGUSR1)
    proxy.wait_for_log("log.reopen_failed")
    exchange(proxy, backend, "/still")
    wait_until("a line in the old file", lambda: targets(moved) == ["/still"])


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_is_survived_and_said_and_its_lines_are_written_when_there_is_room(start, backend, small_disk):
    filler = small_disk / "filler"
    proxy = start(backend.url, log={"access": str(small_disk / "access.log")})
    with pytest.raises(OSError), filler.open("wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)
    for i in range(20):
        exchange(proxy, backend, f"/{i}")
    proxy.wait_for_log("log.failed")
    proxy.wait_for_log("No space left on device")
    filler.unlink()
    proxy.wait_for_log("log.recovered")
    assert targets(small_disk / "access.log") == [f"/{i}" for i in range(20)]


def test_a_reader_of_the_log_that_sleeps_holds_no_request_up(tmp_path, certificate, backend):
    """Standard error is a pipe that nobody reads; each refused request wants a line of its own."""
    configured = configuration(tmp_path, certificate.file(), [backend.url], log={"format": "json"})
    config = write_private(tmp_path / "rproxyd.json", json.dumps(configured))
    announced = tmp_path / "listeners"
    process = subprocess.Popen([program("rproxyd"), "--config", config, "--announce", announced], stderr=subprocess.PIPE,
                               env=SANITIZERS | dict(os.environ))
    try:
        wait_until("the listeners", announced.exists)
        port = int(json.loads(announced.read_text())["listeners"][1]["address"].rpartition(":")[2])
        long_path = "/.." + "a" * 900
        for _ in range(8):  # waits for the limit of lines a second
            for _ in range(50):
                with socket.create_connection((HOST, port), timeout=20) as client:
                    client.sendall(f"GET {long_path}/../../.. HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                    assert client.recv(100).startswith(b"HTTP/1.1 400")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert all(json.loads(line) for line in said.decode().splitlines())


def test_lines_for_the_journal_begin_with_their_priority(tmp_path, certificate, backend):
    """JOURNAL_STREAM names the device and inode of the stream that systemd has made (systemd.exec(5))."""
    configured = configuration(tmp_path, certificate.file(), [backend.url])
    config = write_private(tmp_path / "rproxyd.json", json.dumps(configured))
    ours, theirs = socket.socketpair()
    status = os.fstat(theirs.fileno())
    environment = SANITIZERS | dict(os.environ) | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    announced = tmp_path / "listeners"
    process = subprocess.Popen([program("rproxyd"), "--config", config, "--announce", announced], stderr=theirs, env=environment)
    theirs.close()
    wait_until("the listeners", announced.exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    said = b""
    while piece := ours.recv(65536):
        said += piece
    lines = said.decode().splitlines()
    assert lines and all(re.match(r"<6>\S+ info |<4>\S+ warning |<7>\S+ debug ", line) for line in lines), lines


@pytest.fixture
def with_socket(start, backend, tmp_path):
    return start(backend.url, admin={"socket": str(tmp_path / "admin.sock")}, log={"level": "warning"})


def log_command(proxy, *arguments: str):
    return run("rproxyd", "log", "--config", proxy.config, *arguments)


def test_levels_are_changed_while_it_runs_by_subject_or_as_a_whole(with_socket):
    assert log_command(with_socket).stdout.split() == ["all", "warning"]
    changed = log_command(with_socket, "request=info", "backend=error")
    assert changed.stdout.split() == ["all", "warning", "backend", "error", "request", "info"]
    with with_socket.connect("http") as client:
        client.send(b"bad\r\n\r\n")
        client.rest()
    with_socket.wait_for_log("info request.refused")
    assert json.loads(log_command(with_socket, "debug", "reset", "--json").stdout) == {
        "ok": True, "level": "debug", "subjects": {}, "lines_lost": 0}
    with_socket.wait_for_log("log.level")


@pytest.mark.parametrize("wrong", ["loud", "backend=loud", "=debug", "Backend=debug"])
def test_what_is_no_level_is_refused_and_changes_nothing(with_socket, wrong):
    refused = log_command(with_socket, "error", wrong)
    assert refused.returncode == 1 and f"{wrong} is no level; expected debug" in refused.stderr
    assert log_command(with_socket).stdout.split() == ["all", "warning"]


def test_what_is_said_again_and_again_is_counted(start, new_backend):
    """A node's trouble that nobody repairs: one line, then a count."""
    proxy = start(f"http://{HOST}:1", pool={"retry": {"attempts": 1}}, request_id="off", log={"format": "json"})
    for _ in range(20):
        with proxy.connect("http") as client:
            client.send(request("GET", "/same"))
            assert client.message().status == 502
    proxy.stop()
    troubles = [json.loads(line) for line in proxy.log.splitlines() if '"exchange.trouble"' in line]
    assert sum(1 + line.get("repeated", 0) - ("repeated" in line) for line in troubles) == 20
    assert len(troubles) < 10
