import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

import rproxyd  # noqa: E402
import turnd  # noqa: E402
from certificates import Certificate  # noqa: E402
from daemons import HOST, Daemon  # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Certificate:
    """Self-signed, for proxy.example.com."""
    return Certificate(tmp_path_factory.mktemp("certificate"), "proxy", "DNS:proxy.example.com", "DNS:localhost", "IP:127.0.0.1")


@pytest.fixture
def running():
    """What is entered here ends after the test, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(running, tmp_path, certificate):
    """Starts a daemon with an admin address and socket, with changes to the configuration."""

    def start_daemon(name: str, **changes) -> Daemon:
        admin = {"address": f"{HOST}:0", "socket": str(tmp_path / f"{name}.sock")}
        changes["admin"] = admin | changes.get("admin", {})
        if name == "turnd":
            return running.enter_context(turnd.Turnd(tmp_path, turnd.configuration(**changes)))
        servers = changes.pop("servers", [f"http://{HOST}:9"])
        return running.enter_context(rproxyd.Rproxyd(tmp_path, rproxyd.configuration(tmp_path, certificate.file(), servers, **changes)))

    return start_daemon
