"""Where everything of the quickstart is: addresses, ports, and the files under the state folder."""

import ipaddress
import json
import os
import secrets
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATE_DAYS = 825


@dataclass
class Layout:
    state: Path
    address: str  # of this machine, as others reach it
    https: int
    http: int
    turn: int
    turns: int
    admin: dict
    nodes: dict = field(default_factory=dict)  # name -> port

    ROOM = "demo"
    PIN = "1234"
    USER = "demo"

    @classmethod
    def choose(cls, state, address=None):
        taken = set()
        return cls(
            state=state,
            address=address or own_address(),
            https=free_port(taken, 443, 8443),
            http=free_port(taken, 80, 8080),
            turn=free_port(taken, 3478, 13478, datagrams=True),
            turns=free_port(taken, 5349, 15349),
            admin={"rproxyd": free_port(taken, 9442), "turnd": free_port(taken, 9443)},
        )

    def url(self, host, path="/webapp/"):
        return f"https://{host}{'' if self.https == 443 else f':{self.https}'}{path}"

    @property
    def certificate(self):
        return self.state / "certificate.pem"

    @property
    def password_file(self):
        return self.state / "turn-password"

    @property
    def password(self):
        return self.password_file.read_text().strip()

    @property
    def rproxyd_json(self):
        return self.state / "rproxyd.json"

    @property
    def turnd_json(self):
        return self.state / "turnd.json"

    def write_files(self):
        """The TURN password and the certificate: made once, and kept."""
        if not self.password_file.exists():
            write(self.password_file, secrets.token_urlsafe(24) + "\n")
        if not self._certificate_is_good():
            print("▸ making a self-signed certificate")
            self._make_certificate()

    def _certificate_is_good(self):
        def says(*question):
            return subprocess.run(["openssl", "x509", "-noout", "-in", self.certificate, *question], capture_output=True, text=True)

        return (self.certificate.exists()
                and says("-checkend", str(7 * 24 * 3600)).returncode == 0
                and "does match" in says("-checkip", self.address).stdout)

    def _make_certificate(self):
        """One PEM in the order that the daemons take: certificate, key."""
        key, certificate = self.state / "key.new", self.state / "certificate.new"
        names = f"subjectAltName=DNS:localhost,DNS:{socket.gethostname()},IP:127.0.0.1,IP:{self.address}"
        write(key, "")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Vestibule demo",
                        "-addext", names, "-days", str(CERTIFICATE_DAYS), "-keyout", key, "-out", certificate], check=True, capture_output=True)
        write(self.certificate, certificate.read_text() + key.read_text())
        key.unlink()
        certificate.unlink()

    def write_configuration(self):
        tls = {"certificates": [str(self.certificate)]}
        write(self.rproxyd_json, json.dumps({
            "drain_timeout": "2s",
            "listeners": [
                {"address": f"0.0.0.0:{self.https}", "tls": tls},
                {"address": f"0.0.0.0:{self.http}", "redirect_https": True},
            ],
            "pools": {
                "conferencing": {
                    "servers": [f"https://127.0.0.1:{port}" for port in self.nodes.values()],
                    "policy": "round_robin",
                    "affinity": "client_address",
                    "tls": {"verify": False},
                },
            },
            "routes": [
                {"path": "/", "exact": True, "redirect": "/webapp/"},
                {"path": "/", "pool": "conferencing"},
            ],
            "log": {"access": str(self.state / "log/access.log")},
            "admin": {"address": f"127.0.0.1:{self.admin['rproxyd']}", "socket": str(self.state / "rproxyd.sock")},
        }, indent=2) + "\n")
        places = [self.address] if self.address == "127.0.0.1" else [self.address, "127.0.0.1"]
        write(self.turnd_json, json.dumps({
            "drain_timeout": "2s",
            "realm": "vestibule.demo",
            "listeners": [
                {"transport": transport, "address": f"{place}:{port}"} | extra
                for place in places
                for transport, port, extra in (("udp", self.turn, {}), ("tcp", self.turn, {}), ("tls", self.turns, tls))
            ],
            "relay": {"addresses": [self.address]},
            # Two callers on this machine's page relay to each other; a private address has to be allowed by name.
            "peers": {"allow": [f"{self.address}/32"]},
            "credentials": {"users": {self.USER: self.password}},
            "admin": {"address": f"127.0.0.1:{self.admin['turnd']}", "socket": str(self.state / "turnd.sock")},
        }, indent=2) + "\n")


def write(path, text):
    """Readable by the owner alone from its first moment on, and never half written."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    partial.replace(path)


def own_address():
    """The address that the way out of this machine starts from; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
    return address if not ipaddress.ip_address(address).is_unspecified else "127.0.0.1"


def free_port(taken, *wanted, datagrams=False):
    """The first of the wanted ports that nobody listens on; else any free one."""
    for port in (*wanted, *([0] * 20)):
        if (found := try_port(port, datagrams)) and found not in taken:
            taken.add(found)
            return found
    raise OSError(f"no port is free for {wanted[0]}")


def try_port(port, datagrams):
    try:
        with socket.socket() as stream:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT don't count
            stream.bind(("0.0.0.0", port))
            stream.listen()
            port = stream.getsockname()[1]
            if datagrams:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                    datagram.bind(("0.0.0.0", port))
            return port
    except OSError:
        return None
