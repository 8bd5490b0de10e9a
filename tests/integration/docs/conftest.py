import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from certificates import Certificate  # noqa: E402
from daemons import run  # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"), "proxy", "DNS:proxy.example.com")


@pytest.fixture(scope="session")
def schemas() -> dict[str, dict]:
    """As the programs print them."""
    return {program: json.loads(run(program, "schema").stdout) for program in ("rproxyd", "turnd")}
