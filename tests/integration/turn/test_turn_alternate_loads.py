"""deploy/turn_loads and the turnds that it asks: a busier one sends new clients to a less busy one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from admin import ask
from certificates import Certificate
from daemons import HOST, wait_until, write_private
from turnd import Turnd, configuration

PROGRAM = Path(__file__).resolve().parents[3] / "deploy/turn_loads"
ADMIN = {"address": f"{HOST}:0"}
CROWD = 40
STALE_SECONDS = 60
TOKEN = "a-token-of-twenty-characters"


def written(address: tuple[str, int]) -> str:
    return "{}:{}".format(*address)


class Keeper:
    """deploy/turn_loads, and the file that it writes."""

    def __init__(self, running, folder: Path):
        self._running = running
        self.file, self.log = folder / "turn.loads", folder / "keeper.log"

    def command(self, turnds: list[Turnd], *flags: str, scheme: str = "http") -> list[str]:
        servers = [f"--server={written(each.address('udp'))}={scheme}://{HOST}:{each.port('admin')}" for each in turnds]
        return [sys.executable, str(PROGRAM), *servers, "--file", str(self.file), *flags]

    def once(self, *turnds: Turnd, flags: tuple[str, ...] = (), scheme: str = "http") -> subprocess.CompletedProcess:
        return subprocess.run(self.command(list(turnds), "--once", *flags, scheme=scheme), capture_output=True, text=True, timeout=60)

    def start(self, *turnds: Turnd) -> subprocess.Popen:
        process = subprocess.Popen(self.command(list(turnds), "--every", "1s"), stderr=self.log.open("w"))
        self._running.callback(process.wait)
        self._running.callback(process.terminate)
        return process

    def lines(self) -> list[str]:
        return [each for each in self.file.read_text().splitlines() if not each.startswith("#")]


@pytest.fixture
def keeper(running, tmp_path) -> Keeper:
    return Keeper(running, tmp_path)


@pytest.fixture
def turnd_in(running, tmp_path):
    """Starts a turnd in a folder of its own."""

    def start(name: str, **changes) -> Turnd:
        folder = tmp_path / name
        folder.mkdir()
        return running.enter_context(Turnd(folder, configuration(**{"admin": ADMIN} | changes)))

    return start


def loads_of(turnd: Turnd) -> dict:
    return json.loads(ask(turnd, "/status")[2])["loads"]


def warnings_of(turnd: Turnd) -> str:
    return " ".join(each["text"] for each in json.loads(ask(turnd, "/status")[2])["warnings"])


def test_a_busier_server_sends_new_clients_to_the_other_one_as_long_as_loads_are_known(turnd_in, keeper, client):
    """Rule 10, to the end: the client is served where it was sent."""
    other = turnd_in("other")
    busy = turnd_in("busy", workers=2, limits={"unauthenticated_answers_per_source": 0},
                    alternate={"servers": [written(other.address("udp"))], "when": "busier", "loads_file": str(keeper.file)})
    busy.wait_for_log("loads.unknown")
    assert "No such file" in loads_of(busy)["why_not"] and "loads of the alternate servers are unknown" in warnings_of(busy)
    crowd = [client(busy) for _ in range(CROWD)]
    for each in crowd:
        each.allocate()

    process = keeper.start(busy, other)
    busy.wait_for_log("loads.known")
    there = wait_until("a new client is sent away", lambda: client(busy).sent_elsewhere())
    assert there == other.address("udp")
    client(there).allocate()
    loads = loads_of(busy)
    assert loads["known"] and loads["servers"] == 1 and loads["why_not"] is None and loads["sent_to_less_busy"] >= 1
    metrics = ask(busy, "/metrics")[2]
    assert "vestibule_turnd_loads_known 1" in metrics
    assert f"vestibule_turnd_sent_to_less_busy_total {loads['sent_to_less_busy']}" in metrics
    assert "unknown" not in warnings_of(busy)
    crowd[0].refresh(600)
    assert client(other).sent_elsewhere() is None

    process.terminate()
    process.wait()
    last = keeper.file.read_text()
    keeper.file.unlink()
    wait_until("it serves without the file", lambda: not loads_of(busy)["known"])
    assert client(busy).sent_elsewhere() is None

    write_private(keeper.file, last + "nonsense\n")
    wrong = f"{keeper.file}:{len(last.splitlines()) + 1}: "
    busy.wait_for_log(wrong)
    assert f'{wrong}"nonsense" is no address with a port; expected an address with a port' in loads_of(busy)["why_not"]
    assert client(busy).sent_elsewhere() is None

    write_private(keeper.file, last)
    wait_until("it takes it again", lambda: loads_of(busy)["known"])
    assert client(busy).sent_elsewhere() == other.address("udp")
    old = time.time() - STALE_SECONDS
    os.utime(keeper.file, (old, old))
    busy.wait_for_log("was last written more than 30 seconds ago")
    assert client(busy).sent_elsewhere() is None
    assert not loads_of(busy)["known"]
    assert "vestibule_turnd_loads_known 0" in ask(busy, "/metrics")[2]


def test_a_reload_makes_a_server_look_at_loads_and_no_longer(turnd_in, keeper, client, reloading, tmp_path):
    other = turnd_in("other")
    turnd = reloading(admin=ADMIN, limits={"unauthenticated_answers_per_source": 0}, alternate={"servers": [written(other.address("udp"))]})
    for _ in range(CROWD):
        client(turnd.turnd).allocate()
    keeper.once(turnd.turnd, other)
    assert client(turnd.turnd).sent_elsewhere() is None
    turnd.config["alternate"] |= {"when": "busier", "loads_file": str(keeper.file)}
    turnd.reload()
    wait_until("it is sent away", lambda: client(turnd.turnd).sent_elsewhere())
    turnd.config["alternate"] = {"servers": turnd.config["alternate"]["servers"]}
    turnd.reload()
    assert client(turnd.turnd).sent_elsewhere() is None
    assert loads_of(turnd.turnd)["why_not"] == "it is not configured"


def test_who_drains_or_gives_no_answer_has_no_line(turnd_in, keeper, client):
    drains, gone, serves = turnd_in("drains", drain_timeout="60s"), turnd_in("gone"), turnd_in("serves")
    alice = client(drains)
    alice.allocate()
    client(serves).allocate()
    all_of_them = drains, gone, serves
    address = {each: written(each.address("udp")) for each in all_of_them}
    assert keeper.once(*all_of_them).returncode == 0
    assert keeper.lines() == [f"{address[drains]} 1", f"{address[gone]} 0", f"{address[serves]} 1"]
    assert keeper.file.stat().st_mode & 0o777 == 0o640
    drains.signal(signal.SIGTERM)
    drains.wait_for_log("drain")
    gone.signal(signal.SIGTERM)
    gone.wait()
    done = keeper.once(*all_of_them)
    assert done.returncode == 1
    assert keeper.lines() == [f"{address[serves]} 1"]
    assert f"left out: {address[drains]} drains, {address[gone]} " in done.stderr
    alice.refresh(0)
    drains.wait()


def test_token_and_certificate_are_used(turnd_in, keeper, tmp_path):
    certificate = Certificate(tmp_path, "admin", f"IP:{HOST}")
    secret = write_private(tmp_path / "admin.token", TOKEN + "\n")
    turnd = turnd_in("closed", admin=ADMIN | {"token_file": str(secret), "tls": {"certificates": [str(certificate.file())]}})
    trusted = "--ca-file", str(certificate.path)
    refused = keeper.once(turnd, flags=trusted, scheme="https")
    assert refused.returncode == 1 and "answers with 401" in refused.stderr and not keeper.lines()
    shown = "--token-file", str(secret)
    assert keeper.once(turnd, flags=shown, scheme="https").returncode == 1, "a certificate that nobody vouches for"
    taken = keeper.once(turnd, flags=(*trusted, *shown), scheme="https")
    assert taken.returncode == 0 and TOKEN not in taken.stderr
    assert keeper.lines() == [f"{written(turnd.address('udp'))} 0"]


@pytest.mark.parametrize("flags, says", [
    (["--server", "198.51.100.130=http://10.0.0.2:9443"], "expected ADDRESS:PORT=ADMIN_URL"),
    (["--server", "198.51.100.130:3478=ftp://10.0.0.2"], "expected ADDRESS:PORT=ADMIN_URL"),
    (["--server", "2001:db8::1:3478=http://10.0.0.2:9443"], "expected ADDRESS:PORT=ADMIN_URL"),
    (["--server", "192.0.2.1:1=http://10.0.0.2:9443"] * 2, "expected each address once"),
    (["--server", "192.0.2.1:1=http://10.0.0.2:9443", "--every", "11s"], "expected a time up to 10s"),
    (["--server", "192.0.2.1:1=http://10.0.0.2:9443", "--ca-file", "/ca.pem"], "means nothing without https://"),
])
def test_what_it_can_not_use_is_said(keeper, flags, says):
    done = subprocess.run([sys.executable, str(PROGRAM), *flags, "--file", str(keeper.file), "--once"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and says in done.stderr and not keeper.file.exists()
