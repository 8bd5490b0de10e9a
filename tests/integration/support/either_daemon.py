"""Fixtures of tests that start one daemon or the other; a folder's conftest.py imports them."""

from contextlib import ExitStack

import pytest

import rproxyd
import turnd
from certificates import Certificate
from daemons import HOST, Daemon


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
