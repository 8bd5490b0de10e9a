"""rproxyd status and rproxyd bans, as people see them."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from daemons import HOST, SANITIZERS, program, run, wait_until
from metrics import Metrics
from responder import Responder
from rproxyd import request


@pytest.fixture
def daemon(start, running):
    node = Responder("node1").start()
    running.callback(node.stop)
    made = start("rproxyd", servers=[f"http://{HOST}:{node._port}"], pin_guard={"enabled": True})
    with made.connect("http") as client:
        client.send(request("GET", "/", "Connection: close"))
        client.message()
    wait_until("counted", lambda: Metrics(made).value("vestibule_rproxyd_requests_total") == 1)
    made.node = f"{HOST}:{node._port}"
    return made


def at_a_terminal(width: int, *words, **environment) -> str:
    """What a command writes to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    done = subprocess.Popen([program("rproxyd"), *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                            env=SANITIZERS | dict(os.environ) | {"TERM": "xterm"} | environment)
    os.close(slave)
    written = b""
    try:
        while piece := os.read(master, 65536):
            written += piece
    except OSError:  # the other side is closed
        pass
    os.close(master)
    assert done.wait(60) == 0
    return written.decode().replace("\r\n", "\n")


def test_one_look_shows_nodes_listeners_and_certificates(daemon):
    done = run("rproxyd", "status", "--config", daemon.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(rf"rproxyd \S+, serving for .*, 1 workers, process {daemon.pid}\n", done.stdout)
    assert re.search(rf"^nodes +{re.escape(daemon.node)} +up +0 +1 +0 ", done.stdout, re.MULTILINE)
    assert "1 requests so far, 0 of them answered 5xx" in done.stdout
    assert "The PIN guard is on: 0 bans in force" in done.stdout
    assert "\x1b" not in done.stdout


def test_scripts_get_what_the_page_gets(daemon):
    done = run("rproxyd", "status", "--json", "--config", daemon.config)
    shown = json.loads(done.stdout)
    assert done.returncode == 0 and shown["pid"] == daemon.pid and shown["pools"][0]["servers"][0]["state"] == "up"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_fit_the_terminal(daemon, width):
    text = at_a_terminal(width, "status", "--config", daemon.config, NO_COLOR="1")
    assert "\x1b" not in text
    tables = text[text.index("POOL"):]
    assert max(map(len, tables.splitlines())) <= width
    assert daemon.node in tables


def test_there_is_colour_at_a_terminal_unless_it_is_unwanted(daemon):
    assert "\x1b[32mup\x1b[0m" in at_a_terminal(100, "status", "--config", daemon.config, NO_COLOR="")
    assert "\x1b" not in at_a_terminal(100, "bans", "--config", daemon.config, NO_COLOR="1")


def test_a_daemon_that_does_not_run_is_said(daemon):
    daemon.stop()
    done = run("rproxyd", "status", "--config", daemon.config)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot reach the daemon at" in done.stderr
