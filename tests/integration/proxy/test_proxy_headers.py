"""What the proxy adds to answers and to requests: Content-Security-Policy, HSTS, Server, Forwarded."""

import pytest

from http2 import Http2Client
from rproxyd import answer, request
from wire import client_tls

# As the appliance sends it.
POLICY = (
    "default-src 'self'; frame-src 'self' https://telemetryservice.firstpartyapps.oaspapps.com/telemetryservice/telemetryproxy.html "
    "https://*.microsoft.com https://*.office.com; style-src 'self' 'unsafe-inline' https://*.microsoft.com https://*.office.com; "
    "object-src 'self'; font-src 'self' https://*.microsoft.com https://*.office.com; img-src 'self' https://www.adobe.com data: blob:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' https://*.microsoft.com https://*.office.com https://ajax.aspnetcdn.com "
    "https://api.keen.io; media-src 'self' blob:; connect-src 'self' https://*.microsoft.com https://*.office.com https://example.com;")
CSP = "content-security-policy"
HSTS = "strict-transport-security"


def passed_on(proxy, backend, *fields: str, status: int = 200, transport: str = "https"):
    """The head that a client gets of a node's answer with these fields."""
    with proxy.connect(transport) as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(status, b"", "Connection: close", *fields))
        return client.head()


def test_the_policy_is_the_appliances_where_the_node_sent_none(proxy, backend):
    assert passed_on(proxy, backend)[CSP] == POLICY
    assert passed_on(proxy, backend, status=503)[CSP] == POLICY
    assert passed_on(proxy, backend, "Content-Security-Policy: default-src 'none'")[CSP] == "default-src 'none'"
    assert CSP not in passed_on(proxy, backend, status=304)


def test_the_policy_is_on_the_proxys_own_answers_too(start):
    proxy = start("http://127.0.0.1:1", routes=[{"path": "/old", "redirect": "/new"}, {"path": "/p/", "pool": "nodes"},
                                                {"path": "/fixed", "answer": {"body": "x"}}])
    with proxy.connect() as client:
        for target, status in [("/old", 302), ("/nothing", 404), ("/fixed", 200), ("/p/", 502)]:
            client.send(request("GET", target))
            got = client.message()
            assert (got.status, got.head[CSP]) == (status, POLICY)
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        assert client.get("/nothing").head[CSP] == [POLICY]


def test_the_policy_is_on_refusals_of_what_is_no_request(proxy):
    with proxy.connect("http") as client:
        client.send(b"GET / HTTP/1.1\r\nbad line\r\n\r\n")
        head = client.head()
        assert (head.status, head[CSP]) == (400, POLICY)
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        got = client.answer(client.send_head([(":method", "TRACE"), (":scheme", "https"), (":authority", "proxy.example.com"), (":path", "/")]))
        assert (got.status, got.head[CSP]) == (405, [POLICY])


@pytest.mark.parametrize("setting, sent", [("off", []), ("default", [POLICY]), ("default-src https:", ["default-src https:"])])
def test_the_policy_is_off_the_default_or_ones_own(start, backend, setting, sent):
    proxy = start(backend.url, content_security_policy=setting)
    assert passed_on(proxy, backend).all(CSP) == sent


def test_hsts_is_sent_over_tls_alone(start, backend):
    """RFC 6797 section 7.2."""
    proxy = start(backend.url, hsts="max-age=31536000; includeSubDomains", routes=[{"path": "/", "pool": "nodes"}, {"path": "/fixed", "answer": {}}])
    assert passed_on(proxy, backend)[HSTS] == "max-age=31536000; includeSubDomains"
    assert HSTS not in passed_on(proxy, backend, transport="http")
    assert passed_on(proxy, backend, "Strict-Transport-Security: max-age=1")[HSTS] == "max-age=1"
    for transport, there in [("https", True), ("http", False)]:
        with proxy.connect(transport) as client:
            client.send(request("GET", "/fixed"))
            assert (HSTS in client.head()) is there


def test_hsts_is_off_unless_it_is_set(proxy, backend):
    assert HSTS not in passed_on(proxy, backend)


@pytest.mark.parametrize("setting, sent", [("pass", ["nginx/1.2"]), ("remove", []), ("meet", ["meet"])])
def test_a_nodes_server_header_passes_is_removed_or_replaced(start, backend, setting, sent):
    proxy = start(backend.url, server_header=setting)
    assert passed_on(proxy, backend, "Server: nginx/1.2").all("server") == sent


def test_forwarded_is_sent_on_request(start, backend):
    """RFC 7239; a client's own is removed (rule 13)."""
    proxy = start(backend.url, forwarded=True)
    with proxy.connect() as client:
        client.send(request("GET", "/", "Forwarded: for=192.0.2.1"))
        assert backend.accept().head()["forwarded"] == 'for=127.0.0.1;host="proxy.example.com";proto=https'
