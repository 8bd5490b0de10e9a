"""coturn's own test clients against turnd, in every mode that coturn's scripts use them in
(examples/run_tests*.sh and examples/scripts), without a loss. They run side by side, since each of
them spends most of its time waiting."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from certificates import Certificate
from daemons import HOST, wait_until
from turnd import PASSWORD, USER, Peer, Turnd, configuration

HOST6 = "::1"
SECRET = "a secret of both sides"
END_SECONDS = 90
ALONE_SECONDS = 15
CHANCES = 8
USUAL = ["-m", "2", "-n", "40", "-l", "171", "-z", "5"]


@dataclass
class Mode:
    """`options` as the script has them, less the numbers that make it last for minutes. `{peer}` and
    `{peer6}` are the echo's addresses. `lacks`: what this version doesn't serve yet."""

    transport: str
    options: str
    server: str = HOST
    credentials: tuple = ("-u", USER, "-w", PASSWORD)
    numbers: tuple = tuple(USUAL)
    lacks: str = ""
    # RFC 8016 over a connection: this client then says things twice when it doesn't get an answer at
    # once, and counts on one alone (coturn's scripts say that they leave it out where it is worst). It
    # gets a quiet moment, and other chances.
    alone: bool = False


TIME_LIMITED = ("-u", "carol", "-W", SECRET)

MODES = {
    # examples/run_tests.sh and run_tests_conf.sh: each transport, a time-limited credential, an echoing
    # peer by IPv4 asked for by name, and -g, DONT-FRAGMENT
    "run_tests udp": Mode("udp", "-e {peer} -X -g", credentials=TIME_LIMITED),
    "run_tests tcp": Mode("tcp", "-t -e {peer} -X -g", credentials=TIME_LIMITED),
    "run_tests tls": Mode("tls", "-t -S -e {peer} -X -g", credentials=TIME_LIMITED),
    "run_tests dtls": Mode("dtls", "-S -e {peer} -X -g", credentials=TIME_LIMITED),
    "run_tests, its own numbers": Mode("udp", "-e {peer} -X -g", credentials=TIME_LIMITED, numbers=()),
    # run_tests_multiplex_peer.sh: without RTCP
    "multiplex_peer udp": Mode("udp", "-c -e {peer} -X -g", credentials=TIME_LIMITED),
    "multiplex_peer tcp": Mode("tcp", "-c -t -e {peer} -X -g", credentials=TIME_LIMITED),
    "multiplex_peer tls": Mode("tls", "-c -t -S -e {peer} -X -g", credentials=TIME_LIMITED),
    "multiplex_peer dtls": Mode("dtls", "-c -S -e {peer} -X -g", credentials=TIME_LIMITED),
    # run_tests_ipv6_relay.sh
    "ipv6_relay -x": Mode("udp", "-x -g -e {peer6}", HOST6, TIME_LIMITED),
    "ipv6_relay c2c": Mode("udp", "-y -g", HOST6, TIME_LIMITED),
    # run_tests_mobile.sh and scripts/mobile: RFC 8016
    "run_tests_mobile udp": Mode("udp", "-M -e {peer} -X -g", credentials=TIME_LIMITED),
    "run_tests_mobile tcp": Mode("tcp", "-M -t -e {peer} -X -g", credentials=TIME_LIMITED, alone=True),
    "mobile_udp_client": Mode("udp", "-e {peer} -X -g -M", HOST6),
    "mobile_dtls_client": Mode("dtls", "-S -e {peer6} -x -g -M -s", numbers=("-m", "1", "-n", "40", "-l", "170", "-z", "5"), alone=True),
    "mobile_tls_client_c2c_tcp_relay": Mode("tls", "-T -S -y -g -M", HOST6, lacks="mobility for TCP allocations: it answers 405"),
    # scripts/basic
    "udp_c2c_client": Mode("udp", "-y", numbers=("-m", "10", "-n", "60", "-l", "170", "-z", "15")),
    "tcp_client": Mode("tcp", "-t -e {peer} -X -g", HOST6),
    "tcp_client_c2c_tcp_relay": Mode("tcp", "-T -y -g", HOST6),
    # scripts/longtermsecure
    "secure_udp_client": Mode("udp", "-e {peer} -X -g", HOST6),
    "secure_udp_c2c": Mode("udp", "-s -g -y", HOST6),
    "secure_tls_client": Mode("tls", "-t -S -e {peer} -X -g", HOST6),
    "secure_tls_client_cert": Mode("tls", "-t -S -E {ca} -e {peer} -X -g", HOST6),
    "secure_dtls_client": Mode("dtls", "-S -e {peer6} -x -s -g"),
    "secure_dtls_client_cert": Mode("dtls", "-S -E {ca} -e {peer} -X -s -g"),
    # scripts/restapi
    "secure_udp_client_with_secret": Mode("udp", "-s -e {peer} -X -g", HOST6, TIME_LIMITED),
    # scripts/selfloadbalance: -G asks for more permissions and channels on the way, -N for what is wrong
    "extra requests, udp": Mode("udp", "-G -g -y", HOST6),
    "extra requests, udp to a peer": Mode("udp", "-G -e {peer} -X -g", HOST6),
    "extra requests, dtls": Mode("dtls", "-G -S -e {peer6} -x -g -s"),
    "extra requests, tcp": Mode("tcp", "-G -t -e {peer} -X -g", HOST6),
    "extra requests, tls": Mode("tls", "-G -t -S -e {peer} -X -g", HOST6),
    "extra requests, tcp relay": Mode("tcp", "-G -T -y -g", HOST6),
    "extra requests, tcp relay over tls": Mode("tls", "-G -T -S -y -g", HOST6),
    "negative tests": Mode("udp", "-N -y"),
    # What the scripts leave out
    "dual allocation": Mode("udp", "-Z -y"),
    "dual allocation, tcp": Mode("tcp", "-Z -t -y"),
    "dual allocation, tls over IPv6": Mode("tls", "-Z -t -S -y", HOST6),
    "even port": Mode("udp", "-e {peer}"),  # -c left out: each client reserves the next port for RTCP
    "IPv6 relay of an IPv4 client": Mode("udp", "-y -x"),
    "Send indications, tcp, padded": Mode("tcp", "-t -y -s -D"),
    "Send indications, tls": Mode("tls", "-t -S -y -s"),
    "length 1": Mode("udp", "-y", numbers=("-m", "1", "-n", "20", "-l", "1", "-z", "5")),
    "length 1400": Mode("udp", "-e {peer} -g", numbers=("-m", "2", "-n", "20", "-l", "1400", "-z", "5")),
    "length 1400, tls": Mode("tls", "-t -S -e {peer}", numbers=("-m", "2", "-n", "20", "-l", "1400", "-z", "5")),
    "twenty clients, tcp": Mode("tcp", "-t -y", numbers=("-m", "20", "-n", "20", "-l", "170")),
    "fixed user": Mode("udp", "-e {peer}", numbers=("-m", "1", "-n", "100", "-l", "171", "-z", "2")),
}
# The scripts named secure_dos_attack.sh: these send what is wrong (-R), ask and leave (-O) or go away in
# the middle (-B) until somebody ends them, from an address of their own, beside all those above.
NUISANCES = [Mode(transport, f"{'-t' if transport == 'tcp' else ''} {options}")
             for transport in ("udp", "tcp") for options in ("-B -N -R -G -y", "-O -N -R -G -y", "-R -e {peer} -X")]
NUISANCE_HOST = "127.0.0.66"

TRANSPORTS = ["udp", "tcp", "tls", "dtls"]


SERVED = {name: mode for name, mode in MODES.items() if not mode.lacks}


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("authority"), "authority", authority=True)


@pytest.fixture(scope="module")
def turnd(tmp_path_factory, authority):
    certificate = Certificate(authority.path.parent, "turn", f"IP:{HOST}", f"IP:{HOST6}", issuer=authority).file()
    configured = configuration(
        workers=2,
        listeners=[{"transport": transport, "address": address} | ({"certificates": [str(certificate)]} if transport.endswith("tls") else {})
                   for transport in TRANSPORTS for address in (f"{HOST}:0", f"[{HOST6}]:0")],
        clients={"rfc5766_channels": True, "mobility": True, "draft_dual_allocation": True}, relay={"addresses": [HOST, HOST6], "tcp": True},
        peers={"allow": ["127.0.0.0/8", HOST6]}, credentials={"shared_secrets": [SECRET]})
    with Turnd(tmp_path_factory.mktemp("turnd"), configured) as daemon:
        yield daemon


def port_of(turnd, transport: str, host: str) -> str:
    addresses = [each["address"] for each in turnd.listeners if each["transport"] == transport]
    return next(each.rpartition(":")[2] for each in addresses if each.startswith(host.join("[]") if ":" in host else host))


@pytest.fixture(scope="module")
def echo_port():
    """turnutils_peer, which sends everything back: to a port and, for RTCP, to the next one."""
    with Peer() as probe:  # a port that is free just now
        port = probe.address[1]
    with subprocess.Popen(["turnutils_peer", "-L", HOST, "-L", HOST6, "-p", str(port)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        def bound() -> bool:
            with open("/proc/net/udp") as table, open("/proc/net/udp6") as table6:
                return f":{port:04X} " in table.read() and f":{port:04X} " in table6.read()
        wait_until("turnutils_peer listens", bound)
        yield str(port)
        peer.kill()


@pytest.fixture(scope="module")
def start_client(turnd, echo_port, authority):
    """Starts a client that writes its report to a file."""

    def start(mode: Mode, report: Path, *more: str) -> subprocess.Popen:
        options = mode.options.format(peer=HOST, peer6=HOST6, ca=authority.path).split()
        with report.open("w") as out:
            return subprocess.Popen(
                ["turnutils_uclient", "-p", port_of(turnd, mode.transport, mode.server), *mode.numbers, *mode.credentials,
                 *options, *more, "-r", echo_port, mode.server], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    return start


def ended(process: subprocess.Popen, end: float) -> None:
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def reports(start_client, tmp_path_factory):
    """What each mode printed."""
    folder = tmp_path_factory.mktemp("reports")
    files = {name: folder / f"{number}.txt" for number, name in enumerate(SERVED)}
    nuisances = [start_client(mode, Path("/dev/null"), "-L", NUISANCE_HOST) for mode in NUISANCES]
    end = time.monotonic() + END_SECONDS
    for process in [start_client(mode, files[name]) for name, mode in SERVED.items() if not mode.alone]:
        ended(process, end)
    for each in nuisances:
        each.kill()
        each.wait()
    for name, mode in SERVED.items():
        for _ in range(CHANCES if mode.alone else 0):
            ended(start_client(mode, files[name]), time.monotonic() + ALONE_SECONDS)
            if "Total lost packets 0 " in files[name].read_text():
                break
    return {name: file.read_text(errors="replace") for name, file in files.items()}


@pytest.mark.parametrize("mode", [
    pytest.param(name, marks=[pytest.mark.skip(reason=f"this version has no {mode.lacks}")] if mode.lacks else []) for name, mode in MODES.items()])
def test_uclient(reports, mode):
    report = reports[mode]
    lost = re.search(r"Total lost packets (\d+) ", report)
    assert lost, report
    assert lost[1] == "0", report
    sent, received = re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", report)[-1]
    assert sent == received != "0", report


def test_stunclient(turnd):
    done = subprocess.run(["turnutils_stunclient", "-p", port_of(turnd, "udp", HOST), HOST],
                          capture_output=True, text=True, timeout=30)
    assert re.search(rf"UDP reflexive addr: {re.escape(HOST)}:\d+", done.stdout + done.stderr)
