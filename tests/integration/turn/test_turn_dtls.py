"""TURN over DTLS (RFC 7350): datagrams through turnd, handshakes over links that lose, and what a
client without an address of its own gets: nothing that lasts, and never more than it sent."""

import os
import random
import re
import select
import socket
import struct
import subprocess

import pytest
from aioice import stun

from daemons import HOST
from dtls import DtlsSocket
from turnd import PASSWORD, USER, Refused

SIZES = [1, 4, 160, 1200, 1472, 8000]
GROWTH = 12 << 20  # bytes that a process may grow by for reasons of its own: a session costs tens of KiB
FLOOD = 100_000  # hellos
HELLO_VERIFY_REQUEST = 3


@pytest.fixture
def start(start):
    def begin(*addresses: str, **changes):
        listeners = [{"transport": "dtls", "address": each} for each in addresses or (f"{HOST}:0",)]
        return start(**{"listeners": listeners} | changes)

    return begin


def first_hello(rest: bytes = b"") -> bytes:
    """The shortest ClientHello there is, and then `rest`."""
    body = b"\xfe\xfd" + os.urandom(32) + b"\0" + b"\0" + b"\0\2\xc0\x2b" + b"\1\0" + rest
    message = b"\1" + len(body).to_bytes(3, "big") + bytes(5) + len(body).to_bytes(3, "big") + body
    return b"\x16\xfe\xff" + bytes(8) + struct.pack("!H", len(message)) + message


# ---- relaying


