"""The wall clock jumps, by a day or by years, forwards and back (the shim answers clock_gettime(CLOCK_REALTIME) so). What is
established, and how long anything takes, goes by the steady clock, which can't be set."""

import json

import pytest

from daemons import run, wait_until
from established import held_by, nothing_is_cut
from flows import Echo, Flow
from rproxyd import answer, request

HOUR, YEAR = 3600, 365 * 24 * 3600
JUMPS = [24 * HOUR, -24 * HOUR, 10 * YEAR, -10 * YEAR, 0]


@pytest.mark.parametrize("transport", ["http", "https"])
def test_nothing_established_is_cut_and_newcomers_are_served(start_proxy, new_backend, faults, transport):
    held, backend = new_backend(), new_backend()
    proxy = start_proxy(backend.url, environment=faults.environment(), timeouts={"stream_idle": "30s", "keep_alive": "30s"}, **held_by(held))
    there = None
    with nothing_is_cut(proxy, held, transport) as established, proxy.connect(transport) as kept:
        for jump in JUMPS:
            faults.clock_offset = jump
            established.lives()
            with proxy.connect(transport) as newcomer:
                for client in (kept, newcomer):
                    client.send(request("GET", "/"))
                    there = backend.next(*[there] if there else [])
                    there.head()
                    there.send(answer(200, b"served"))
                    assert client.message().body == b"served"


def test_a_ban_lasts_as_long_as_it_was_said_to(start_proxy, new_backend, faults, tmp_path):
    proxy = start_proxy(new_backend().url, environment=faults.environment(), pin_guard={"enabled": True, "state": str(tmp_path / "bans.json")},
                        admin={"socket": str(tmp_path / "admin.sock")})

    def bans(*words: str) -> dict:
        return json.loads(run("rproxyd", "bans", *words, "--json", "--config", proxy.config).stdout)

    assert bans("add", "127.0.0.7", "--for", "1h")["ok"]
    for jump in JUMPS:
        faults.clock_offset = jump
        assert 3000 < bans("list")["bans"][0]["seconds_left"] <= 3600


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_allocations_relay_on_and_are_refreshed(start_turnd, client, running, faults, transport):
    """A nonce may be stale then: 438 brings another one (RFC 8489 section 9.2.4), and nothing is lost."""
    turnd = start_turnd(faults.environment())
    peer = running.enter_context(Echo()).peer
    flow = Flow(client(turnd, transport), peer.address)
    other = client(turnd, transport)
    other.allocate()
    flow.start()
    for jump in JUMPS:
        faults.clock_offset = jump
        other.refresh(600)
        client(turnd, transport).allocate()
        before = flow.passed
        wait_until("it relays on", lambda: flow.wrong or flow.passed > before)
    flow.end()
