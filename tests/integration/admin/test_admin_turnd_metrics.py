"""turnd's figures equal what its clients and peers did."""

import json
import re
import signal
import subprocess

import pytest
from aioice import stun

from admin import ask
from daemons import HOST, wait_until
from turnd import PASSWORD, USER, Peer, Refused, TurnClient

TRANSPORTS = ("udp", "tcp", "tls", "dtls")
SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


class Metrics(dict):
    """{"name": {{("label", "value"), …}: number}}"""

    def __init__(self, text: str):
        super().__init__()
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = SERIES.match(line).groups()
                self.setdefault(name, {})[frozenset(re.findall(r'(\w+)="([^"]*)"', labels or ""))] = float(value)

    def of(self, name: str, **labels) -> float:
        """The sum over the series that have these labels."""
        return sum(value for has, value in self.get(f"vestibule_turnd_{name}", {}).items() if set(labels.items()) <= has)


def metrics(daemon) -> Metrics:
    status, _, text = ask(daemon, "/metrics")
    assert status == 200
    return Metrics(text)


@pytest.fixture
def turnd(start, certificate):
    listeners = [{"transport": each, "address": f"{HOST}:0"} | ({"certificates": [str(certificate.file())]} if each.endswith("tls") else {})
                 for each in TRANSPORTS]
    return start("turnd", listeners=listeners, workers=2, relay={"ports": [50000, 50999]}, clients={"mobility": True, "rfc5766_channels": True})


@pytest.fixture
def peer(running) -> Peer:
    return running.enter_context(Peer())


@pytest.fixture
def client(running):
    def connect(where, transport: str = "udp", **options) -> TurnClient:
        return running.enter_context(TurnClient(where.address(transport), transport, **options))

    return connect


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_packets_and_bytes_are_counted_by_transport_and_direction(turnd, client, peer, transport):
    alice = client(turnd, transport)
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    for size in range(20):
        alice.send_channel(0x4000, bytes(size))
        assert peer.receive()[0] == bytes(size)
    for size in range(100, 107):
        peer.send(bytes(size), relayed)
        assert alice.receive_channel(0x4000) == bytes(size)
    now = metrics(turnd)
    for direction, packets, size in (("to_peers", 20, sum(range(20))), ("to_clients", 7, sum(range(100, 107)))):
        assert now.of("relayed_packets_total", direction=direction, transport=transport) == packets == now.of("relayed_packets_total", direction=direction)
        assert now.of("relayed_bytes_total", direction=direction, transport=transport) == size == now.of("relayed_bytes_total", direction=direction)
    assert now.of("allocations", transport=transport) == 1 == now.of("allocations")
    assert now.of("allocations_started_total") == 1
    assert now.of("permissions") == now.of("channels") == 1
    assert now.of("relay_ports") == 1000 and now.of("relay_ports_in_use", address=HOST) == 1
    assert now.of("listener_clients") == (0 if transport == "udp" else 1)
    assert now.of("handshakes_total", transport=transport, result="done") == (1 if transport.endswith("tls") else 0)
    assert now.of("handshakes_total", result="failed") == 0
    assert now.of("allocations_by_family", family="ipv4") == now.of("allocations_by_kind", kind="udp") == 1
    assert now.of("allocations_by_age") == 1

    alice.refresh(0)
    now = metrics(turnd)
    assert now.of("allocations") == now.of("relay_ports_in_use") == now.of("permissions") == 0
    assert now.of("allocations_ended_total", reason="deleted") == 1 == now.of("allocations_ended_total")
    assert now.of("allocation_lifetime_seconds_count") == 1


