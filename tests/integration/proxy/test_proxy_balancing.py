"""Which node serves whom: round robin for new clients, affinity for known ones, another node when one fails (rule 18)."""

import threading
import time
from collections import Counter

import pytest

from daemons import in_background, wait_until
from demo_node.client import Client
from responder import Responder
from rproxyd import answer, request

CLIENTS = [f"127.0.0.{number}" for number in range(1, 10)]


@pytest.fixture
def responders(running):
    return [running.enter_context(Responder(name)) for name in ("one", "two", "three")]


@pytest.fixture
def balanced(start, responders):
    """Starts rproxyd before the three."""
    return lambda **changes: start(*(each.url for each in responders), **changes)


def ask(proxy, source: str, method: str = "GET", target: str = "/", transport: str = "http"):
    """One request on a connection of its own: the status, and the name of the node that answered."""
    with proxy.connect(transport, source=source) as client:
        client.send(request(method, target, "Connection: close", body=b"body" if method in ("POST", "PUT") else b""))
        got = client.message()
        return got.status, got.body.decode()


def node_of(proxy, source: str, **options) -> str:
    status, name = ask(proxy, source, **options)
    assert status == 200
    return name


# ---- who goes where

def test_new_clients_go_round(balanced):
    proxy = balanced()
    assert [node_of(proxy, client) for client in CLIENTS] == ["one", "two", "three"] * 3


def test_a_client_stays_on_its_node_over_connections_and_transports(balanced):
    proxy = balanced()
    first = {client: node_of(proxy, client) for client in CLIENTS}
    for transport in ("http", "https"):
        assert {client: node_of(proxy, client, transport=transport) for client in reversed(CLIENTS)} == first


def test_a_client_stays_on_its_node_over_workers(balanced):
    """The kernel gives each connection to a worker by its port."""
    proxy = balanced(workers=2)
    first = {client: node_of(proxy, client) for client in CLIENTS}
    assert Counter(first.values()) == {"one": 3, "two": 3, "three": 3}
    for _ in range(10):
        assert {client: node_of(proxy, client) for client in CLIENTS} == first


def test_without_affinity_every_request_goes_round(balanced):
    proxy = balanced(pool={"affinity": "none"})
    with proxy.connect("http") as client:
        names = []
        for _ in range(6):
            client.send(request("GET", "/"))
            names.append(client.message().body.decode())
    assert names == ["one", "two", "three"] * 2


def test_client_hash_needs_no_memory(balanced, start, responders):
    """A second proxy sends every client to the same node as the first."""
    first = balanced(pool={"policy": "client_hash", "affinity": "none"})
    before = {client: node_of(first, client) for client in CLIENTS}
    assert len(set(before.values())) > 1
    first.stop()
    second = balanced(pool={"policy": "client_hash", "affinity": "none"})
    assert {client: node_of(second, client) for client in CLIENTS} == before


def test_least_connections_counts_requests_in_progress(start, new_backend):
    busy, free = new_backend(), new_backend()
    proxy = start(busy.url, free.url, pool={"policy": "least_connections", "affinity": "none"})
    with proxy.connect("http") as one, proxy.connect("http") as other:
        one.send(request("GET", "/events"))
        busy.accept().head()
        there = None
        for _ in range(3):
            other.send(request("GET", "/"))
            there = there or free.accept()
            there.head()
            there.send(answer(200, b"free"))
            assert other.message().body == b"free"
        assert not busy.waits(0)


def test_clients_behind_a_trusted_proxy_are_told_apart(balanced):
    proxy = balanced(trusted_proxies=["127.0.0.1"])
    names = []
    with proxy.connect("http") as client:
        for number in range(6):
            client.send(request("GET", "/", f"X-Forwarded-For: 203.0.113.{number % 3}"))
            names.append(client.message().body.decode())
    assert names == ["one", "two", "three"] * 2


# ---- when a node fails

def test_only_the_clients_of_a_node_that_is_gone_move_and_it_is_used_again_when_it_is_back(balanced, responders):
    proxy = balanced()
    before = {client: node_of(proxy, client) for client in CLIENTS}
    responders[1].stop()
    after = {client: node_of(proxy, client) for client in CLIENTS}
    assert all(after[client] == name for client, name in before.items() if name != "two")
    assert "two" not in after.values()
    proxy.wait_for_log("backend.unreachable")
    responders[1].start()
    newcomers = iter(range(10, 250))
    wait_until("the node is used again", lambda: node_of(proxy, f"127.0.0.{next(newcomers)}") == "two" or time.sleep(0.2))
    assert {client: node_of(proxy, client) for client in CLIENTS} == after  # nobody is moved back


