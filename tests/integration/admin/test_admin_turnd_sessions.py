"""turnd sessions and turnd status: the allocations of a running daemon, listed, ended, and watched in a terminal."""

import base64
import fcntl
import hmac
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pyte
import pytest
from aioice import stun

from daemons import SANITIZERS, program, run, wait_until
from turnd import Peer, Refused, TurnClient

OTHER = ("bob", "builder")
ROW = re.compile(r"[01]-\d+ ")


@pytest.fixture
def turnd(start):
    return start("turnd", workers=2, credentials={"users": {"pexip": "admin123", OTHER[0]: OTHER[1]}})


@pytest.fixture
def peer(running) -> Peer:
    return running.enter_context(Peer())


@pytest.fixture
def client(running, turnd):
    def connect(transport: str = "udp", **options) -> TurnClient:
        return running.enter_context(TurnClient(turnd.address(transport), transport, **options))

    return connect


@pytest.fixture
def command(turnd):
    """Runs a command of turnd's against the daemon."""

    def run_command(*words: str, code: int = 0) -> str:
        done = run("turnd", *words, "--config", turnd.config)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    return run_command


@pytest.fixture
def sessions(command):
    return lambda *words, code=0: command("sessions", *words, code=code)


def test_a_session_says_all_about_an_allocation(sessions, client, peer):
    alice = client("tcp")
    relayed = alice.allocate(700)
    alice.bind(0x4000, peer.address)
    alice.permit(("127.0.0.9", 1))
    alice.send_channel(0x4000, b"hello")
    assert peer.receive()[0] == b"hello"
    peer.send(b"abc", relayed)
    assert alice.receive_channel(0x4000) == b"abc"
    listed = json.loads(sessions("--json"))
    assert listed["ok"] and listed["workers_missing"] == 0
    session, = listed["sessions"]
    assert re.fullmatch(r"[01]-1", session["id"])
    own = alice.socket.getsockname()
    assert (session["user"], session["transport"], session["client"]) == ("pexip", "tcp", f"{own[0]}:{own[1]}")
    assert session["relays"] == [f"{relayed[0]}:{relayed[1]}"] and session["connected"] and session["kind"] == "udp"
    assert 0 <= session["age_seconds"] < 60 and 600 < session["seconds_left"] <= 700
    assert (session["permissions"], session["channels"]) == (2, 1)
    assert session["peers"] == [f"{peer.address[0]}:{peer.address[1]}", "127.0.0.9"]
    assert session["to_peers"] == {"packets": 1, "bytes": 5, "bits_per_second": 0}
    assert session["to_client"] == {"packets": 1, "bytes": 3, "bits_per_second": 0}
    assert "admin123" not in json.dumps(listed)

    head, line, summary = sessions().splitlines()
    assert head.split()[:4] == ["ID", "USER", "CLIENT", "VIA"] and line.split()[:4] == [session["id"], "pexip", session["client"], "tcp"]
    assert summary.startswith("1 session, ")


def test_sessions_are_chosen_sorted_and_limited(sessions, client):
    for each in (client(source="127.0.0.2"), client(source="127.0.0.3"), client(user=OTHER[0], password=OTHER[1])):
        each.allocate()

    def shown(*words: str) -> list[str]:
        return [each["client"].partition(":")[0] for each in json.loads(sessions("--json", *words))["sessions"]]

    assert shown("--user", "bob") == ["127.0.0.1"]
    assert shown("--client", "127.0.0.3") == ["127.0.0.3"]
    assert sorted(shown("--client", "127.0.0.2/31")) == ["127.0.0.2", "127.0.0.3"]
    assert shown("--sort", "client") == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert shown("--sort", "client", "--limit", "2") == ["127.0.0.1", "127.0.0.2"]
    assert "… and 2 more" in sessions("--limit", "1")
    assert "is no address" in sessions("--client", "nonsense", code=1)


