import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

import rproxyd as proxies  # noqa: E402
import turnd as relays  # noqa: E402
from backend import Backend  # noqa: E402
from certificates import Certificate  # noqa: E402
from faults import Faults  # noqa: E402
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
def faults(tmp_path) -> Faults:
    return Faults(tmp_path)


@pytest.fixture
def start_proxy(running, tmp_path, certificate):
    """Starts rproxyd before the given servers, with changes to the configuration."""

    def start(*servers: str, environment: dict | None = None, descriptors: int | None = None, **changes) -> proxies.Rproxyd:
        configured = proxies.configuration(tmp_path, certificate.file(), list(servers), **changes)
        return running.enter_context(proxies.Rproxyd(tmp_path, configured, environment=environment, descriptors=descriptors))

    return start


@pytest.fixture
def start_turnd(running, tmp_path):
    """Starts turnd with changes to the configuration."""

    def start(environment: dict | None = None, descriptors: int | None = None, **changes) -> relays.Turnd:
        configured = relays.configuration(**changes)
        return running.enter_context(relays.Turnd(tmp_path, configured, environment=environment, descriptors=descriptors))

    return start


@pytest.fixture
def new_backend(running, certificate):
    """A backend that the test plays; over TLS if wanted."""

    def make(tls: bool = False, **options) -> Backend:
        made = Backend(server_tls(certificate.file()) if tls else None, **options)
        running.callback(made.close)
        return made

    return make


@pytest.fixture
def client(running):
    """A client of turnd's first listener of a transport."""

    def connect(turnd: relays.Turnd, transport: str = "udp", **options) -> relays.TurnClient:
        return running.enter_context(relays.TurnClient(turnd.address(transport), transport, **options))

    return connect
