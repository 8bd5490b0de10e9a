import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support"), str(Path(__file__).parent)]
os.environ.setdefault("VESTIBULE_BUILD", str(ROOT / "build/release"))

from certificates import Certificate  # noqa: E402
from daemons import wait_until  # noqa: E402
from engine import CannotRun, Engine, Stack  # noqa: E402
from namespaces import Network  # noqa: E402

INSIDE, SECOND, CLIENT = "192.0.2.1", "192.0.2.2", "192.0.2.9"
NODES = [f"127.0.0.1:{18441 + number}" for number in range(2)]
PASSWORD = "not a secret"


@pytest.fixture(scope="session")
def machine():
    """The network that the containers take for their machine's, and a client outside of it."""
    with Network() as network:
        machine, client = network.host("machine"), network.host("client")
        network.link(machine, "eth0", [f"{INSIDE}/24", f"{SECOND}/24"], client, "eth0", [f"{CLIENT}/24"])
        yield machine, client


@pytest.fixture(scope="session")
def engine(machine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("containers") / "engine"
    try:
        with Engine(folder, machine[0]) as engine:
            for name in ("rproxyd", "turnd"):
                engine.build(name)
            yield engine
    except CannotRun as why:
        pytest.skip(f"podman runs no containers here, not even of /usr/bin/true: {why}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert not (left := engine.left()), left


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificate"), "proxy", "DNS:proxy.example.com", f"IP:{INSIDE}")


VARIABLES = {
    "VESTIBULE_NODES": ", ".join(f"https://{each}" for each in NODES),
    "VESTIBULE_DOMAIN": "example.com",
    "VESTIBULE_WORKERS": "1",
    "VESTIBULE_CERTIFICATES": "/run/secrets/certificate.pem",
    "VESTIBULE_TURN_RELAY_ADDRESSES": INSIDE,
    "VESTIBULE_TURN_CERTIFICATES": "/run/secrets/certificate.pem",
    "VESTIBULE_TURN_USER": "pexip",
    "VESTIBULE_TURN_PASSWORD_FILE": "/run/secrets/turn_password",
    "VESTIBULE_TURN_PEERS_ALLOW": f"{INSIDE}, {SECOND}",
    "VESTIBULE_TURN_ON_443": f"{INSIDE}:3478",
    "VESTIBULE_TURN_PROXY_PROTOCOL_FROM": INSIDE,
    "VESTIBULE_PIN_GUARD": "on",
}


@pytest.fixture
def stack(engine, certificate, tmp_path):
    """Nothing of it runs yet; all of it is gone after the test."""
    tmp_path.chmod(0o755)
    stack = Stack(engine, tmp_path, VARIABLES)
    for name, text in {"certificate.pem": certificate.file().read_text(), "turn_password": PASSWORD + "\n"}.items():
        (tmp_path / "secrets" / name).write_text(text)
        (tmp_path / "secrets" / name).chmod(0o444)  # as Swarm mounts them
    yield stack
    stack.compose("--profile", "turnd-2", "--profile", "observe", "--profile", "offload", "down", "--volumes", "--timeout", "1", check=False)


@pytest.fixture
def nodes(machine, tmp_path):
    """Two demo nodes on the machine's loopback."""
    with ExitStack() as stack:
        for number, address in enumerate(NODES):
            port_file = tmp_path / f"node{number}.port"
            with machine[0]:
                process = subprocess.Popen(["/usr/bin/python3", ROOT / "tests/support/demo_node", "--name", f"node{number}", "--listen", address,
                                            "--port-file", port_file])
            stack.callback(process.wait)
            stack.callback(process.terminate)
            wait_until("a demo node", port_file.exists)
        yield