def test_a_client_relays_over_dtls(start, client, peer):
    alice = client(start(), "dtls")
    assert alice.request(stun.Method.BINDING).attributes["XOR-MAPPED-ADDRESS"] == alice.socket.getsockname()
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    for size in SIZES:
        payload = os.urandom(size)
        alice.send_channel(0x4000, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(payload[::-1], relayed)
        assert alice.receive_channel(0x4000) == payload[::-1]
    alice.send_indication(peer.address, b"indicated")
    assert peer.receive() == (b"indicated", relayed)


def test_several_messages_in_one_datagram(start, client, peer):
    alice = client(start(), "dtls")
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    payloads = [os.urandom(100) for _ in range(5)]
    for payload in payloads:
        alice.socket.tls.send(b"\x40\x00" + struct.pack("!H", len(payload)) + payload)
    alice.socket.datagrams.send(alice.socket.tls.bio_read(65535))
    assert [peer.receive() for _ in payloads] == [(payload, relayed) for payload in payloads]


def test_two_clients_reach_each_other(start, client):
    turnd = start(workers=2)
    alice, bob = client(turnd, "dtls"), client(turnd, "dtls")
    alice.allocate()
    bob.allocate()
    alice.permit(bob.relayed)
    bob.permit(alice.relayed)
    alice.send_indication(bob.relayed, b"hello")
    assert bob.receive_indication() == (alice.relayed, b"hello")


def test_a_session_ends_with_close_notify_and_its_allocation_with_it(start, client):
    turnd = start()
    source = (HOST, 0)
    first = DtlsSocket(turnd.address("dtls"), source)
    source = first.getsockname()
    first.close()
    alice = client(turnd, "dtls", source=source)
    alice.allocate()
    alice.socket.close()
    again = client(turnd, "dtls", source=source)
    again.allocate()  # not 437


def test_a_client_that_comes_back_at_its_old_address_is_served(start, client):
    """RFC 6347, 4.2.8: it has lost its keys, and says hello where a session is."""
    turnd = start()
    alice = client(turnd, "dtls", source=(HOST, 0))
    alice.allocate()
    address = alice.socket.getsockname()
    alice.socket.datagrams.close()  # without a word
    again = client(turnd, "dtls", source=address)
    again.allocate()


def test_an_established_session_is_not_moved_by_strangers(start, client, peer):
    """Hellos, garbage and records of other keys from a session's own address change nothing."""
    alice = client(start(), "dtls")
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    for forged in (first_hello(), b"", b"\x17", b"\x17\xfe\xfd" + b"\0\1" + bytes(6) + b"\0\x20" + os.urandom(32),
                   b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2\x28", b"\x16\xfe\xfd" + bytes(10), os.urandom(300)):
        alice.socket.datagrams.send(forged)
    alice.send_channel(0x4000, b"still here")
    assert peer.receive() == (b"still here", relayed)


def test_sigterm_says_close_notify(start, client):
    turnd = start()
    alice = client(turnd, "dtls")
    alice.request(stun.Method.BINDING)
    turnd.stop()
    assert alice.socket.recv(100) == b""


def test_alpn_is_stun_turn(start):
    """RFC 7443."""
    agreed = DtlsSocket(start().address("dtls"), alpn=b"stun.turn")
    assert agreed.tls.get_alpn_proto_negotiated() == b"stun.turn"
    agreed.close()


# ---- addresses


def test_ipv6(start, client):
    turnd = start("[::1]:0", relay={"addresses": [HOST]})
    alice = client(("::1", turnd.port("dtls")), "dtls")
    alice.allocate()
    answer = alice.request(stun.Method.BINDING)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == alice.socket.getsockname()[:2]


@pytest.mark.parametrize("wildcard, asked", [("0.0.0.0:0", "127.0.0.9"), ("[::]:0", "::1")])
def test_a_wildcard_listener_answers_from_the_address_that_was_asked(start, client, wildcard, asked):
    turnd = start(wildcard)
    client((asked, turnd.port("dtls")), "dtls").allocate()  # its socket takes answers from there alone


def test_one_port_of_a_client_has_a_session_with_each_address_of_the_server(start, client):
    turnd = start("0.0.0.0:0")
    first = client(("127.0.0.8", turnd.port("dtls")), "dtls", source=(HOST, 0))
    address = first.socket.getsockname()
    assert first.allocate() != client(("127.0.0.9", turnd.port("dtls")), "dtls", source=address).allocate()
    first.refresh(600)


# ---- handshakes


@pytest.mark.parametrize("seed", range(4))
def test_a_handshake_over_a_link_that_loses(start, seed):
    luck = random.Random(seed)
    lossy = DtlsSocket(start().address("dtls"), patience=60, lose=lambda number, _: number < 12 and luck.random() < 0.3)
    lossy.close()


def test_the_servers_flight_is_sent_again(start):
    """RFC 6347, 4.2.4: by the server's own timer, since this client stays silent."""
    turnd = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.settimeout(30)
        silent.connect(turnd.address("dtls"))
        cookie = None

        def hello(number: int) -> bytes:
            body = b"\xfe\xfd" + bytes(32) + b"\0" + (bytes([len(cookie)]) + cookie if cookie else b"\0")
            body += b"\0\2\xc0\x2b" + b"\1\0"
            extensions = bytes.fromhex("000a00040002001d" "000b00020100" "000d0004" "00020403")
            body += struct.pack("!H", len(extensions)) + extensions
            length = len(body).to_bytes(3, "big")
            message = b"\1" + length + struct.pack("!H", number) + bytes(3) + length + body
            return b"\x16\xfe\xff" + number.to_bytes(8, "big") + struct.pack("!H", len(message)) + message

        silent.send(hello(0))
        request = silent.recv(2000)
        assert request[13] == HELLO_VERIFY_REQUEST
        cookie = request[28:]
        silent.send(hello(1))
        flight = silent.recv(2000)
        assert flight[13] == 2 and flight[17:19] == b"\0\1"  # ServerHello, message 1
        again = silent.recv(2000)
        while again[13] != 2:  # the rest of the first flight
            again = silent.recv(2000)
        assert again[13:59] == flight[13:59]  # the same ServerHello, with its random
        assert again[3:11] != flight[3:11]    # in a new record


def test_openssls_client(start):
    turnd = start()
    done = subprocess.run(["openssl", "s_client", "-dtls1_2", "-connect", f"{HOST}:{turnd.port('dtls')}", "-brief"],
                          input="", capture_output=True, text=True, timeout=60)
    assert "Protocol version: DTLSv1.2" in done.stdout + done.stderr
    refused = subprocess.run(["openssl", "s_client", "-dtls1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
                              f"{HOST}:{turnd.port('dtls')}", "-brief"],
                             input="", capture_output=True, text=True, timeout=60)
    assert "CONNECTION ESTABLISHED" not in refused.stdout + refused.stderr


# ---- strangers (rules 34 and 35)


def test_a_stranger_is_never_answered_with_more_than_it_sent(start):
    turnd = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(turnd.address("dtls"))
        stranger.settimeout(30)
        for hello in (first_hello(), first_hello(b"\0\0"), first_hello(bytes(500))):
            stranger.send(hello)
            answer = stranger.recv(65535)
            assert answer[13] == HELLO_VERIFY_REQUEST
            assert len(answer) <= len(hello)
        stranger.send(os.urandom(1000))
        assert not select.select([stranger], [], [], 0.2)[0]


def test_a_flood_of_hellos_costs_no_memory_and_keeps_nobody_out(start, client):
    turnd = start(honest_memory=True)
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
    for number, each in enumerate(sources):
        each.bind((f"127.7.{number}.1", 0))
        each.connect(turnd.address("dtls"))
    hellos = [first_hello() for _ in range(100)]
    junk = [hello[:-7] for hello in hellos] + [b"\x17" + hello[1:] for hello in hellos]

    def flood(count: int) -> None:
        for number in range(count):
            sources[number % len(sources)].send((hellos + junk)[number % 300] if number % 3 else hellos[number % 100])

    flood(FLOOD // 10)  # so that every buffer has been used once
    before = turnd.resident_bytes()
    flood(FLOOD)
    alice = client(turnd, "dtls", source="127.0.0.78")  # which nobody has flooded from
    alice.allocate()
    assert turnd.resident_bytes() < before + GROWTH
    for each in sources:
        each.close()


def test_a_source_gets_a_bounded_number_of_cookies(start):
    turnd = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        source.bind(("127.0.0.79", 0))
        source.connect(turnd.address("dtls"))
        for _ in range(5000):
            source.send(first_hello())
        DtlsSocket(turnd.address("dtls")).close()  # all of them have been looked at now
        source.setblocking(False)
        answers = 0
        try:
            while source.recv(2048):
                answers += 1
        except BlockingIOError:
            pass
        assert 0 < answers < 3000


def test_a_wrong_password_is_refused(start, client):
    with pytest.raises(Refused) as refused:
        client(start(), "dtls", password="wrong").allocate()
    assert refused.value.code == 401


# ---- coturn's client

COMMON = ["-S", "-m", "2", "-n", "40", "-l", "171", "-z", "5", "-u", USER, "-w", PASSWORD]
MODES = {
    "client to client": (HOST, ["-y"]),
    "without rtcp": (HOST, ["-y", "-c"]),
    "Send indications": (HOST, ["-y", "-s"]),
    "IPv6 relay": (HOST, ["-y", "-x"]),
    "over IPv6": ("::1", ["-y"]),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What each mode printed; they run side by side."""
    from turnd import Turnd, configuration
    configured = configuration(
        workers=2, clients={"rfc5766_channels": True}, relay={"addresses": [HOST, "::1"]},
        peers={"allow": ["127.0.0.0/8", "::1"]},
        listeners=[{"transport": "dtls", "address": f"{HOST}:0"}, {"transport": "dtls", "address": "[::1]:0"}])
    with Turnd(tmp_path_factory.mktemp("turnd"), configured) as turnd:
        ports = {each["address"].rpartition(":")[0].strip("[]"): each["address"].rpartition(":")[2]
                 for each in turnd.listeners}
        started = {name: subprocess.Popen(["turnutils_uclient", "-p", ports[host], *COMMON, *options, host],
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                   for name, (host, options) in MODES.items()}
        yield {name: process.communicate(timeout=120)[0] for name, process in started.items()}


@pytest.mark.parametrize("mode", MODES)
def test_uclient(reports, mode):
    report = reports[mode]
    lost = re.search(r"Total lost packets (\d+) ", report)
    assert lost and lost[1] == "0", report
    sent, received = re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", report)[-1]
    assert sent == received != "0", report
