"""rproxyd's command line: check, what it says of broken files, exit codes."""

import json
import re
import subprocess

import pytest

from certificates import expired_certificate
from daemons import program, run, write_private
from rproxyd import configuration

# The sample of docs/configuration.md's contract, whole; only addresses and paths are this machine's.
SAMPLE = """// rproxyd.json
{
  "workers": 0,                                  // 0: one per core
  "drain_timeout": "30s",
  "listeners": [
    { "address": "0.0.0.0:443", "tls": { "certificates": ["FOLDER/proxy.pem"], "min_version": "1.2" },
      "turn": "10.40.0.2:3478" },                // optional: TURN over TLS on the same port 443, told apart by its first bytes
                                                 // and handed to turnd over TCP with a PROXY v2 header
    { "address": "[::]:443",    "tls": { "certificates": ["FOLDER/proxy.pem"] }, "proxy_protocol": false },
    { "address": "0.0.0.0:80",  "redirect_https": true }
  ],
  "pools": {
    "conferencing": {
      "servers": ["https://10.40.0.10", "https://10.40.0.11", "https://10.40.0.12:8443"],
      "policy": "round_robin",                   // round_robin | least_connections | client_hash
      "affinity": "client_address",              // none | client_address | cookie
      "tls": { "verify": false, "server_name": null, "ca_file": null },
      "health": { "path": "/api/client/v2/status", "interval": "5s", "timeout": "2s", "fall": 2, "rise": 2 },
      "retry": { "on": ["connect", "502", "503", "504"], "attempts": 2, "non_idempotent": false },
      "protocol": "http/1.1"                     // http/1.1 | h2
    }
  },
  "routes": [
    { "path": "/branding/", "static": "/srv/branding" },
    { "path": "/", "exact": true, "redirect": "/webapp/" },
    { "path": "/", "pool": "conferencing", "websocket": true }
  ],
  "paths": "open",                               // open | conferencing (only the paths that the clients use)
  "content_security_policy": "default",          // off | default | a value of your own; only where the node sent none
  "hsts": "off",
  "pin_guard": {
    "enabled": false, "count": "wrong_pins",     // wrong_pins | denied_tokens (as fail2ban counted)
    "max_failures": 5, "find_time": "300s", "ban_time": "300s",
    "ignore": ["127.0.0.0/8"], "state": "/var/lib/vestibule/bans.json"    // or "redis://…"
  },
  "trusted_proxies": [],
  "limits": { "header_bytes": "64KiB", "header_count": 128, "body_bytes": "0", "connections": 0, "connections_per_client": 0, "streams_per_connection": 128 },  // 0: none
  "timeouts": { "handshake": "10s", "head": "10s", "body": "30s", "keep_alive": "65s", "connect": "3s", "response": "60s", "stream_idle": "1h", "backend_idle": "60s" },
  "log": { "level": "info", "format": "text", "access": "/var/log/vestibule/access.log", "access_format": "pexip" },  // pexip | combined | json
  "admin": { "address": "127.0.0.1:9442", "socket": "/run/vestibule/rproxyd.sock" }
}
"""


@pytest.fixture
def check(tmp_path):
    """The exit code of `rproxyd check` for a file of this text, and the lines it says."""

    def check_text(text: str):
        done = run("rproxyd", "check", "--config", write_private(tmp_path / "rproxyd.json", text))
        assert done.stderr == ""
        return done.returncode, done.stdout.replace(str(tmp_path / "rproxyd.json"), "FILE").splitlines()

    return check_text


@pytest.fixture
def sample(tmp_path, certificate) -> str:
    (tmp_path / "proxy.pem").write_text(certificate.certificate + certificate.key)
    return SAMPLE.replace("FOLDER", str(tmp_path))


def test_the_sample_can_be_used(check, sample):
    code, lines = check(sample)
    assert code == 0
    assert lines[-1].startswith("FILE: can be used") and not any(line.startswith("error") for line in lines)


