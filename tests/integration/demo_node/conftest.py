import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from demo_node.client import Client  # noqa: E402
from demo_node.process import DemoNode  # noqa: E402


@pytest.fixture
def start():
    """Starts nodes with flags of the test's choice; ends them after it."""
    running = []

    def start_node(*flags: str, **options) -> DemoNode:
        running.append(DemoNode(*flags, **options).start())
        return running[-1]

    yield start_node
    for node in running:
        node.__exit__()


@pytest.fixture
def node(start) -> DemoNode:
    return start()


@pytest.fixture
def client(node) -> Client:
    return Client(node.url)


@pytest.fixture
def client_of():
    return lambda each: Client(each.url)
