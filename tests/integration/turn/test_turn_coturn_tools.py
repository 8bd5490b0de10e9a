"""coturn's own test clients against turnd, without a loss. They run side by side, since each of them
spends most of its time waiting."""

import re
import subprocess

import pytest

from daemons import HOST, wait_until
from turnd import PASSWORD, USER, Turnd, configuration

SECRET = "a secret of both sides"
COMMON = ["-m", "2", "-n", "40", "-l", "171", "-z", "5"]
FIXED_USER = ["-u", USER, "-w", PASSWORD]

MODES = {
    "udp, client to client": ("udp", [*FIXED_USER, "-y"]),
    "udp, without rtcp, IPv4 by name": ("udp", [*FIXED_USER, "-y", "-c", "-X"]),
    "udp, Send indications": ("udp", [*FIXED_USER, "-y", "-s"]),
    "udp, extra requests": ("udp", [*FIXED_USER, "-y", "-G"]),
    "udp, negative tests": ("udp", [*FIXED_USER, "-y", "-N"]),
    "udp, time-limited credential": ("udp", ["-u", "carol", "-W", SECRET, "-y"]),
    "udp, to a peer": ("udp", [*FIXED_USER, "-e", HOST]),
    "udp, IPv6 relay": ("udp", [*FIXED_USER, "-y", "-x"]),
    "tcp, client to client": ("tcp", [*FIXED_USER, "-t", "-y"]),
    "tcp, Send indications, padded": ("tcp", [*FIXED_USER, "-t", "-y", "-s", "-D"]),
    "tcp, to a peer": ("tcp", [*FIXED_USER, "-t", "-e", HOST]),
    "tls, client to client": ("tls", [*FIXED_USER, "-t", "-S", "-y"]),
    "tls, Send indications": ("tls", [*FIXED_USER, "-t", "-S", "-y", "-s"]),
}


@pytest.fixture(scope="module")
def turnd(tmp_path_factory):
    configured = configuration(
        workers=2, clients={"rfc5766_channels": True}, relay={"addresses": [HOST, "::1"]},
        peers={"allow": ["127.0.0.0/8", "::1"]}, credentials={"shared_secrets": [SECRET]})
    with Turnd(tmp_path_factory.mktemp("turnd"), configured) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def echo_port():
    """turnutils_peer, which sends everything back."""
    from turnd import Peer
    with Peer() as probe:  # a port that is free just now
        port = probe.address[1]
    with subprocess.Popen(["turnutils_peer", "-L", HOST, "-p", str(port)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        def bound() -> bool:
            with open("/proc/net/udp") as table:
                return f":{port:04X} " in table.read()
        wait_until("turnutils_peer listens", bound)
        yield port
        peer.kill()


@pytest.fixture(scope="module")
def reports(turnd, echo_port):
    """What each mode printed."""
    started = {}
    for name, (transport, options) in MODES.items():
        if "-e" in options:
            options = [*options, "-r", str(echo_port)]
        started[name] = subprocess.Popen(
            ["turnutils_uclient", "-p", str(turnd.port(transport)), *COMMON, *options, HOST],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    reports = {}
    for name, process in started.items():
        try:
            reports[name] = process.communicate(timeout=120)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            reports[name] = "no end in 120 s\n" + process.communicate()[0]
    return reports


@pytest.mark.parametrize("mode", MODES)
def test_uclient(reports, mode):
    report = reports[mode]
    lost = re.search(r"Total lost packets (\d+) ", report)
    assert lost, report
    assert lost[1] == "0", report
    sent, received = re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", report)[-1]
    assert sent == received != "0", report


def test_stunclient(turnd):
    done = subprocess.run(["turnutils_stunclient", "-p", str(turnd.port("udp")), HOST],
                          capture_output=True, text=True, timeout=30)
    assert re.search(rf"UDP reflexive addr: {re.escape(HOST)}:\d+", done.stdout + done.stderr)
