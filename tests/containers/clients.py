"""Browsers and TURN clients outside of the machine that has the containers."""

import http.client
import ssl
from contextlib import ExitStack, contextmanager

from conftest import CLIENT, INSIDE, PASSWORD
from turn_client import TurnClient

LOGIN = {"user": "pexip", "password": PASSWORD}


@contextmanager
def connected(machine, certificate, source=CLIENT):
    with machine[1], ExitStack() as stack:
        context = ssl.create_default_context(cafile=certificate.file())
        connection = http.client.HTTPSConnection(INSIDE, 443, timeout=10, context=context, source_address=(source, 0))
        stack.callback(connection.close)
        connection.connect()
        yield connection


def page(machine, certificate) -> tuple[int, str]:
    """On a new connection: its status and the node that it came from."""
    with connected(machine, certificate) as connection:
        connection.request("GET", "/webapp/")
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("X-Demo-Node", "")


def relayed(machine, near_server, far_server) -> bytes:
    """A message from one allocation to the other and back."""
    with machine[1], TurnClient("udp", near_server, **LOGIN) as near, TurnClient("udp", far_server, **LOGIN) as far:
        near.allocate()
        far.allocate()
        near.create_permission(far.relayed)
        near.bind_channel(far.relayed)
        far.create_permission(near.relayed)
        near.send(far.relayed, b"there")
        source, data = far.receive(10)
        assert source == near.relayed
        far.send(near.relayed, data + b" and back")
        return near.receive(10)[1]