def test_no_get_fails_while_a_node_is_killed(start, node):
    """kill -9, while eight clients keep asking over kept connections."""
    nodes = {name: node(name) for name in ("node1", "node2", "node3")}
    proxy = start(*(each.url for each in nodes.values()))
    first, wrong, rounds, stop = {}, [], Counter(), threading.Event()

    def keep_asking(source: str) -> None:
        with proxy.connect(source=source) as client:
            while not stop.is_set():
                client.send(request("GET", "/api/client/v2/status"))
                got = client.message()
                if got.status != 200:
                    wrong.append((source, got))
                first.setdefault(source, got.head["x-demo-node"])
                last[source] = got.head["x-demo-node"]
                rounds[source] += 1

    last: dict[str, str] = {}
    asking = [in_background(lambda source=source: keep_asking(source)) for source in CLIENTS[:8]]
    wait_until("everybody has asked", lambda: len(rounds) == 8 and min(rounds.values()) > 5)
    nodes["node2"].kill()
    before = dict(rounds)
    wait_until("everybody has asked again", lambda: all(rounds[source] > before[source] + 5 for source in before))
    stop.set()
    for each in asking:
        each.join(60)
    assert not wrong
    assert set(first.values()) == set(nodes) and "node2" not in last.values()
    assert all(last[source] == name for source, name in first.items() if name != "node2")


def test_a_killed_node_that_comes_back_is_used_again(start, node):
    nodes = [node("node1"), node("node2")]
    proxy = start(*(each.url for each in nodes))
    assert {Client(proxy.url).ask("GET", "/headers").headers["X-Demo-Node"] for _ in range(2)} == {"node1"}
    nodes[0].kill()
    assert Client(proxy.url).ask("GET", "/headers").headers["X-Demo-Node"] == "node2"
    nodes[0].restart()
    newcomers = iter(range(10, 250))

    def next_client() -> str:
        with proxy.connect(source=f"127.0.0.{next(newcomers)}") as client:
            client.send(request("GET", "/headers", "Connection: close"))
            return client.message().head["x-demo-node"]

    wait_until("it is used again", lambda: next_client() == "node1" or time.sleep(0.2))


# ---- what is repeated

@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_get_that_a_node_gives_up_is_repeated_at_another(balanced, responders, status):
    proxy = balanced()
    responders[0].status = status
    assert ask(proxy, CLIENTS[0]) == (200, "two")
    assert f'"{responders[0].address}, {responders[1].address}" "{status}, 200" "' in proxy.access_lines()[0]


def test_a_client_keeps_its_node_although_one_of_its_requests_was_repeated_elsewhere(balanced, responders):
    """Its token is valid there alone."""
    proxy = balanced()
    assert [node_of(proxy, CLIENTS[0]) for _ in range(2)] == ["one", "one"]
    responders[0].status = 503
    assert ask(proxy, CLIENTS[0]) == (200, "two")
    responders[0].status = 200
    assert node_of(proxy, CLIENTS[0]) == "one"


def test_a_newcomer_to_a_node_in_maintenance_is_better_off_elsewhere(balanced, responders):
    """It has no token yet: what it asks for next, such as one, goes where its first request went well."""
    proxy = balanced()
    responders[0].status = 503
    assert ask(proxy, CLIENTS[0]) == (200, "two")
    assert ask(proxy, CLIENTS[0], "POST") == (200, "two")


@pytest.mark.parametrize("status", [500, 429, 403])
def test_other_answers_are_passed_on(balanced, responders, status):
    responders[0].status = status
    assert ask(balanced(), CLIENTS[0]) == (status, "one")


def test_after_the_attempts_the_last_answer_is_passed_on(balanced, responders):
    """attempts: 2, the first included."""
    responders[0].status = responders[1].status = 503
    assert ask(balanced(), CLIENTS[0]) == (503, "two")
    assert responders[2].asked == []


def test_more_attempts_reach_every_node_once(balanced, responders):
    for each in responders:
        each.status = 503
    assert ask(balanced(pool={"retry": {"attempts": 8}}), CLIENTS[0])[0] == 503
    assert [len(each.asked) for each in responders] == [1, 1, 1]


def test_a_post_is_not_repeated(balanced, responders):
    responders[0].status = 503
    assert ask(balanced(), CLIENTS[0], "POST") == (503, "one")
    assert responders[1].asked == []


def test_a_body_that_has_been_sent_is_not_repeated(balanced, responders):
    """Although PUT is idempotent: the body is gone."""
    responders[0].status = 503
    assert ask(balanced(), CLIENTS[0], "PUT") == (503, "one")


def test_a_post_goes_to_another_node_when_none_of_it_was_sent(balanced, responders):
    proxy = balanced()
    responders[0].stop()
    assert ask(proxy, CLIENTS[0], "POST") == (200, "two")


def test_a_kept_connection_that_its_node_closed_meanwhile_costs_nothing(proxy, backend):
    """The request goes out again on a new connection to the same node."""
    with proxy.connect() as client:
        for number in range(3):
            client.send(request("GET", f"/{number}"))
            there = backend.accept()
            assert there.head().line == f"GET /{number} HTTP/1.1"
            there.send(answer(200, b"ok"))
            assert client.message().body == b"ok"
            there.close()


def test_retries_can_be_turned_off(balanced, responders):
    proxy = balanced(pool={"retry": {"on": []}})
    responders[0].status = 503
    assert ask(proxy, CLIENTS[0]) == (503, "one")
    responders[0].stop()
    assert ask(proxy, CLIENTS[0])[0] == 502
