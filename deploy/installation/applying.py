"""From the output folder into the machine: the difference first, then all files or none, with what was there kept beside them."""

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from installation.questions import Answers, get

BEFORE = ".before-vestibule"
PRIVATE = re.compile(r"^-----BEGIN [A-Z ]*PRIVATE KEY-----.*?^-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL | re.MULTILINE)
READ_BY_ALL, READ_BY_OWNER = 0o644, 0o600


class NotApplied(Exception):
    """With the file and the reason; everything is as it was."""


@dataclass
class Change:
    target: Path
    text: str
    before: str | None  # None: there is no such file

    @property
    def mode(self) -> int:
        """What holds secrets is its owner's alone."""
        return READ_BY_OWNER if "vestibule" in self.target.parts else READ_BY_ALL


def changes(output: Path, root: Path) -> list[Change]:
    found = []
    for file in sorted((output / "etc").rglob("*")):
        if file.is_file():
            target = root / file.relative_to(output)
            try:
                before = target.read_text() if target.exists() else None
            except (OSError, UnicodeDecodeError) as error:
                raise NotApplied(f"{target}: can't be read: {error}") from None
            if before != file.read_text():
                found.append(Change(target, file.read_text(), before))
    return found


def secrets_of(answers: Answers) -> list[str]:
    return [each for key in ("password", "sharedsecret") if (each := get(answers, f"turnserver.{key}"))]


def shown(of: list[Change], secrets: list[str]) -> str:
    text = ""
    for change in of:
        before = (change.before or "").splitlines(keepends=True)
        names = ("/dev/null" if change.before is None else str(change.target), str(change.target))
        text += "".join(difflib.unified_diff(hidden(before, secrets), hidden(change.text.splitlines(keepends=True), secrets), *names))
    return text


def hidden(lines: list[str], secrets: list[str]) -> list[str]:
    text = PRIVATE.sub("(a private key)", "".join(lines))
    for secret in secrets:
        text = text.replace(secret, "********")
    return text.splitlines(keepends=True)


def apply(of: list[Change]) -> None:
    """Each file by rename; when one can't be, those before it go back."""
    done: list[Change] = []
    try:
        for change in of:
            change.target.parent.mkdir(parents=True, exist_ok=True)
            if change.before is not None:
                put(change.target.with_name(change.target.name + BEFORE), change.before, change.mode)
            put(change.target, change.text, change.mode)
            done.append(change)
    except OSError as error:
        for change in reversed(done):
            if change.before is None:
                change.target.unlink()
            else:
                put(change.target, change.before, change.mode)
        raise NotApplied(f"{error.filename}: {error.strerror}; everything is as it was") from None


def put(target: Path, text: str, mode: int) -> None:
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.rename(target)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def what_is_next(of: list[Change]) -> str:
    """What a person does then; nothing is restarted behind their back."""
    steps = []
    names = [str(change.target) for change in of]
    for daemon in ("rproxyd", "turnd"):
        if any(name.endswith(f"{daemon}.json") for name in names):
            steps.append(f"{daemon}: `{daemon} check --config /etc/vestibule/{daemon}.json`, then start it, or SIGHUP if it runs")
    for ending, step in (("nftables.conf", "the firewall: `nft -f /etc/nftables.conf`, and `systemctl enable nftables`"),
                         (".network", "interfaces: `networkctl reload`; with ifupdown, take /etc/network/interfaces.vestibule"),
                         ("vestibule.conf", "time: `systemctl restart systemd-timesyncd`")):
        if any(name.endswith(ending) for name in names):
            steps.append(step)
    return "".join(f"  - {each}\n" for each in steps)
