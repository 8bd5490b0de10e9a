"""What rproxyd counts, as /metrics and /status say it."""

import json
import random
import signal
import ssl
import string
from datetime import datetime, timezone

import pytest

from admin import ask, command
from backend import Backend
from daemons import HOST, run, wait_until
from demo_node.process import DemoNode
from metrics import Metrics, check_with_promtool, wait_for_value
from responder import Responder
from rproxyd import request
from wire import client_tls, connect

PREFIX = "vestibule_rproxyd_"


def status(daemon) -> dict:
    return json.loads(ask(daemon, "/status")[2])


def counted(daemon, wanted: float, name: str, **labels) -> None:
    wait_for_value(daemon, wanted, PREFIX + name, **labels)


def get(daemon, target: str = "/", *fields: str, transport: str = "http", method: str = "GET") -> int:
    with daemon.connect(transport) as client:
        client.send(request(method, target, "Connection: close", *fields))
        return client.head().status


@pytest.fixture
def node(running) -> Responder:
    made = Responder("node1").start()
    running.callback(lambda: made.stop() if made._server else None)
    return made


def url(node: Responder) -> str:
    return f"http://{HOST}:{node._port}"


def test_requests_are_counted_by_what_served_them_and_by_status(start, node):
    daemon = start("rproxyd", servers=[url(node)],
                   routes=[{"path": "/", "pool": "nodes"}, {"path": "/home", "redirect": "/webapp/"},
                           {"path": "/fixed", "answer": {"status": 410, "body": "gone"}}])
    for code in (200, 404, 418):
        node.status = code
        assert get(daemon) == code
    assert [get(daemon, target) for target in ("/home", "/fixed", "/a/../../b")] == [302, 410, 400]
    for route, code in (("pool:nodes", 200), ("pool:nodes", 404), ("pool:nodes", "4xx"), ("redirect", 302), ("fixed", "4xx"), ("refused", 400)):
        counted(daemon, 1, "requests_total", route=route, code=code)
    shown = Metrics(daemon)
    assert shown.value(PREFIX + "requests_received_total", version="1.1") == 6
    assert shown.value(PREFIX + "request_first_byte_seconds_count", route="pool:nodes") == 3
    assert shown.value(PREFIX + "request_duration_seconds_count", route="pool:nodes") == 3
    assert shown.value(PREFIX + "backend_requests_total", pool="nodes", outcome="answered") == 3
    assert shown.value(PREFIX + "backend_first_byte_seconds_count", pool="nodes") == 3
    assert shown.value(PREFIX + "requests_in_progress") == 0
    totals = status(daemon)["totals"]
    assert (totals["requests"], totals["errors"]) == (6, 0)
    assert totals["received_bytes"] > 0 and totals["sent_bytes"] > 0


def test_no_client_makes_a_label(start, node):
    """Whatever is asked for, the series are those of the configuration."""
    daemon = start("rproxyd", servers=[url(node)], routes=[{"path": "/served/", "pool": "nodes"}], workers=1)
    dice = random.Random(4711)

    def word() -> str:
        return "zq" + "".join(dice.choice(string.ascii_letters) for _ in range(12))

    def throw(count: int) -> None:
        for _ in range(count):
            node.status = dice.randrange(200, 600)
            method = dice.choice(["GET", "POST", "PUT", word()])
            target = dice.choice(["/served/", "/"]) + word() + "?" + word()
            with daemon.connect("http") as client:
                client.send(request(method, target, f"X-{word()}: {word()}", "Connection: close", host=f"{word()}.example"))
                client.head()

    # Each label that there can be is there after the first few hundred.
    throw(400)
    before = Metrics(daemon)
    throw(200)
    after = Metrics(daemon)
    new = {each for each in after.series.keys() - before.series.keys() if each.name != PREFIX + "requests_total"}
    assert not new
    codes = {dict(each.labels)["code"] for each in after.series if each.name == PREFIX + "requests_total"}
    assert len(codes) <= 28 + 6
    assert "zq" not in after.text
    assert len(after.series) < 600


