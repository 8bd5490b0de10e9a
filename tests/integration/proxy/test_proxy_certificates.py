"""Certificates as clients see them: RSA beside ECDSA, a key in a file of its own, a stapled OCSP response, tickets."""

import subprocess

import pytest

from daemons import HOST, run
from rproxyd import request
from wire import client_tls


def openssl(*arguments, stdin: str = "") -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def pair(tmp_path):
    """Makes a certificate and its key: "ec" or "rsa"."""

    def make(kind: str, name: str = "proxy.example.com"):
        certificate, key = tmp_path / f"{kind}.crt", tmp_path / f"{kind}.key"
        options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-newkey", "rsa:2048"]
        openssl("req", "-x509", "-nodes", *options, "-days", 30, "-subj", f"/CN={kind}", "-addext", f"subjectAltName=DNS:{name}",
                "-keyout", key, "-out", certificate)
        key.chmod(0o600)
        return {"certificate": str(certificate), "key": str(key)}

    return make


def listening(*certificates, **tls):
    return [{"address": f"{HOST}:0", "tls": {"certificates": list(certificates), **tls}}]


def shown(proxy, *options) -> str:
    return openssl("s_client", "-connect", f"{HOST}:{proxy.port('https')}", "-servername", "proxy.example.com", *options)


def test_each_client_gets_the_certificate_that_it_can_check(start, backend, pair):
    proxy = start(backend.url, listeners=listening(pair("rsa"), pair("ec")))
    assert "subject=CN = ec" in shown(proxy)
    assert "subject=CN = rsa" in shown(proxy, "-sigalgs", "RSA-PSS+SHA256")
    assert "subject=CN = rsa" in shown(proxy, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    assert "subject=CN = ec" in shown(proxy, "-tls1_2")


def test_suites_that_are_old_are_for_those_who_ask_for_them(start, backend, pair):
    old = ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"]
    proxy = start(backend.url, listeners=listening(pair("rsa"), suites="compatible"))
    assert "Cipher    : AES128-SHA" in shown(proxy, *old)
    proxy.stop()
    proxy = start(backend.url, listeners=listening(pair("rsa")))
    with pytest.raises(AssertionError):
        shown(proxy, *old)


def test_an_ocsp_response_beside_the_certificate_is_stapled(start, backend, tmp_path):
    """From an authority made here, by openssl's own responder."""
    openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=authority",
            "-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.crt")
    openssl("req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=server",
            "-keyout", tmp_path / "server.key", "-out", tmp_path / "server.csr")
    (tmp_path / "names").write_text("subjectAltName=DNS:proxy.example.com\n")
    openssl("x509", "-req", "-in", tmp_path / "server.csr", "-CA", tmp_path / "ca.crt", "-CAkey", tmp_path / "ca.key",
            "-set_serial", "0x1234", "-days", 30, "-extfile", tmp_path / "names", "-out", tmp_path / "server.crt")
    (tmp_path / "index.txt").write_text("V\t301231235959Z\t\t1234\tunknown\t/CN=server\n")
    openssl("ocsp", "-issuer", tmp_path / "ca.crt", "-cert", tmp_path / "server.crt", "-reqout", tmp_path / "request.der")
    openssl("ocsp", "-index", tmp_path / "index.txt", "-rsigner", tmp_path / "ca.crt", "-rkey", tmp_path / "ca.key",
            "-CA", tmp_path / "ca.crt", "-reqin", tmp_path / "request.der", "-respout", tmp_path / "server.crt.ocsp", "-ndays", 7)
    (tmp_path / "server.key").chmod(0o600)
    proxy = start(backend.url, listeners=listening(
        {"certificate": str(tmp_path / "server.crt"), "key": str(tmp_path / "server.key")}))
    said = shown(proxy, "-status", "-CAfile", tmp_path / "ca.crt")
    assert "OCSP Response Status: successful" in said
    assert "Cert Status: good" in said
    assert "Serial Number: 1234" in said


def test_a_session_is_resumed_over_all_workers(start, backend, pair, tmp_path):
    proxy = start(backend.url, listeners=listening(pair("ec")), workers=2)
    session = tmp_path / "session"
    # With a request, so that the tickets have come before the end.
    openssl("s_client", "-connect", f"{HOST}:{proxy.port('https')}", "-servername", "proxy.example.com", "-tls1_2",
            "-sess_out", session)
    for _ in range(8):  # the kernel chooses the worker by the client's port
        assert "Reused, TLSv1.2" in shown(proxy, "-tls1_2", "-sess_in", session)


def test_check_says_what_is_wrong_with_a_pair_of_files(tmp_path, pair):
    import json
    one, two = pair("ec"), pair("rsa")
    config = tmp_path / "rproxyd.json"
    config.touch(mode=0o600)
    config.write_text(json.dumps({
        "listeners": listening({"certificate": one["certificate"], "key": two["key"]}),
        "pools": {"nodes": {"servers": ["http://127.0.0.1:1"]}}, "routes": [{"path": "/", "pool": "nodes"}]}))
    done = run("rproxyd", "check", "--config", config)
    assert done.returncode == 1
    assert "/listeners/0/tls/certificates/0" in done.stdout + done.stderr
    assert "does not belong to the first certificate" in done.stdout + done.stderr


def test_a_key_in_a_file_of_its_own_serves(start, backend, pair):
    proxy = start(backend.url, listeners=listening(pair("ec")))
    with proxy.connect(tls=client_tls("http/1.1")) as client:
        client.send(request("TRACE"))
        assert client.message().status == 405
