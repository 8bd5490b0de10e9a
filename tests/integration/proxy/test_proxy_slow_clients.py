"""Clients that move just enough not to run into a time-out: ended by a least rate, at bounded time (rule 17). Rates and times of
grace are chosen so that a test needs no long wait."""

import os
import select
import subprocess
import time

import pytest

from daemons import wait_until
from established import Established, held_by
from http2 import Http2Client
from responder import Responder
from rproxyd import request
from wire import client_tls

FAST = {"least_upload_rate": "1MiB", "least_download_rate": "1MiB"}
GRACE = {"body": "300ms"}
PAUSE = 0.05  # well within the time of grace: no single pause is what ends it


def trickle(client, pieces: int = 400) -> bytes:
    """Sends a byte at a time until an answer or the end comes; what comes."""
    for _ in range(pieces):
        client.send(b"x")
        if select.select([client.socket], [], [], PAUSE)[0]:
            break
    return client.head().line.encode()


@pytest.mark.parametrize("target", ["/", "/api/client/v2/conferences/demo/request_token"], ids=["upload", "token"])
def test_a_body_that_trickles_in_gets_408(start, backend, target):
    proxy = start(backend.url, limits=FAST, timeouts=GRACE, pin_guard={"enabled": True})
    with proxy.connect("http") as client:
        client.send(request("POST", target, "Content-Length: 100000"))
        assert trickle(client).startswith(b"HTTP/1.1 408")


def test_a_body_that_trickles_in_over_http2_gets_408(start, backend):
    proxy = start(backend.url, limits=FAST, timeouts=GRACE)
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        upload = client.request("POST", "/", end=False)
        for _ in range(400):
            client.send_body(upload, b"x", end=False)
            if client.wire.has_more():
                client.pump()
            if client.streams[upload].head:
                break
            time.sleep(PAUSE)
        assert client.answer(upload).status == 408


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/large").write_bytes(bytes(32 * 1024 * 1024))
    return tmp_path / "site"


def test_an_answer_that_is_taken_in_sips_is_broken_off(start, backend, folder):
    proxy = start(backend.url, limits=FAST, timeouts=GRACE, routes=[{"path": "/", "static": str(folder)}])
    with proxy.connect("http", receive_buffer=4096) as client:
        client.send(request("GET", "/large"))
        client.head()
        for _ in range(400):
            if not client.socket.recv(1024):
                break
            time.sleep(PAUSE)
            if "slow readers" in proxy.log:
                break
        proxy.wait_for_log('kind="slow readers"')


def test_a_slow_reader_of_events_and_a_slow_talker_live_on(start, new_backend):
    held = new_backend()
    proxy = start(held.url, limits=FAST, timeouts=GRACE, **held_by(held))
    # The upload is not among what is left in peace: it is ended.
    established = Established(proxy, held)
    for _ in range(20):
        established.lives()
        time.sleep(PAUSE)
    assert established.uploader.head().status == 408
    established.close()


def test_a_fast_client_with_pauses_is_left_alone(start, running):
    node = running.enter_context(Responder("one"))
    proxy = start(node.url, limits={"least_upload_rate": "240B", "least_download_rate": "240B"}, timeouts=GRACE)
    with proxy.connect("http") as client:
        client.send(request("POST", "/", "Content-Length: 3000"))
        for _ in range(10):
            client.send(b"x" * 300)
            time.sleep(PAUSE)
        assert client.message().body == b"one"


MODES = {"slow body": ["-B", "-i", "1", "-s", "65536", "-t", "POST", "-x", "10"],
         "slow read": ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32"]}


@pytest.mark.parametrize("mode", MODES)
def test_slowhttptest_holds_nothing_for_long(start, running, folder, tmp_path, mode):
    """It moves a little each second, so that timeouts.body alone would never pass. Its connections are counted at the proxy: the tool
    does not notice their end."""
    node = running.enter_context(Responder("one"))
    proxy = start(node.url, timeouts={"body": "2s"}, routes=[{"path": "/large/", "static": str(folder)}, {"path": "/", "pool": "nodes"}])
    before = proxy.open_descriptors()
    attack = subprocess.Popen(["slowhttptest", *MODES[mode], "-c", "50", "-r", "50", "-l", "100",
                               "-u", proxy.url + ("/large/large" if mode == "slow read" else "/")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, env=os.environ | {"TERM": "dumb"})
    running.callback(lambda: (attack.kill(), attack.wait()))
    wait_until("the attack", lambda: proxy.open_descriptors() >= before + 50)
    wait_until("the end of all that it holds", lambda: proxy.open_descriptors() < before + 10)
    assert attack.poll() is None
    proxy.wait_for_log("client.abuse")