def test_an_event_stream_is_open_while_it_lasts_and_not_slow(start, running):
    backend = Backend()
    running.callback(backend.close)
    daemon = start("rproxyd", servers=[backend.url])
    with daemon.connect("http") as client:
        client.send(request("GET", "/events"))
        there = backend.accept()
        there.head()
        there.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.head()
        counted(daemon, 1, "event_streams_open")
        assert status(daemon)["gauges"]["event_streams"] == 1
    counted(daemon, 0, "event_streams_open")
    counted(daemon, 1, "event_streams_total")
    assert Metrics(daemon).value(PREFIX + "request_duration_seconds_count") == 0


def test_a_node_that_fails_is_seen_with_the_reason_and_its_history(start, node):
    daemon = start("rproxyd", servers=[url(node)])
    assert get(daemon) == 200
    name = f"{HOST}:{node._port}"
    assert Metrics(daemon).value(PREFIX + "backend_state", backend=name, state="up") == 1
    node.stop()
    assert get(daemon) == 502
    counted(daemon, 1, "backend_state", backend=name, state="resting")
    counted(daemon, 0, "backend_state", backend=name, state="up")
    shown = status(daemon)
    server = shown["pools"][0]["servers"][0]
    assert (server["address"], server["state"], server["why"]) == (name, "resting", "Connection refused")
    assert any("no server is up" in each["text"] for each in shown["warnings"])
    node.start()
    wait_until("it serves again", lambda: get(daemon) == 200)
    counted(daemon, 1, "backend_state", backend=name, state="up")
    shown = status(daemon)
    assert [each["state"] for each in shown["pools"][0]["servers"][0]["history"]] == ["up", "resting", "up"]
    assert not any("pool" in each["text"] for each in shown["warnings"])


def test_health_checks_show(start, running):
    node = running.enter_context(DemoNode(name="node1"))
    daemon = start("rproxyd", servers=[node.url], pool={"health": {"interval": "100ms", "timeout": "100ms", "fall": 1, "rise": 1}})
    wait_until("checks", lambda: Metrics(daemon).value(PREFIX + "backend_checks_total", result="passed") > 1)
    assert status(daemon)["pools"][0]["servers"][0]["state"] == "up"


def test_handshakes_are_counted_by_version_and_failures_by_reason(start, node):
    daemon = start("rproxyd", servers=[url(node)])
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        context = client_tls("http/1.1")
        context.minimum_version = context.maximum_version = version
        with daemon.connect("https", tls=context) as client:
            client.send(request())
            client.message()
        counted(daemon, 1, "tls_handshakes_total", version=name, resumed="false")
    with connect(HOST, daemon.port("https")) as plain:
        plain.send(b"GET / HTTP/1.1\r\n\r\n")
        plain.rest()
    counted(daemon, 1, "tls_handshake_failures_total", reason="not_tls")
    connect(HOST, daemon.port("https")).close()
    counted(daemon, 1, "tls_handshake_failures_total", reason="closed")
    assert Metrics(daemon).value(PREFIX + "tls_handshake_seconds_count") == 2


def test_connections_are_counted_and_those_that_are_refused(start, node):
    daemon = start("rproxyd", servers=[url(node)], limits={"connections": 2})
    address = next(each["address"] for each in daemon.listeners if each["transport"] == "http")
    held = [daemon.connect("http") for _ in range(2)]
    for each in held:
        each.send(request())
        each.message()
    with daemon.connect("http") as third:
        assert third.rest() == b""
    counted(daemon, 2, "connections_open", listener=address)
    counted(daemon, 2, "connections_open_by_kind", kind="http_1")
    counted(daemon, 1, "connections_refused_total", reason="connections")
    assert next(each for each in status(daemon)["listeners"] if each["address"] == address)["connections"] == 2
    for each in held:
        each.close()
    counted(daemon, 0, "connections_open", listener=address)
    counted(daemon, 2, "connections_total", listener=address)


