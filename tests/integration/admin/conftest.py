import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from either_daemon import certificate, running, start  # noqa: E402

__all__ = ["certificate", "running", "start"]
