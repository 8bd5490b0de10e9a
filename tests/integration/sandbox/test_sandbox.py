"""What the daemons give up before they serve, and that they go on working without it (docs/sandbox.md)."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import rproxyd
import turnd
from admin import ask, command
from daemons import HOST, Daemon, program, run, wait_until, write_private
from namespaces import Network
from turnd import Reloading

LISTENING = 1 << 10  # CAP_NET_BIND_SERVICE
DAC_OVERRIDE, NET_ADMIN = 1 << 1, 1 << 12
NOBODY = pwd.getpwnam("nobody")

# Sanitizers need what the sandbox takes away: their builds have no filters.
pytestmark = pytest.mark.skipif(any(each in program("turnd").read_bytes() for each in (b"__asan_init", b"__tsan_init")),
                                reason="a build with sanitizers has no filters: the step `sandbox` runs this with the release build")


def kernel_status(pid: int) -> dict[str, str]:
    return dict(re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))


def sandbox_of(daemon: Daemon) -> dict:
    return command(daemon.folder / f"{daemon.name}.sock", {"command": "status"})["sandbox"]


@contextmanager
def successor(daemon: Daemon):
    """The status of the process that took over from it, which ends afterwards."""
    said = command(daemon.folder / f"{daemon.name}.sock", {"command": "status"})
    try:
        yield said
    finally:
        os.kill(said["pid"], signal.SIGTERM)
        wait_until("the end of the successor", lambda: not Path(f"/proc/{said['pid']}").exists())


@pytest.fixture
def home(tmp_path_factory):
    """A folder that nobody owns, on a way that everybody may go."""
    folder = tmp_path_factory.mktemp("home")
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(each.stat().st_mode | 0o111)
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder


def given_to_nobody(daemon: Daemon) -> Daemon:
    os.chown(daemon.config, NOBODY.pw_uid, NOBODY.pw_gid)
    return daemon


@pytest.mark.parametrize("name,kept", [("rproxyd", DAC_OVERRIDE | LISTENING), ("turnd", DAC_OVERRIDE | LISTENING | NET_ADMIN)])
def test_root_without_a_configured_user_gives_up_all_but_what_it_uses(start, name, kept):
    daemon = start(name)
    status = kernel_status(daemon.pid)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == kept
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    sandbox = sandbox_of(daemon)
    assert (sandbox["user"], sandbox["no_new_privileges"], sandbox["seccomp"], sandbox["landlock"], sandbox["core_dumps"]) == (
        "root", "on", "on", "on", "off")
    assert [each for each in sandbox["remarks"] if each.startswith("runs as root")]
    assert json.loads(ask(daemon, "/status")[2])["sandbox"] == sandbox
    said = run(name, "status", "--socket", daemon.folder / f"{name}.sock").stdout
    assert "Runs as root with " in said and "no_new_privs on, seccomp on, Landlock on, core dumps off." in said


@pytest.mark.parametrize("key,shown", [("seccomp", "seccomp"), ("landlock", "landlock")])
@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_each_filter_can_be_turned_off(start, name, key, shown):
    daemon = start(name, sandbox={key: False})
    sandbox = sandbox_of(daemon)
    others = {"seccomp", "landlock", "no_new_privileges"} - {shown}
    assert sandbox[shown] == "off" and all(sandbox[each] == "on" for each in others)
    assert kernel_status(daemon.pid)["Seccomp"] == ("0" if key == "seccomp" else "2")


def test_all_of_it_can_be_turned_off(start):
    daemon = start("turnd", sandbox={"drop_capabilities": False, "no_new_privileges": False, "seccomp": False, "landlock": False,
                                     "core_dumps": True})
    status = kernel_status(daemon.pid)
    assert status["NoNewPrivs"] == "0" and status["Seccomp"] == "0"
    assert status["CapEff"] == kernel_status(os.getpid())["CapEff"]
    sandbox = sandbox_of(daemon)
    assert {sandbox[each] for each in ("no_new_privileges", "seccomp", "landlock")} == {"off"} and sandbox["core_dumps"] == "on"


def test_memory_can_not_be_read_by_others_of_the_same_user_nor_dumped(start):
    """PR_SET_DUMPABLE 0: the kernel gives the process's files to root."""
    daemon = start("turnd", sandbox={"core_dumps": False})
    daemon.signal(signal.SIGSEGV)
    daemon.wait(expect=-signal.SIGSEGV)
    assert not list(Path(daemon.folder).glob("core*"))


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_root_becomes_the_configured_user_and_keeps_one_capability(home, running, certificate, name):
    pem = home / "certificate.pem"
    shutil.copy(certificate.file(), pem)
    os.chown(pem, NOBODY.pw_uid, NOBODY.pw_gid)
    changes = {"sandbox": {"user": "nobody"}, "admin": {"socket": str(home / f"{name}.sock")}}
    if name == "turnd":
        daemon = given_to_nobody(turnd.Turnd(home, turnd.configuration(**changes)))
    else:
        daemon = given_to_nobody(rproxyd.Rproxyd(home, rproxyd.configuration(home, pem, [f"http://{HOST}:9"], **changes)))
    running.enter_context(daemon)
    status = kernel_status(daemon.pid)
    assert status["Uid"].split() == [str(NOBODY.pw_uid)] * 4 and status["Gid"].split() == [str(NOBODY.pw_gid)] * 4
    assert "0" not in status["Groups"].split()
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == LISTENING
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    sandbox = sandbox_of(daemon)
    assert sandbox["user"] == "nobody" and sandbox["capabilities"] == ["net_bind_service"] and sandbox["remarks"] == []
    assert (home / f"{name}.sock").stat().st_uid == NOBODY.pw_uid


