"""PROXY headers before TLS, from trusted proxies alone (rule 13), and limits by the client that they name."""

import socket

import pytest

from daemons import HOST
from rproxyd import answer, request
from wire import Wire, client_tls

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source: str, port: int = 40000) -> bytes:
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {'2001:db8::1' if ':' in source else '198.51.100.1'} {port} 443\r\n".encode()


def v2(source: str, port: int = 40000) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + port.to_bytes(2, "big") + (443).to_bytes(2, "big")
    return V2 + b"\x21\x11" + len(addresses).to_bytes(2, "big") + addresses


LOCAL = V2 + b"\x20\x00\x00\x00"


@pytest.fixture
def behind_proxy(start, certificate, backend):
    def begin(*trusted: str, **changes):
        return start(backend.url, trusted_proxies=list(trusted or [HOST]), listeners=[
            {"address": f"{HOST}:0", "tls": {"certificates": [str(certificate.file())]}, "proxy_protocol": True}], **changes)

    return begin


def through(proxy, header: bytes, source: str | None = None) -> Wire:
    plain = socket.socket()
    plain.settimeout(30)
    if source:
        plain.bind((source, 0))
    plain.connect((HOST, proxy.port("https")))
    plain.sendall(header)
    return Wire(client_tls("http/1.1").wrap_socket(plain, server_hostname="proxy.example.com"))


def asked_as(client: Wire, backend) -> str:
    """Which client the backend is told of."""
    client.send(request())
    asked = backend.accept()
    head = asked.head()
    asked.send(answer(200, b"", "Connection: close"))
    assert client.message().status == 200
    return head["x-real-ip"]


@pytest.mark.parametrize("header, expected", [(v1("203.0.113.7"), "203.0.113.7"), (v2("203.0.113.8"), "203.0.113.8"),
                                              (v1("2001:db8::7"), "2001:db8::7"), (LOCAL, HOST)],
                         ids=["v1", "v2", "v1 over IPv6", "local"])
def test_rule_13_the_client_in_a_trusted_header_counts(behind_proxy, backend, header, expected):
    with through(behind_proxy(), header) as client:
        assert asked_as(client, backend) == expected


def test_rule_13_from_others_a_header_is_no_tls(behind_proxy):
    proxy = behind_proxy("192.0.2.1")
    with pytest.raises(OSError):
        through(proxy, v1("203.0.113.7"))


def test_others_are_served_without_a_header(behind_proxy, backend):
    proxy = behind_proxy("192.0.2.1")
    with through(proxy, b"") as client:
        assert asked_as(client, backend) == HOST


def test_a_trusted_proxy_without_a_header_is_closed(behind_proxy):
    proxy = behind_proxy()
    with pytest.raises(OSError):
        through(proxy, b"")
    proxy.wait_for_log("proxy.refused")


def test_connections_of_one_client_are_limited_and_those_of_others_are_not(behind_proxy, backend):
    proxy = behind_proxy(limits={"connections_per_client": 2})
    with through(proxy, v2("203.0.113.7")) as one, through(proxy, v2("203.0.113.7")) as two:
        with pytest.raises(OSError):
            through(proxy, v2("203.0.113.7"))
        proxy.wait_for_log("limits.connections_per_client")
        with through(proxy, v2("203.0.113.9")) as other:
            for client in (one, two, other):
                asked_as(client, backend)
    with through(proxy, v2("203.0.113.7")) as again:
        assert asked_as(again, backend) == "203.0.113.7"


def test_an_ipv6_client_is_its_64(behind_proxy, backend):
    proxy = behind_proxy(limits={"connections_per_client": 1})
    with through(proxy, v1("2001:db8:1:2::1")):
        with pytest.raises(OSError):
            through(proxy, v1("2001:db8:1:2:ffff::9"))
        with through(proxy, v1("2001:db8:1:3::1")) as other:
            assert asked_as(other, backend) == "2001:db8:1:3::1"


def test_a_trusted_proxy_itself_has_no_limit_of_its_own(start, backend):
    """Many clients stand behind it."""
    proxy = start(backend.url, trusted_proxies=[HOST], limits={"connections_per_client": 1})
    clients = [proxy.connect() for _ in range(3)]
    for client in clients:
        asked_as(client, backend)
        client.close()
