"""TURN servers and short-lived credentials for clients that are signed in: from rproxyd's route to a real turnd."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

import aioice
import pytest

from rproxyd import answer, request
from turnd import Turnd
from turnd import configuration as turnd_configuration

SECRET = "a-secret-that-both-have"
PAGE = "https://meet.example.com"


@pytest.fixture
def turnd(running, tmp_path) -> Turnd:
    folder = tmp_path / "turnd"
    folder.mkdir()
    return running.enter_context(Turnd(folder, turnd_configuration(credentials={"users": {}, "shared_secrets": [SECRET]})))


@pytest.fixture
def asked(start, new_backend, turnd):
    """Asks the route with some fields, a node saying with what status; the node's view of it comes too."""
    node = new_backend()
    proxy = start(node.url, routes=[{"path": "/ice-servers/", "ice_servers": {
        "pool": "nodes", "check": "/api/client/v2/conferences/*/conference_status", "secret": SECRET, "ttl": "1m", "origins": [PAGE],
        "servers": [{"urls": [f"turn:{turnd.address('udp')[0]}:{turnd.address('udp')[1]}?transport=udp"]}]}},
        {"path": "/", "pool": "nodes"}])

    def ask(status: int, *fields: str):
        with proxy.connect() as client:
            client.send(request("GET", "/ice-servers/demo", *fields))
            with node.accept() as connection:
                seen = connection.message()
                connection.send(answer(status, b"{}"))
                return client.message(), seen

    return ask


async def allocate(server: dict) -> tuple[str, int]:
    host, port = server["urls"][0].removeprefix("turn:").split("?")[0].split(":")
    transport, protocol = await aioice.turn.create_turn_endpoint(
        asyncio.DatagramProtocol, server_addr=(host, int(port)), username=server["username"], password=server["credential"])
    relayed = transport.get_extra_info("sockname")
    transport.close()
    return relayed


def test_a_credential_for_who_is_signed_in_is_taken_by_turnd(asked):
    told, seen = asked(200, "token: sesame", "Cookie: a=b", "pin: 1234", f"Origin: {PAGE}")
    assert told.status == 200 and told.head["cache-control"] == "no-store"
    assert told.head["access-control-allow-origin"] == PAGE
    assert seen.head.line.startswith("GET /api/client/v2/conferences/demo/conference_status ")
    assert seen.head["token"] == "sesame" and seen.head["cookie"] == "a=b" and "pin" not in seen.head
    configuration = json.loads(told.body)
    server, = configuration["iceServers"]
    expiry = int(server["username"].split(":")[0])
    assert configuration["ttl"] == 60 and 0 < expiry - time.time() <= 61
    assert asyncio.run(allocate(server))


@pytest.mark.parametrize("status, got", [(401, 401), (403, 403), (404, 502), (302, 502)])
def test_who_is_not_signed_in_gets_none(asked, status, got):
    told, _ = asked(status)
    assert told.status == got and b"credential" not in told.body


def test_an_expired_credential_is_refused(turnd):
    """The same that the route would have told an hour ago."""
    user = f"{int(time.time()) - 10}:whom"
    password = base64.b64encode(hmac.new(SECRET.encode(), user.encode(), hashlib.sha1).digest()).decode()
    host, port = turnd.address("udp")
    with pytest.raises(aioice.stun.TransactionFailed, match="401"):
        asyncio.run(allocate({"urls": [f"turn:{host}:{port}"], "username": user, "credential": password}))
