"""What the backend is told about the client, and what does not cross the proxy (rules 6, 7 and 13)."""

import pytest

from rproxyd import answer, request

HOP_BY_HOP = ("Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic c2VjcmV0", "Upgrade: h2c",
              "HTTP2-Settings: AAMAAABkAAQAAP__", "TE: gzip", "Trailer: X-Sum")


def seen_by(backend, proxy, *fields: str, transport: str = "https", **options):
    """The head that the backend gets when a client sends these fields."""
    with proxy.connect(transport, **options) as client:
        client.send(request("GET", "/", *fields))
        there = backend.accept()
        head = there.head()
        there.send(answer(200, b"", "Connection: close"))
        client.message()
    return head


@pytest.mark.parametrize("transport, proto", [("https", "https"), ("http", "http")])
def test_the_backend_learns_who_asks_and_how(proxy, backend, transport, proto):
    head = seen_by(backend, proxy, transport=transport, source="127.0.0.9")
    assert head["x-forwarded-for"] == head["x-real-ip"] == "127.0.0.9"
    assert head["x-forwarded-proto"] == proto
    assert head["x-forwarded-host"] == head["host"] == "proxy.example.com"


def test_a_clients_own_forwarding_fields_are_removed(proxy, backend):
    """Rule 13: the platform bans by these."""
    head = seen_by(backend, proxy, "X-Forwarded-For: 192.0.2.1", "x-forwarded-for: 192.0.2.2", "X-Forwarded-Proto: ftp",
                   "X-Forwarded-Host: evil.example.com", "X-Forwarded-Port: 1", "X-Forwarded-Anything: 1", "X-Real-IP: 192.0.2.3",
                   "Forwarded: for=192.0.2.4")
    assert head["x-forwarded-for"] == head["x-real-ip"] == "127.0.0.1"
    assert (head["x-forwarded-proto"], head["x-forwarded-host"]) == ("https", "proxy.example.com")
    assert not {"forwarded", "x-forwarded-port", "x-forwarded-anything"} & head.names


def test_a_client_cannot_have_them_removed_by_naming_them_in_connection(proxy, backend):
    head = seen_by(backend, proxy, "Connection: X-Forwarded-For, X-Real-IP, X-Forwarded-Proto, Host, X-Forwarded-Host")
    assert head["x-forwarded-for"] == head["x-real-ip"] == "127.0.0.1"
    assert head["x-forwarded-proto"] == "https" and head["host"] == "proxy.example.com"


def test_a_trusted_proxys_word_is_kept_and_its_address_appended(start, backend):
    """Rule 13."""
    proxy = start(backend.url, trusted_proxies=["127.0.0.2"])
    head = seen_by(backend, proxy, "X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Forwarded-Proto: http",
                   "X-Forwarded-Host: meet.example.com", source="127.0.0.2")
    assert head["x-forwarded-for"] == "203.0.113.9, 198.51.100.7, 127.0.0.2"
    assert head["x-real-ip"] == "198.51.100.7"  # further left, anybody could have written
    assert (head["x-forwarded-proto"], head["x-forwarded-host"]) == ("http", "meet.example.com")
    head = seen_by(backend, proxy, "X-Forwarded-For: 203.0.113.9", source="127.0.0.3")
    assert head["x-forwarded-for"] == "127.0.0.3"


def test_the_access_log_names_the_client_behind_a_trusted_proxy(start, backend):
    proxy = start(backend.url, trusted_proxies=["127.0.0.2"])
    seen_by(backend, proxy, "X-Forwarded-For: 203.0.113.9", source="127.0.0.2")
    seen_by(backend, proxy, "X-Forwarded-For: 203.0.113.9", source="127.0.0.3")
    assert [line.split()[0] for line in proxy.access_lines(2)] == ["203.0.113.9", "127.0.0.3"]


def test_hop_by_hop_fields_do_not_reach_the_backend(proxy, backend):
    """Rule 6: nor do those that Connection names."""
    head = seen_by(backend, proxy, *HOP_BY_HOP, "Connection: keep-alive, X-Private", "Connection: X-Other", "X-Private: 1",
                   "X-Other: 1", "X-Public: 1", "Proxy: http://evil.example.com")
    assert head.names == {"host", "x-public", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "x-request-id"}


def test_hop_by_hop_fields_do_not_reach_the_client(proxy, backend):
    """Rule 6."""
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"ok", *HOP_BY_HOP, "Connection: X-Private", "X-Private: 1", "X-Public: 1", "Proxy-Authenticate: Basic"))
        got = client.message()
        assert got.head.names == {"x-public", "content-length", "date", "content-security-policy"}


def test_an_upgrade_is_not_tunnelled(proxy, backend):
    """Rule 7: nothing but a plain request arrives, and what follows it is a request or refused."""
    with proxy.connect() as client:
        client.send(request("GET", "/socket", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), b"\x81\x05hello")
        there = backend.accept()
        head = there.head()
        assert not {"upgrade", "connection"} & head.names
        there.send(answer(426, b"no"))
        assert client.message().status == 426
        assert client.message().status == 400


def test_cookies_are_one_field(proxy, backend):
    head = seen_by(backend, proxy, "Cookie: a=1", "Cookie: b=2")
    assert head["cookie"] == "a=1; b=2"


def test_other_repeated_fields_keep_their_order(proxy, backend):
    head = seen_by(backend, proxy, "X-A: 1", "X-B: 2", "X-A: 3")
    assert head.all("x-a") == ["1", "3"]