def test_a_port_below_1024_can_be_opened_by_a_reload(home):
    configured = turnd.configuration(sandbox={"user": "nobody"}, listeners=[{"transport": "tcp", "address": f"{HOST}:349"}])
    with Network() as network, network.host("machine"), given_to_nobody(turnd.Turnd(home, configured)) as daemon:
        reloading = Reloading(daemon)
        reloading.config["listeners"].append({"transport": "tcp", "address": f"{HOST}:348"})
        daemon.config.write_text(json.dumps(reloading.config))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("reload.done")
        listening = subprocess.run(["ss", "--tcp", "--listening", "--numeric"], capture_output=True, text=True).stdout
        assert f"{HOST}:348" in listening and f"{HOST}:349" in listening


def test_what_the_user_could_not_read_in_a_reload_is_found_at_the_start(home):
    secret = write_private(home / "secret", "0123456789abcdef")  # root's
    config = write_private(home / "turnd.json", json.dumps(turnd.configuration(
        sandbox={"user": "nobody"}, credentials={"shared_secrets_file": str(secret)})))
    os.chown(config, NOBODY.pw_uid, NOBODY.pw_gid)
    done = run("turnd", "run", "--config", config)
    assert done.returncode == 1
    assert f"{secret}" in done.stderr or "shared_secrets_file" in done.stderr
    assert "Permission denied" in done.stderr and 'read as user nobody, whom "sandbox.user" names' in done.stderr


def test_a_user_that_is_not_there_is_a_problem_of_the_file(tmp_path):
    config = write_private(tmp_path / "turnd.json", json.dumps(turnd.configuration(sandbox={"user": "no-such-user"})))
    for arguments in (("check",), ("run",)):
        done = run("turnd", *arguments, "--config", config)
        assert done.returncode == 1 and "/sandbox/user: there is no user no-such-user" in done.stdout + done.stderr


def test_who_is_not_root_stays_who_it_is_and_says_so(home):
    configured = turnd.configuration(sandbox={"user": "daemon"}, admin={"address": None, "socket": str(home / "turnd.sock")})
    config = write_private(home / "turnd.json", json.dumps(configured))
    os.chown(config, NOBODY.pw_uid, NOBODY.pw_gid)
    binary = shutil.copy(program("turnd"), home)  # the build's folder may be root's alone
    with subprocess.Popen(["setpriv", "--reuid=nobody", f"--regid={NOBODY.pw_gid}", "--clear-groups", binary, "--config", config],
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_until("turnd's socket", (home / "turnd.sock").exists)
            status = command(home / "turnd.sock", {"command": "status"})
        finally:
            process.terminate()
    assert status["sandbox"]["user"] == "nobody" and status["sandbox"]["capabilities"] == []
    assert status["sandbox"]["remarks"] == ["runs as nobody, not as daemon: only root can become another user"]
    assert process.returncode == 0


def test_a_successor_of_an_unprivileged_daemon_begins_as_root_and_becomes_the_user_again(home, running):
    """What it may open is what it names, not what its predecessor named."""
    configured = turnd.configuration(sandbox={"user": "nobody"}, admin={"socket": str(home / "turnd.sock")})
    daemon = running.enter_context(given_to_nobody(turnd.Turnd(home, configured)))
    done = run("turnd", "upgrade", "--socket", home / "turnd.sock")
    assert done.returncode == 0, done.stderr + daemon.log
    daemon.wait()
    with successor(daemon) as said:
        assert said["pid"] != daemon.pid and said["sandbox"]["user"] == "nobody"
        status = kernel_status(said["pid"])
        assert status["Seccomp_filters"] == "1" and int(status["CapEff"], 16) == LISTENING


def test_the_starter_ends_with_its_daemon(start):
    daemon = start("turnd")
    starters = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
    assert [Path(f"/proc/{each}/comm").read_text() for each in starters] == ["turnd-starter\n"]
    os.kill(int(starters[0]), signal.SIGTERM)  # as a service manager does to all
    assert Path(f"/proc/{starters[0]}").exists()
    daemon.kill()
    wait_until("the end of the starter", lambda: not Path(f"/proc/{starters[0]}").exists())


def test_a_reload_that_takes_files_beyond_reach_is_refused_and_an_upgrade_takes_them(start, tmp_path_factory, tmp_path):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "site"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("hello")
    daemon = start("rproxyd")
    changed = json.loads(daemon.config.read_text())
    changed["routes"].append({"path": "/site/", "static": str(elsewhere)})
    changed["drain_timeout"] = "0s"
    write_private(daemon.config, json.dumps(changed))
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log("reload.refused")
    assert f"{elsewhere.parent} is beyond what this process can reach; expected a folder that the configuration named at the start; " \
           "or `upgrade` (nobody is cut) or a restart" in daemon.log
    assert run("rproxyd", "upgrade", "--socket", daemon.folder / "rproxyd.sock").returncode == 0, daemon.log
    with successor(daemon), daemon.connect() as client:
        client.send(rproxyd.request("GET", "/site/index.html"))
        assert client.message().body == b"hello"


def test_a_file_that_another_mechanism_would_give_away_stays_beyond_reach(start, tmp_path, tmp_path_factory):
    """With a configured folder's link followed by the kernel itself, Landlock alone stands between."""
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("secret")
    page = tmp_path / "page.html"
    page.write_text("page")
    daemon = start("rproxyd", error_pages={"503": str(page)})
    page.unlink()
    page.symlink_to(outside)
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log("reload.refused")
    assert "Permission denied" in daemon.log and "may lie beyond what this process can reach" in daemon.log
