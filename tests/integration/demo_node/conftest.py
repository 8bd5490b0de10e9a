import http.client
import json
import ssl
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from demo_node.process import DemoNode  # noqa: E402


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # a FIN without TLS close must be noticed
    return context


class Answer:
    def __init__(self, raw: http.client.HTTPResponse):
        self.status = raw.status
        self.headers = raw.headers
        self.body = raw.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        return self.json["result"]


class Client:
    """One connection a request, over HTTPS without verification."""

    def __init__(self, node: DemoNode):
        self.node = node

    def connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self.node.host, self.node.port, context=unverified(), timeout=10)

    def ask(self, method: str, path: str, body=None, headers=None) -> Answer:
        connection = self.connection()
        try:
            payload = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, path, payload, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def room(self, verb: str, call: str, alias="demo", body=None, headers=None) -> Answer:
        return self.ask(verb, f"/api/client/v2/conferences/{quote(alias)}/{call}", body, headers)

    def join(self, name="Ada", pin="1234", alias="demo") -> dict:
        answer = self.room("POST", "request_token", alias, {"display_name": name, "pin": pin})
        assert answer.status == 200, answer.body
        return answer.result


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
    return Client(node)


@pytest.fixture
def client_of():
    return Client
