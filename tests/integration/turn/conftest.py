import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

import appliance  # noqa: E402
from turnd import Peer, Reloading, TurnClient, Turnd, configuration  # noqa: E402


def pytest_generate_tests(metafunc):
    """The deployments of the replaced appliance are tried twice: relayed by sockets, and in the kernel."""
    if metafunc.module.__name__.startswith("test_turn_appliance"):
        metafunc.parametrize("relayed_by", ["sockets", "kernel"], indirect=True)


@pytest.fixture(autouse=True)
def relayed_by(request, monkeypatch) -> str:
    by = getattr(request, "param", "sockets")
    monkeypatch.setattr(appliance, "OFFLOAD", by == "kernel")
    return by


@pytest.fixture
def running():
    """What is entered here ends after the test, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(running, tmp_path):
    """Starts turnd with changes to the configuration."""

    def start_turnd(honest_memory: bool = False, **changes) -> Turnd:
        return running.enter_context(Turnd(tmp_path, configuration(**changes), honest_memory=honest_memory))

    return start_turnd


@pytest.fixture
def reloading(start):
    """Starts turnd with two workers; what it gives has the configuration for reloads."""
    return lambda **changes: Reloading(start(workers=2, **changes))


@pytest.fixture
def client(running):
    """A client of a daemon's first listener of a transport, or of an address."""

    def connect(where, transport: str = "udp", **options) -> TurnClient:
        server = where if isinstance(where, tuple) else where.address(transport)
        return running.enter_context(TurnClient(server, transport, **options))

    return connect


@pytest.fixture
def peer(running) -> Peer:
    return running.enter_context(Peer())
