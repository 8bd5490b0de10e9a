"""Every transport over IPv4 and IPv6, on addresses and on wildcards (RFC 8656 section 3.2: the server's
address is part of the five-tuple)."""

import asyncio
import contextlib
import os
import random
import socket
from pathlib import Path

import pytest
from aioice import stun, turn

from daemons import HOST
from test_turn_aioice import Collector, tls_context
from turnd import PASSWORD, USER, Peer, Refused

TRANSPORTS = ["udp", "tcp", "tls", "dtls"]
FAMILIES = {"IPv4": HOST, "IPv6": "::1"}


def listening(host: str, *transports: str) -> list[dict]:
    host = f"[{host}]" if ":" in host else host
    return [{"transport": each, "address": f"{host}:0"} for each in transports]


@pytest.mark.parametrize("host", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_data_both_ways(start, client, peer, transport, host):
    turnd = start(listeners=listening(host, transport))
    alice = client((host, turnd.port(transport)), transport)
    seen = alice.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"]
    assert seen == alice.socket.getsockname()[:2]
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    for size in (1, 3, 160, 1200):
        payload = os.urandom(size)
        alice.send_channel(0x4000, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(payload[::-1], relayed)
        assert alice.receive_channel(0x4000) == payload[::-1]
    alice.send_indication(peer.address, b"indicated")
    assert peer.receive() == (b"indicated", relayed)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_ipv6_relay_for_a_client_over_ipv6(start, client, running, transport):
    turnd = start(listeners=listening("::1", transport), relay={"addresses": [HOST, "::1"]},
                  peers={"allow": ["127.0.0.0/8", "::1"]})
    six = running.enter_context(Peer("::1"))
    alice = client(("::1", turnd.port(transport)), transport)
    answer = alice.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, REQUESTED_ADDRESS_FAMILY=2 << 24)
    relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
    assert relayed[0] == "::1"
    alice.permit(six.address)
    alice.send_indication(six.address, b"up")
    assert six.receive() == (b"up", relayed)
    six.send(b"down", relayed)
    assert alice.receive_indication() == (six.address, b"down")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_port_of_a_client_has_an_allocation_with_each_address_of_the_server(start, client, transport):
    """Rule 32. Nothing of one is there for the other."""
    turnd = start(listeners=listening("0.0.0.0", transport))
    port = turnd.port(transport)
    # A stream that connects may share its port with another only if it was bound with that in mind.
    first = client(("127.0.0.8", port), transport, source=(HOST, 0))
    address = first.socket.getsockname()
    second = client(("127.0.0.9", port), transport, source=address)
    relayed = first.allocate(), second.allocate()
    assert relayed[0] != relayed[1]
    first.refresh(0)
    with pytest.raises(Refused) as refused:
        first.refresh(600)
    assert refused.value.code == 437
    second.refresh(600)


@pytest.mark.parametrize("wildcard, asked", [("0.0.0.0", "127.0.0.9"), ("::", "::1")])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_wildcard_listener_answers_from_the_address_that_was_asked(start, client, peer, transport, wildcard, asked):
    """The client's socket is connected: what comes from anywhere else doesn't reach it."""
    turnd = start(listeners=listening(wildcard, transport))
    alice = client((asked, turnd.port(transport)), transport)
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    alice.send_channel(0x4000, b"up")
    assert peer.receive() == (b"up", relayed)
    peer.send(b"down", relayed)
    assert alice.receive_channel(0x4000) == b"down"


def free_everywhere() -> int:
    """A port that no socket of any kind has, outside of those that the kernel gives to outgoing connections meanwhile."""
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10_000, first_given), 100):
        with contextlib.ExitStack() as probes:
            try:
                for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        probe = probes.enter_context(socket.socket(family, kind))
                        if family == socket.AF_INET6:
                            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                        probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def test_all_transports_of_both_families_on_one_port(start, client):
    """udp beside tcp; and the wildcards of both families, which don't take each other's clients."""
    port = free_everywhere()
    start(listeners=[{"transport": transport, "address": f"{host}:{port}"}
                     for transport in ("udp", "tcp") for host in ("0.0.0.0", "[::]")])
    for transport in ("udp", "tcp"):
        for host in FAMILIES.values():
            asking = client((host, port), transport)
            seen = asking.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"]
            assert seen == asking.socket.getsockname()[:2]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_aioice_over_ipv6(start, transport):
    turnd = start(listeners=listening("::1", transport))

    async def call() -> None:
        over_tls = transport == "tls"
        client, collector = await turn.create_turn_endpoint(
            Collector, ("::1", turnd.port(transport)), USER, PASSWORD,
            ssl=tls_context() if over_tls else False, transport="udp" if transport == "udp" else "tcp")
        assert client.get_extra_info("sockname")[0] == HOST
        client.close()
        await asyncio.wait_for(collector.closed, 30)

    asyncio.run(call())
