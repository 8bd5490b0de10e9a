"""The two files that turnd reads (turnd/settings/users_file.h draws the first), written as a whole or not at all."""

import hashlib
import json
import os
import re
import secrets
import time
from pathlib import Path

from .server import Snapshot

MAX_NAME_BYTES = 508    # as turnd has it
MAX_SECRET_BYTES = 4096
READABLE_BY_GROUP = 0o640


def is_usable(text: str, most: int) -> bool:
    """Printable, without a character that turnd would refuse or a line's end."""
    return 0 < len(text.encode("utf-8", "surrogateescape")) <= most and text.isprintable()


class Files:
    def __init__(self, realm: str, users: Path, secret_file: Path | None):
        self.realm, self._users, self._secrets = realm, users, secret_file
        self._stamp = users.with_name(users.name + ".as-of")
        self._nobodys = secrets.token_hex(32)

    def write(self, found: Snapshot) -> tuple[int, int, list[str]]:
        """How many users and secrets are in the files now, and what was left out."""
        left_out, users = [], {}
        for name in sorted(found.keys.keys() | found.passwords.keys()):
            keys = self._keys(name, found)
            if keys is None:
                left_out.append(ascii(name))
            else:
                users[name] = keys
        usable = [each for each in found.secrets if is_usable(each, MAX_SECRET_BYTES)]
        left_out += ["a secret"] * (len(found.secrets) - len(usable))
        replace(self._users, json.dumps({"realm": self.realm, "users": users}, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        if self._secrets:
            replace(self._secrets, "".join(f"{each}\n" for each in [*usable, self._secret_of_nobody()]))
        replace(self._stamp, f"{time.time():.0f}\n")
        return len(users), len(usable), left_out

    def clear(self) -> None:
        """Nobody is let in any more."""
        replace(self._users, json.dumps({"realm": self.realm, "users": {}}) + "\n")
        if self._secrets:
            replace(self._secrets, self._secret_of_nobody() + "\n")

    def age(self) -> float | None:
        """Seconds since the server has said what is in the files; None: never."""
        try:
            return max(time.time() - float(self._stamp.read_text()), 0)
        except (OSError, ValueError):
            return None

    def _keys(self, name: str, found: Snapshot) -> dict | None:
        if not is_usable(name, MAX_NAME_BYTES):
            return None
        password = found.passwords.get(name)
        # Beyond ASCII there are several ways to make a key, which turnd knows and `turnd user add` writes.
        if password and f"{name}{self.realm}{password}".isascii() and password.isprintable():
            together = f"{name}:{self.realm}:{password}".encode()
            return {"md5": hashlib.md5(together).hexdigest(), "sha256": hashlib.sha256(together).hexdigest()}
        key = found.keys.get(name, "")
        return {"md5": key.lower()} if re.fullmatch(r"[0-9a-fA-F]{32}", key) else None

    def _secret_of_nobody(self) -> str:
        """turnd takes no file without a secret. The same again, so that the file doesn't change by it."""
        try:
            return self._secrets.read_text().splitlines()[-1]
        except (OSError, IndexError):
            return self._nobodys


def replace(path: Path, text: str) -> None:
    """Unless it is the same already. Its owner and the folder's group may read it."""
    raw = text.encode("utf-8", "surrogateescape")
    if path.exists() and path.read_bytes() == raw:
        return
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
        os.fchown(file.fileno(), -1, path.parent.stat().st_gid)
        os.fchmod(file.fileno(), READABLE_BY_GROUP)
    os.replace(fresh, path)
