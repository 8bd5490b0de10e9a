"""The rivals' programs, as tests/bench/rivals/install has fetched them, or this machine's own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("VESTIBULE_RIVALS", ROOT / "build/rivals"))


class Rival:
    def __init__(self, package: str, program: str, version_flag: str):
        self._package, self._program, self._version_flag = package, program, version_flag

    def command(self) -> list[str]:
        """By its own loader and C library; its own process name is the loader's."""
        root = FOLDER / self._package
        if not (root / "version").exists():
            return [shutil.which(self._program) or f"/usr/sbin/{self._program}"]
        found = next(root / folder / self._program for folder in ("usr/bin", "usr/sbin") if (root / folder / self._program).exists())
        library = next((root / "usr/lib").glob("*-linux-gnu"))
        loader = next(path for path in (root / "usr/lib64").glob("ld-linux*") if path.exists())
        return [str(loader), "--library-path", str(library), str(found)]

    def script(self, folder: Path) -> Path:
        """A program of one path in the folder, for who starts itself anew by its own name."""
        path = folder / self._program
        [*loader, found] = self.command()
        name = '--argv0 "$0" ' if loader else ""
        path.write_text(f'#!/bin/sh\nexec {" ".join(loader[:1])} {name}{" ".join(loader[1:])} {found} "$@"\n')
        path.chmod(0o755)
        return path

    def version(self) -> str:
        said = subprocess.run([*self.command(), self._version_flag], capture_output=True, text=True)
        return re.search(r"\d+\.\d+[\d.]*", said.stdout + said.stderr)[0]


COTURN = Rival("coturn", "turnserver", "--version")
NGINX = Rival("nginx", "nginx", "-v")
HAPROXY = Rival("haproxy", "haproxy", "-v")
NGHTTPX = Rival("nghttp2-proxy", "nghttpx", "--version")
