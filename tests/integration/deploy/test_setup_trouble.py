"""deploy/setup when something is in the way: certificates that can't serve, no room, no permission, ports that others have, folders of
which half is gone, and a kill at every step. What was there goes on working."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from certificates import Certificate, expired_certificate, openssl
from daemons import write_private
from machine import Machine
from namespaces import Network
from terminal import Terminal
from test_deployment import SETUP, SINGLE

ANSWERS = SINGLE | {"interfaces": {"nic0": "eth0"}}
FORMER = {"etc/resolv.conf": "nameserver 192.0.2.1\n", "etc/vestibule/turnd.json": '{ "credentials": { "users": { "pexip": "the former one" } } }\n',
          "etc/nftables.conf": "table inet former {}\n"}


def wizard(folder: Path, *arguments, expect: int = 0, stdin: str = "", before: tuple = ()) -> str:
    done = subprocess.run([*before, SETUP, "--output", folder / "out", "--root", folder / "root", *arguments], capture_output=True, text=True, input=stdin)
    said = done.stdout + done.stderr
    assert done.returncode == expect and "Traceback" not in said, said
    return said


@pytest.fixture
def folder(tmp_path) -> Path:
    """With a machine that was configured before."""
    for name, text in FORMER.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        write_private(tmp_path / "root" / name, text)
    (tmp_path / "root/etc/nftables.conf").chmod(0o755)
    (tmp_path / "root/etc/resolv.conf").rename(tmp_path / "root/etc/resolv.of-another")
    (tmp_path / "root/etc/resolv.conf").symlink_to("resolv.of-another")
    write_private(tmp_path / "answers.json", json.dumps(ANSWERS))
    return tmp_path


def state(root: Path) -> dict:
    """All that is there, modes and links included, but for empty folders."""
    return {str(path.relative_to(root)): (os.readlink(path) if path.is_symlink() else path.read_bytes(), path.lstat().st_mode)
            for path in root.rglob("*") if path.is_symlink() or path.is_file()}


# ---- certificates

UNFIT = {
    "another's key": (lambda own, other: own.certificate + other.key, "its private key is another certificate's"),
    "an encrypted key": (lambda own, other: own.certificate + openssl("pkey", "-aes128", "-passout", "pass:hush", stdin=own.key), "its private key is encrypted"),
    "no key": (lambda own, other: own.certificate, "holds no private keys"),
    "no certificate": (lambda own, other: "nothing of the kind\n", "holds no certificate"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_certificate_that_can_not_serve_is_refused_with_the_reason(folder, name):
    made, says = UNFIT[name]
    write_private(folder / "root/etc/vestibule/pexip.pem", made(Certificate(folder, "own"), Certificate(folder, "other")))
    before = state(folder / "root")
    assert says in wizard(folder, "--answers", folder / "answers.json", expect=1)
    assert state(folder / "root") == before and not (folder / "out").exists()


def test_an_unreadable_certificate_is_refused_with_the_reason(folder):
    (folder / "root/etc/vestibule/pexip.pem").mkdir()
    assert "pexip.pem: Is a directory" in wizard(folder, "--answers", folder / "answers.json", expect=1)


def test_a_certificate_for_another_name_or_of_the_past_is_said(folder):
    place = folder / "root/etc/vestibule/pexip.pem"
    shutil.copy(Certificate(folder, "elsewhere", "DNS:elsewhere.example.com").file(), place)
    assert "is not for proxy.example.com" in wizard(folder, "--answers", folder / "answers.json")
    write_private(place, expired_certificate(folder))
    assert "has expired" in wizard(folder, "--answers", folder / "answers.json")
    shutil.copy(Certificate(folder, "proxy", "DNS:proxy.example.com").file(), place)
    said = wizard(folder, "--answers", folder / "answers.json")
    assert "Note" not in said and not (folder / "out/etc/vestibule/pexip.pem").exists(), "it is kept"


def test_at_a_terminal_a_certificate_that_can_not_serve_is_asked_for_again(folder):
    write_private(folder / "root/etc/vestibule/broken.pem", "x")
    wizard(folder, "--answers", folder / "answers.json")
    terminal = Terminal([SETUP, "--output", folder / "out", "--root", folder / "root"])
    terminal.until(f"[{ANSWERS['networks']['nic0']['ipaddress']}]:")
    while "Certificate file" not in terminal.shown.splitlines()[-1]:
        terminal.type("")
    assert "holds no certificate" in terminal.type("/etc/vestibule/broken.pem")
    assert "not a whole path" in terminal.type("broken.pem")
    assert "Prepare this machine" in terminal.type("")
    terminal.hang_up()
    assert terminal.end() == 1


# ---- no room, no permission

def test_without_room_nothing_is_half_written(folder):
    """The output folder, and the machine."""
    script = 'mount -t tmpfs -o size=8k tmpfs "$1" && shift && exec "$@"'
    small = folder / "small"
    small.mkdir()
    mounted = ["unshare", "--mount", "bash", "-c", script, "mount", small]
    said = wizard(folder, "--answers", folder / "answers.json", "--output", small / "out", expect=1, before=(*mounted,))
    assert "No space left on device" in said
    wizard(folder, "--answers", folder / "answers.json")
    before = state(folder / "root")
    (folder / "root/var").mkdir()
    said = wizard(folder, "--apply", "--yes", expect=1, before=("unshare", "--mount", "bash", "-c", script, "mount", folder / "root/var"))
    assert "No space left on device; everything is as it was" in said
    (folder / "root/etc/systemd").mkdir(exist_ok=True)
    said = wizard(folder, "--apply", "--yes", expect=1, before=("unshare", "--mount", "bash", "-c", script, "mount", folder / "root/etc/systemd"))
    assert "No space left on device; everything is as it was" in said
    assert state(folder / "root") == before


def test_without_permission_nothing_is_half_written(folder):
    """Root without its power to override permissions."""
    wizard(folder, "--answers", folder / "answers.json")
    before = state(folder / "root")
    powerless = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    for closed in (folder / "root/etc", folder / "root/etc/vestibule", folder):
        mode = closed.stat().st_mode
        closed.chmod(0o555)
        written = ("--apply", "--yes") if closed != folder else ("--answers", folder / "answers.json", "--output", folder / "new/out")
        assert "Permission denied" in wizard(folder, *written, expect=1, before=powerless)
        closed.chmod(mode)
        assert state(folder / "root") == before


def test_a_port_that_somebody_else_has_is_named_before_anything_changes(tmp_path):
    with Network() as network, Machine(network.host("machine"), tmp_path / "machine") as machine:
        machine.host.ip("address add 198.51.100.130/25 dev lo")
        write_private(machine.root / "root/answers.json", json.dumps(ANSWERS))
        machine.run(SETUP, "--answers", "/root/answers.json", "--output", "/root/out")
        with machine.host:
            web = socket.create_server(("198.51.100.130", 443))
            turn = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            turn.bind(("0.0.0.0", 3478))
        said = machine.run(SETUP, "--output", "/root/out", "--apply", stdin="no\n")
        assert "TCP 198.51.100.130:443 is in use" in said and "stop it before rproxyd starts" in said
        assert "UDP 198.51.100.130:3478 is in use" in said and "198.51.100.130:80 " not in said
        assert "Nothing has changed." in said and not (machine.root / "etc/nftables.conf").exists()
        web.close()
        turn.close()


# ---- half of it

def test_an_output_folder_of_which_half_is_gone_is_not_applied(folder):
    wizard(folder, "--answers", folder / "answers.json")
    before = state(folder / "root")
    (folder / "out/etc/nftables.conf").unlink()
    assert "etc/nftables.conf is not there any more" in wizard(folder, "--apply", "--yes", expect=1)
    (folder / "out/files.txt").unlink()
    assert "files.txt: No such file" in wizard(folder, "--apply", "--yes", expect=1)
    assert state(folder / "root") == before
    wizard(folder, "--answers", folder / "out/answers.json")
    assert "Done." in wizard(folder, "--apply", "--yes")


def test_answers_that_were_cut_off_are_named(folder):
    wizard(folder, "--answers", folder / "answers.json")
    answers = folder / "out/answers.json"
    answers.write_text(answers.read_text()[:100])
    said = wizard(folder, expect=1)
    assert "answers.json:" in said and "to begin anew" in said


# It is killed when it is about to give or take a name for the Nth time, or ends before.
KILLED = """
import os, shutil, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from installation import output, setting_up
left = int(sys.argv[2])
def counted(real):
    def call(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    return call
for where, name in ((Path, "rename"), (output, "exchange"), (shutil, "rmtree")):
    setattr(where, name, counted(getattr(where, name)))
sys.exit(setting_up.main(sys.argv[3:], ""))
"""


def killed_at(step: int, folder: Path, *arguments) -> bool:
    done = subprocess.run([sys.executable, "-c", KILLED, SETUP.parent, str(step), "--output", folder / "out", "--root", folder / "root", *map(str, arguments)],
                          capture_output=True, text=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode != 0


def without_new(found: dict) -> dict:
    """A file that was not given its name is nobody's, and the next run removes it."""
    return {name: what for name, what in found.items() if not name.endswith(".new")}


def test_killed_at_any_step_of_applying_what_was_there_comes_back_and_a_second_run_completes(folder):
    wizard(folder, "--answers", folder / "answers.json")
    shutil.copytree(folder / "root", folder / "begin", symlinks=True)
    before = state(folder / "root")
    wizard(folder, "--apply", "--yes")
    complete = state(folder / "root")
    step, put_back = 0, 0
    while True:
        shutil.rmtree(folder / "root")
        shutil.copytree(folder / "begin", folder / "root", symlinks=True)
        if not killed_at(step, folder, "--apply", "--yes"):
            break
        said = wizard(folder, "--apply", stdin="no\n")
        if "there is nothing to change" in said:  # the very last steps
            assert without_new(state(folder / "root")) == complete
        else:
            put_back += "has been put back" in said
            assert without_new(state(folder / "root")) == before, step
        wizard(folder, "--apply", "--yes")
        assert state(folder / "root") == complete, step
        step += 1
    assert step > 20 and put_back > 10


def test_killed_at_any_step_of_writing_the_earlier_output_or_the_new_one_is_there_whole(folder):
    wizard(folder, "--answers", folder / "answers.json")
    earlier = state(folder / "out")
    write_private(folder / "other.json", json.dumps(ANSWERS | {"hostname": "other"}))
    step = 0
    while killed_at(step, folder, "--answers", folder / "other.json"):
        found = state(folder / "out")
        if json.loads(found["answers.json"][0])["hostname"] == "other":
            assert set(found) == set(earlier)
        else:
            assert found == earlier
        step += 1
        wizard(folder, "--answers", folder / "answers.json")
        assert not list(folder.glob(".out.*")), "what was left behind is gone"
        earlier = state(folder / "out")
    assert step > 1
