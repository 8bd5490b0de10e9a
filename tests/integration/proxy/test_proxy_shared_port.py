"""Web and TURN on one port: rproxyd tells them apart by the first decrypted bytes and hands TURN to turnd, which sees the
client's own address (contract: listeners[].turn)."""

import subprocess
import time

import pytest
from aioice import stun

import turnd as turn
from daemons import HOST, wait_until
from rproxyd import answer, request
from turnd import PASSWORD, USER, Turnd
from wire import client_tls


@pytest.fixture
def turnd(running, tmp_path):
    folder = tmp_path / "turnd"
    folder.mkdir()
    return running.enter_context(Turnd(folder, turn.configuration(
        listeners=[{"transport": "tcp", "address": f"{HOST}:0", "proxy_protocol_from": [HOST]}],
        clients={"rfc5766_channels": True})))


def shared(start, certificate, backend, behind, **changes):
    listener = {"address": f"{HOST}:0", "tls": {"certificates": [str(certificate.file())]}, "turn": behind}
    return start(backend.url, listeners=[listener], **changes)


@pytest.fixture
def proxy(start, certificate, backend, turnd):
    return shared(start, certificate, backend, f"{HOST}:{turnd.port('tcp')}")


def binding() -> stun.Message:
    return stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)


def mapped_address(client) -> tuple[str, int]:
    head = client.exactly(20)
    return stun.parse_message(head + client.exactly(int.from_bytes(head[2:4], "big"))).attributes["XOR-MAPPED-ADDRESS"]


def is_served(proxy, backend, alpn: str = "http/1.1") -> bool:
    with proxy.connect(tls=client_tls(alpn)) as client:
        client.send(request())
        asked = backend.accept()
        asked.head()
        asked.send(answer(200, b"web"))
        return client.message().body == b"web"


@pytest.mark.parametrize("alpn", [(), ("h2", "http/1.1"), ("http/1.1",), ("stun.turn",), ("h2", "stun.turn")],
                         ids=lambda names: "+".join(names) or "none")
def test_what_begins_with_stun_reaches_turnd_whatever_alpn_says(proxy, alpn):
    with proxy.connect(tls=client_tls(*alpn)) as client:
        client.send(bytes(binding()))
        assert mapped_address(client) == client.socket.getsockname()


def test_a_client_of_turn_alone_is_told_that_by_alpn(proxy):
    with proxy.connect(tls=client_tls("stun.turn")) as client:
        assert client.socket.selected_alpn_protocol() == "stun.turn"


def test_stun_may_come_byte_by_byte(proxy):
    with proxy.connect() as client:
        for byte in bytes(binding()):
            client.send(bytes([byte]))
        assert mapped_address(client) == client.socket.getsockname()


def test_the_web_is_served_on_the_same_port(proxy, backend):
    assert is_served(proxy, backend)


def test_http2_is_served_on_the_same_port(proxy, backend):
    done = subprocess.Popen(["curl", "-sk", "--http2", "-w", "%{http_version}", proxy.url], stdout=subprocess.PIPE, text=True)
    asked = backend.accept()
    asked.head()
    asked.send(answer(200, b"web "))
    assert done.communicate(timeout=30)[0] == "web 2"


@pytest.mark.parametrize("begin", [b"\x00\x01\x00\x00\x21\x12\xa4\x43" + bytes(12), b"\x16\x03\x01\x00\xc8\x01\x00\x00", b"\x01\x02\x03\x05"],
                         ids=["wrong cookie", "TLS", "odd length"])
def test_what_is_neither_is_refused_as_http(proxy, begin):
    with proxy.connect() as client:
        client.send(begin + b"\r\n\r\n")
        assert client.message().status == 400


def test_uclient_relays_through_the_web_port(proxy, turnd, backend):
    """coturn's client takes a TLS record for a message."""
    done = subprocess.run(
        ["turnutils_uclient", "-p", str(proxy.port("https")), "-t", "-S", "-y", "-c", "-m", "2", "-n", "40", "-l", "171", "-z", "5",
         "-u", USER, "-w", PASSWORD, HOST], capture_output=True, text=True, timeout=120)
    report = done.stdout + done.stderr
    assert "Total lost packets 0 " in report, report
    assert is_served(proxy, backend)


def test_when_turnd_is_gone_turn_ends_and_the_web_goes_on(proxy, turnd, backend):
    with proxy.connect() as client:
        client.send(bytes(binding()))
        mapped_address(client)
        turnd.stop()
        assert client.rest() == b""
    with proxy.connect() as client:
        client.send(bytes(binding()))
        assert client.rest() == b""
    proxy.wait_for_log("turn.unreachable")
    assert is_served(proxy, backend)


def test_when_the_client_goes_its_connection_to_turnd_goes_too(proxy, turnd):
    before = turnd.open_descriptors()
    for _ in range(5):
        with proxy.connect() as client:
            client.send(bytes(binding()))
            mapped_address(client)
    wait_until("turnd has closed them", lambda: turnd.open_descriptors() <= before)


def test_a_slow_turn_client_holds_turnd_back(start, certificate, backend, new_backend):
    """The stand-in for turnd sends more than anybody takes: what waits in the proxy stays bounded."""
    behind = new_backend()
    proxy = shared(start, certificate, backend, behind.address, honest_memory=True)
    with proxy.connect(receive_buffer=4096) as client:
        client.send(bytes(binding()))
        asked = behind.accept()
        assert asked.exactly(12) == b"\r\n\r\n\0\r\nQUIT\n"
        before = proxy.resident_bytes()
        asked.socket.settimeout(1)
        frame = b"\x40\x00\xff\xfc" + bytes(0xFFFC)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 64 << 20:
                asked.send(frame)
                sent += len(frame)
        assert proxy.resident_bytes() - before < 16 << 20  # a sanitizer's own included


def test_first_bytes_that_never_come_are_waited_for_no_longer_than_a_head(start, certificate, backend, turnd):
    proxy = shared(start, certificate, backend, f"{HOST}:{turnd.port('tcp')}", timeouts={"head": "200ms"})
    with proxy.connect() as client:
        client.send(b"\x00\x01")
        started = time.monotonic()
        assert client.rest() == b""
        assert time.monotonic() - started < 20


def test_what_is_no_turn_behind_ends_the_connection(start, certificate, backend, new_backend):
    behind = new_backend()
    proxy = shared(start, certificate, backend, behind.address)
    with proxy.connect() as client:
        client.send(bytes(binding()))
        behind.accept().send(b"\xff" * 20)  # neither STUN nor ChannelData
        assert client.rest() == b""
    proxy.wait_for_log("is not TURN")
