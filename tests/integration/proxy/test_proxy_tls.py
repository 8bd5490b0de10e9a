"""TLS towards clients and nodes: versions, ALPN, certificates by SNI, what is refused at the start."""

import json
import re
import socket
import ssl
import subprocess

import pytest

import tls_probe
from backend import Backend
from certificates import Certificate, openssl
from daemons import HOST, run, write_private
from rproxyd import answer, configuration, request
from wire import client_tls, server_tls


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """Certificates of an authority of our own: through an intermediate, and directly."""
    folder = tmp_path_factory.mktemp("issued")
    root = Certificate(folder, "root", authority=True)
    between = Certificate(folder, "between", issuer=root, authority=True)
    return {
        "root": root,
        "one": Certificate(folder, "one", "DNS:one.example.com", issuer=between),
        "two": Certificate(folder, "two", "DNS:two.example.com", "DNS:*.two.example.com", issuer=root),
        "node": Certificate(folder, "node", "DNS:node.example.com", f"IP:{HOST}", issuer=root),
        "other": Certificate(folder, "other", "DNS:other.example.com", issuer=root),
    }


def listening(*certificates, **tls) -> dict:
    return {"listeners": [{"address": f"{HOST}:0", "tls": {"certificates": [str(each) for each in certificates], **tls}}]}


def s_client(proxy, *options: str) -> str:
    done = subprocess.run(["openssl", "s_client", "-connect", f"{HOST}:{proxy.port('https')}", *options],
                          input="", capture_output=True, text=True)
    return done.stdout + done.stderr


def subjects(proxy, *options: str) -> list[str]:
    """Of the chain as it is sent, the server's own first."""
    return re.findall(r"^ *\d s:CN = (.*)$", s_client(proxy, "-showcerts", *options), re.MULTILINE)


# ---- versions and protocols

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(proxy, backend, version):
    context = client_tls("http/1.1")
    context.minimum_version = context.maximum_version = version
    with proxy.connect(tls=context) as client:
        assert client.socket.version() == version.name.replace("_", ".")
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_older_versions_are_refused(proxy, version):
    said = s_client(proxy, version, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in said and "Cipher is (NONE)" in said


def test_nobody_in_between_makes_tls_worse(proxy):
    server = (HOST, proxy.port("https"))
    assert tls_probe.tells_of_a_downgrade(server)
    assert tls_probe.refuses_renegotiation(server)
    assert tls_probe.compresses_nothing(server)


@pytest.mark.parametrize("least, version, agreed", [("1.3", "-tls1_2", False), ("1.3", "-tls1_3", True), ("1.2", "-tls1_2", True)])
def test_the_least_version_can_be_chosen(start, backend, certificate, least, version, agreed):
    proxy = start(backend.url, **listening(certificate.file(), min_version=least))
    assert ("Cipher is (NONE)" not in s_client(proxy, version)) == agreed


@pytest.mark.parametrize("cipher", ["3DES", "RC4", "NULL", "EXPORT", "aNULL", "CBC"])
def test_weak_ciphers_are_not_agreed_on(proxy, cipher):
    offered = "AES128-SHA:AES256-SHA:ECDHE-ECDSA-AES128-SHA" if cipher == "CBC" else f"{cipher}:@SECLEVEL=0"
    said = s_client(proxy, "-tls1_2", "-cipher", offered)
    assert "Cipher is (NONE)" in said or "no cipher match" in said


@pytest.mark.parametrize("offered, agreed", [(("h2", "http/1.1"), "h2"), (("http/1.1", "h2"), "h2"), (("http/1.1",), "http/1.1"),
                                             (("h2",), "h2"), (("spdy/1",), None), ((), None)])
def test_http_2_is_preferred_and_nothing_is_forced(proxy, offered, agreed):
    with proxy.connect(tls=client_tls(*offered)) as client:
        assert client.socket.selected_alpn_protocol() == agreed


def test_without_alpn_http_1_1_is_spoken(proxy, backend):
    with proxy.connect(tls=client_tls()) as client:
        client.send(request("GET", "/"))
        there = backend.accept()
        there.head()
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"


def test_garbage_instead_of_a_handshake_hurts_nobody(start, backend):
    proxy = start(backend.url, timeouts={"handshake": "1s"})  # some of it could be the begin of one
    for garbage in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes(1000), b"\x16\x03\x01\xff\xff" + bytes(70_000), b"\x80\x2e\x01"):
        with socket.create_connection((HOST, proxy.port("https")), 30) as connection:
            try:
                connection.sendall(garbage)
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        backend.accept().head()


