"""Faults of the kernel in a daemon that runs: shim.c, compiled and loaded before it, and what it is told while it runs.

    faults = Faults(folder)
    with Turnd(folder, configured, environment=faults.environment()) as turnd:
        faults.interrupt_every = 3
        …
        assert faults.interrupted > 100
"""

import functools
import mmap
import struct
import subprocess
import tempfile
from pathlib import Path

from daemons import SANITIZERS

SOURCE = Path(__file__).parents[1] / "faults/shim.c"
NUMBER = struct.Struct("q")
# In the order of the enumeration in shim.c: what is wanted, then what was done.
WANTED = ["clock_offset", "interrupt_every", "short_bytes", "small_buffers", "no_buffer_every", "refuse_accept", "refuse_watch", "die_at"]
DONE = ["interrupted", "shortened", "refused", "file_calls"]
PLACES = {name: place for place, name in enumerate(WANTED + DONE)}
BYTES = 16 * NUMBER.size


@functools.cache
def _compiled() -> Path:
    made = Path(tempfile.mkdtemp(prefix="vestibule-faults-")) / "shim.so"
    subprocess.run(["gcc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", made, SOURCE], check=True)
    return made


class Faults:
    """Each name of WANTED is written, each of DONE read, at any time."""

    def __init__(self, folder: Path, **wanted: int):
        path = folder / "faults"
        path.write_bytes(bytes(BYTES))
        self.__dict__["_path"] = path
        with path.open("r+b") as file:
            self.__dict__["_shared"] = mmap.mmap(file.fileno(), BYTES)
        for name, value in wanted.items():
            setattr(self, name, value)

    def environment(self, files: Path | None = None) -> dict[str, str]:
        """`files`: calls that change files whose name begins like that are counted, and one of them may be the last."""
        # AddressSanitizer wants to be the first library; it works behind this one as well.
        given = {"FAULTS": str(self._path), "LD_PRELOAD": str(_compiled()),
                 "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}
        return given | ({"FAULTS_FILES": str(files)} if files else {})

    def __getattr__(self, name: str) -> int:
        return NUMBER.unpack_from(self._shared, PLACES[name] * NUMBER.size)[0]

    def __setattr__(self, name: str, value: int) -> None:
        assert name in WANTED, name
        NUMBER.pack_into(self._shared, PLACES[name] * NUMBER.size, value)
