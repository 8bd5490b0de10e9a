"""The admin address of both daemons."""

import json
import signal
import socket
import subprocess

import pytest

from admin import ask, command
from backend import Backend
from daemons import HOST, wait_until
from rproxyd import request
from turnd import TurnClient

BOTH = pytest.mark.parametrize("name", ["rproxyd", "turnd"])


@BOTH
def test_health_readiness_metrics_and_status(start, name):
    daemon = start(name)
    assert ask(daemon, "/healthz")[::2] == (200, "ok\n")
    assert ask(daemon, "/readyz")[::2] == (200, "ready\n")
    status, fields, metrics = ask(daemon, "/metrics")
    assert (status, fields["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert f'vestibule_{name}_build_info{{version="' in metrics
    status, fields, text = ask(daemon, "/status")
    shown = json.loads(text)
    assert (status, fields["Content-Type"]) == (200, "application/json")
    assert (shown["program"], shown["pid"], shown["state"], shown["workers"]) == (name, daemon.pid, "serving", 1)
    assert shown["configuration"]["file"] == str(daemon.config)
    served = [each for each in daemon.listeners if each["transport"] != "admin"]
    assert [{key: each[key] for key in ("transport", "address")} for each in shown["listeners"]] == served


@BOTH
def test_the_socket_gives_the_status_too(start, name, tmp_path):
    daemon = start(name)
    answer = command(tmp_path / f"{name}.sock", {"command": "status"})
    assert answer["ok"] and answer["program"] == name and answer["pid"] == daemon.pid


def drains_while_something_is_held(daemon):
    daemon.signal(signal.SIGTERM)
    wait_until("not ready", lambda: ask(daemon, "/readyz")[0] == 503)
    assert ask(daemon, "/healthz")[0] == 200
    assert json.loads(ask(daemon, "/status")[2])["state"] == "draining"
    daemon.signal(signal.SIGTERM)  # at once now
    daemon.wait()


def test_rproxyd_that_drains_is_healthy_and_not_ready(start, running):
    backend = Backend()
    running.callback(backend.close)
    daemon = start("rproxyd", drain_timeout="60s", servers=[backend.url])
    client = running.enter_context(daemon.connect("http"))
    client.send(request())
    backend.accept()
    drains_while_something_is_held(daemon)


def test_turnd_that_drains_is_healthy_and_not_ready(start, running):
    daemon = start("turnd", drain_timeout="60s")
    running.enter_context(TurnClient(daemon.address("udp"))).allocate()
    drains_while_something_is_held(daemon)


def test_metrics_satisfy_promtool(start):
    for name in ("rproxyd", "turnd"):
        metrics = ask(start(name), "/metrics")[2]
        done = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_an_address_in_use_is_said_and_the_daemon_serves(start):
    with socket.create_server((HOST, 0)) as other:
        address = f"{HOST}:{other.getsockname()[1]}"
        daemon = start("rproxyd", admin={"address": address})
        daemon.wait_for_log("admin.unavailable")
        assert daemon.connect("http")


def test_many_silent_connections_keep_nobody_out(start):
    daemon = start("turnd")
    silent = [socket.create_connection((HOST, daemon.port("admin"))) for _ in range(100)]
    assert ask(daemon, "/healthz")[0] == 200
    for each in silent:
        each.close()
