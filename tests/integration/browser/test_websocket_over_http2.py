"""Chromium's WebSocket on the HTTP/2 connection of its page (RFC 8441), through rproxyd."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/integration/support"))

from certificates import Certificate  # noqa: E402
from responder import Responder  # noqa: E402
from rproxyd import Rproxyd, configuration  # noqa: E402
from websocket import EchoServer  # noqa: E402

TALK = """
const [count, done] = arguments;
const socket = new WebSocket(`wss://${location.host}/ws`, ["chat"]);
socket.binaryType = "arraybuffer";
const got = [];
socket.onopen = () => { for (let i = 0; i < count; i++) socket.send("x".repeat(i * 1000)); };
socket.onmessage = (event) => { got.push(event.data.length); if (got.length === count) socket.close(1000); };
socket.onclose = (event) => done({got, code: event.code, protocol: socket.protocol});
"""


@pytest.fixture
def proxy(tmp_path):
    certificate = Certificate(tmp_path, "proxy", "DNS:localhost", "IP:127.0.0.1")
    with Responder("page") as page, EchoServer() as echo:
        configured = configuration(tmp_path, certificate.file(), [page.url], routes=[
            {"path": "/ws", "pool": "echo", "websocket": True}, {"path": "/", "pool": "nodes"}])
        configured["pools"]["echo"] = {"servers": [echo.url]}
        with Rproxyd(tmp_path, configured) as started:
            yield started


def test_a_websocket_shares_the_pages_connection(browser, proxy):
    browser.get(f"{proxy.url}/")
    browser.set_script_timeout(60)
    said = browser.execute_async_script(TALK, 50)
    assert said == {"got": [i * 1000 for i in range(50)], "code": 1000, "protocol": "chat"}
    browser.get("about:blank")
    lines = [line for line in proxy.access_lines(2) if "/ws" in line]
    assert len(lines) == 1 and '"GET /ws HTTP/2.0" 101 ' in lines[0]
