"""aioice, an independent client, over every transport."""

import asyncio
import os
import ssl

import pytest
from aioice import stun, turn

from turnd import PASSWORD, USER

PACKETS = 50


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Collector(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = asyncio.Queue()
        self.closed = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, address):
        self.received.put_nowait(data)

    def connection_lost(self, exc):
        if not self.closed.done():
            self.closed.set_result(None)


def tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def endpoint(turnd, transport: str, password: str = PASSWORD):
    over_tls = transport == "tls"
    return await turn.create_turn_endpoint(
        Collector, turnd.address(transport), USER, password,
        ssl=tls_context() if over_tls else False, transport="udp" if transport == "udp" else "tcp")


async def round_trips(turnd, transport: str) -> None:
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    peer = echo.get_extra_info("sockname")
    client, collector = await endpoint(turnd, transport)
    for _ in range(PACKETS):
        payload = os.urandom(1 + int.from_bytes(os.urandom(1), "big") * 4)
        client.sendto(payload, peer)
        assert await asyncio.wait_for(collector.received.get(), 30) == payload
    client.close()
    await asyncio.wait_for(collector.closed, 30)
    echo.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_round_trips(start, transport):
    asyncio.run(round_trips(start(), transport))


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_wrong_password_is_refused(start, transport):
    with pytest.raises(stun.TransactionFailed) as failed:
        asyncio.run(endpoint(start(), transport, password="wrong"))
    assert failed.value.response.attributes["ERROR-CODE"][0] == 401
