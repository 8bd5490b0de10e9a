"""From the output folder into the machine: the difference first, then all files or none, with what was there kept beside them."""

import difflib
import errno
import json
import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from installation import in_progress
from installation.questions import Answers, get

BEFORE = ".before-vestibule"
PRIVATE = re.compile(r"^-----BEGIN [A-Z ]*PRIVATE KEY-----.*?^-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL | re.MULTILINE)
READ_BY_ALL, READ_BY_GROUP, READ_BY_OWNER = 0o644, 0o640, 0o600


class NotApplied(Exception):
    """With the file and the reason; everything is as it was."""


@dataclass
class Change:
    target: Path
    text: str
    before: str | None  # None: there is no such file

    @property
    def mode(self) -> int:
        """What holds secrets is its owner's alone; in a folder that hands its group on, the group's, too: the daemons'."""
        if "vestibule" not in self.target.parts:
            return READ_BY_ALL
        return READ_BY_GROUP if self.target.parent.stat().st_mode & stat.S_ISGID else READ_BY_OWNER


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


def former_secrets(of: list[Change]) -> list[str]:
    """Of the turnd.json that is there."""
    try:
        credentials = next(json.loads(each.before)["credentials"] for each in of if each.before and each.target.name == "turnd.json")
        return [*credentials.get("users", {}).values(), *credentials.get("shared_secrets", [])]
    except (StopIteration, ValueError, KeyError, TypeError, AttributeError):
        return []


def shown(of: list[Change], secrets: list[str]) -> str:
    text, secrets = "", [*secrets, *former_secrets(of)]
    for change in of:
        before = (change.before or "").splitlines(keepends=True)
        names = ("/dev/null" if change.before is None else str(change.target), str(change.target))
        text += "".join(difflib.unified_diff(hidden(before, secrets), hidden(change.text.splitlines(keepends=True), secrets), *names))
    return text


def hidden(lines: list[str], secrets: list[str]) -> list[str]:
    text = PRIVATE.sub("(a private key)", "".join(lines))
    for secret in filter(None, secrets):
        text = text.replace(secret, "********")
    return text.splitlines(keepends=True)


def apply(of: list[Change], root: Path) -> None:
    """Room and permission are tried first, with all new files beside the old ones; then each takes its place by rename. Cut off in
    between, what was there is put back: here, or by the next run."""
    made: list[Path] = []
    begun = False
    try:
        for change in of:
            made_folders(change.target.parent)
            made.append(beside(change))
        in_progress.begin(root, [target for change in of for target in (change.target, *([kept(change)] if change.before is not None else []))])
        begun = True
        for change, new in zip(of, made):
            if change.before is not None:
                copy(change.target, kept(change))
            new.rename(change.target)
        in_progress.end(root)
    except OSError as error:
        for new in made:
            new.unlink(missing_ok=True)
        where = error.filename or root
        if begun:
            try:
                in_progress.put_back(root)
            except OSError as another:
                raise NotApplied(f"{where}: {error.strerror}; and what was there before could not be put back ({another.filename}: {another.strerror}): "
                                 "run deploy/setup --apply again when that is mended") from None
        raise NotApplied(f"{where}: {error.strerror}; everything is as it was") from None


def made_folders(folder: Path) -> None:
    """A folder in the place of a file is an error like any other."""
    folder.mkdir(parents=True, exist_ok=True)


def kept(change: Change) -> Path:
    return change.target.with_name(change.target.name + BEFORE)


def beside(change: Change) -> Path:
    """The new file, whole, with the owner and mode of the old one, under another name."""
    if change.target.is_dir():
        raise OSError(errno.EISDIR, "is a folder; a file should go there", str(change.target))
    new = change.target.with_name(f".{change.target.name}.new")
    new.unlink(missing_ok=True)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(change.text)
            out.flush()
            os.fsync(out.fileno())
        if change.before is not None and not change.target.is_symlink():
            status = change.target.stat()
            os.chown(new, status.st_uid, status.st_gid)
            os.chmod(new, status.st_mode & 0o7777)
        else:
            os.chmod(new, change.mode)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    return new


def copy(file: Path, to: Path) -> None:
    """With owner and mode."""
    new = to.with_name(f".{to.name}.new")
    new.unlink(missing_ok=True)
    shutil.copy2(file, new)
    status = file.stat()
    os.chown(new, status.st_uid, status.st_gid)
    new.rename(to)


def what_is_next(of: list[Change]) -> str:
    """What a person does then; nothing is restarted behind their back."""
    steps = []
    names = [str(change.target) for change in of]
    if any("/sysusers.d/" in name for name in names):
        steps.append("users and folders: `systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload`, then "
                     "`chgrp vestibule /etc/vestibule/* && chmod 640 /etc/vestibule/*`")
    for daemon in ("rproxyd", "turnd"):
        if any(name.endswith(f"{daemon}.json") for name in names):
            steps.append(f"{daemon}: `{daemon} check --config /etc/vestibule/{daemon}.json`, then `systemctl enable --now {daemon}`, or `systemctl reload {daemon}` if it runs")
    for ending, step in (("nftables.conf", "the firewall: `nft -f /etc/nftables.conf`, and `systemctl enable nftables`"),
                         (".network", "interfaces: `networkctl reload`; with ifupdown, take /etc/network/interfaces.vestibule"),
                         ("timesyncd.conf.d/vestibule.conf", "time: `systemctl restart systemd-timesyncd`"),
                         ("sshd_config.d/vestibule.conf", "SSH: `sshd -t && systemctl reload ssh`; keep a session open until another one has worked")):
        if any(name.endswith(ending) for name in names):
            steps.append(step)
    return "".join(f"  - {each}\n" for each in steps)
