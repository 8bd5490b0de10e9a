"""The packages on a Debian 12 with a systemd of its own. The tests are the life of one machine, in their order: installed, configured,
started, upgraded in the middle of a call, removed, installed again, purged."""

import json
import os
import pty
import re
import select
import shutil
import stat
import subprocess
import time
from contextlib import ExitStack

import pytest

from backend import Backend
from conftest import ADDRESS, ROOT
from daemons import WAIT_SECONDS, wait_until
from turnd import PASSWORD, USER, Peer, TurnClient
from wire import connect

DAEMONS = ["rproxyd", "turnd"]
MANUALS = ["rproxyd.8", "turnd.8", "rproxyd.json.5", "turnd.json.5", "vestibule-setup.8", "vestibule-import.8"]
CHANNEL = 0x4000
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CAP_NET_BIND_SERVICE = 1 << 10
ANSWERS = {
    "networks": {"nic0": {"ipaddress": ADDRESS, "netmask": "255.255.255.0", "gateway": "10.99.0.254"}}, "managementnetworks": ["10.99.0.0/24"],
    "hostname": "proxy", "domain": "example.com", "dns": ["10.99.0.53"], "ntp": ["10.99.0.123"], "conferencenodes": ["10.99.0.10"],
    "turnserver": {"enabled": True, "username": "pexip", "password": "admin1234"}, "enablecsp": True,
}


def install(machine, packages, name: str = "") -> subprocess.CompletedProcess:
    there = machine.path("/root/packages")
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir()
    chosen = [each for each in packages if name in each.name]
    for each in chosen:
        shutil.copy(each, there)
    return machine.run("dpkg", "--install", *(f"/root/packages/{each.name}" for each in chosen))


def main_pid(machine, name: str) -> str:
    return machine.property(f"{name}.service", "MainPID")


def processes(machine, name: str) -> list[str]:
    return machine.run("pgrep", "--exact", name, check=False).stdout.split()  # by its own name: without the starter


def configure(machine, name: str, configured: dict) -> None:
    """As an administrator: root's file, in a folder that gives it its group."""
    file = machine.path(f"/etc/vestibule/{name}.json")
    file.write_text(json.dumps(configured))
    file.chmod(0o640)


@pytest.fixture(scope="session")
def node(host):
    """The conferencing node: what it answers is up to the test."""
    with host:
        made = Backend(host=ADDRESS)
    yield made
    made.close()


@pytest.fixture(scope="session")
def configurations(node) -> dict:
    return {
        "rproxyd": {"workers": 1, "drain_timeout": "0s", "listeners": [{"address": f"{ADDRESS}:80"}, {"address": f"{ADDRESS}:443", "tls": {}}],
                    "pools": {"nodes": {"servers": [node.url]}}, "routes": [{"path": "/", "pool": "nodes"}, {"path": "/away", "redirect": "/"}],
                    "pin_guard": {"enabled": True, "state": "/var/lib/vestibule/bans.json"}, "log": {"access": "/var/log/vestibule/access.log"}},
        "turnd": {"workers": 1, "drain_timeout": "0s", "realm": "example.com", "listeners": [{"transport": "udp", "address": f"{ADDRESS}:3478"}],
                  "relay": {"addresses": [ADDRESS]}, "peers": {"allow": [f"{ADDRESS}/32"]}, "credentials": {"users": {USER: PASSWORD}}},
    }


# ---- as they are

def test_lintian_finds_nothing(packages):
    """Overrides carry their reasons (deploy/packages/lintian)."""
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning,info", "--tag-display-limit", "0", *packages], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_changelog_is_of_this_version(packages):
    for each in packages:
        version = subprocess.run(["dpkg-deb", "--field", each, "Version"], capture_output=True, text=True, check=True).stdout.strip()
        assert (ROOT / "deploy/packages/changelog").read_text().startswith(f"vestibule ({version}) ")


