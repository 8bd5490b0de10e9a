"""rproxyd between a test's own clients and backends."""

import ssl
from pathlib import Path

from daemons import HOST, Daemon, wait_until
from wire import Wire, client_tls, connect


def merged(base: dict, changes: dict) -> dict:
    """`changes` over `base`: objects are merged, everything else is replaced."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def configuration(folder: Path, certificate: Path, servers: list[str], **changes) -> dict:
    """One pool behind every path; HTTPS, and plain HTTP for tests that need no TLS. `changes` to the
    pool stand under `pool`."""
    pool = merged({"servers": servers, "tls": {"verify": False}}, changes.pop("pool", {}))
    return merged({
        "workers": 1,
        "drain_timeout": "0s",
        "listeners": [{"address": f"{HOST}:0", "tls": {"certificates": [str(certificate)]}}, {"address": f"{HOST}:0"}],
        "pools": {"nodes": pool},
        "routes": [{"path": "/", "pool": "nodes"}],
        "log": {"level": "debug", "access": str(folder / "access.log")},
        "admin": {"address": None, "socket": None},
    }, changes)


class Rproxyd(Daemon):
    def __init__(self, folder: Path, configured: dict, **options):
        super().__init__("rproxyd", folder, configured, **options)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port('https')}"

    def connect(self, transport: str = "https", tls: ssl.SSLContext | None = None, **options) -> Wire:
        if transport == "https":
            options |= {"tls": tls or client_tls("http/1.1"), "server_name": options.get("server_name", "proxy.example.com")}
        return connect(HOST, self.port(transport), **options)

    def access_lines(self, count: int = 1) -> list[str]:
        """Waits for so many: a client can have its answer before the line is in the file."""
        log = self.folder / "access.log"
        wait_until(f"{count} lines in {log}", lambda: log.read_text().count("\n") >= count)
        return log.read_text().splitlines()


def request(method: str = "GET", target: str = "/", *fields: str, body: bytes = b"", host: str = "proxy.example.com") -> bytes:
    """A whole request; with a body, Content-Length too."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(status: int = 200, body: bytes = b"", *fields: str) -> bytes:
    """A whole answer with Content-Length."""
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body


def chunked(*pieces: bytes, trailers: tuple[str, ...] = ()) -> bytes:
    """A body in chunks, the last one included."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + "".join(f"{each}\r\n" for each in trailers).encode() + b"\r\n"
