"""The servers around the browser, as processes: our two daemons, and coturn to compare with."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

from demo_node.tls import self_signed

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("VESTIBULE_BUILD", ROOT / "build/dev"))

HOST = "127.0.0.1"
USER, PASSWORD = "pexip", "relay-me"
START_SECONDS = 20
END_SECONDS = 20


class Server:
    """with Server(folder, argv) as server: …; it is ready once ready() says so."""

    def __init__(self, folder: Path, argv: list):
        self._log = folder / f"{Path(argv[0]).name}.log"
        self._argv = [str(each) for each in argv]
        self._process: subprocess.Popen | None = None
        self._former: list[subprocess.Popen] = []

    def ready(self) -> bool:
        raise NotImplementedError

    def __enter__(self):
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                self._process.wait()
                raise RuntimeError(f"{self._argv[0]} did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_error) -> None:
        """A sanitizer's finding shows as an exit code, and so does an unclean end."""
        for process in [self._process, *self._former]:
            process.terminate()
            try:
                code = process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = "none in time"
            self.check_end(code)

    def check_end(self, code) -> None:
        assert code == 0, f"{self._argv[0]} ended with {code}:\n{self._log.read_text()}"


class Daemon(Server):
    """rproxyd or turnd from the build folder, on ports of the kernel's choice."""

    def __init__(self, name: str, folder: Path, configuration: dict):
        config = folder / f"{name}.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(configuration | {
            "drain_timeout": "1s",
            "admin": {"address": f"{HOST}:0", "socket": str(folder / f"{name}.sock")}}))
        self._announced = folder / f"{name}.listeners"
        super().__init__(folder, [BUILD / "bin" / name, "run", "--config", config,
                                  "--announce", self._announced])

    def ready(self) -> bool:
        return self._announced.exists()

    def upgrade(self) -> None:
        """A new process takes over from the running one, which goes on with what it couldn't hand over."""
        self._former.append(self._process)
        self._announced.unlink()
        if "--take-over" not in self._argv:
            self._argv.append("--take-over")
        self.__enter__()

    @property
    def processes(self) -> int:
        """Those that run: one, and former ones that have something left."""
        return sum(each.poll() is None for each in [self._process, *self._former])

    def port(self, transport: str) -> int:
        listeners = json.loads(self._announced.read_text())["listeners"]
        address = next(each["address"] for each in listeners if each["transport"] == transport)
        return int(address.rpartition(":")[2])


class Rproxyd(Daemon):
    """`turn`: where TURN that comes to the web's port is handed to. `port`: 0 for any."""

    def __init__(self, folder: Path, nodes: list[str], turn: str | None = None, port: int = 0):
        certificate = self_signed(folder, HOST)
        super().__init__("rproxyd", folder, {
            "listeners": [{"address": f"{HOST}:{port}", "tls": {"certificates": [str(certificate)]}, "turn": turn}],
            "pools": {"conferencing": {
                "servers": nodes, "policy": "round_robin", "affinity": "client_address",
                "tls": {"verify": False}}},
            "routes": [
                {"path": "/", "exact": True, "redirect": "/webapp/"},
                {"path": "/", "pool": "conferencing"}],
            "log": {"access": str(folder / "access.log")},
        })

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.port('https')}"


class Turnd(Daemon):
    def __init__(self, folder: Path, proxies: list[str] | None = None):
        certificate = self_signed(folder, HOST)
        super().__init__("turnd", folder, {
            "realm": "example.com",
            "listeners": [
                {"transport": "udp", "address": f"{HOST}:0"},
                {"transport": "tcp", "address": f"{HOST}:0", "proxy_protocol_from": proxies or []},
                {"transport": "tls", "address": f"{HOST}:0", "certificates": [str(certificate)]}],
            "relay": {"addresses": [HOST]},
            # Both relays are on loopback here, where no peer is allowed unless said so.
            "peers": {"allow": [f"{HOST}/32"]},
            "credentials": {"users": {USER: PASSWORD}},
        })

    @property
    def urls(self) -> list[str]:
        return [f"turn:{HOST}:{self.port('udp')}?transport=udp",
                f"turn:{HOST}:{self.port('tcp')}?transport=tcp",
                f"turns:{HOST}:{self.port('tls')}?transport=tcp"]


class Coturn(Server):
    """It can't take port 0, so ports that were free a moment ago have to do."""

    def __init__(self, folder: Path):
        certificate = self_signed(folder, HOST)
        self._port, self._tls_port, console_port = free_ports(3)
        # The user stands in a file: arguments are for everybody to read.
        config = folder / "turnserver.conf"
        config.touch(mode=0o600)
        config.write_text(f"user={USER}:{PASSWORD}\n")
        super().__init__(folder, [
            "turnserver", "-c", config, "-L", HOST, "-E", HOST, "-p", self._port,
            "--tls-listening-port", self._tls_port, "--cert", certificate, "--pkey", certificate,
            "--no-dtls", "--lt-cred-mech", "--realm", "example.com", "--allow-loopback-peers",
            "--cli-port", console_port, "--cli-password", PASSWORD, "--simple-log",
            "--log-file", "stdout", "--pidfile", folder / "turnserver.pid"])

    def ready(self) -> bool:
        try:
            socket.create_connection((HOST, self._tls_port), 1).close()
            socket.create_connection((HOST, self._port), 1).close()
            return True
        except OSError:
            return False

    def check_end(self, code) -> None:
        pass  # not ours to judge

    @property
    def urls(self) -> list[str]:
        return [f"turn:{HOST}:{self._port}?transport=udp",
                f"turn:{HOST}:{self._port}?transport=tcp",
                f"turns:{HOST}:{self._tls_port}?transport=tcp"]


def node_flags(folder: Path, turn_urls: list[str]) -> list[str]:
    """What a demo node must be told, so that its page calls through that TURN server."""
    password = folder / "turn-password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    urls = [flag for url in turn_urls for flag in ("--turn", url)]
    return [*urls, "--turn-user", USER, "--turn-password-file", str(password)]


def free_ports(count: int) -> list[int]:
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