def test_a_refused_reload_is_seen(start):
    daemon = start("rproxyd")
    assert Metrics(daemon).value(PREFIX + "last_reload_refused") == 0
    good = daemon.config.read_text()
    daemon.config.write_text(good.replace('"workers"', '"wrokers"'))
    daemon.signal(signal.SIGHUP)
    counted(daemon, 1, "last_reload_refused")
    counted(daemon, 1, "reloads_total", result="refused")
    shown = status(daemon)
    assert any("wrokers" in each for each in shown["configuration"]["last_refusal"]["problems"])
    assert any("reload" in each["text"] for each in shown["warnings"])
    daemon.config.write_text(good)
    daemon.signal(signal.SIGHUP)
    counted(daemon, 0, "last_reload_refused")
    counted(daemon, 1, "reloads_total", result="done")


def test_the_guard_shows_what_it_does(start, running, tmp_path):
    node = running.enter_context(DemoNode(name="node1"))
    daemon = start("rproxyd", servers=[node.url], pin_guard={"enabled": True, "max_failures": 2, "ignore": []})
    body = json.dumps({"display_name": "Ada", "pin": "0"}).encode()
    for _ in range(2):
        with daemon.connect("http") as client:
            client.send(request("POST", "/api/client/v2/conferences/demo/request_token", "Content-Type: application/json", body=body))
            client.message()
    counted(daemon, 2, "pin_guard_wrong_pins_total")
    counted(daemon, 1, "pin_guard_bans_active")
    guard = status(daemon)["guard"]
    assert (guard["wrong_pins"], guard["bans_active"]) == (2, 1)
    assert guard["bans"][0]["address"] == HOST and "demo" in guard["bans"][0]["reason"]
    with daemon.connect("http") as banned:
        assert banned.rest() == b""
    counted(daemon, 1, "connections_refused_total", reason="banned")
    assert command(tmp_path / "rproxyd.sock", {"command": "bans", "action": "remove", "address": HOST})["ok"]
    counted(daemon, 0, "pin_guard_bans_active")
    assert status(daemon)["guard"]["bans"] == []
    check_with_promtool(Metrics(daemon))


def test_the_end_of_a_certificate_is_known(start, certificate):
    daemon = start("rproxyd")
    shown = status(daemon)["certificates"][0]
    assert shown["file"] == str(certificate.file())
    assert "proxy.example.com" in shown["names"]
    ends = datetime.fromisoformat(shown["not_after"].replace("Z", "+00:00"))
    assert Metrics(daemon).value(PREFIX + "certificate_not_after_timestamp_seconds", certificate=shown["file"]) == ends.timestamp()
    assert shown["days_left"] == (ends - datetime.now(timezone.utc)).days


def test_all_of_it_satisfies_promtool(start, node):
    daemon = start("rproxyd", servers=[url(node)], workers=2)
    for _ in range(20):
        get(daemon, transport="https")
    counted(daemon, 20, "requests_total", code=200)
    check_with_promtool(Metrics(daemon))
    assert Metrics(daemon).value(PREFIX + "workers_answering") == 2


def test_a_drained_worker_is_not_waited_for_again(start, node):
    """Figures go on while one worker has ended and another still drains."""
    daemon = start("rproxyd", servers=[url(node)], workers=2, drain_timeout="60s")
    held = daemon.connect("http")
    held.send(b"GET / HT")
    wait_until("it is there", lambda: Metrics(daemon).value(PREFIX + "connections_open") == 1)
    daemon.signal(signal.SIGTERM)
    wait_until("drains", lambda: not daemon.running or status(daemon)["state"] == "draining")
    if daemon.running:
        assert Metrics(daemon).value(PREFIX + "serving") == 0
    held.close()
    daemon.wait()


def test_status_and_version_say_the_same(start):
    assert status(start("rproxyd"))["version"] in run("rproxyd", "--version").stdout
