"""Connections through a proxy: the PROXY header's addresses are those that count (haproxy's
proxy-protocol.txt)."""

import asyncio
import re
import socket
import ssl
import struct
import subprocess
import threading

import pytest
from aioice import stun, turn

from certificates import Certificate
from daemons import HOST
from test_turn_aioice import Collector, tls_context
from turnd import PASSWORD, USER, Refused, TurnClient, Turnd

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT, SERVER = ("192.0.2.7", 40000), ("198.51.100.130", 443)
CLIENT6, SERVER6 = ("2001:db8::7", 40000), ("2001:db8::1", 443)


def v1(client, server) -> bytes:
    family = "TCP6" if ":" in client[0] else "TCP4"
    return f"PROXY {family} {client[0]} {server[0]} {client[1]} {server[1]}\r\n".encode()


def v2(client, server, tlvs: bytes = b"") -> bytes:
    family = socket.AF_INET6 if ":" in client[0] else socket.AF_INET
    body = socket.inet_pton(family, client[0]) + socket.inet_pton(family, server[0])
    body += struct.pack("!HH", client[1], server[1]) + tlvs
    return SIGNATURE + bytes([0x21, 0x21 if family == socket.AF_INET6 else 0x11]) + struct.pack("!H", len(body)) + body


def local() -> bytes:
    return SIGNATURE + b"\x20\0\0\0"


@pytest.fixture
def start(start):
    """With one listener for TCP and one for TLS, whose proxies are on loopback."""

    def begin(transport: str = "tcp", proxies=("127.0.0.0/8",), **changes) -> Turnd:
        return start(listeners=[{"transport": transport, "address": f"{HOST}:0", "proxy_protocol_from": list(proxies)}],
                     **changes)

    return begin


def through_proxy(client, turnd: Turnd, header: bytes) -> TurnClient:
    """A client whose first bytes are the proxy's, in the same segment as the rest."""
    made = client(turnd, "tcp")
    made.send(header)
    return made


def mapped(client: TurnClient) -> tuple[str, int]:
    return client.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"]


def is_closed(client: TurnClient) -> bool:
    try:
        return client.socket.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("header", [v1(CLIENT, SERVER), v2(CLIENT, SERVER), v2(CLIENT, SERVER, b"\x01\0\x02h2")],
                         ids=["version 1", "version 2", "version 2 with TLVs"])
def test_the_client_in_the_header_counts(start, client, header):
    assert mapped(through_proxy(client, start(), header)) == CLIENT


def test_a_header_may_carry_ipv6_over_ipv4(start, client):
    assert mapped(through_proxy(client, start(), v2(CLIENT6, SERVER6))) == CLIENT6


@pytest.mark.parametrize("header", [local(), b"PROXY UNKNOWN\r\n"], ids=["LOCAL", "UNKNOWN"])
def test_without_addresses_the_connections_own_count(start, client, header):
    proxied = through_proxy(client, start(), header)
    assert mapped(proxied) == proxied.socket.getsockname()


def test_clients_turn_is_asked_for_the_real_client(start, client):
    turnd = start(clients={"turn": [CLIENT[0]]})
    through_proxy(client, turnd, v2(CLIENT, SERVER)).allocate()
    with pytest.raises(Refused) as refused:
        through_proxy(client, turnd, v2(("192.0.2.8", 1), SERVER)).allocate()
    assert refused.value.code == 403


def test_data_flows_behind_a_header(start, client, peer):
    proxied = through_proxy(client, start(), v2(CLIENT, SERVER))
    relayed = proxied.allocate()
    proxied.bind(0x4001, peer.address)
    proxied.send_channel(0x4001, b"up")
    assert peer.receive() == (b"up", relayed)
    peer.send(b"down", relayed)
    assert proxied.receive_channel(0x4001) == b"down"


def test_a_header_may_come_in_pieces(start, client):
    turnd = start()
    slow = client(turnd, "tcp")
    for byte in v2(CLIENT, SERVER):
        slow.send(bytes([byte]))
    assert mapped(slow) == CLIENT


def test_a_listed_source_without_a_header_is_closed(start, client):
    turnd = start()
    bare = client(turnd, "tcp")
    bare.send(bytes(stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)))
    assert is_closed(bare)
    garbled = client(turnd, "tcp")
    garbled.send(b"PROXY TCP4 192.0.2.1 nonsense\r\n")
    assert is_closed(garbled)
    turnd.wait_for_log("no PROXY header")
    turnd.wait_for_log("a malformed PROXY header")
    turnd.stop()
    assert re.search("proxies_refused.?=.?2", turnd.log)


