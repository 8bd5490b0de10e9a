"""turnd as a process: start, signals, limits under a flood, its commands."""

import json
import re
import signal
import socket

import pytest
from aioice import stun

from daemons import HOST, run, wait_until, write_private
from turnd import REALM, UDP_TRANSPORT, Refused, TurnClient, Turnd, configuration

FLOOD = 200_000  # requests
GROWTH = 4 << 20  # bytes that a process may grow by for reasons of its own


def allocate_request() -> bytes:
    message = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
    message.attributes["REQUESTED-TRANSPORT"] = UDP_TRANSPORT
    return bytes(message)


def test_a_flood_of_unauthenticated_requests_costs_no_memory_and_keeps_nobody_out(start, client):
    turnd = start()
    request = allocate_request()
    junk = [request, request[:-1], bytes(1200), b"\x40\x00\x00\x04abcd", request[:3], b""]
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
    for each in sources:
        each.bind(("127.0.0.77", 0))

    def flood(count: int) -> None:
        for number in range(count):
            sources[number % len(sources)].sendto(junk[number // 50 % len(junk)], turnd.address("udp"))

    flood(FLOOD // 10)  # so that every buffer has been used once
    before = turnd.resident_bytes()
    flood(FLOOD)
    alice = client(turnd)  # from another address, which nobody has flooded from
    alice.allocate()
    assert turnd.resident_bytes() < before + GROWTH
    for each in sources:
        each.close()


def test_a_source_gets_a_bounded_number_of_unauthenticated_answers(start):
    turnd = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.bind(("127.0.0.78", 0))
        source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for _ in range(5000):
            source.sendto(allocate_request(), turnd.address("udp"))
        with TurnClient(turnd.address("udp")) as behind:
            behind.request(stun.Method.BINDING)  # all of them have been looked at now
        source.setblocking(False)
        answers = 0
        try:
            while source.recv(2048):
                answers += 1
        except BlockingIOError:
            pass
        assert 0 < answers < 3000


def test_sigterm_lets_allocations_finish_and_takes_no_new_ones(start, client, peer):
    turnd = start(drain_timeout="60s")
    alice, late, stream = client(turnd), client(turnd), client(turnd, "tcp")
    alice.allocate()
    alice.bind(0x4000, peer.address)
    stream.request(stun.Method.BINDING)
    turnd.signal(signal.SIGTERM)
    turnd.wait_for_log("drain")

    def refused_now() -> bool:
        try:
            late.allocate()
            late.refresh(0)
        except Refused as refused:
            return refused.code == 508
        return False

    wait_until("new allocations are refused", refused_now)
    alice.send_channel(0x4000, b"still here")
    assert peer.receive()[0] == b"still here"
    peer.send(b"me too", alice.relayed)
    assert alice.receive_channel(0x4000) == b"me too"
    assert turnd.running
    alice.refresh(0)
    turnd.wait()


def test_sigterm_without_allocations_ends_at_once(start):
    turnd = start(drain_timeout="10m", workers=2)
    turnd.stop()


@pytest.mark.parametrize("seconds", ["0s", "1s"])
def test_the_drain_timeout_ends_what_is_left(start, client, seconds):
    turnd = start(drain_timeout=seconds)
    client(turnd).allocate()
    client(turnd, "tcp").allocate()
    turnd.stop()
    turnd.wait_for_log("drain.timeout")


def test_a_second_signal_ends_it_at_once(start, client):
    turnd = start(drain_timeout="10m")
    client(turnd).allocate()
    turnd.signal(signal.SIGTERM)
    turnd.wait_for_log("drain")
    turnd.signal(signal.SIGTERM)
    turnd.wait()


def test_a_taken_address_is_told_and_ends_the_start(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        address = f"{HOST}:{taken.getsockname()[1]}"
        config = write_private(tmp_path / "turnd.json", json.dumps(
            configuration() | {"listeners": [{"transport": "udp", "address": address}]}))
        done = run("turnd", "run", "--config", config)
        assert done.returncode == 1
        assert address in done.stderr


def test_check_finds_what_is_wrong(tmp_path):
    config = write_private(tmp_path / "turnd.json", json.dumps(configuration(), indent=2))
    assert run("turnd", "check", "--config", config).returncode == 0
    write_private(config, json.dumps(configuration() | {"raelm": REALM}, indent=2))
    done = run("turnd", "check", "--config", config)
    assert done.returncode == 1
    assert "raelm" in done.stdout and '"realm"' in done.stdout


def test_usage_is_2_and_the_version_is_told():
    assert run("turnd").returncode == 2
    assert run("turnd", "--no-such-option").returncode == 2
    assert run("turnd", "credential", "--user", "carol").returncode == 2
    assert re.fullmatch(r"turnd \d+\.\d+\.\d+\n", run("turnd", "--version").stdout)
    assert "credential" in run("turnd", "--help").stdout


def test_a_minted_credential_is_accepted(start, client, tmp_path):
    secret = write_private(tmp_path / "secret", "north\n")
    minted = run("turnd", "credential", "--secret-file", secret, "--user", "carol", "--ttl", "1h")
    assert minted.returncode == 0, minted.stderr
    told = dict(line.split(": ") for line in minted.stdout.splitlines())
    assert re.fullmatch(r"\d+:carol", told["username"])
    turnd = start(credentials={"shared_secrets": ["south", "north"]})
    client(turnd, user=told["username"], password=told["password"]).allocate()
    other = client(turnd, user=told["username"] + "x", password=told["password"])
    with pytest.raises(Refused):
        other.allocate()


def test_a_secret_that_everybody_may_read_is_not_used(tmp_path):
    secret = write_private(tmp_path / "secret", "north\n")
    secret.chmod(0o644)
    done = run("turnd", "credential", "--secret-file", secret, "--user", "carol", "--ttl", "1h")
    assert done.returncode == 1
    assert "everybody may read" in done.stderr


def test_what_a_daemon_counted_is_told_at_its_end(tmp_path):
    with Turnd(tmp_path) as turnd:
        with TurnClient(turnd.address("udp")) as alice:
            alice.allocate()
        turnd.stop()
        turnd.wait_for_log("stopped: turnd has ended allocations=1 packets_to_peers=0")