@pytest.mark.parametrize("right, wrong, said", [
    ('"0.0.0.0:443"', '"0.0.0.0:99999"', r"error: FILE:LINE: /listeners/0/address: .*99999.*expected .*IP:PORT"),
    ('"listeners"', '"listners"', r'error: FILE:LINE: /listners: unknown key "listners" \(did you mean "listeners"\?\)'),
    ('"30s"', '"30 seconds"', r'error: FILE:LINE: /drain_timeout: .*expected .*"300s"'),
    ('"64KiB"', '"64KB"', r"error: FILE:LINE: /limits/header_bytes: .*expected .*KiB"),
    ('"pool": "conferencing"', '"pool": "conferencng"', r'error: FILE:LINE: /routes/2/pool: .*conferencng.*did you mean "conferencing"'),
    ('"min_version": "1.2"', '"min_version": "1.1"', r'error: FILE:LINE: /listeners/0/tls/min_version: .*expected .*"1\.2"'),
    ('"https://10.40.0.10"', '"ftp://10.40.0.10"', r'error: FILE:LINE: /pools/conferencing/servers/0: .*expected .*https://HOST'),
    ('"round_robin"', '"robin"', r'error: FILE:LINE: /pools/conferencing/policy: .*expected .*"least_connections"'),
    ('"attempts": 2', '"attempts": "two"', r"error: FILE:LINE: /pools/conferencing/retry/attempts: .*expected a whole number"),
    ('"trusted_proxies": []', '"trusted_proxies": ["10.0.0.0/33"]', r"error: FILE:LINE: /trusted_proxies/0: .*expected"),
    ('"level": "info"', '"level": "info", "level": "debug"', r"error: FILE:LINE: /log/level: "),
    ('"/var/lib/vestibule/bans.json"', '"redis://10.0.0.1:x/0"', r"error: FILE:LINE: /pin_guard/state: the Redis URL can't be used: its port is no number .*expected .*rediss://"),
    ('"hsts": "off"', '"hsts": "${NO_SUCH_VARIABLE}"', r"error: FILE:LINE: /hsts: .*NO_SUCH_VARIABLE"),
])
def test_a_mistake_is_named_with_its_line_its_pointer_and_what_was_expected(check, sample, right, wrong, said):
    assert right in sample
    line_number = sample[:sample.index(right)].count("\n") + 1
    code, lines = check(sample.replace(right, wrong, 1))
    assert code == 1
    said = said.replace("LINE", str(line_number))
    assert any(re.match(said, line) for line in lines), "\n".join(lines)
    assert lines[-1].startswith("FILE: refused, ")


def test_all_mistakes_are_said_at_once(check, sample):
    code, lines = check(sample.replace('"0.0.0.0:443"', '"x"').replace('"30s"', '"x"').replace('"1.2"', '"x"'))
    assert code == 1
    assert [line.split(": ")[2] for line in lines if line.startswith("error")] == [
        "/drain_timeout", "/listeners/0/address", "/listeners/0/tls/min_version", "/timeouts/body"]


@pytest.mark.parametrize("text, said", [
    ("", "FILE:1"), ("{", "FILE:1"), ("[]", "FILE:1"), ('{\n"a": 1\n"b": 2}', "FILE:3"), ("\x00", "FILE:1"), ("{}", '"listeners" is missing')])
def test_what_is_no_configuration_at_all_is_refused(check, text, said):
    code, lines = check(text)
    assert code == 1 and any(said in line for line in lines if line.startswith("error"))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    done = run("rproxyd", "check", "--config", tmp_path / "none.json")
    assert done.returncode == 1 and "none.json" in done.stdout and "No such file" in done.stdout


def test_an_expired_certificate_is_warned_of(check, tmp_path, sample):
    (tmp_path / "proxy.pem").write_text(expired_certificate(tmp_path))
    code, lines = check(sample)
    assert code == 0
    assert any(re.match(r"warning: FILE:6: /listeners/0/tls/certificates/0: .*expired", line) for line in lines)


@pytest.mark.parametrize("extra", [(), ("run",)])
def test_a_refused_file_does_not_start(tmp_path, certificate, extra):
    config = write_private(tmp_path / "rproxyd.json", '{ "workers": -1 }')
    done = run("rproxyd", *extra, "--config", config)
    assert done.returncode == 1 and f"error: {config}:1: /workers: " in done.stderr


def test_an_address_that_is_taken_is_a_reason_not_to_start(tmp_path, certificate, backend):
    changes = {"listeners": [{"address": backend.address, "redirect_https": True}]}
    config = write_private(tmp_path / "rproxyd.json", json.dumps(configuration(tmp_path, certificate.file(), [backend.url], **changes)))
    done = run("rproxyd", "--config", config)
    assert done.returncode == 1 and backend.address in done.stderr and "in use" in done.stderr


def test_an_access_log_that_cannot_be_opened_is_a_reason_not_to_start(tmp_path, certificate):
    changes = {"log": {"access": str(tmp_path / "none/access.log")}}
    config = write_private(tmp_path / "rproxyd.json", json.dumps(configuration(tmp_path, certificate.file(), ["http://127.0.0.1:1"], **changes)))
    done = run("rproxyd", "--config", config)
    assert done.returncode == 1 and "none/access.log" in done.stderr and "No such file" in done.stderr


@pytest.mark.parametrize("arguments", [
    (), ("check",), ("--config",), ("nonsense",), ("--nonsense",), ("run", "check", "--config", "x"), ("check", "--config", "x", "extra")])
def test_wrong_usage_exits_with_2(arguments):
    done = run("rproxyd", *arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr != ""


def test_the_version_is_said(tmp_path):
    done = run("rproxyd", "--version")
    assert done.returncode == 0 and re.fullmatch(r"rproxyd \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("check", "--help")])
def test_help_names_the_options(arguments):
    done = run("rproxyd", *arguments)
    assert done.returncode == 0 and "--config" in done.stdout and "FILE" in done.stdout


def test_output_that_nobody_reads_is_no_reason_to_crash(tmp_path):
    """rproxyd --help | head -0"""
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {program('rproxyd')} --help | true; echo ${{PIPESTATUS[0]}}"],
                          capture_output=True, text=True)
    assert done.stdout.strip() in ("0", "141") and "Sanitizer" not in done.stderr