def test_coturns_load_is_counted_to_the_byte(turnd):
    """Ten clients of coturn's that talk to an echo: what they sent is what was relayed, both ways."""
    with Peer() as probe:
        port = probe.address[1]
    with subprocess.Popen(["turnutils_peer", "-L", HOST, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as echo:
        def bound() -> bool:
            with open("/proc/net/udp") as table:
                return f":{port:04X} " in table.read()
        wait_until("turnutils_peer listens", bound)
        done = subprocess.run(
            ["turnutils_uclient", "-u", USER, "-w", PASSWORD, "-p", str(turnd.port("udp")), "-e", HOST, "-r", str(port),
             "-c", "-m", "10", "-n", "50", "-l", "170", "-z", "5", HOST], capture_output=True, text=True, timeout=90)
        echo.kill()
    messages, returned = map(int, re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", done.stdout)[-1])
    sent, received = map(int, re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", done.stdout)[-1])
    assert (messages, sent) == (returned, received) and messages == 500, done.stdout
    now = metrics(turnd)
    for direction in ("to_peers", "to_clients"):
        assert now.of("relayed_packets_total", direction=direction, transport="udp") == messages
        assert now.of("relayed_bytes_total", direction=direction, transport="udp") == sent
    assert now.of("allocations_started_total") >= 10
    assert now.of("receive_batch_datagrams_sum") >= 1000
    assert now.of("authentications_total", result="right") > 10


def test_what_is_refused_and_dropped_is_counted_by_why(turnd, client, peer):
    alice = client(turnd)
    relayed = alice.allocate()
    for options in ({"password": "guess"}, {"user": "nobody"}):
        with pytest.raises(Refused, match="401"):
            client(turnd, **options).allocate()
    with pytest.raises(Refused, match="400"):
        alice.request(stun.Method.CHANNEL_BIND, CHANNEL_NUMBER=1, XOR_PEER_ADDRESS=peer.address)
    alice.send_channel(0x4444, b"no such channel")
    peer.send(b"without a permission", relayed)
    wait_until("the packets have come", lambda: metrics(turnd).of("dropped_packets_total", reason="no_permission") == 1)
    now = metrics(turnd)
    assert now.of("dropped_packets_total", reason="no_channel") == 1
    assert now.of("authentications_total", result="wrong") == 1
    assert now.of("authentications_total", result="unknown_user") == 1
    assert now.of("authentications_total", result="absent") == 3
    assert now.of("refused_requests_total", method="allocate", code="401") == 5
    assert now.of("refused_requests_total", method="channel_bind", code="400") == 1
    assert now.of("requests_total", method="channel_bind") == 1


def test_labels_come_from_fixed_sets_and_the_configuration(turnd, client):
    """Whatever names and addresses clients have, the series stay the same."""
    client(turnd).allocate()
    before = {(name, has) for name, series in metrics(turnd).items() for has in series}
    for number in range(5):
        client(turnd, source=f"127.0.0.{20 + number}").allocate()
        with pytest.raises(Refused):
            client(turnd, user=f"somebody-{number}").allocate()
    after = {(name, has) for name, series in metrics(turnd).items() for has in series}
    assert after == before


def test_promtool_finds_nothing_wrong_with_metrics_of_everything(turnd, client):
    for transport in TRANSPORTS:
        client(turnd, transport).allocate()
    text = ask(turnd, "/metrics")[2]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_handshake_that_fails_is_counted(turnd):
    from turnd import connected
    with connected(turnd.address("tls"), "tcp") as stranger:
        stranger.sendall(b"no TLS at all, but long enough to be looked at")
        while stranger.recv(4096):
            pass
    now = metrics(turnd)
    assert now.of("handshakes_total", transport="tls", result="failed") == 1 == now.of("listener_connections_total", transport="tls")
    assert now.of("listener_clients") == now.of("handshakes_total", result="done") == 0


def test_status_has_the_same_figures(turnd, client, peer, certificate):
    alice = client(turnd, "tls")
    alice.allocate()
    alice.bind(0x4000, peer.address)
    alice.send_channel(0x4000, b"hello")
    assert peer.receive()[0] == b"hello"
    status = json.loads(ask(turnd, "/status")[2])
    assert status["allocations"]["total"] == 1
    assert status["allocations"]["by_transport"] == {"udp": 0, "tcp": 0, "tls": 1, "dtls": 0}
    assert status["relay"] == [{"address": HOST, "ports": 1000, "ports_used": 1}]
    assert status["totals"]["bytes_to_peers"] == 5 and status["totals"]["packets_to_peers"] == 1
    assert status["gauges"]["allocations"] == 1
    assert {each["transport"]: each["connections"] for each in status["listeners"]} == {"udp": 0, "tcp": 0, "tls": 1, "dtls": 0}
    assert [each["file"] for each in status["certificates"]] == [str(certificate.file())]
    assert status["certificates"][0]["days_left"] > 0 and "localhost" in status["certificates"][0]["names"]
    assert status["configuration"]["reloads"] == {"done": 0, "refused": 0}
    assert status["configuration"]["last_refusal"] is None and status["configuration"]["needs_restart"] == []


def test_a_refused_reload_is_seen(turnd):
    turnd.config.write_text("{")
    turnd.signal(signal.SIGHUP)
    turnd.wait_for_log("reload.refused")
    wait_until("it is counted", lambda: metrics(turnd).of("reloads_total", result="refused") == 1)
    assert metrics(turnd).of("last_reload_refused") == 1
    status = json.loads(ask(turnd, "/status")[2])
    assert status["configuration"]["reloads"] == {"done": 0, "refused": 1}
    assert status["configuration"]["last_refusal"]["problems"]
    assert any("the latest reload was refused" in each["text"] for each in status["warnings"])
