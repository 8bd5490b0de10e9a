"""The TURN servers, and how each is changed while it serves."""

import json
import signal
import subprocess
import time
from pathlib import Path

from certificates import Certificate
from processes import BUILD, HOST, Processes, wait_until
from rival import COTURN
from relay_load import PASSWORD, USER, RelayLoad
from webs import BETWEEN_RELOADS_SECONDS, RELOADS, free_port

REALM = "example.com"


class Relay:
    def __init__(self, folder: Path, processes: Processes):
        self._folder, self._processes = folder, processes
        self._certificates = [Certificate(folder, name, "DNS:turn.example.com").file() for name in ("first", "second")]
        self._pem = folder / "pexip.pem"
        self._use(0)

    def _use(self, index: int) -> None:
        new = self._folder / "pexip.pem.new"
        new.write_bytes(self._certificates[index].read_bytes())
        new.chmod(0o600)
        new.rename(self._pem)


class Turnd(Relay):
    CHANGES = {"nothing": "nothing", "reloads": f"{RELOADS} reloads", "certificate": "another certificate", "upgrade": "another binary takes over"}

    @staticmethod
    def version() -> str:
        return subprocess.run([BUILD / "bin/turnd", "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def start(self) -> int:
        self._config = self._folder / "turnd.json"
        self._config.touch(mode=0o600)
        self._config.write_text(json.dumps({
            "workers": 1,
            "realm": REALM,
            "listeners": [{"transport": "udp", "address": f"{HOST}:{free_port()}"},
                          {"transport": "tls", "address": f"{HOST}:{free_port()}", "certificates": [str(self._pem)]}],
            "relay": {"addresses": [HOST]},
            "peers": {"allow": [f"{HOST}/32"]},
            "limits": {"allocations": 0, "allocations_per_user": 0, "bandwidth_per_allocation": 0},
            "credentials": {"users": {USER: PASSWORD}},
            "admin": {"address": None, "socket": str(self._folder / "turnd.sock")},
        }))
        return self._run()

    def _run(self, *flags: str) -> int:
        announced = self._folder / "turnd.listeners"
        announced.unlink(missing_ok=True)
        self._process = self._processes.start(BUILD / "bin/turnd", "run", "--config", self._config, "--announce", announced, *flags)
        wait_until("turnd serves", lambda: self._processes.check() or announced.exists())
        return int(json.loads(announced.read_text())["listeners"][0]["address"].rpartition(":")[2])

    def change(self, which: str) -> None:
        if which == "reloads":
            for _ in range(RELOADS):
                self._process.send_signal(signal.SIGHUP)
                time.sleep(BETWEEN_RELOADS_SECONDS)
        elif which == "certificate":
            self._use(1)
            self._process.send_signal(signal.SIGHUP)
        elif which == "upgrade":
            self._run("--take-over")


class Coturn(Relay):
    """It reads its configuration when it starts and never again; SIGUSR2 reads certificates."""

    CHANGES = {"nothing": "nothing", "reloads": "one restart (it has no reload)", "certificate": "another certificate",
               "upgrade": "a restart with another binary"}

    @staticmethod
    def version() -> str:
        return "coturn " + COTURN.version()

    def start(self) -> int:
        self._port = free_port()
        self._begin()
        return self._port

    def _begin(self) -> None:
        self._process = self._processes.start(
            *COTURN.command(), "-n", "--listening-ip", HOST, "--relay-ip", HOST, "--listening-port", self._port, "--tls-listening-port", free_port(),
            "--realm", REALM, "--user", f"{USER}:{PASSWORD}", "--lt-cred-mech", "--allow-loopback-peers", "--no-cli",
            "--relay-threads", "1", "--min-port", "49152", "--max-port", "65535", "--cert", self._pem, "--pkey", self._pem,
            "--log-file", "stdout", "--pidfile", self._folder / "turnserver.pid", "--userdb", self._folder / "turndb")
        wait_until("coturn serves", lambda: listens_udp(self._port))

    def change(self, which: str) -> None:
        if which == "certificate":
            self._use(1)
            self._process.send_signal(signal.SIGUSR2)
        elif which in ("reloads", "upgrade"):
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._begin()


def listens_udp(port: int) -> bool:
    return any(line.split()[1].endswith(f":{port:04X}") for line in Path("/proc/net/udp").read_text().splitlines()[1:])


def measure_relay(server, which: str, folder: Path, seconds: float) -> dict:
    processes = Processes(folder)
    try:
        relay = server(folder, processes)
        load = RelayLoad(relay.start(), seconds)
        return load.run(lambda: relay.change(which)).row()
    finally:
        processes.end()
