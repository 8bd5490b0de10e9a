"""The TURN servers: one worker, logs on, the same account; and the do-nothing relay."""

import json
import subprocess

from certificates import Certificate
from line import Server
from processes import BUILD, HOST, wait_until
from relays import listens_udp
from rival import COTURN
from webs import answers, free_port

REALM, USER, PASSWORD = "example.com", "pexip", "relay-me"
PEERS = "127.0.0.0/8"


class TurnServer(Server):
    carriers = ("udp", "tcp", "tls")
    ports: dict[str, int]

    def port_of(self, carrier: str) -> int:
        return self.ports[carrier]

    def carrier_for(self, carrier: str) -> str:
        """What the generator speaks to it."""
        return carrier

    def _certificate(self):
        return Certificate(self.folder, "turn", "DNS:turn.example.com").file()


class Turnd(TurnServer):
    name = "turnd"
    program = BUILD / "bin/turnd"

    @classmethod
    def version(cls) -> str:
        return subprocess.run([cls.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def start(self, line) -> None:
        config, announced = self.folder / "turnd.json", self.folder / "turnd.listeners"
        config.touch(mode=0o600)
        config.write_text(json.dumps({
            "workers": self.workers, "realm": REALM, "drain_timeout": "0s",
            "listeners": [{"transport": "udp", "address": f"{HOST}:0"}, {"transport": "tcp", "address": f"{HOST}:0"},
                          {"transport": "tls", "address": f"{HOST}:0", "certificates": [str(self._certificate())]}],
            "relay": {"addresses": [HOST]}, "peers": {"allow": [PEERS]},
            "credentials": {"users": {USER: PASSWORD}},
            "limits": {"allocations": 0, "allocations_per_user": 0, "bandwidth_per_allocation": 0},
            "admin": {"address": None, "socket": str(self.folder / "turnd.sock")},
        }))
        self._process = self.run(self.program, "run", "--config", config, "--announce", announced)
        wait_until("turnd serves", lambda: self.processes.check() or announced.exists())
        listeners = json.loads(announced.read_text())["listeners"]
        self.ports = {carrier: int(each["address"].rpartition(":")[2]) for carrier, each in zip(self.carriers, listeners, strict=True)}

    def pids(self) -> list[int]:
        return [self._process.pid]


class Coturn(TurnServer):
    name = "coturn"
    modes: tuple[str, ...] = ()

    @classmethod
    def version(cls) -> str:
        return COTURN.version()

    def start(self, line) -> None:
        pem = self._certificate()
        plain, tls = free_port(), free_port()
        self.ports = {"udp": plain, "tcp": plain, "tls": tls}
        self._process = self.run(
            *COTURN.command(), "-n", "--listening-ip", HOST, "--relay-ip", HOST, "--listening-port", plain, "--tls-listening-port", tls,
            "--realm", REALM, "--user", f"{USER}:{PASSWORD}", "--lt-cred-mech", "--allow-loopback-peers", "--no-cli",
            "--relay-threads", "1", "--min-port", "40000", "--max-port", "65535", "--cert", pem, "--pkey", pem,
            "--log-file", "stdout", "--pidfile", self.folder / "turnserver.pid", "--userdb", self.folder / "turndb", *self.modes)
        wait_until("coturn serves", lambda: self.processes.check() or (listens_udp(plain) and answers(tls)))

    def pids(self) -> list[int]:
        return [self._process.pid]

    def end(self) -> None:
        self._process.kill()  # it takes seconds to end by itself


class CoturnFastest(Coturn):
    """One relay port for all, which is its own protocol between it and the peers: an allocation has no port of its own."""

    name = "coturn, shared port"
    modes = ("--multiplex-peer", "--udp-gso")

    def start(self, line) -> None:
        self.modes = (*CoturnFastest.modes, "--multiplex-peer-port", str(free_port()))
        super().start(line)


class Floor(TurnServer):
    """Receives, looks up, sends; no protocol."""

    name = "do-nothing relay"

    @classmethod
    def version(cls) -> str:
        return ""

    def start(self, line) -> None:
        self._process = self.run(BUILD / "bin/floor_relay")
        self.ports = {"udp": int(wait_until("the do-nothing relay serves", lambda: self._process.log.read_text()))}

    def carrier_for(self, carrier: str) -> str:
        return "floor"

    def pids(self) -> list[int]:
        return [self._process.pid]
