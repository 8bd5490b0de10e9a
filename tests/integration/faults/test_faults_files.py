"""Files that hold state: kill -9 before every call that changes them, and disks that are full. What is read afterwards is the old
state or the new one, whole."""

import json
import subprocess
import time

import pytest

from daemons import program, run, wait_until
from faults import Faults
from rproxyd import answer, configuration, request
from established import held_by, nothing_is_cut
from turnd import REALM

OLD, NEW = "127.0.0.7", "127.0.0.8"
MOST_CALLS = 40  # a writer that makes more is not the one that this is about


@pytest.fixture
def guarded(tmp_path, certificate):
    """The configuration of a guard that keeps its bans, with the commands over it."""
    configured = configuration(tmp_path, certificate.file(), ["http://127.0.0.1:1"],
                               pin_guard={"enabled": True, "state": str(tmp_path / "bans.json")},
                               admin={"address": None, "socket": str(tmp_path / "admin.sock")})
    return configured


def bans_of(path) -> set[str]:
    return {each["network"].partition("/")[0] for each in json.loads(path.read_text())["bans"]}


def ban(proxy, address: str) -> int:
    return run("rproxyd", "bans", "add", address, "--for", "1h", "--config", proxy.config).returncode


def test_bans_are_old_or_new_whenever_the_process_is_killed(tmp_path, guarded):
    from rproxyd import Rproxyd

    state, faults = tmp_path / "bans.json", Faults(tmp_path)
    seen, die_at = [], 1
    while True:
        for each in tmp_path.glob("bans.json*"):
            each.unlink()
        with Rproxyd(tmp_path, guarded, environment=faults.environment(state)) as proxy:
            ban(proxy, OLD)
            wait_until("the old ban in the file", lambda: state.exists() and bans_of(state) == {OLD})
            wait_until("the writer at rest", lambda: at_rest(faults))
            faults.die_at = faults.file_calls + die_at
            ban(proxy, NEW)
            wait_until("the new ban or the end", lambda: not proxy.running or bans_of(state) == {OLD, NEW} and at_rest(faults))
            died = not proxy.running
            if died:
                proxy.kill()  # it is the test's own doing
            faults.die_at = 0
        if not died:
            break
        # Whatever lies in the folder now, the next process reads one state of it, and serves.
        with Rproxyd(tmp_path, guarded, environment=faults.environment(state)) as proxy:
            in_force = {each["network"].partition("/")[0] for each in json.loads(
                run("rproxyd", "bans", "list", "--json", "--config", proxy.config).stdout)["bans"]}
            assert in_force in ({OLD}, {OLD, NEW}), in_force
            assert "state_damaged" not in proxy.log
            seen.append(in_force)
        assert not list(tmp_path.glob("bans.json.*")), "what was left of the other process is gone"
        die_at += 1
        assert die_at < MOST_CALLS
    assert {OLD} in seen and {OLD, NEW} in seen and seen == sorted(seen, key=len), "old until it is new"


def at_rest(faults, seconds: float = 0.2) -> bool:
    before = faults.file_calls
    time.sleep(seconds)
    return faults.file_calls == before


def test_the_announced_listeners_are_whole_whenever_the_process_is_killed(tmp_path, guarded):
    """Whoever waits for the file finds all of it or none."""
    announced, faults = tmp_path / "announced.json", Faults(tmp_path)
    (tmp_path / "rproxyd.json").write_text(json.dumps(guarded))
    for die_at in range(1, MOST_CALLS):
        announced.unlink(missing_ok=True)
        faults.die_at = faults.file_calls + die_at
        process = subprocess.Popen([program("rproxyd"), "run", "--config", tmp_path / "rproxyd.json", "--announce", announced],
                                   env=faults.environment(announced), stderr=subprocess.DEVNULL)
        wait_until("the file or the end", lambda: announced.exists() or process.poll() is not None)
        if process.poll() is None and at_rest(faults):
            process.terminate()
            assert process.wait(30) == 0
            break
        process.wait(30)
        if announced.exists():
            assert len(json.loads(announced.read_text())["listeners"]) == 2
    assert die_at > 3, "created, written, closed, renamed"


