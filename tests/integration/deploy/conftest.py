import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support"), str(ROOT / "deploy")]


@pytest.fixture
def running():
    """What is entered here ends after the test, the last first."""
    with ExitStack() as stack:
        yield stack
