"""What the machine had before it is changed, kept until all of it is changed: if the change is cut off in between, by an error, a
kill or a power cut, what was there is put back, at the latest by the next run.

The folder, readable by root alone, has a file of each former text, and names.json, which is written last: without it nothing has been
touched yet.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

PLACE = Path("var/lib/vestibule/setup-in-progress")  # from the machine's root
NAMES = "names.json"


@dataclass
class Former:
    """One file as it was. `kept`: its copy; None: there was none. `link`: it was a symbolic link to that."""
    target: Path
    kept: str | None = None
    link: str | None = None
    mode: int = 0
    owner: tuple[int, int] = (0, 0)


def begin(root: Path, targets: list[Path]) -> None:
    """Raises OSError; then nothing is left behind."""
    folder = root / PLACE
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, mode=0o700)
        formers = [former(folder, number, target) for number, target in enumerate(targets)]
        synced(folder / NAMES, json.dumps([vars(each) | {"target": str(each.target.relative_to(root))} for each in formers]).encode())
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def former(folder: Path, number: int, target: Path) -> Former:
    if target.is_symlink():
        return Former(target, link=os.readlink(target))
    if not target.exists():
        return Former(target)
    status = target.stat()
    synced(folder / str(number), target.read_bytes())
    return Former(target, str(number), None, status.st_mode & 0o7777, (status.st_uid, status.st_gid))


def end(root: Path) -> None:
    """All is changed."""
    (root / PLACE / NAMES).unlink()
    shutil.rmtree(root / PLACE)


def put_back(root: Path) -> list[Path]:
    """What an interrupted change had before it; nothing when there is none. Raises OSError, and may be called again."""
    folder = root / PLACE
    if not (folder / NAMES).exists():
        shutil.rmtree(folder, ignore_errors=True)
        return []
    formers = [Former(**each) for each in json.loads((folder / NAMES).read_text())]
    for each in formers:
        target = root / each.target
        new = target.with_name(f".{target.name}.new")
        new.unlink(missing_ok=True)
        if each.link is not None:
            os.symlink(each.link, new)
        elif each.kept is not None:
            synced(new, (folder / each.kept).read_bytes())
            os.chown(new, *each.owner)
            os.chmod(new, each.mode)
        else:
            target.unlink(missing_ok=True)
            continue
        new.rename(target)
    end(root)
    return [root / each.target for each in formers]


def synced(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
