"""turnd's users and secrets come from a real redis-server, in which coturn's own turnadmin has put them, and go with it."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from certificates import Certificate
from daemons import HOST, wait_until, write_private
from redis_server import RedisServer
from turnd import REALM, Refused, Turnd, TurnClient, configuration

PROGRAM = Path(__file__).resolve().parents[3] / "deploy/redis_credentials"


class Keeper:
    """deploy/redis_credentials, and the turnd that reads what it writes."""

    def __init__(self, running, folder: Path):
        self._running, self._folder = running, folder
        self.users, self.secrets, self.log = folder / "users.json", folder / "turn.secrets", folder / "keeper.log"

    def command(self, url: str, *flags: str) -> list[str]:
        return [sys.executable, str(PROGRAM), "--server", url, "--realm", REALM, "--users", str(self.users), "--secrets", str(self.secrets),
                *flags]

    def once(self, url: str, *flags: str) -> subprocess.CompletedProcess:
        return subprocess.run([*self.command(url, "--once"), *flags], capture_output=True, text=True, timeout=60)

    def start(self, url: str, *flags: str) -> None:
        process = subprocess.Popen(self.command(url, "--every", "1s", *flags), stderr=self.log.open("w"))
        self._running.callback(process.wait)
        self._running.callback(process.terminate)

    def turnd(self) -> Turnd:
        """It reloads when the files change."""
        return self._running.enter_context(Turnd(self._folder, configuration(
            reload={"watch": True}, limits={"unauthenticated_answers_per_source": 0}, credentials={"users": {}, "users_file": str(self.users), "shared_secrets_file": str(self.secrets)})))


def admin(redis: RedisServer, *words: str) -> None:
    done = subprocess.run(["turnadmin", *words, "-r", REALM, "-N", f"ip={HOST} port={redis.port} connect_timeout=30"],
                          capture_output=True, text=True, timeout=60)
    for log in re.findall(r"log file opened: (\S+)", done.stdout + done.stderr):
        Path(log).unlink(missing_ok=True)
    assert done.returncode == 0, done.stdout + done.stderr


def lets_in(turnd: Turnd, user: str, password: str) -> bool:
    with TurnClient(turnd.address("udp"), "udp", user=user, password=password) as client:
        try:
            client.allocate()
            client.refresh(0)  # the next client may get the same port
            return True
        except Refused as refused:
            assert refused.code == 401
            return False


def time_limited(secret: str) -> tuple[str, str]:
    user = f"{int(time.time()) + 600}:whom"
    return user, base64.b64encode(hmac.new(secret.encode(), user.encode(), hashlib.sha1).digest()).decode()


@pytest.fixture
def redis(running, tmp_path):
    def start(**options) -> RedisServer:
        folder = tmp_path / "redis"
        folder.mkdir(exist_ok=True)
        return running.enter_context(RedisServer(folder, **options))

    return start


@pytest.fixture
def certificate(tmp_path) -> Certificate:
    return Certificate(tmp_path, "redis", f"IP:{HOST}")


@pytest.fixture
def keeper(running, tmp_path) -> Keeper:
    return Keeper(running, tmp_path)


def test_what_turnadmin_writes_lets_in_and_what_it_removes_does_not(redis, keeper):
    server = redis(keeps=True)
    admin(server, "-a", "-u", "gorst", "-p", "hero")
    assert keeper.once(server.url).returncode == 0
    turnd = keeper.turnd()
    keeper.start(server.url)
    assert lets_in(turnd, "gorst", "hero") and not lets_in(turnd, "gorst", "villain")
    admin(server, "-a", "-u", "whirrun", "-p", "sword")
    wait_until("the new user is let in", lambda: lets_in(turnd, "whirrun", "sword"))
    admin(server, "-s", "logen")
    wait_until("the secret counts", lambda: lets_in(turnd, *time_limited("logen")))
    assert not lets_in(turnd, *time_limited("another"))
    admin(server, "-d", "-u", "gorst")
    wait_until("who is removed is not let in", lambda: not lets_in(turnd, "gorst", "hero"))
    server.kill()
    wait_until("it is said", lambda: "stays in force" in keeper.log.read_text())
    assert lets_in(turnd, "whirrun", "sword")
    server.start()
    admin(server, "-a", "-u", "stranger", "-p", "civilization")
    wait_until("and goes on", lambda: lets_in(turnd, "stranger", "civilization"))
    text = keeper.log.read_text()
    assert "logen" not in text and "hero" not in text


def test_without_its_server_nobody_is_let_in_for_longer_than_was_said(redis, keeper):
    server = redis()
    admin(server, "-a", "-u", "gorst", "-p", "hero")
    admin(server, "-s", "logen")
    assert keeper.once(server.url).returncode == 0
    turnd = keeper.turnd()
    assert lets_in(turnd, "gorst", "hero")
    server.kill()
    keeper.start(server.url, "--keep", "2s")
    wait_until("the user is out", lambda: not lets_in(turnd, "gorst", "hero"))
    wait_until("the secret is out", lambda: not lets_in(turnd, *time_limited("logen")))
    server.start()
    admin(server, "-a", "-u", "gorst", "-p", "hero")
    wait_until("in again", lambda: lets_in(turnd, "gorst", "hero"))


def test_files_are_private_and_do_not_change_without_a_reason(redis, keeper):
    server = redis()
    server.ask("SET", f"turn/realm/{REALM}/user/bethod/password", "north")
    server.ask("SET", f"turn/realm/{REALM}/user/dow/key", "nonsense")
    server.ask("SET", f"turn/realm/{REALM}/secret/123", "older")
    server.ask("SET", "turn/realm/crinna.org/user/other/key", "0" * 32)
    first = keeper.once(server.url)
    assert "1 users and 1 secrets" in first.stderr and "left out: 'dow'" in first.stderr
    written = {each: (each.read_text(), each.stat().st_mtime_ns) for each in (keeper.users, keeper.secrets)}
    users = json.loads(keeper.users.read_text())
    assert users["realm"] == REALM and set(users["users"]) == {"bethod"} and set(users["users"]["bethod"]) == {"md5", "sha256"}
    assert keeper.secrets.read_text().splitlines()[0] == "older"
    assert keeper.once(server.url).returncode == 0
    for each, (text, when) in written.items():
        assert (each.read_text(), each.stat().st_mtime_ns) == (text, when)
        assert each.stat().st_mode & 0o777 == 0o640
    assert lets_in(keeper.turnd(), "bethod", "north")


def test_password_and_certificate_are_used(redis, keeper, certificate, tmp_path):
    server = redis(password="open-sesame", certificate=certificate)
    refused = keeper.once(server.url, "--ca-file", str(certificate.path))
    assert refused.returncode == 1 and "NOAUTH" in refused.stderr
    secret = write_private(tmp_path / "redis.password", "open-sesame\n")
    assert keeper.once(server.url, "--password-file", str(secret)).returncode == 1, "a certificate that nobody vouches for"
    taken = keeper.once(server.url, "--password-file", str(secret), "--ca-file", str(certificate.path))
    assert taken.returncode == 0 and "open-sesame" not in taken.stderr
