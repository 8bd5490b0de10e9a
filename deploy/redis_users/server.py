"""What a Redis server has of a realm (turndb/schema.userdb.redis of coturn), asked for in Redis' own protocol."""

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

PATIENCE_SECONDS = 10  # for each answer
MAX_USERS = 100_000    # as many as turnd's file may hold
MAX_SECRETS = 15       # turnd takes 16; one of them is nobody's (files.py)
MAX_ANSWER_BYTES = 64 * 1024 * 1024
SCAN_COUNT = 1000


class Refused(Exception):
    """What the server said, or has, that can't be used."""


@dataclass
class Snapshot:
    keys: dict[str, str] = field(default_factory=dict)       # name -> MD5 of name, realm and password, in hexadecimal
    passwords: dict[str, str] = field(default_factory=dict)  # of users whose password it knows
    secrets: list[str] = field(default_factory=list)


class Server:
    def __init__(self, host: str, port: int, database: int, user: str, password: str, tls: ssl.SSLContext | None):
        self.host, self.port, self.database, self.user, self._password, self._tls = host, port, database, user, password, tls

    @staticmethod
    def of_url(url: str, password_file: Path | None, ca_file: Path | None) -> "Server":
        parts = urlsplit(url)
        database = parts.path.strip("/") or "0"
        if parts.scheme not in ("redis", "rediss") or not parts.hostname or not database.isdigit() or parts.query or parts.fragment:
            raise ValueError("--server: expected redis://[USER@]HOST[:PORT][/DATABASE], or rediss://")
        if parts.password:
            raise ValueError("--server: a password in a command line can be seen by everybody: use --password-file")
        tls = None
        if parts.scheme == "rediss":
            tls = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        elif ca_file:
            raise ValueError("--ca-file: means nothing without rediss://")
        password = password_file.read_text().removesuffix("\n") if password_file else ""
        return Server(parts.hostname, parts.port or 6379, int(database), unquote(parts.username or ""), password, tls)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"

    def snapshot(self, realm: str) -> Snapshot:
        """All of one realm. OSError or Refused: it can't be had now."""
        with Connection(self._open()) as connection:
            if self._password:
                connection.ask("AUTH", *([self.user] if self.user else []), self._password)
            connection.ask("SELECT", str(self.database))
            prefix = f"turn/realm/{realm}/"
            names = [key.removeprefix(prefix) for key in connection.scan(prefix)]
            found = Snapshot()
            for kind, into in (("key", found.keys), ("password", found.passwords)):
                users = [name for name in names if name.startswith("user/") and name.endswith("/" + kind)]
                if len(users) > MAX_USERS:
                    raise Refused(f"{len(users)} users: expected {MAX_USERS} at most")
                for name, value in zip(users, connection.values([prefix + name for name in users])):
                    if value is not None:
                        into[name.removeprefix("user/").removesuffix("/" + kind)] = value
            secrets = set(connection.values([prefix + name for name in names if name.startswith("secret/")]))
            if "secret" in names:
                secrets |= set(connection.ask("SMEMBERS", prefix + "secret"))
            found.secrets = sorted(each for each in secrets if each)
            if len(found.secrets) > MAX_SECRETS:
                raise Refused(f"{len(found.secrets)} secrets: expected {MAX_SECRETS} at most, since each costs turnd work")
            return found

    def _open(self) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout=PATIENCE_SECONDS)
        return self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain


class Connection:
    """Commands one by one."""

    def __init__(self, stream: socket.socket):
        self._socket, self._stream, self._left = stream, stream.makefile("rb"), MAX_ANSWER_BYTES

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_error) -> None:
        self._stream.close()
        self._socket.close()

    def ask(self, *words: str):
        packed = [b"*%d\r\n" % len(words)]
        for word in words:
            raw = word.encode("utf-8", "surrogateescape")
            packed.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
        self._socket.sendall(b"".join(packed))
        self._left = MAX_ANSWER_BYTES
        return self._answer()

    def scan(self, prefix: str) -> list[str]:
        pattern = "".join("\\" + c if c in "*?[]\\^" else c for c in prefix) + "*"
        cursor, found = "0", set()
        while True:
            cursor, keys = self.ask("SCAN", cursor, "MATCH", pattern, "COUNT", str(SCAN_COUNT))
            found.update(keys)
            if len(found) > 2 * MAX_USERS + SCAN_COUNT:
                raise Refused(f"more than {MAX_USERS} users: expected so many at most")
            if cursor == "0":
                return sorted(found)

    def values(self, keys: list[str]) -> list[str | None]:
        """Of strings; None: gone meanwhile, or no string."""
        got = []
        for i in range(0, len(keys), SCAN_COUNT):
            got += self.ask("MGET", *keys[i:i + SCAN_COUNT])
        return got

    def _line(self) -> bytes:
        line = self._stream.readline(MAX_ANSWER_BYTES)
        if not line.endswith(b"\r\n"):
            raise OSError("the connection ended")
        return line[:-2]

    def _answer(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise Refused(rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind not in (b"$", b"*"):
            raise Refused("what it sends is no answer of a Redis server")
        size = int(rest)
        if size < 0:
            return None
        if kind == b"*":
            return [self._answer() for _ in range(size)]
        self._left -= size
        if self._left < 0:
            raise Refused("an answer is longer than any should be")
        data = self._stream.read(size + 2)
        if len(data) != size + 2:
            raise OSError("the connection ended")
        return data[:-2].decode("utf-8", "surrogateescape")
