"""A daemon's admin address and socket, asked as scripts and browsers ask."""

import http.client
import json
import socket
from pathlib import Path

from daemons import HOST, WAIT_SECONDS, Daemon


def ask(daemon: Daemon, path: str, method: str = "GET", body: str | None = None, **fields) -> tuple[int, http.client.HTTPMessage, str]:
    """Status, header fields and body. Fields are given with underscores for hyphens."""
    connection = http.client.HTTPConnection(HOST, daemon.port("admin"), timeout=WAIT_SECONDS)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def command(path: Path, question: dict) -> dict:
    """One question over the Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WAIT_SECONDS)
        connection.connect(str(path))
        connection.sendall(json.dumps(question).encode() + b"\n")
        return json.loads(connection.makefile().readline())
