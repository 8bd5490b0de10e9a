"""What the proxy finds out about nodes by itself: active checks, maintenance, names and services in the DNS, the cookie that
names a node, and how often it tries again (rule 18)."""

import re
import socket
import subprocess
import threading
import time

import pytest

from daemons import HOST, wait_until
from responder import Responder
from rproxyd import request

CHECK_PATH = "/api/client/v2/status"
HEALTH = {"health": {"path": CHECK_PATH, "interval": "100ms", "timeout": "100ms", "fall": 2, "rise": 2}}
GOOD = (200, b'{"status":"success","result":"OK"}')
MAINTENANCE = (503, b'{"status":"failed","result":"Maintenance mode"}')


class Node(Responder):
    """Answers checks as it is told, everything else with its name."""

    check: tuple[int, bytes] | None = GOOD

    def reply(self, target: str) -> tuple[int, bytes] | None:
        return self.check if target == CHECK_PATH else super().reply(target)

    @property
    def checks(self) -> int:
        return sum(target == CHECK_PATH for _client, _method, target in self.asked)


@pytest.fixture
def nodes(running):
    return [running.enter_context(Node(name)) for name in ("one", "two")]


def ask(proxy, source: str, *fields: str):
    with proxy.connect("http", source=source) as client:
        client.send(request("GET", "/", "Connection: close", *fields))
        return client.message()


def cookie_of(message) -> str | None:
    return next((value for name, value in message.head.fields if name.lower() == "set-cookie"), None)


def served_by(proxy, *sources: str) -> set[str]:
    return {ask(proxy, source).body.decode() for source in sources}


def many(first: int, count: int = 8) -> list[str]:
    return [f"127.0.{first}.{number}" for number in range(1, count + 1)]


def wait_for_log(proxy, event: str, count: int = 1) -> None:
    wait_until(f"{count} {event} in the log", lambda: proxy.log.count(f"{event}") >= count)


def test_a_node_in_maintenance_keeps_its_clients_and_gets_no_new_ones(start, nodes):
    proxy = start(*(node.url for node in nodes), pool=HEALTH)
    wait_until("checks", lambda: all(node.checks for node in nodes))
    homes = {source: served_by(proxy, source) for source in many(1)}
    assert set().union(*homes.values()) == {"one", "two"}
    nodes[0].check = MAINTENANCE
    wait_for_log(proxy, "backend.maintenance")
    assert served_by(proxy, *many(2)) == {"two"}
    assert {source: served_by(proxy, source) for source in many(1)} == homes
    nodes[0].check = GOOD
    wait_for_log(proxy, "backend.up")
    assert served_by(proxy, *many(3)) == {"one", "two"}


@pytest.mark.parametrize("trouble", [(500, b"no"), (404, b""), None], ids=["500", "404", "no answer"])
def test_a_node_that_fails_its_checks_gets_no_requests(start, nodes, trouble):
    proxy = start(*(node.url for node in nodes), pool=HEALTH)
    homes = {source: served_by(proxy, source) for source in many(1)}
    assert set().union(*homes.values()) == {"one", "two"}
    nodes[0].check = trouble
    wait_for_log(proxy, "backend.down")
    assert served_by(proxy, *many(1), *many(2)) == {"two"}
    nodes[0].check = GOOD
    wait_for_log(proxy, "backend.up")
    assert "one" in served_by(proxy, *many(3))


def test_when_every_node_is_down_they_are_tried_all_the_same(start, nodes):
    proxy = start(*(node.url for node in nodes), pool=HEALTH)
    for node in nodes:
        node.check = (404, b"")
    wait_for_log(proxy, "backend.down", 2)
    assert ask(proxy, "127.0.1.1").status == 200


def test_a_check_asks_for_the_path_with_the_servers_own_host(start, nodes):
    start(nodes[0].url, pool=HEALTH)
    wait_until("a check", lambda: nodes[0].checks)
    assert nodes[0].hosts[0] == nodes[0].address


def test_the_affinity_cookie_keeps_a_client_on_its_node_whatever_its_address(start, nodes):
    proxy = start(*(node.url for node in nodes), pool={"affinity": "cookie"})
    cookies = {}
    for _ in range(4):
        got = ask(proxy, "127.0.1.1")
        cookies[got.body.decode()] = re.match(r"(vestibule_node=[0-9a-f]{16}); Path=/; HttpOnly$", cookie_of(got))[1]
    assert set(cookies) == {"one", "two"}
    for name, cookie in cookies.items():
        for source in many(2, 4):
            got = ask(proxy, source, f"Cookie: theme=dark; {cookie}")
            assert got.body.decode() == name
            assert cookie_of(got) is None
    # A node that has gone: another serves, and says so.
    nodes[0].stop()
    got = ask(proxy, "127.0.3.1", f"Cookie: {cookies['one']}")
    assert got.body == b"two"
    assert cookie_of(got).startswith(cookies["two"])


def test_the_cookie_is_secure_over_tls(start, nodes):
    proxy = start(nodes[0].url, pool={"affinity": "cookie"})
    with proxy.connect("https") as client:
        client.send(request())
        assert cookie_of(client.message()).endswith("; Secure; SameSite=None")


def test_a_backup_serves_while_no_other_can(start, nodes):
    proxy = start({"url": nodes[0].url, "backup": True}, {"url": nodes[1].url, "weight": 5})
    assert served_by(proxy, *many(1)) == {"two"}
    nodes[1].stop()
    assert served_by(proxy, *many(1)) == {"one"}


