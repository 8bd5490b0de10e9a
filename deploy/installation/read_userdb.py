"""coturn's user database: SQLite since coturn 4.5, lines of NAME:PASSWORD or NAME:0xKEY before. Every row is carried, or said."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from installation.report import Report
from installation.site import Turn

KEY = re.compile(r"0x([0-9a-fA-F]{32})$")
REALM_OPTIONS = {"max-bps": "bandwidth_per_allocation", "total-quota": "allocations", "user-quota": "allocations_per_user"}
PEERS = (("allowed_peer_ip", "allowed-peer-ip"), ("denied_peer_ip", "denied-peer-ip"))
# Tables of which nothing can be taken, and why.
LEFT = {
    "oauth_key": ("kid", "a key for access tokens: credentials.oauth.keys takes it, in base64"),
    "admin_user": ("name", "a user of coturn's web interface: the status page has a token (admin.token_file)"),
    "turn_origin_to_realm": ("origin", "ORIGIN is not looked at: there is one realm"),
}


class Database:
    def __init__(self, path: Path, turn: Turn, report: Report):
        self._path, self._turn, self._report = path, turn, report

    def read(self) -> list[tuple[str, str, str]]:
        """Networks that coturn let in or kept out as peers: option, value, place. Raises sqlite3.Error, OSError."""
        with self._path.open("rb") as file:
            is_sqlite = file.read(16).startswith(b"SQLite format 3")
        if not is_sqlite:
            for number, line in enumerate(self._path.read_text(errors="replace").splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    name, _, password = line.strip().partition(":")
                    add_user(self._turn, name, password, f"{self._path}:{number}", self._report)
            return []
        database = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            self._users(database)
            self._secrets(database)
            self._options(database)
            for table, (column, why) in LEFT.items():
                for (value,) in rows(database, table, column):
                    self._report.leave(f"{self._path}: {table}", f"{value}: {why}")
            return [(option, value, f"{self._path}: {table}") for table, option in PEERS for realm, value in rows(database, table, "realm, ip_range")
                    if self._is_ours(realm, table, value)]
        finally:
            database.close()

    def _is_ours(self, realm: str, table: str, what: str) -> bool:
        if realm in ("", self._turn.realm):
            return True
        self._report.leave(f"{self._path}: {table}", f"{what}: is of another realm, {realm}")
        return False

    def _users(self, database: sqlite3.Connection) -> None:
        for realm, name, key in rows(database, "turnusers_lt", "realm, name, hmackey"):
            if self._turn.realm and realm != self._turn.realm:
                self._report.leave(f"{self._path}: {name}", f"a user of another realm, {realm}")
            elif not re.fullmatch("(0x)?[0-9a-fA-F]{32}", key or ""):
                self._report.leave(f"{self._path}: {name}", "has no MD5 key: give the password once more (turnd user add)")
            else:
                add_user(self._turn, name, "0x" + key.removeprefix("0x"), str(self._path), self._report)

    def _secrets(self, database: sqlite3.Connection) -> None:
        found = [value for realm, value in rows(database, "turn_secret", "realm, value") if self._is_ours(realm, "turn_secret", "a shared secret")]
        self._turn.secrets += [value for value in found if value not in self._turn.secrets]
        if found:
            self._report.carry(str(self._path), f"{len(found)} shared secret{'s' if len(found) > 1 else ''}")

    def _options(self, database: sqlite3.Connection) -> None:
        for realm, option, value in rows(database, "turn_realm_option", "realm, opt, value"):
            if not self._is_ours(realm, "turn_realm_option", f"{option}={value}"):
                continue
            key = REALM_OPTIONS.get(option)
            if key and value.isdigit():
                if value != "0":
                    self._turn.limits[key] = int(value)
                self._report.carry(f"{self._path}: turn_realm_option", f"{option}={value}, which counts more than the file's")
            else:
                self._report.leave(f"{self._path}: turn_realm_option", f"{option}={value}: is not known here")


def rows(database: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple]:
    """Older databases lack some tables."""
    if database.execute("select 1 from sqlite_master where type = 'table' and name = ?", (table,)).fetchone():
        yield from database.execute(f"select {columns} from {table}")  # names of this file alone


def add_user(turn: Turn, name: str, password: str, where: str, report: Report) -> None:
    if found := KEY.match(password):
        turn.keys[name] = found[1].lower()
    else:
        turn.users[name] = password
    report.carry(where, f"the user {name}")
