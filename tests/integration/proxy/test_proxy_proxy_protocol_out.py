"""PROXY headers to nodes (pools.*.proxy_protocol): who they name, whom a connection serves, and what real servers make of it."""

import socket
import subprocess

import pytest

from daemons import HOST, wait_until
from rproxyd import answer, request
from test_proxy_proxy_protocol import V2
from wire import Wire, client_tls, server_tls

VERSIONS = ["v1", "v2"]


def header(there, version: str) -> tuple[str, int, str, int] | None:
    """The header that a connection begins with: source and destination; None: the proxy's own."""
    if version == "v1":
        words = there.until(b"\r\n").decode().split()
        assert words[0] == "PROXY"
        if words[1] == "UNKNOWN":
            return None
        assert words[1] == "TCP4"
        return words[2], int(words[4]), words[3], int(words[5])
    start = there.exactly(16)
    assert start.startswith(V2)
    block = there.exactly(int.from_bytes(start[14:16], "big"))
    if start[12] == 0x20:
        return None
    assert start[12:14] == b"\x21\x11"
    return (socket.inet_ntoa(block[:4]), int.from_bytes(block[8:10], "big"),
            socket.inet_ntoa(block[4:8]), int.from_bytes(block[10:12], "big"))


def own(client) -> tuple[str, int, str, int]:
    return *client.socket.getsockname(), *client.socket.getpeername()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_connection_begins_with_who_the_client_is(start, backend, version):
    proxy = start(backend.url, pool={"proxy_protocol": version})
    with proxy.connect("http", source="127.0.0.7") as client:
        client.send(request("GET", "/a"))
        there = backend.accept()
        assert header(there, version) == own(client)
        assert there.head().line == "GET /a HTTP/1.1"
        there.send(answer(200, b"one"))
        assert client.message().body == b"one"
        # Kept, for this client's connection.
        client.send(request("GET", "/b"))
        assert there.head().line == "GET /b HTTP/1.1"
        there.send(answer(200))
        client.message()


def test_a_kept_connection_serves_no_other_client(start, backend):
    proxy = start(backend.url, pool={"proxy_protocol": "v2"})
    seen = []
    with proxy.connect("http") as one, proxy.connect("http") as other:
        for client in (one, other):
            client.send(request())
            there = backend.accept()
            assert header(there, "v2") == own(client)
            there.head()
            there.send(answer(200))
            client.message()
            seen.append(there)
        for client, there in ((other, seen[1]), (one, seen[0])):
            client.send(request("GET", "/again"))
            assert there.head().line == "GET /again HTTP/1.1"
            there.send(answer(200))
            client.message()


def test_the_header_goes_before_tls(start, new_backend, certificate):
    backend = new_backend()
    proxy = start(f"https://{backend.address}", pool={"proxy_protocol": "v2"})
    with proxy.connect("http") as client:
        client.send(request())
        plain = backend.accept().socket
        assert plain.recv(28, socket.MSG_WAITALL)[:13] == V2 + b"\x21"  # with IPv4 addresses, to its last byte
        there = Wire(server_tls(certificate.file()).wrap_socket(plain, server_side=True))
        there.head()
        there.send(answer(200, b"secret"))
        assert client.message().body == b"secret"


@pytest.mark.parametrize("version", VERSIONS)
def test_checks_are_the_proxys_own(start, backend, version):
    start(backend.url, pool={"proxy_protocol": version, "health": {"path": "/health", "interval": "1s", "timeout": "1s"}})
    there = backend.accept()
    assert header(there, version) is None
    assert there.head().line == "GET /health HTTP/1.1"


def test_behind_a_trusted_proxy_it_is_whom_that_names(start, backend):
    proxy = start(backend.url, pool={"proxy_protocol": "v2"}, trusted_proxies=[HOST])
    with proxy.connect("http") as client:
        client.send(request("GET", "/", "X-Forwarded-For: 203.0.113.7"))
        assert header(backend.accept(), "v2")[:2] == ("203.0.113.7", 0)


def test_a_websocket_has_its_client_too(start, backend):
    from websocket import handshake, switching

    proxy = start(backend.url, pool={"proxy_protocol": "v1"}, routes=[{"path": "/", "pool": "nodes", "websocket": True}])
    with proxy.connect("http") as client:
        client.send(handshake())
        there = backend.accept()
        assert header(there, "v1") == own(client)
        there.head()
        there.send(switching())
        assert client.head().status == 101


# ---- servers of others

@pytest.fixture
def serving(running, tmp_path):
    """Starts a server with a configuration that listens at a free port; that port."""

    def make(command: list[str], configuration: str) -> int:
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
        (tmp_path / "server.conf").write_text(configuration.format(port=port, folder=tmp_path))
        process = subprocess.Popen([*command, str(tmp_path / "server.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.callback(lambda: (process.terminate(), process.wait()))
        wait_until("the server", lambda: reachable(port))
        return port

    return make


def reachable(port: int) -> bool:
    try:
        socket.create_connection((HOST, port)).close()
    except ConnectionRefusedError:
        return False
    return True


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} proxy_protocol;
    location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_port"; }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:{port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port]"
"""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("command, configuration", [(["nginx", "-c"], NGINX), (["haproxy", "-f"], HAPROXY)], ids=["nginx", "haproxy"])
def test_real_servers_see_the_client(start, serving, version, command, configuration):
    port = serving(command, configuration)
    proxy = start(f"http://{HOST}:{port}", pool={"proxy_protocol": version, "health": {"path": "/", "interval": "200ms", "timeout": "200ms"}})
    for source in ("127.0.0.7", "127.0.0.8"):
        with proxy.connect("https", tls=client_tls("http/1.1"), source=source) as client:
            for _ in range(3):
                client.send(request())
                message = client.message()
                assert (message.status, message.body.decode()) == (200, " ".join(map(str, client.socket.getsockname())))
    assert "backend.down" not in proxy.log
