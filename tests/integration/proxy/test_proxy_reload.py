"""SIGHUP: other certificates and other servers, and nothing that is in progress notices."""

import json
import signal
import threading

import pytest

from certificates import Certificate
from daemons import wait_until, write_private
from responder import Responder
from rproxyd import request
from wire import client_tls


class Held(Responder):
    """Answers once it is let go."""

    def __init__(self, name: str):
        super().__init__(name)
        self.go_on = threading.Event()

    def reply(self, target: str):
        if target == "/slow":
            self.go_on.wait()
        return super().reply(target)


@pytest.fixture
def nodes(running):
    held = [running.enter_context(Held(name)) for name in ("one", "two")]
    running.callback(lambda: [each.go_on.set() for each in held])
    return held


def reload(proxy, change) -> None:
    configured = json.loads(proxy.config.read_text())
    change(configured)
    again(proxy, json.dumps(configured))


def again(proxy, text: str) -> None:
    write_private(proxy.config, text)
    before = proxy.log.count("reload.done") + proxy.log.count("reload.refused")
    proxy.signal(signal.SIGHUP)
    wait_until("the reload", lambda: proxy.log.count("reload.done") + proxy.log.count("reload.refused") > before)


def servers(*urls: str):
    def change(configured: dict) -> None:
        configured["pools"]["nodes"]["servers"] = list(urls)

    return change


def served_by(proxy, source: str) -> str:
    with proxy.connect("http", source=source) as client:
        client.send(request("GET", "/", "Connection: close"))
        return client.message().body.decode()


def many(first: int) -> list[str]:
    return [f"127.0.{first}.{number}" for number in range(1, 7)]


def test_a_server_is_added(start, nodes):
    proxy = start(nodes[0].url, workers=2)
    known = {source: served_by(proxy, source) for source in many(1)}
    assert set(known.values()) == {"one"}
    reload(proxy, servers(nodes[0].url, nodes[1].url))
    assert {served_by(proxy, source) for source in many(2)} == {"one", "two"}
    assert {source: served_by(proxy, source) for source in many(1)} == known


def test_a_server_is_removed_and_what_it_was_asked_before_is_answered(start, nodes):
    proxy = start(*(node.url for node in nodes), workers=2)
    homes = {source: served_by(proxy, source) for source in many(1)}
    source = next(each for each, home in homes.items() if home == "one")
    with proxy.connect("http", source=source) as client:
        client.send(request("GET", "/slow"))
        wait_until("the request", lambda: any(target == "/slow" for _client, _method, target in nodes[0].asked))
        reload(proxy, servers(nodes[1].url))
        assert {served_by(proxy, each) for each in [*many(1), *many(2)]} == {"two"}
        nodes[0].go_on.set()
        assert client.message().body == b"one"
        client.send(request("GET", "/"))
        assert client.message().body == b"two"


def shown(proxy) -> str:
    """The SHA-256 of the certificate that a new connection sees."""
    with proxy.connect() as client:
        return client.socket.getpeercert(binary_form=True).hex()


def test_a_certificate_is_replaced_and_open_connections_stay(start, nodes, tmp_path, certificate):
    proxy = start(nodes[0].url, workers=2)
    before = shown(proxy)
    with proxy.connect(tls=client_tls("http/1.1")) as client:
        client.send(request())
        assert client.message().body == b"one"
        (tmp_path / "new").mkdir()
        new = Certificate(tmp_path / "new", "new", "DNS:proxy.example.com").file()
        reload(proxy, lambda configured: configured["listeners"][0]["tls"].update(certificates=[str(new)]))
        assert shown(proxy) != before
        client.send(request())
        assert client.message().body == b"one"


@pytest.mark.parametrize("text", ["{", '{ "listeners": [] }'], ids=["broken", "wrong"])
def test_a_file_with_anything_wrong_in_it_changes_nothing(start, nodes, text):
    proxy = start(nodes[0].url)
    again(proxy, text)
    proxy.wait_for_log("reload.refused")
    assert served_by(proxy, "127.0.1.1") == "one"


def test_a_renewed_certificate_is_noticed_where_files_are_watched(start, nodes, tmp_path):
    renewed = Certificate(tmp_path, "renewed", "DNS:proxy.example.com")
    served = Certificate(tmp_path, "served", "DNS:proxy.example.com").file()
    proxy = start(nodes[0].url)
    reload(proxy, lambda configured: (configured.update(reload={"watch": True}),
                                      configured["listeners"][0]["tls"].update(certificates=[str(served)])))
    before = shown(proxy)
    write_private(tmp_path / "new.pem", renewed.certificate + renewed.key).rename(served)
    wait_until("the renewed certificate", lambda: shown(proxy) != before)
    proxy.wait_for_log("reload.files_changed")


def test_a_certificate_that_can_not_be_used_changes_nothing(start, nodes, tmp_path):
    proxy = start(nodes[0].url)
    before = shown(proxy)

    def change(configured: dict) -> None:
        configured["listeners"][0]["tls"]["certificates"] = [str(tmp_path / "missing.pem")]
        servers(nodes[1].url)(configured)

    reload(proxy, change)
    proxy.wait_for_log("reload.refused")
    proxy.wait_for_log("missing.pem")
    assert shown(proxy) == before
    assert served_by(proxy, "127.0.1.1") == "one"


def test_what_takes_a_restart_is_named(start, nodes):
    proxy = start(nodes[0].url)
    reload(proxy, lambda configured: configured.update(timeouts={"head": "1s"}, workers=2))
    proxy.wait_for_log("changed=workers\n")


def test_twenty_reloads_under_load_fail_no_request(start, nodes):
    """Each takes one node out or brings it back."""
    proxy = start(*(node.url for node in nodes), workers=2, pool={"affinity": "none"})
    failures: list = []
    asked = 0
    end = threading.Event()

    def ask() -> None:
        nonlocal asked
        with proxy.connect("http") as client:
            while not end.is_set():
                client.send(request())
                message = client.message()
                asked += 1
                if message.status != 200:
                    failures.append(message)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for each in clients:
        each.start()
    try:
        for number in range(20):
            before = asked
            reload(proxy, servers(*(node.url for node in nodes[: 1 + number % 2])))
            wait_until("requests between two reloads", lambda: asked >= before + 4 or failures)
    finally:
        end.set()
        for each in clients:
            each.join()
    assert failures == []
