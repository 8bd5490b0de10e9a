"""An output folder: whole, or not at all, and readable by its owner alone, since it holds passwords."""

import ctypes
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

MANIFEST = "files.txt"  # what was written, so that a folder of which half is gone is known for it
AT_FDCWD, RENAME_EXCHANGE = -100, 2
libc = ctypes.CDLL(None, use_errno=True)


class NotWritten(Exception):
    """With the folder and the reason."""


def write(folder: Path, files: dict[str, str]) -> None:
    """A folder that is there must be empty: nothing is written over."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise NotWritten(f"{folder}: is there already, and not empty; name another folder (--output)")
        made_of(folder, files).rename(folder)
    except OSError as error:
        raise NotWritten(f"{error.filename or folder}: {error.strerror}") from None


def replace(folder: Path, files: dict[str, str]) -> None:
    """In the place of one that was written before; anything else is left alone. What a run before was killed over goes away."""
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / "answers.json").exists():
            raise NotWritten(f"{folder}: is there already, and holds something else; name another folder (--output)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.parent):
            for left in folder.parent.glob(f".{folder.name}.????????"):
                shutil.rmtree(left)
            made = made_of(folder, files | {MANIFEST: "".join(f"{name}\n" for name in files)})
            if folder.exists():
                exchange(made, folder)
                shutil.rmtree(made)
            else:
                made.rename(folder)
    except OSError as error:
        raise NotWritten(f"{error.filename or folder}: {error.strerror}") from None


def missing_from(folder: Path) -> list[str]:
    """Of what was written there. Raises OSError: there is no list either."""
    return [name for name in (folder / MANIFEST).read_text().splitlines() if not (folder / name).is_file()]


class locked:
    """with locked(folder): … Another run waits."""

    def __init__(self, folder: Path):
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_error) -> None:
        os.close(self._descriptor)


def exchange(one: Path, other: Path) -> None:
    """At no time is there neither."""
    if libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))


def made_of(folder: Path, files: dict[str, str]) -> Path:
    """Beside `folder`, under a name of its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, text in files.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(made / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
    except OSError:
        shutil.rmtree(made)
        raise
    return made
