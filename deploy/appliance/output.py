"""An output folder: whole, or not at all, and readable by its owner alone, since it holds passwords."""

import os
import tempfile
from pathlib import Path


class NotWritten(Exception):
    """With the folder and the reason."""


def write(folder: Path, files: dict[str, str]) -> None:
    """A folder that is there must be empty: nothing is written over."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise NotWritten(f"{folder}: is there already, and not empty; name another folder (--output)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, text in files.items():
                with open(os.open(made / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                    out.write(text)
                    out.flush()
                    os.fsync(out.fileno())
            made.rename(folder)
        except OSError:
            for each in made.iterdir():
                each.unlink()
            made.rmdir()
            raise
    except OSError as error:
        raise NotWritten(f"{error.filename or folder}: {error.strerror}") from None