def test_nothing_but_debian_s_own_libraries_is_needed(packages):
    for each in packages:
        wanted = subprocess.run(["dpkg-deb", "--field", each, "Depends"], capture_output=True, text=True, check=True).stdout
        names = {name for name in re.findall(r"(?:^|[,|] )([a-z0-9.+-]+)", wanted)}
        listed = {line.strip() for line in (ROOT / "tests/packages/base.txt").read_text().splitlines()}
        basic = {"libc6", "libgcc-s1", "libstdc++6", "systemd-standalone-sysusers", "systemd-sysusers", "systemd-standalone-tmpfiles", "systemd-tmpfiles"}
        assert names <= listed | basic, names - listed - basic


# ---- installed

def test_installing_starts_nothing(machine, packages):
    install(machine, packages)
    for name in DAEMONS:
        assert machine.says("systemctl", "is-enabled", name) == "enabled"
        machine.run("systemctl", "start", name)
        assert machine.property(f"{name}.service", "ActiveState") == "inactive"
        assert machine.property(f"{name}.service", "ConditionResult") == "no"
        assert not processes(machine, name)


@pytest.mark.parametrize("path, owner, mode", [
    ("/etc/vestibule", "root:vestibule", 0o2750), ("/run/vestibule", "root:vestibule", 0o1770), ("/usr/sbin/rproxyd", "root:root", 0o755),
    ("/usr/sbin/turnd", "root:root", 0o755), ("/usr/lib/systemd/system/rproxyd.service", "root:root", 0o644),
    ("/etc/logrotate.d/vestibule-rproxyd", "root:root", 0o644), ("/usr/share/vestibule/deploy/installation", "root:root", 0o755)])
def test_files_are_whose_they_should_be(machine, path, owner, mode):
    assert machine.says("stat", "--format=%U:%G %a", path) == f"{owner} {mode:o}"


def test_each_daemon_is_a_user_of_its_own_who_cannot_log_in(machine):
    for name in DAEMONS:
        assert machine.says("getent", "passwd", f"vestibule-{name}").endswith("/usr/sbin/nologin")
        assert "vestibule" in machine.says("id", "--name", "--groups", f"vestibule-{name}").split()


@pytest.mark.parametrize("name", DAEMONS)
def test_units_are_sound_and_their_sandbox_is_tight(machine, name):
    verified = machine.run("systemd-analyze", "verify", f"/usr/lib/systemd/system/{name}.service")
    assert not verified.stderr, verified.stderr
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", machine.says("systemd-analyze", "security", "--no-pager", f"{name}.service"))
    assert float(level[1]) <= 2.0


def test_the_drop_in_for_relaying_in_the_kernel_gives_the_rights_that_it_takes(machine):
    drop_in = "/etc/systemd/system/turnd.service.d/offload.conf"
    machine.run("install", "-D", "-m", "0644", "/usr/share/doc/vestibule-turnd/examples/turnd-offload.conf", drop_in)
    try:
        machine.run("systemctl", "daemon-reload")
        verified = machine.run("systemd-analyze", "verify", "/usr/lib/systemd/system/turnd.service")
        assert not verified.stderr, verified.stderr
        given = machine.property("turnd.service", "AmbientCapabilities").split()
        assert {"cap_bpf", "cap_net_admin", "cap_perfmon", "cap_net_bind_service"} == set(given)
        assert "bpf" in machine.property("turnd.service", "SystemCallFilter").split()
    finally:
        machine.run("rm", "-r", "/etc/systemd/system/turnd.service.d")
        machine.run("systemctl", "daemon-reload")


@pytest.mark.parametrize("page", MANUALS)
def test_manual_pages_are_found_and_render_without_a_warning(machine, page):
    name, _, section = page.rpartition(".")
    rendered = machine.run("man", "--warnings", "--encoding=UTF-8", section, name)
    assert not rendered.stderr and len(rendered.stdout.splitlines()) > 15
    assert machine.says("man", "--whatis", "--sections", section, name)


