"""A reload moves and closes the admin address like everything else; what can't be done changes nothing."""

import json
import signal
import socket

import pytest

from admin import ask, command
from daemons import HOST, Daemon, wait_until, write_private

BOTH = pytest.mark.parametrize("name", ["rproxyd", "turnd"])


def reload(daemon: Daemon, **admin) -> str:
    """What the log says about it."""
    configured = json.loads(daemon.config.read_text())
    configured["admin"] |= admin
    write_private(daemon.config, json.dumps(configured))
    before = len(daemon.log)
    daemon.signal(signal.SIGHUP)
    wait_until("the reload's end", lambda: any(each in daemon.log[before:] for each in ("reload.done", "reload.refused")))
    return daemon.log[before:]


@BOTH
def test_a_token_is_asked_for_from_the_reload_on(start, tmp_path, name):
    daemon = start(name)
    assert ask(daemon, "/status")[0] == 200
    token_file = write_private(tmp_path / "token", "the-first-token-of-all")
    assert "reload.done" in reload(daemon, token_file=str(token_file))
    assert ask(daemon, "/status")[0] == 401
    assert ask(daemon, "/status", Authorization="Bearer the-first-token-of-all")[0] == 200
    write_private(token_file, "the-second-token-of-all")
    reload(daemon)
    assert ask(daemon, "/status", Authorization="Bearer the-first-token-of-all")[0] == 401
    assert ask(daemon, "/status", Authorization="Bearer the-second-token-of-all")[0] == 200


@BOTH
def test_the_socket_and_the_address_move(start, tmp_path, name):
    daemon = start(name)
    with socket.create_server((HOST, 0)) as other:
        free = other.getsockname()[1]
    assert "reload.done" in reload(daemon, socket=str(tmp_path / "moved.sock"), address=f"{HOST}:{free}")
    assert command(tmp_path / "moved.sock", {"command": "status"})["ok"]
    assert not (tmp_path / f"{name}.sock").exists()
    with socket.create_connection((HOST, free)) as moved:
        moved.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert moved.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


@BOTH
def test_an_address_that_is_taken_refuses_the_reload(start, name):
    daemon = start(name)
    with socket.create_server((HOST, 0)) as other:
        assert "reload.refused" in reload(daemon, address=f"{HOST}:{other.getsockname()[1]}")
    assert ask(daemon, "/healthz")[0] == 200
