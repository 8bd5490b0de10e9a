"""A plain client of a node or of a proxy before it, for tests. Standard library only."""

import http.client
import json
import ssl
from urllib.parse import quote, urlsplit

TIMEOUT_SECONDS = 10


def unverified() -> ssl.SSLContext:
    """Trusts anybody, and notices a connection that ends without TLS's own close."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
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

    def __init__(self, url: str):
        self.host, self.port = urlsplit(url).hostname, urlsplit(url).port

    def connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self.host, self.port, context=unverified(), timeout=TIMEOUT_SECONDS)

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