def test_users_are_old_or_new_whenever_the_editor_is_killed(tmp_path):
    users, faults = tmp_path / "users.json", Faults(tmp_path)

    def edit(*words: str, stdin: str = "", **options) -> int:
        return run("turnd", "user", *words, "--realm", REALM, "--file", users, stdin=stdin, **options).returncode

    assert edit("add", "alice", stdin="wonder\n") == 0
    old, seen = users.read_text(), []
    for die_at in range(1, MOST_CALLS):
        users.write_text(old)
        faults.die_at = faults.file_calls + die_at
        code = edit("add", "bob", stdin="builder\n", environment=faults.environment(users))
        faults.die_at = 0
        listed = run("turnd", "user", "list", "--realm", REALM, "--file", users)
        assert listed.returncode == 0, listed.stderr
        seen.append("bob" in listed.stdout)
        assert "alice" in listed.stdout
        if code == 0:
            break
    assert not seen[0] and seen[-1] and seen == sorted(seen), "old until it is new"
    assert edit("remove", "bob") == 0, "no lock is left behind"


# ---- full disks


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk) -> None:
    with pytest.raises(OSError), (disk / "filler").open("wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)


def test_bans_on_a_full_disk_are_in_force_and_written_when_there_is_room(start_proxy, new_backend, small_disk, tmp_path):
    """Everything else goes on: requests, an event stream, a WebSocket, an upload."""
    held, backend = new_backend(), new_backend()
    state = small_disk / "bans.json"
    proxy = start_proxy(backend.url, pin_guard={"enabled": True, "state": str(state), "audit_log": str(small_disk / "audit.log")},
                        log={"access": str(small_disk / "access.log")}, admin={"socket": str(tmp_path / "admin.sock")}, **held_by(held))
    assert ban(proxy, OLD) == 0
    wait_until("the old ban in the file", lambda: bans_of(state) == {OLD})
    with nothing_is_cut(proxy, held) as established:
        fill(small_disk)
        assert ban(proxy, NEW) == 0
        proxy.wait_for_log("pin_guard.state_failed")
        assert bans_of(state) == {OLD}, "the old file is whole"
        with proxy.connect("http", source="127.0.0.9") as client:
            client.send(request("GET", "/"))
            there = backend.accept()
            there.head()
            there.send(answer(200, b"served"))
            assert client.message().body == b"served"
        established.lives()
        listed = run("rproxyd", "bans", "list", "--json", "--config", proxy.config)
        assert NEW in listed.stdout
        (small_disk / "filler").unlink()
        wait_until("the new ban in the file", lambda: bans_of(state) == {OLD, NEW})


def test_users_on_a_full_disk_are_left_as_they_are(small_disk):
    users = small_disk / "users.json"
    assert run("turnd", "user", "add", "alice", "--realm", REALM, "--file", users, stdin="wonder\n").returncode == 0
    before = users.read_text()
    fill(small_disk)
    refused = run("turnd", "user", "add", "bob", "--realm", REALM, "--file", users, stdin="builder\n")
    assert refused.returncode == 1 and "No space left on device" in refused.stderr
    assert users.read_text() == before
    assert sorted(each.name for each in small_disk.iterdir()) == ["filler", "users.json"]


def test_a_start_whose_announcement_finds_no_room_says_so(tmp_path, small_disk, guarded):
    fill(small_disk)
    (tmp_path / "rproxyd.json").write_text(json.dumps(guarded))
    done = run("rproxyd", "run", "--config", tmp_path / "rproxyd.json", "--announce", small_disk / "listeners")
    assert done.returncode == 1 and "No space left on device" in done.stderr
    assert not (small_disk / "listeners").exists()
