import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from backend import Backend  # noqa: E402
from certificates import Certificate  # noqa: E402
from demo_node.process import DemoNode  # noqa: E402
from rproxyd import Rproxyd, configuration  # noqa: E402
from wire import server_tls  # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Certificate:
    """Self-signed, for proxy.example.com."""
    return Certificate(tmp_path_factory.mktemp("certificate"), "proxy", "DNS:proxy.example.com", "IP:127.0.0.1")


@pytest.fixture
def running():
    """What is entered here ends after the test, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(running, tmp_path, certificate):
    """Starts rproxyd before the given servers (their URLs), with changes to the configuration."""

    def start_rproxyd(*servers: str, descriptors: int | None = None, honest_memory: bool = False, **changes) -> Rproxyd:
        configured = configuration(tmp_path, certificate.file(), list(servers), **changes)
        return running.enter_context(Rproxyd(tmp_path, configured, descriptors=descriptors, honest_memory=honest_memory))

    return start_rproxyd


@pytest.fixture
def new_backend(running, certificate):
    """A backend that the test plays; over TLS if wanted."""

    def make(tls: bool = False, **options) -> Backend:
        made = Backend(server_tls(certificate.file()) if tls else None, **options)
        running.callback(made.close)
        return made

    return make


@pytest.fixture
def backend(new_backend) -> Backend:
    return new_backend()


@pytest.fixture
def proxy(start, backend) -> Rproxyd:
    """rproxyd before `backend`."""
    return start(backend.url)


@pytest.fixture
def node(running):
    """Starts a demo node under the given name."""

    def start_node(name: str, *flags: str) -> DemoNode:
        return running.enter_context(DemoNode(*flags, name=name))

    return start_node
