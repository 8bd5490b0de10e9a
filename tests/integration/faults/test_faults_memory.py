"""No more memory (decision 0068): the daemon says so and ends, with a code of its own and no core dump, and the next one serves.
Sanitizers need more address space than there is memory: this is for a build without them (the step `memory`)."""

import re
import resource
from contextlib import suppress
from pathlib import Path

import pytest

from daemons import HOST, program
from rproxyd import answer, request
from turnd import TurnClient
from wire import connect

OUT_OF_MEMORY = 3
MORE = 1 << 20  # bytes that it may still take
ENOUGH = 5000  # clients; it ends long before


@pytest.fixture(autouse=True)
def _plain_build():
    binary = program("turnd").read_bytes()
    if b"__asan_" in binary or b"__tsan_" in binary:
        pytest.skip("a sanitizer has memory of its own for every block")


def limit_memory(daemon) -> None:
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    data = int(re.search(r"^VmData:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024
    resource.prlimit(daemon.pid, resource.RLIMIT_DATA, (data + MORE, data + MORE))


def ends_cleanly(daemon) -> None:
    daemon.wait(expect=OUT_OF_MEMORY)
    assert f"{daemon.name}: out of memory: it ends, to be started anew" in daemon.log
    assert "terminate called" not in daemon.log


def test_turnd_ends_and_the_next_one_serves(start_turnd, running):
    turnd = start_turnd(limits={"allocations": 10 * ENOUGH, "allocations_per_user": 10 * ENOUGH})
    limit_memory(turnd)
    clients = []
    with suppress(TimeoutError, OSError):
        while turnd.running and len(clients) < ENOUGH:
            clients.append(running.enter_context(TurnClient(turnd.address("udp"))))
            clients[-1].socket.settimeout(2)
            clients[-1].allocate()
            for peer in range(1, 30):
                clients[-1].permit((f"127.0.2.{peer}", 9))
    ends_cleanly(turnd)
    turnd.start()
    running.enter_context(TurnClient(turnd.address("udp"))).allocate()


def test_rproxyd_survives_what_it_can_and_then_ends(start_proxy, new_backend, running):
    """A TLS handshake without memory ends its connection alone; what the daemon can't do without ends the daemon."""
    backend = new_backend()
    proxy = start_proxy(backend.url)
    limit_memory(proxy)
    for _ in range(ENOUGH):
        if not proxy.running:
            break
        with suppress(OSError, AssertionError):
            client = running.enter_context(proxy.connect("https"))
            client.socket.settimeout(5)
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + bytes(60_000))
    ends_cleanly(proxy)
    proxy.start()
    with connect(HOST, proxy.port("http")) as client:
        client.send(request("GET", "/"))
        there = next_get(backend)
        there.send(answer(200, b"served"))
        assert client.message().body == b"served"


def next_get(backend):
    """Behind what the former process began and never ended."""
    while True:
        there = backend.accept()
        there.socket.settimeout(1)
        with suppress(OSError, AssertionError):
            if there.head().line.startswith("GET / "):
                return there