def test_from_others_a_header_is_garbage(start, client):
    turnd = start(proxies=["10.0.0.0/8"])
    forged = through_proxy(client, turnd, v1(CLIENT, SERVER))
    assert is_closed(forged)
    honest = client(turnd, "tcp")
    assert mapped(honest) == honest.socket.getsockname()


def test_the_same_client_again_takes_the_place_of_the_older_connection(start, client):
    turnd = start()
    older = through_proxy(client, turnd, v2(CLIENT, SERVER))
    older.allocate()
    newer = through_proxy(client, turnd, v2(CLIENT, SERVER))
    assert mapped(newer) == CLIENT
    assert is_closed(older)
    newer.allocate()  # not 437: the older allocation went with its connection


def test_the_servers_address_is_part_of_the_five_tuple(start, client):
    turnd = start()
    first = through_proxy(client, turnd, v2(CLIENT, SERVER))
    second = through_proxy(client, turnd, v2(CLIENT, ("198.51.100.131", 443)))
    assert first.allocate() != second.allocate()
    first.refresh(600)


# ---- TURN over TLS on port 443, with a stand-in for rproxyd: it ends TLS, and hands plain TCP on


async def one_message(reader: asyncio.StreamReader) -> bytes:
    """coturn's own client takes a TLS record for a message."""
    head = await reader.readexactly(4)
    length = int.from_bytes(head[2:], "big")
    return head + await reader.readexactly(length + -length % 4 if head[0] & 0xC0 == 0x40 else 16 + length)


class Terminator:
    """Ends TLS on a port of its own, and speaks PROXY version 2 to turnd."""

    def __init__(self, turnd: Turnd, certificate):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.set_alpn_protocols(["stun.turn"])
        self._behind = turnd.address("tcp")
        self.clients: list[tuple[str, int]] = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, HOST, 0, ssl=self._context)
        self.address = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_error):
        self._server.close()

    async def _serve(self, reader, writer):
        client, server = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        self.clients.append(client)
        behind_reader, behind_writer = await asyncio.open_connection(*self._behind)
        behind_writer.write(v2(client, server))

        async def carry(read, sink):
            try:
                while data := await read():
                    sink.write(data)
                    await sink.drain()
            except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                pass
            sink.close()

        await asyncio.gather(carry(lambda: reader.read(65536), behind_writer),
                             carry(lambda: one_message(behind_reader), writer))


@pytest.fixture
def certificate(tmp_path):
    return Certificate(tmp_path, "localhost", "DNS:localhost").file()


def in_background(make):
    """Runs an asynchronous context manager in a thread; gives what it gives, and a way to end it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    manager = make()
    entered = asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(30)

    def end():
        asyncio.run_coroutine_threadsafe(manager.__aexit__(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)

    return entered, end


def test_aioice_over_tls_through_a_terminator(start, certificate):
    async def call() -> None:
        async with Terminator(turnd, certificate) as terminator:
            reader, writer = await asyncio.open_connection(*terminator.address, ssl=tls_context())
            request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
            writer.write(bytes(request))
            head = await reader.readexactly(20)
            answer = stun.parse_message(head + await reader.readexactly(int.from_bytes(head[2:4], "big")))
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == writer.get_extra_info("sockname")
            writer.close()

            one, collected = await turn.create_turn_endpoint(
                Collector, terminator.address, USER, PASSWORD, ssl=tls_context(), transport="tcp")
            two, collected_too = await turn.create_turn_endpoint(
                Collector, terminator.address, USER, PASSWORD, ssl=tls_context(), transport="tcp")
            for number in range(20):
                payload = str(number).encode() * 10
                one.sendto(payload, two.get_extra_info("sockname"))
                two.sendto(payload, one.get_extra_info("sockname"))
                assert await asyncio.wait_for(collected.received.get(), 30) == payload
                assert await asyncio.wait_for(collected_too.received.get(), 30) == payload
            one.close()
            two.close()
            await asyncio.wait_for(collected.closed, 30)
            await asyncio.wait_for(collected_too.closed, 30)

    turnd = start()
    asyncio.run(call())


def test_uclient_over_tls_through_a_terminator(start, certificate, running):
    turnd = start(clients={"rfc5766_channels": True})
    terminator, end = in_background(lambda: Terminator(turnd, certificate))
    running.callback(end)
    done = subprocess.run(
        ["turnutils_uclient", "-p", str(terminator.address[1]), "-t", "-S", "-y", "-c", "-m", "1", "-n", "20", "-l", "171",
         "-z", "5", "-u", USER, "-w", PASSWORD, HOST], capture_output=True, text=True, timeout=120)
    report = done.stdout + done.stderr
    assert "Total lost packets 0 " in report, report
    assert terminator.clients
