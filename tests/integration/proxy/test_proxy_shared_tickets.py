"""A TLS session that one proxy has begun is resumed by another, where both derive their tickets' keys from the same secret."""

import json
import re
import secrets
import subprocess
from pathlib import Path

import pytest

from daemons import HOST, run, wait_until, write_private
from rproxyd import Rproxyd, configuration


class Siblings:
    def __init__(self, running, folder: Path, certificate, url: str):
        self._running, self._folder, self._certificate, self._url = running, folder, certificate, url
        self._session = folder / "session.pem"

    def start(self, name: str, secret: str | None) -> Rproxyd:
        folder = self._folder / name
        folder.mkdir()
        changes = {"session_tickets": {"secret_file": str(write_private(folder / "tickets.secret", secret + "\n"))}} if secret else {}
        return self._running.enter_context(Rproxyd(folder, configuration(folder, self._certificate.file(), [self._url], **changes)))

    def resumes(self, proxy: Rproxyd, version: str, *, first: bool = False) -> bool:
        """By the openssl command, with the session of the call before, which this one's takes the place of."""
        session = [] if first else ["-sess_in", str(self._session)]
        done = subprocess.run(["openssl", "s_client", "-connect", f"{HOST}:{proxy.port('https')}", "-servername", "proxy.example.com", version, "-ign_eof",
                               "-sess_out", str(self._session), *session],
                              input="GET /x HTTP/1.0\r\n\r\n", capture_output=True, text=True, timeout=30)
        word = re.search(r"^(New|Reused), TLSv", done.stdout, re.MULTILINE)
        assert word, done.stdout + done.stderr
        return word[1] == "Reused"


@pytest.fixture
def siblings(running, tmp_path, certificate, node):
    return Siblings(running, tmp_path, certificate, node("node1").url)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_is_resumed_at_a_sibling_and_at_no_stranger(siblings, version):
    secret = secrets.token_hex(32)
    first, second = siblings.start("first", secret), siblings.start("second", secret)
    stranger, alone = siblings.start("stranger", secrets.token_hex(32)), siblings.start("alone", None)
    assert not siblings.resumes(first, version, first=True)
    assert siblings.resumes(second, version)
    assert siblings.resumes(first, version)
    assert not siblings.resumes(stranger, version)
    assert not siblings.resumes(first, version), "that was the stranger's session"
    assert not siblings.resumes(alone, version)


def test_a_secret_given_by_a_reload_is_shared_from_then_on(siblings):
    secret = secrets.token_hex(32)
    first, second = siblings.start("first", secret), siblings.start("second", None)
    siblings.resumes(first, "-tls1_3", first=True)
    assert not siblings.resumes(second, "-tls1_3")
    configured = json.loads(second.config.read_text())
    configured["session_tickets"] = {"secret": secret}
    write_private(second.config, json.dumps(configured))
    second.signal(1)
    wait_until("reloaded", lambda: "reload" in second.log)
    siblings.resumes(first, "-tls1_3", first=True)
    wait_until("resumed", lambda: siblings.resumes(second, "-tls1_3"))


def test_a_short_secret_is_refused(tmp_path, certificate):
    configured = configuration(tmp_path, certificate.file(), ["http://127.0.0.1:9"], session_tickets={"secret": "short"})
    done = run("rproxyd", "check", "--config", write_private(tmp_path / "c.json", json.dumps(configured)))
    assert done.returncode == 1 and "/session_tickets" in done.stdout + done.stderr and "32 characters at least" in done.stdout + done.stderr
    assert '"short"' not in done.stdout + done.stderr
