"""The release build that these tests look at: VESTIBULE_BUILD, or build/release."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VESTIBULE_BUILD", ROOT / "build/release"))
DEPENDENCIES = Path(os.environ.get("VESTIBULE_DEPENDENCIES", ROOT / "build/dependencies"))
PROGRAMS = [BUILD / "bin" / name for name in ("rproxyd", "turnd")]


def readelf(*options) -> str:
    return subprocess.run(["readelf", "-W", *map(str, options)], capture_output=True, text=True, check=True).stdout


def needed(program: Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[([^]]+)\]", readelf("-d", program))
