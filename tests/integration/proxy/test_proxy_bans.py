"""rproxyd bans: what people do about the bans of a running daemon."""

import json
import re
import stat

import pytest

from daemons import run
from rproxyd import request


@pytest.fixture
def bans(start, backend, tmp_path):
    """Starts rproxyd, and gives what runs `rproxyd bans` against it."""
    proxy = start(backend.url, pin_guard={"enabled": True, "state": str(tmp_path / "bans.json")}, admin={"socket": str(tmp_path / "admin.sock")})

    def command(*words: str, code: int = 0) -> str:
        done = run("rproxyd", "bans", *words, "--config", proxy.config)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    command.proxy = proxy
    return command


def is_refused(proxy, source: str) -> bool:
    with proxy.connect("http", source=source) as client:
        try:
            client.send(request("GET", "/x/../../", "Connection: close"))
            return client.rest() == b""
        except OSError:
            return True


def test_a_ban_is_added_listed_and_lifted(bans):
    assert bans("add", "127.0.0.7", "--for", "10m") == "127.0.0.7 banned\n"
    assert is_refused(bans.proxy, "127.0.0.7") and not is_refused(bans.proxy, "127.0.0.8")
    head, line = bans().splitlines()
    assert head.split() == ["NETWORK", "LEFT", "BANS", "REFUSES", "REASON"]
    assert re.fullmatch(r"127\.0\.0\.7 +(10 min 0 s|9 min 5\d s) +1  all +by hand", line), line
    assert bans("remove", "127.0.0.7") == "127.0.0.7 lifted\n"
    assert not is_refused(bans.proxy, "127.0.0.7")
    assert "127.0.0.7 is not banned" in bans("remove", "127.0.0.7", code=1)


def test_scripts_get_json(bans):
    assert json.loads(bans("add", "2001:db8::1", "--json")) == {"ok": True, "network": "2001:db8::/64"}
    listed = json.loads(bans("list", "--json"))
    assert listed["ok"] and not listed["dry_run"]
    ban = listed["bans"][0]
    assert (ban["network"], ban["by_hand"], ban["tokens_only"], ban["offences"], ban["room"]) == ("2001:db8::/64", True, False, 1, "")
    assert 290 <= ban["seconds_left"] <= 300
    assert json.loads(bans("remove", "nonsense", "--json", code=1))["ok"] is False


def test_all_bans_are_lifted_at_once_and_what_was_banned_by_hand_survives_a_restart(bans):
    for number in range(3):
        bans("add", f"127.0.0.{number + 2}", "--for", "1h")
    bans.proxy.stop()
    bans.proxy.start()
    assert is_refused(bans.proxy, "127.0.0.3")
    assert bans("clear") == "3 lifted\n"
    assert not is_refused(bans.proxy, "127.0.0.3")
    assert bans("clear") == "0 lifted\n"


def test_what_is_wrong_is_said(bans):
    assert '"\\"x is not an address; expected IPv4, IPv6' in bans("add", '"\\"x', code=1)
    assert "is not an address" in bans("add", "203.0.113.0/24", code=1)
    assert "is no time" in bans("add", "127.0.0.7", "--for", "soon", code=2)
    assert "1 s to 365 d" in bans("add", "127.0.0.7", "--for", "366d", code=1)
    bans.proxy.stop()
    assert "cannot reach the daemon at" in bans(code=1)


def test_the_socket_is_for_the_daemons_user_alone(bans, tmp_path):
    assert stat.S_IMODE((tmp_path / "admin.sock").stat().st_mode) == 0o600


def test_without_a_guard_there_are_no_bans(start, backend, tmp_path):
    socket = tmp_path / "admin.sock"
    start(backend.url, admin={"socket": str(socket)})
    done = run("rproxyd", "bans", "--socket", socket)
    assert (done.returncode, done.stderr) == (1, "rproxyd: the PIN guard is off: pin_guard.enabled is false\n")


def test_a_daemon_whose_socket_cannot_be_made_serves_and_says_so(start, backend, tmp_path):
    proxy = start(backend.url, admin={"socket": str(tmp_path / "nowhere/admin.sock")})
    proxy.wait_for_log("admin.unavailable")
    assert not is_refused(proxy, "127.0.0.2")
