"""An output folder: whole, or not at all, and readable by its owner alone, since it holds passwords."""

import os
import shutil
import tempfile
from pathlib import Path


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
    """In the place of one that was written before; anything else is left alone."""
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / "answers.json").exists():
            raise NotWritten(f"{folder}: is there already, and holds something else; name another folder (--output)")
        made = made_of(folder, files)
        if folder.exists():
            former = Path(tempfile.mkdtemp(prefix=f".{folder.name}.former.", dir=folder.parent))
            folder.rename(former)  # onto an empty folder
            made.rename(folder)
            shutil.rmtree(former)
        else:
            made.rename(folder)
    except OSError as error:
        raise NotWritten(f"{error.filename or folder}: {error.strerror}") from None


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