def test_a_session_is_ended_at_once(turnd, sessions, client, peer):
    alice, other = client(), client()
    relayed, elsewhere = alice.allocate(), other.allocate()
    alice.permit(peer.address)
    other.permit(peer.address)
    mine = f"{relayed[0]}:{relayed[1]}"
    identity = next(each["id"] for each in json.loads(sessions("--json"))["sessions"] if mine in each["relays"])
    assert sessions("kill", identity) == f"{identity} ended\n"
    with pytest.raises(Refused, match="437"):
        alice.refresh(600)
    turnd.wait_for_log("session.ended")
    turnd.wait_for_log(f"id={identity}")
    peer.send(b"nobody is there", relayed)
    peer.send(b"hello", elsewhere)
    assert other.receive_indication() == (peer.address, b"hello")  # the other lives
    assert "is no session" in sessions("kill", identity, code=1)
    assert "is no session's id" in sessions("kill", "nonsense", code=1)
    with pytest.raises(Refused, match="437"):
        alice.request(stun.Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=peer.address)


def test_thousands_of_sessions_are_listed_and_packets_pass_meanwhile(turnd, sessions, client, peer):
    """In slices: more of them than one wake-up copies, with a packet on its way all the time."""
    clients = [client() for _ in range(700)]
    for each in clients:
        each.allocate()
    first = clients[0]
    first.bind(0x4000, peer.address)
    with subprocess.Popen([program("turnd"), "sessions", "--json", "--config", turnd.config], stdout=subprocess.PIPE, env=SANITIZERS | dict(os.environ)) as listing:
        passed = 0
        while listing.poll() is None and passed < 5000:
            first.send_channel(0x4000, b"on its way")
            assert peer.receive()[0] == b"on its way"
            passed += 1
            if passed == 1000:
                break
        listed = json.loads(listing.stdout.read())
    assert len({each["id"] for each in listed["sessions"]}) == 700
    assert passed > 0


def test_names_that_would_steer_a_terminal_are_escaped(sessions, turnd, client):
    """Whoever knows a shared secret chooses a name."""
    name = "9999999999:\x1b[2J\x1b]0;owned\x07"
    turnd.stop()
    turnd.config.write_text(turnd.config.read_text().replace('"users"', '"shared_secrets": ["north"], "users"'))
    turnd.start()
    password = base64.b64encode(hmac.digest(b"north", name.encode(), "sha1")).decode()
    client(user=name, password=password).allocate()
    shown = sessions()
    assert "\x1b" not in shown and "\\u001b[2J" in shown


def test_status_is_one_page(command, client, peer):
    alice = client("tcp")
    alice.allocate()
    alice.permit(peer.address)
    page = command("status")
    assert re.match(r"turnd \S+, serving for \d+ s, process \d+, 2 workers, /", page)
    assert re.search(r"^allocations +1$", page, re.MULTILINE) and re.search(r"^  over tcp +1$", page, re.MULTILINE)
    assert re.search(r"^127\.0\.0\.1 +1 +16,384$", page, re.MULTILINE)
    assert "warning: a listener has a self-signed certificate" in page
    assert "\x1b" not in page
    status = json.loads(command("status", "--json"))
    assert status["ok"] and status["program"] == "turnd" and status["allocations"]["total"] == 1


def test_without_a_daemon_it_says_where_it_looked(turnd, command, tmp_path):
    turnd.stop()
    for words in (["sessions"], ["sessions", "kill", "0-1"], ["sessions", "--watch"], ["status"]):
        said = command(*words, code=1)
        assert str(tmp_path / "turnd.sock") in said and "expected a running daemon" in said


# ---- a live view


class Terminal:
    """A command in a terminal of its own, and what can be seen in it."""

    def __init__(self, *words, width: int = 80, height: int = 24, **environment):
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._master, self._slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen([program("turnd"), *map(str, words)], stdin=self._slave, stdout=self._slave, stderr=self._slave,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env=SANITIZERS | {"PATH": os.environ["PATH"], "TERM": "xterm"} | environment)
        os.set_blocking(self._master, False)

    def resize(self, width: int, height: int) -> None:
        self.screen.resize(height, width)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self) -> list[str]:
        try:
            while data := os.read(self._master, 65536):
                self.raw += data
                self._stream.feed(data)
        except OSError:  # nothing more for now
            pass
        return [line.rstrip() for line in self.screen.display]

    def wait_for(self, what: str, condition) -> list[str]:
        return wait_until(what, lambda: (lines := self.read()) and condition(lines) and lines)

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def wait(self) -> int:
        def ended() -> bool:
            self.read()
            return self.process.poll() is not None
        wait_until("the view has ended", ended)
        self.read()
        return self.process.returncode

    @property
    def settings(self) -> list:
        return termios.tcgetattr(self._slave)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_error) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def watch(running, turnd):
    return lambda **options: running.enter_context(Terminal("sessions", "--watch", "--config", turnd.config, **options))