def test_bash_finds_the_completions(machine):
    for name in DAEMONS:
        loaded = machine.says("bash", "-c", f". /usr/share/bash-completion/bash_completion; _completion_loader {name}; complete -p {name}")
        assert loaded == f"complete -F _{name} {name}"


def test_zsh_completes(machine):
    assert b"rproxyd bans remove" in typed_into_zsh(machine, b"rproxyd ba\t r\t")
    assert b"turnd sessions --client=" in typed_into_zsh(machine, b"turnd sessions --cl\t")


def typed_into_zsh(machine, keys: bytes) -> bytes:
    """What stands on the screen afterwards, without what moves about on it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chroot(machine.root)
        os.chdir("/root")
        os.execve("/bin/zsh", ["zsh", "-f", "-i"], {"TERM": "dumb", "PATH": "/usr/sbin:/usr/bin:/bin", "PS1": "> ", "HOME": "/root"})
    shown = b""

    def until(wanted: bytes) -> None:
        nonlocal shown
        end = time.monotonic() + WAIT_SECONDS
        while wanted not in shown:
            assert time.monotonic() < end, shown
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 4096)

    try:
        os.write(terminal, b"unsetopt zle prompt_cr; autoload -U compinit; compinit -u -D; setopt zle; print re''ady\n")
        until(b"ready\r\n")
        shown = b""
        os.write(terminal, keys)
        os.write(terminal, b"\x01print -r -- '\x05'; print do''ne\n")  # the line becomes what is printed
        until(b"done\r\n")
        return shown.replace(b"\x1b[?2004h", b"").replace(b"\x1b[?2004l", b"")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def test_the_examples_say_only_what_the_machine_does_not_have(machine):
    for name in DAEMONS:
        done = machine.run(name, "check", "--config", f"/usr/share/doc/vestibule-{name}/examples/{name}.json", check=False)
        problems = [line for line in done.stdout.splitlines() if line.startswith(("error", "warning"))]
        assert problems and all("No such file" in each or "users file can't be used" in each for each in problems), done.stdout


def test_the_wizard_and_the_import_run(machine):
    for name in ("setup", "import"):
        assert "usage:" in machine.says(f"vestibule-{name}", "--help")


# ---- configured

def test_what_the_wizard_writes_is_what_the_units_can_read(machine):
    machine.path("/root/answers.json").write_text(json.dumps(ANSWERS))
    machine.run("vestibule-setup", "--answers", "/root/answers.json", "--output", "/root/setup")
    machine.run("vestibule-setup", "--output", "/root/setup", "--apply", "--yes")
    for name in DAEMONS:
        assert machine.says("stat", "--format=%U:%G %a", f"/etc/vestibule/{name}.json") == "root:vestibule 640"
        machine.run("systemctl", "start", name)
        assert machine.says("systemctl", "is-active", name) == "active"
        machine.run("systemctl", "stop", name)
        machine.path(f"/etc/vestibule/{name}.json").unlink()


@pytest.mark.parametrize("name", DAEMONS)
def test_configured_it_starts_as_its_user_within_its_sandbox(machine, configurations, name):
    configure(machine, name, configurations[name])
    machine.run("systemctl", "start", name)
    assert machine.says("systemctl", "is-active", name) == "active"
    pid = main_pid(machine, name)
    status = dict(line.split(":\t", 1) for line in machine.says("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == CAP_NET_BIND_SERVICE
    assert machine.says("stat", "--format=%U", f"/proc/{pid}") == f"vestibule-{name}"
    assert machine.says("stat", "--format=%U %a", f"/run/vestibule/{name}.sock") == f"vestibule-{name} 600"
    assert "started" in machine.journal(name) and "<6>" not in machine.journal(name)
    assert machine.run("sh", "-c", f"echo x > /proc/{pid}/root/etc/vestibule/{name}.json", check=False).returncode != 0


def test_what_the_reverse_proxy_keeps_is_its_own(machine):
    for folder in ("/var/lib/vestibule", "/var/log/vestibule"):
        assert machine.says("stat", "--format=%U:%G %a", folder) == "vestibule-rproxyd:vestibule 750"
    assert machine.says("stat", "--format=%U:%G %a", "/var/log/vestibule/access.log") == "vestibule-rproxyd:vestibule 640"


def test_systemctl_reload_reads_the_configuration_again(machine, configurations):
    for name in DAEMONS:
        pid = main_pid(machine, name)
        configure(machine, name, configurations[name] | {"log": configurations[name].get("log", {}) | {"level": "debug"}})
        machine.run("systemctl", "reload", name)
        wait_until(f"{name}'s reload", lambda: "reload.done" in machine.journal(name))
        assert main_pid(machine, name) == pid


def test_logs_are_rotated_and_go_on(machine, host):
    log = machine.path("/var/log/vestibule/access.log")
    redirected(host, log)
    before = log.stat().st_ino
    machine.run("logrotate", "--force", "/etc/logrotate.d/vestibule-rproxyd")
    wait_until("a new log", lambda: log.exists() and log.stat().st_ino != before)
    assert stat.S_IMODE(log.stat().st_mode) == 0o640
    redirected(host, log)
    assert "/away" in machine.path("/var/log/vestibule/access.log.1").read_text()


def redirected(host, log) -> None:
    """A request that leaves a line."""
    lines = log.read_text().count("\n")
    with host:
        client = connect(ADDRESS, 80)
    client.send(b"GET /away HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n")
    assert client.message().status == 302
    client.close()
    wait_until("a line in the access log", lambda: log.exists() and log.read_text().count("\n") > lines)


# ---- upgraded

class Stream:
    """An event stream through the proxy."""

    def __init__(self, host, node):
        with host:
            self._client = connect(ADDRESS, 80)
            self._client.send(b"GET /events HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n")
            self._there = node.accept()
        self._there.head()
        self._there.send(STREAM_HEAD)
        self._client.head()

    def lives(self) -> None:
        self._there.send(b"3\r\nabc\r\n")
        assert self._client.chunk() == b"abc"

    def end(self) -> None:
        self._there.send(b"0\r\n\r\n")
        assert self._client.chunk() == b"" and self._client.trailers() == []
        self._client.close()


class Call:
    """A relayed call: packets with a number, both ways."""

    def __init__(self, host):
        with host:
            self._client = TurnClient((ADDRESS, 3478))
            self._peer = Peer(ADDRESS)
        self._client.allocate()
        self._client.bind(CHANNEL, self._peer.address)
        self._sent = 0

    def lives(self) -> None:
        self._sent += 1
        packet = self._sent.to_bytes(4)
        self._client.send_channel(CHANNEL, packet)
        got, relay = self._peer.receive()
        assert got == packet
        self._peer.send(packet, relay)
        assert self._client.receive_channel(CHANNEL) == packet

    def end(self) -> None:
        self._client.close()
        self._peer.socket.close()


def test_an_upgrade_takes_over_and_cuts_nobody(machine, host, node, next_version):
    old = {name: main_pid(machine, name) for name in DAEMONS}
    with ExitStack() as ending:
        stream, call = Stream(host, node), Call(host)
        for each in (stream, call):
            each.lives()
            ending.callback(each.end)
        done = install(machine, next_version(1))
        for name in DAEMONS:
            new = main_pid(machine, name)
            assert new not in ("0", old[name]), done.stdout + done.stderr + machine.journal(name)
            assert machine.says("systemctl", "is-active", name) == "active"
            assert machine.property(f"{name}.service", "NRestarts") == "0"
            assert machine.says("ps", "-o", "ppid=", "-p", new).strip() == "1"  # systemd notices its end
        assert old["rproxyd"] in processes(machine, "rproxyd")  # it has the stream
        for each in (stream, call):
            each.lives()
    wait_until("the end of the old rproxyd", lambda: processes(machine, "rproxyd") == [main_pid(machine, "rproxyd")])
    wait_until("the end of the old turnd", lambda: processes(machine, "turnd") == [main_pid(machine, "turnd")])
    for name in DAEMONS:
        assert machine.says("systemctl", "is-active", name) == "active"
        assert "take_over" in machine.journal(name)


def test_the_new_process_keeps_the_watchdog_quiet(machine):
    """Or systemd would end it after WatchdogSec."""
    for name in DAEMONS:
        said = machine.property(f"{name}.service", "WatchdogTimestampMonotonic")
        wait_until(f"{name} says that it lives", lambda: machine.property(f"{name}.service", "WatchdogTimestampMonotonic") != said)


def test_systemd_starts_the_new_process_anew_when_it_dies(machine):
    pid = main_pid(machine, "turnd")
    machine.run("kill", "-KILL", pid)
    wait_until("a new turnd", lambda: main_pid(machine, "turnd") not in ("0", pid) and machine.property("turnd.service", "ActiveState") == "active")
    assert machine.property("turnd.service", "NRestarts") == "1"


def test_an_upgrade_that_cannot_take_over_leaves_the_old_one_serving_and_says_so(machine, host, configurations, next_version):
    pid = main_pid(machine, "turnd")
    configure(machine, "turnd", configurations["turnd"] | {"realn": ""})
    with ExitStack() as ending:
        call = Call(host)
        ending.callback(call.end)
        said = install(machine, next_version(2), "turnd").stderr
        call.lives()
    assert "the running turnd is still the version of before" in said and "unknown key" in said
    assert main_pid(machine, "turnd") == pid
    assert machine.says("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Version}", "vestibule-turnd").startswith("ii ")
    configure(machine, "turnd", configurations["turnd"])
    machine.run("systemctl", "restart", "turnd")


# ---- removed

def test_removed_it_ends_and_leaves_what_is_the_administrator_s(machine):
    machine.run("dpkg", "--remove", "vestibule-rproxyd", "vestibule-turnd", "vestibule-setup")
    for name in DAEMONS:
        assert not processes(machine, name)
        assert machine.path(f"/etc/vestibule/{name}.json").exists()
        assert not machine.path(f"/usr/sbin/{name}").exists()
    assert machine.path("/var/log/vestibule/access.log.1").exists() and machine.path("/etc/logrotate.d/vestibule-rproxyd").exists()
    assert not machine.path("/usr/share/vestibule").exists()  # and nothing that Python left
    machine.run("logrotate", "--force", "/etc/logrotate.d/vestibule-rproxyd")  # what is left behind must do no harm


def test_installed_again_it_starts_with_what_was_left(machine, packages):
    install(machine, packages)
    for name in DAEMONS:
        assert machine.says("systemctl", "is-active", name) == "active"


def test_purged_it_is_gone_and_the_other_keeps_what_it_needs(machine):
    machine.path("/etc/vestibule/proxy.pem").write_text("a certificate of both")
    machine.run("dpkg", "--purge", "vestibule-rproxyd")
    for path in ("/etc/vestibule/rproxyd.json", "/var/lib/vestibule", "/var/log/vestibule", "/etc/logrotate.d/vestibule-rproxyd",
                 "/usr/share/doc/vestibule-rproxyd", "/etc/systemd/system/multi-user.target.wants/rproxyd.service"):
        assert not os.path.lexists(machine.path(path)), path
    assert machine.path("/etc/vestibule/turnd.json").exists() and machine.path("/etc/vestibule/proxy.pem").exists()
    assert machine.says("systemctl", "is-active", "turnd") == "active"
    machine.run("dpkg", "--purge", "vestibule-turnd", "vestibule-setup")
    assert not machine.path("/etc/vestibule").exists() and not processes(machine, "turnd")
    assert not machine.run("systemctl", "list-unit-files", "rproxyd.service", "turnd.service", "--no-legend", check=False).stdout
