"""HTTP/2 on both sides with clients and a node that we did not write: curl, h2load, nghttpd."""

import hashlib
import os
import socket
import subprocess
from contextlib import suppress

import pytest

from daemons import HOST, wait_until
from wire import connect

H2 = {"protocol": "h2"}
NGHTTPD = "/usr/sbin/nghttpd"
FILE = os.urandom(3_000_000)


class Nghttpd:
    """nghttp2's own server before a folder; its port is free until it takes it."""

    def __init__(self, folder, certificate=None):
        with socket.create_server((HOST, 0)) as taken:
            self.port = taken.getsockname()[1]
        self.secure = certificate is not None
        flags = [str(certificate.key), str(certificate.chain)] if certificate else []
        mode = [] if certificate else ["--no-tls"]
        self._process = subprocess.Popen([NGHTTPD, *mode, "-a", HOST, "-d", folder, "--echo-upload", "--trailer=x-sum: 1", str(self.port), *flags])

    def __enter__(self) -> "Nghttpd":
        wait_until("nghttpd listens", self._listens)
        return self

    def _listens(self) -> bool:
        with suppress(OSError), connect(HOST, self.port):
            return True
        return False

    def __exit__(self, *_error) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{HOST}:{self.port}"


class Pair:
    def __init__(self, folder, pem):
        """nghttpd wants key and certificate apart."""
        text = pem.read_text()
        blocks = {name: text[text.index(f"-----BEGIN {name}"):] for name in ("PRIVATE KEY", "CERTIFICATE")}
        self.key, self.chain = folder / "key.pem", folder / "chain.pem"
        for path, name in ((self.key, "PRIVATE KEY"), (self.chain, "CERTIFICATE")):
            end = f"-----END {name}-----"
            path.write_text(blocks[name][:blocks[name].index(end) + len(end)] + "\n")


@pytest.fixture(params=["h2c", "h2"])
def proxy(request, running, start, certificate, tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "blob").write_bytes(FILE)
    (folder / "index.html").write_text("hello")
    pair = Pair(tmp_path, certificate.file()) if request.param == "h2" else None
    node = running.enter_context(Nghttpd(folder, pair))
    return start(node.url, pool=H2, workers=2)


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_downloads_and_uploads(proxy, tmp_path, version):
    got = subprocess.run(["curl", "-ksS", version, f"{proxy.url}/blob"], capture_output=True)
    assert hashlib.sha256(got.stdout).digest() == hashlib.sha256(FILE).digest(), got.stderr
    upload = tmp_path / "upload"
    upload.write_bytes(FILE)
    got = subprocess.run(["curl", "-ksS", version, "-X", "POST", "--data-binary", f"@{upload}", f"{proxy.url}/echo"], capture_output=True)
    assert hashlib.sha256(got.stdout).digest() == hashlib.sha256(FILE).digest(), got.stderr


@pytest.mark.parametrize("clients", [["-c", "10", "-m", "20"], ["-c", "20", "--h1"]], ids=["h2", "h1"])
def test_h2load(proxy, clients):
    done = subprocess.run(["h2load", "-n", "4000", *clients, f"{proxy.url}/index.html"], capture_output=True, text=True)
    assert "4000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout
    assert "status codes: 4000 2xx" in done.stdout