# ---- certificates

def test_the_certificate_is_chosen_by_the_name_that_is_asked_for(start, backend, issued):
    proxy = start(backend.url, **listening(issued["one"].file(), issued["two"].file()))
    for asked, got in [("one.example.com", "one"), ("two.example.com", "two"), ("a.two.example.com", "two"),
                       ("TWO.example.com", "two"), ("unknown.example.com", "one"), ("a.b.two.example.com", "one")]:
        assert subjects(proxy, "-servername", asked)[0] == got, asked
    assert subjects(proxy, "-noservername")[0] == "one"


def test_pexip_pem_is_sent_with_its_intermediates(start, backend, issued):
    """One file in the appliance's order: certificate, key, intermediates."""
    proxy = start(backend.url, **listening(issued["one"].file()))
    assert subjects(proxy) == ["one", "between"]
    said = s_client(proxy, "-CAfile", str(issued["root"].path), "-verify_hostname", "one.example.com", "-servername", "one.example.com")
    assert "Verify return code: 0 (ok)" in said


def test_a_self_signed_certificate_is_made_when_none_is_given(start, backend):
    proxy = start(backend.url, **listening())
    proxy.wait_for_log("self_signed")
    pem = ssl.get_server_certificate((HOST, proxy.port("https")))
    names = openssl("x509", "-noout", "-ext", "subjectAltName", stdin=pem)
    assert "DNS:localhost" in names and f"IP Address:{HOST}" in names
    fingerprint = openssl("x509", "-noout", "-fingerprint", "-sha256", stdin=pem).strip().rpartition("=")[2]
    proxy.wait_for_log(fingerprint)  # so that an administrator can compare


def bad_files(folder, issued) -> dict:
    one, two = issued["one"], issued["two"]
    encrypted = openssl("pkcs8", "-topk8", "-passout", "pass:x", stdin=one.key)
    return {
        "a key of another certificate": ([one.certificate, two.key], "does not belong"),
        "no key": ([one.certificate], "no private key"),
        "no certificate": ([one.key], "no certificate"),
        "an encrypted key": ([one.certificate, encrypted], "encrypted"),
        "nothing": ([], "no certificate"),
        "damage": ([one.certificate[:300], "\n-----END CERTIFICATE-----\n", one.key], "can't be read"),
    }


