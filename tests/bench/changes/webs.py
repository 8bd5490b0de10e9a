"""The proxies, and how each is changed while it serves."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

from certificates import Certificate
from processes import BUILD, HOST, Processes, wait_until
from rival import NGINX
from web_load import WebLoad

RELOADS = 20
BETWEEN_RELOADS_SECONDS = 0.3
CHANGES = {"nothing": "nothing", "reloads": f"{RELOADS} reloads", "certificate": "another certificate", "upgrade": "another binary takes over"}


class Web:
    CHANGES = CHANGES

    def __init__(self, folder: Path, node: int, processes: Processes):
        self._folder, self._node, self._processes = folder, node, processes
        self._certificates = [Certificate(folder, name, "DNS:proxy.example.com") for name in ("first", "second")]
        self._pem = folder / "pexip.pem"
        self._use(0)

    def _use(self, index: int) -> None:
        """By rename, as certbot does."""
        new = self._folder / "pexip.pem.new"
        new.write_bytes(self._certificates[index].file().read_bytes())
        new.chmod(0o600)
        new.rename(self._pem)

    def end(self) -> None:
        """Of what is not among the processes."""

    def serves_the_second(self, port: int) -> bool:
        served = ssl.get_server_certificate((HOST, port))
        return ssl.PEM_cert_to_DER_cert(served) == ssl.PEM_cert_to_DER_cert(self._certificates[1].certificate)

    async def change(self, which: str) -> None:
        if which == "reloads":
            for _ in range(RELOADS):
                self.reload()
                await asyncio.sleep(BETWEEN_RELOADS_SECONDS)
        elif which == "certificate":
            self._use(1)
            self.reload()
        elif which == "upgrade":
            await asyncio.get_running_loop().run_in_executor(None, self.upgrade)


class Rproxyd(Web):
    @staticmethod
    def version() -> str:
        return subprocess.run([BUILD / "bin/rproxyd", "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def start(self) -> int:
        self._config = self._folder / "rproxyd.json"
        self._config.write_text(json.dumps({
            "workers": 1,
            "listeners": [{"address": f"{HOST}:{free_port()}", "tls": {"certificates": [str(self._pem)]}}],
            "pools": {"nodes": {"servers": [f"http://{HOST}:{self._node}"]}},
            "routes": [{"path": "/", "pool": "nodes"}],
            "log": {"level": "info", "access": str(self._folder / "access.log")},
            "admin": {"address": None, "socket": str(self._folder / "rproxyd.sock")},
        }))
        return self._run()

    def _run(self, *flags: str) -> int:
        announced = self._folder / "rproxyd.listeners"
        announced.unlink(missing_ok=True)
        self._process = self._processes.start(BUILD / "bin/rproxyd", "run", "--config", self._config, "--announce", announced, *flags)
        wait_until("rproxyd serves", lambda: self._processes.check() or announced.exists())
        return int(json.loads(announced.read_text())["listeners"][0]["address"].rpartition(":")[2])

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def upgrade(self) -> None:
        self._run("--take-over")


class Nginx(Web):
    @staticmethod
    def version() -> str:
        return "nginx " + NGINX.version()

    def start(self) -> int:
        self._port = free_port()
        self._config = self._folder / "nginx.conf"
        self._pid = self._folder / "nginx.pid"
        self._config.write_text(f"""
            worker_processes 1; pid {self._pid}; error_log {self._folder}/error.log;
            events {{ worker_connections 8192; }}
            http {{
              access_log {self._folder}/access.log;
              upstream nodes {{ server {HOST}:{self._node}; keepalive 256; }}
              server {{
                listen {HOST}:{self._port} ssl http2 backlog=4096;
                ssl_certificate {self._pem}; ssl_certificate_key {self._pem};
                location / {{
                  proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
                }}
              }}
            }}""")
        # As a daemon, and by its whole path, or it takes no SIGUSR2.
        subprocess.run([NGINX.script(self._folder), "-e", f"{self._folder}/error.log", "-c", self._config], check=True)
        wait_until("nginx serves", lambda: self._pid.exists() and answers(self._port))
        self._masters = [int(self._pid.read_text())]
        return self._port

    def reload(self) -> None:
        os.kill(int(self._pid.read_text()), signal.SIGHUP)

    def upgrade(self) -> None:
        """As its manual says: USR2, and QUIT to the old master once the new one is there."""
        old = int(self._pid.read_text())
        os.kill(old, signal.SIGUSR2)
        before = self._pid.with_suffix(".pid.oldbin")
        wait_until("a new nginx", lambda: before.exists() and self._pid.exists() and int(self._pid.read_text()) != old)
        os.kill(old, signal.SIGQUIT)
        self._masters.append(int(self._pid.read_text()))

    def end(self) -> None:
        for master in self._masters:
            with suppress(ProcessLookupError):
                os.kill(master, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex((HOST, port)) == 0


def measure_web(server, which: str, folder: Path, seconds: float) -> dict:
    processes, web = Processes(folder), None
    try:
        node = processes.start("/usr/bin/python3", Path(__file__).with_name("node.py"))
        port = int(wait_until("the node serves", lambda: node.log.read_text()))
        web = server(folder, port, processes)
        load = WebLoad(web.start(), seconds)
        seen = asyncio.run(load.run(lambda: web.change(which)))
        if which == "certificate" and not web.serves_the_second(load.port):
            raise RuntimeError(f"{server.version()} still serves the former certificate")
        return seen.row()
    finally:
        if web:
            web.end()
        processes.end()