def test_retries_have_a_budget(start, nodes):
    """Both nodes always answer 503: without a budget every request would be made twice."""
    for node in nodes:
        node.status = 503
    proxy = start(*(node.url for node in nodes), pool={"retry": {"budget": 0}, "affinity": "none"})
    started = time.monotonic()
    with proxy.connect("http") as client:
        for _ in range(60):
            client.send(request())
            assert client.message().status == 503
    tries = sum(len(node.asked) for node in nodes)
    # Ten there are, and ten a second.
    assert 60 + 10 <= tries <= 60 + 10 + 10 * (time.monotonic() - started) + 1


# ---- names

class NameServer:
    """dnsmasq on a port of its own, with records that a test changes."""

    def __init__(self, folder):
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.hosts = folder / "hosts"
        self.hosts.write_text("")

    def start(self, *options: str) -> None:
        """It takes no port 0, and others may be quicker at a port that was free a moment ago."""
        while not self.process:
            with socket.create_server((HOST, 0)) as free:
                self.port = free.getsockname()[1]
            self.run(*options)
            wait_until("dnsmasq, or its end", lambda: self.answers() or self.process.poll() is not None)
            if self.process.poll() is not None:
                self.process = None

    def run(self, *options: str) -> None:
        self.process = subprocess.Popen(
            ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--port={self.port}",
             f"--listen-address={HOST}", "--bind-interfaces", f"--addn-hosts={self.hosts}", "--local-ttl=1", "--user=root",
             "--pid-file=", "--local=/test/", *options])

    def answers(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            client.connect((HOST, self.port))
            try:
                client.send(bytes.fromhex("1234010000010000000000000178047465737400000100 01".replace(" ", "")))
                return client.recv(512)[:2] == b"\x12\x34"
            except OSError:
                return False

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def set_hosts(self, *lines: str) -> None:
        self.hosts.write_text("".join(f"{line}\n" for line in lines))
        self.process.send_signal(1)

    @property
    def settings(self) -> dict:
        return {"servers": [f"{HOST}:{self.port}"], "refresh": "1s"}


@pytest.fixture
def names(tmp_path, running):
    server = NameServer(tmp_path)
    running.callback(server.stop)
    return server


class Slow(Responder):
    """Answers when it is told to."""

    def __init__(self, name: str, host: str):
        super().__init__(name, host)
        self.go_on = threading.Event()

    def reply(self, target: str) -> tuple[int, bytes] | None:
        self.go_on.wait()
        return super().reply(target)


def test_every_address_of_a_name_is_a_node_and_the_pool_follows_its_changes(start, running, names):
    first = running.enter_context(Responder("first", host="127.0.0.81"))
    running.enter_context(Responder("second", host="127.0.0.82", port=first.port))
    names.start()
    names.set_hosts("127.0.0.81 nodes.test")
    proxy = start(f"http://nodes.test:{first.port}", dns=names.settings)
    assert served_by(proxy, *many(1)) == {"first"}
    names.set_hosts("127.0.0.81 nodes.test", "127.0.0.82 nodes.test")
    wait_for_log(proxy, "name.resolved", 2)
    assert served_by(proxy, *many(2)) == {"first", "second"}
    names.set_hosts("127.0.0.82 nodes.test")
    wait_for_log(proxy, "name.resolved", 3)
    assert served_by(proxy, *many(1), *many(2)) == {"second"}
    # No name server any more: what was found last stays.
    names.stop()
    wait_for_log(proxy, "name.unknown")
    assert served_by(proxy, *many(3)) == {"second"}


def test_a_request_in_progress_outlives_its_nodes_name(start, running, names):
    """The answer comes after the name has gone elsewhere."""
    slow = running.enter_context(Slow("slow", "127.0.0.83"))
    running.callback(slow.go_on.set)
    running.enter_context(Responder("other", host="127.0.0.84", port=slow.port))
    names.start()
    names.set_hosts("127.0.0.83 nodes.test")
    proxy = start(f"http://nodes.test:{slow.port}", dns=names.settings)
    with proxy.connect("http", source="127.0.1.1") as client:
        client.send(request())
        wait_until("the request at its node", lambda: slow.asked)
        names.set_hosts("127.0.0.84 nodes.test")
        wait_for_log(proxy, "name.resolved", 2)
        assert served_by(proxy, "127.0.1.1") == {"other"}
        slow.go_on.set()
        assert client.message().body == b"slow"


def test_a_name_that_is_unknown_at_the_start_is_used_once_it_is_known(start, running, names):
    node = running.enter_context(Responder("late", host="127.0.0.85"))
    names.start()
    proxy = start(f"http://late.test:{node.port}", dns=names.settings)
    assert ask(proxy, "127.0.1.1").status == 502
    names.set_hosts("127.0.0.85 late.test")
    wait_for_log(proxy, "name.resolved")
    assert served_by(proxy, "127.0.1.1") == {"late"}


def test_a_service_is_followed_to_its_hosts_ports_and_priorities(start, running, names):
    main = running.enter_context(Responder("main", host="127.0.0.86"))
    spare = running.enter_context(Responder("spare", host="127.0.0.87"))
    names.start(f"--srv-host=_pexapp._tcp.test,a.test,{main.port},10,5", f"--srv-host=_pexapp._tcp.test,b.test,{spare.port},20,5")
    names.set_hosts("127.0.0.86 a.test", "127.0.0.87 b.test")
    proxy = start("http://_pexapp._tcp.test", dns=names.settings)
    assert served_by(proxy, *many(1)) == {"main"}
    main.stop()
    assert served_by(proxy, *many(1)) == {"spare"}