@pytest.mark.parametrize("what", ["a key of another certificate", "no key", "no certificate", "an encrypted key", "nothing", "damage"])
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_certificate_file_that_cannot_serve_is_refused_with_its_name_and_the_reason(tmp_path, issued, command, what):
    parts, reason = bad_files(tmp_path, issued)[what]
    pem = write_private(tmp_path / "wrong.pem", "".join(parts))
    config = write_private(tmp_path / "rproxyd.json", json.dumps(configuration(tmp_path, pem, ["http://127.0.0.1:1"])))
    done = run("rproxyd", command, "--config", config)
    assert done.returncode == 1
    said = next(line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: "))
    assert said.startswith(f"error: {config}:") and ": /listeners/0/tls/certificates/0: " in said
    assert str(pem) in said and reason in said


@pytest.mark.parametrize("content, reason", [(None, "No such file"), ("", "can't be loaded"), ("nonsense", "can't be loaded")])
def test_authorities_that_cannot_be_loaded_are_refused(tmp_path, certificate, content, reason):
    authorities = tmp_path / "authorities.pem"
    if content is not None:
        authorities.write_text(content)
    pool = {"tls": {"verify": True, "ca_file": str(authorities)}}
    configured = configuration(tmp_path, certificate.file(), ["https://127.0.0.1:1"], pool=pool)
    config = write_private(tmp_path / "rproxyd.json", json.dumps(configured))
    done = run("rproxyd", "check", "--config", config)
    assert done.returncode == 1
    assert f"/pools/nodes/tls/ca_file: {authorities}: " in done.stdout and reason in done.stdout


# ---- towards the nodes

@pytest.fixture
def verified(start, running, issued):
    """Starts rproxyd with verification before a node that has the given certificate."""
    def begin(of: str, **tls):
        node = Backend(server_tls(issued[of].file()))
        running.callback(node.close)
        return start(node.url, pool={"tls": {"verify": True, "ca_file": str(issued["root"].path), **tls}}), node

    return begin


@pytest.mark.parametrize("of, tls", [("node", {}), ("node", {"server_name": "node.example.com"}),
                                              ("other", {"server_name": "other.example.com"})])
def test_a_node_whose_certificate_is_right_is_spoken_to(verified, of, tls):
    proxy, node = verified(of, **tls)
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = node.accept()
        there.head()
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"


@pytest.mark.parametrize("of, tls", [("other", {}), ("node", {"server_name": "other.example.com"})])
def test_a_node_with_another_name_gets_no_request(verified, of, tls):
    proxy, node = verified(of, **tls)
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        with pytest.raises(ssl.SSLError):
            node.accept()
        assert client.message().status == 502
    proxy.wait_for_log("CERTIFICATE_VERIFY_FAILED")


def test_a_node_of_an_unknown_authority_gets_no_request(verified, certificate):
    proxy, node = verified("node", ca_file=str(certificate.path))
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        with pytest.raises(ssl.SSLError):
            node.accept()
        assert client.message().status == 502


def test_any_certificate_will_do_without_verification(start, new_backend):
    """As the appliance does: nodes have self-signed ones."""
    node = new_backend(tls=True)
    proxy = start(node.url)
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = node.accept()
        there.head()
        there.send(answer(200, b"ok"))
        assert client.message().body == b"ok"


def test_a_name_is_sent_to_the_node_only_if_it_is_one(start, new_backend):
    """RFC 6066: no address as SNI."""
    for server_name, expected in ((None, None), ("node.example.com", "node.example.com")):
        node = new_backend(tls=True)
        asked = []
        node._tls.sni_callback = lambda _socket, name, _context: asked.append(name)
        proxy = start(node.url, pool={"tls": {"server_name": server_name}})
        with proxy.connect() as client:
            client.send(request("GET", "/"))
            node.accept().head()
        assert asked == [expected]
        proxy.stop()


def test_sessions_with_a_node_are_resumed(start, new_backend):
    node = new_backend(tls=True)
    proxy = start(node.url)
    resumed = []
    for _ in range(3):
        with proxy.connect() as client:
            client.send(request("GET", "/"))
            there = node.accept()
            there.head()
            resumed.append(there.socket.session_reused)
            there.send(answer(200, b"ok", "Connection: close"))
            assert client.message().body == b"ok"
    assert resumed == [False, True, True]


def test_an_answer_before_the_handshake_with_a_node_is_none(start, new_backend):
    """CVE-2026-1642: who stands between can put plain bytes before the node's own; they are an error, and never an answer."""
    node = new_backend()
    proxy = start(node.url.replace("http:", "https:"))
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        there = node.accept()
        there.send(answer(200, b"injected"))
        there.read()  # its ClientHello
        got = client.message()
        assert got.status == 502
        assert b"injected" not in got.body
    with proxy.connect() as client:  # and nothing of it waits for whoever comes next
        client.send(request("GET", "/"))
        node.accept().finish_sending()
        assert client.message().status == 502
