"""A real redis-server of a test's own, on a port that it keeps when it is killed and started again."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from certificates import Certificate
from daemons import HOST, wait_until, write_private


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class RedisServer:
    """with RedisServer(folder) as redis: … redis.url … `keeps`: what it knows survives its death."""

    def __init__(self, folder: Path, *, password: str = "", certificate: Certificate | None = None, keeps: bool = False):
        self.folder = folder
        self.port = free_port()
        self.password = password
        self._certificate = certificate
        lines = [f"bind {HOST}", f"dir {folder}", 'save ""', "daemonize no", f"appendonly {'yes' if keeps else 'no'}", "appendfsync always",
                 f"logfile {folder}/redis.log"]
        if password:
            lines.append(f"requirepass {password}")
        if certificate:
            pem = write_private(folder / "redis.pem", certificate.certificate + certificate.key)
            lines += ["port 0", f"tls-port {self.port}", f"tls-cert-file {pem}", f"tls-key-file {pem}", "tls-auth-clients no"]
        else:
            lines.append(f"port {self.port}")
        self._file = write_private(folder / "redis.conf", "\n".join(lines) + "\n")
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"{'rediss' if self._certificate else 'redis'}://{HOST}:{self.port}"

    def start(self) -> "RedisServer":
        self._process = subprocess.Popen(["redis-server", str(self._file)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.STDOUT)
        wait_until("redis-server accepts", self._accepts)
        return self

    def _accepts(self) -> bool:
        assert self._process.poll() is None, (self.folder / "redis.log").read_text()
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """The beginning of the answer to one command, as it comes."""
        with socket.create_connection((HOST, self.port)) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536)

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(self, *_):
        if self._process and self._process.poll() is None:
            self.go_on()
            self.kill()