def is_empty(lines: list[str]) -> bool:
    return lines[0].startswith("0 sessions")


def test_the_live_view_shows_rates_and_leaves_the_terminal_as_it_was(client, peer, watch):
    alice = client()
    alice.allocate()
    alice.bind(0x4000, peer.address)
    view = watch()
    lines = view.wait_for("the table", lambda lines: ROW.match(lines[2]))
    assert lines[0].startswith("1 session, 0 bit/s to peers") and lines[1].split()[:3] == ["ID", "USER", "CLIENT"]
    assert lines[1].split()[-4:] == ["TO", "PEERS", "TO", "CLIENT"] and lines[2].count("bit/s") == 2

    def has_a_rate(lines: list[str]) -> bool:
        alice.send_channel(0x4000, bytes(1000))
        return re.search(r"[1-9][\d.]* [kM]?bit/s +0 bit/s$", lines[2]) is not None
    view.wait_for("a rate", has_a_rate)
    assert view.settings != view.before and b"\x1b[?1049h" in view.raw
    view.press(b"q")
    assert view.wait() == 0
    assert view.settings == view.before
    assert view.raw.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l")


@pytest.mark.parametrize("leave", ["Ctrl-C", "SIGTERM"])
def test_the_live_view_ends_on_a_signal_and_restores_the_terminal(watch, leave):
    view = watch()
    view.wait_for("a picture", is_empty)
    view.press(b"\x03") if leave == "Ctrl-C" else view.process.send_signal(signal.SIGTERM)
    assert view.wait() == 0
    assert view.settings == view.before and view.raw.endswith(b"\x1b[?1049l")


def test_the_live_view_fits_every_size_of_the_terminal(client, watch):
    for each in [client() for _ in range(30)]:
        each.allocate()
    view = watch()
    lines = view.wait_for("as many as fit", lambda lines: "… and 10 more" in lines)
    assert len([line for line in lines if ROW.match(line)]) == 20 and lines[23] == "q leaves"
    view.resize(40, 10)
    lines = view.wait_for("fewer", lambda lines: "… and 24 more" in lines and lines[9] == "q leaves")
    assert lines[1].split()[:2] == ["ID", "USER"] and lines[1].endswith("TO PEERS  TO CLIENT")
    view.resize(200, 50)
    lines = view.wait_for("all of it", lambda lines: "RELAYED" in lines[1] and "q leaves" in lines)
    assert len([line for line in lines if ROW.match(line)]) == 30
    view.press(b"q")
    assert view.wait() == 0


def test_the_live_view_has_colours_unless_it_is_asked_not_to(watch):
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        view = watch(**environment)
        view.wait_for("a picture", is_empty)
        assert (b"\x1b[1m" in view.raw) == coloured
        view.press(b"q")
        assert view.wait() == 0


def test_the_live_view_waits_for_a_daemon_that_is_replaced(turnd, watch):
    view = watch()
    view.wait_for("a picture", is_empty)
    turnd.stop()
    view.wait_for("the trouble", lambda lines: "cannot reach the daemon" in lines[0])
    turnd.start()
    view.wait_for("a picture", is_empty)
    view.press(b"q")
    assert view.wait() == 0


def test_where_there_is_no_terminal_the_view_is_printed_below_each_other(turnd, client):
    client().allocate()
    with subprocess.Popen([program("turnd"), "sessions", "--watch", "--config", turnd.config], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, env=SANITIZERS | dict(os.environ)) as process:
        lines = [process.stdout.readline().decode() for _ in range(6)]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert [line.split()[:2] for line in lines] == [["1", "session,"], ["ID", "USER"], [lines[2].split()[0], "pexip"]] * 2
    assert "\x1b" not in "".join(lines)
