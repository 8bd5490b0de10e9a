"""What others' test tools say of rproxyd: testssl.sh of its TLS, slowhttptest of its patience."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from daemons import HOST
from responder import Responder

# testssl.sh's severities, from those of a finding that costs a grade.
BAD = {"LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"}

def findings(where: str, tmp_path, *checks: str) -> list[dict]:
    report = tmp_path / "testssl.json"
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--openssl", "/usr/bin/openssl", "--jsonfile", str(report),
                    *checks, where], capture_output=True, text=True, timeout=300)
    return json.loads(report.read_text())


def test_testssl_finds_nothing_that_costs_a_grade(start, backend, certificate, tmp_path):
    """Protocols, suites, forward secrecy and the known attacks. What it says of certificates is left out: a test's own
    can't please it."""
    proxy = start(backend.url)
    found = findings(f"{HOST}:{proxy.port('https')}", tmp_path, "-p", "-s", "-f", "-U")
    assert {each["id"]: each["finding"] for each in found}["TLS1_3"].startswith("offered")
    assert {each["id"]: each["finding"] for each in found if each["severity"] in BAD} == {}


SLOW_MODES = {
    "slow headers": ["-H", "-i", "5", "-x", "24"],
    "slow body": ["-B", "-i", "5", "-s", "8192", "-t", "POST", "-x", "10"],
    "ranges": ["-R", "-a", "10", "-b", "3000"],
    "slow read": ["-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3"],
}


def test_slowhttptest_in_its_four_modes_leaves_others_served(start, running, tmp_path):
    """Each mode holds 200 connections against time-outs of a second or two, and probes whether others are still served."""
    node = running.enter_context(Responder("node"))
    proxy = start(node.url, timeouts={"head": "2s", "body": "2s", "handshake": "2s", "keep_alive": "2s"})

    def attack(mode: str) -> str:
        done = subprocess.run(["slowhttptest", *SLOW_MODES[mode], "-c", "200", "-r", "100", "-l", "12", "-p", "5", "-u", proxy.url],
                              capture_output=True, text=True, timeout=120, cwd=tmp_path, env=os.environ | {"TERM": "dumb"})
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout + done.stderr)

    with ThreadPoolExecutor(len(SLOW_MODES)) as pool:
        reports = dict(zip(SLOW_MODES, pool.map(attack, SLOW_MODES)))
    for mode, report in reports.items():
        available = re.findall(r"service available:\s+(\w+)", report)
        assert available and available[-1] == "YES", f"{mode}:\n{report[-3000:]}"
    with proxy.connect("https") as client:
        client.send(b"GET / HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n")
        assert client.message().body == b"node"
