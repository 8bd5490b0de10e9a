"""The PIN guards of several proxies that count together over a Redis server: an attacker has as many guesses at all of them as at
one, whatever becomes of the server."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daemons import HOST, run, wait_until, write_private
from redis_server import RedisServer
from rproxyd import Rproxyd, configuration
from test_proxy_pin_guard import RIGHT, refuses_to_connect, token_request

GUESSES = 5
PATIENCE_SECONDS = 5  # a guard against hanging: what is promised is 250 ms


class Fleet:
    """Some proxies before one demo node, each a client of the same Redis server."""

    def __init__(self, running, folder: Path, node, certificate, redis_url: str, count: int, **guard):
        self._running, self._folder, self._certificate = running, folder, certificate
        self.node = node
        self._guard = {"enabled": True, "state": redis_url, "room": {"enabled": False}} | guard
        self.proxies: list[Rproxyd] = []
        for _ in range(count):
            self.add()

    def add(self) -> Rproxyd:
        folder = self._folder / f"proxy{len(self.proxies)}"
        folder.mkdir()
        configured = configuration(folder, self._certificate.file(), [self.node.url], pin_guard=self._guard,
                                   admin={"socket": str(folder / "admin.sock")})
        self.proxies.append(self._running.enter_context(Rproxyd(folder, configured)))
        return self.proxies[-1]

    def wait_shared(self, proxies: int | None = None) -> "Fleet":
        """Until each counts with all others."""
        for proxy in self.proxies:
            wait_until(f"{proxies or len(self.proxies)} proxies share", lambda: self.fleet_of(proxy) == (True, proxies or len(self.proxies)))
        return self

    def wait_alone(self) -> None:
        for proxy in self.proxies:
            wait_until("counting alone", lambda: not self.fleet_of(proxy)[0])

    @staticmethod
    def fleet_of(proxy) -> tuple[bool, int]:
        done = run("rproxyd", "status", "--json", "--config", proxy.config)
        fleet = json.loads(done.stdout)["guard"]["fleet"]
        return fleet["shared"], fleet["proxies"]

    def attempt(self, proxy: int, pin: str = "0", source: str = "127.0.0.1") -> int | None:
        """The status; None: there was no connection to be had."""
        try:
            with self.proxies[proxy % len(self.proxies)].connect("http", source=source) as client:
                client.send(token_request(pin))
                return client.message().status
        except (OSError, AssertionError, ValueError):
            return None

    def spray(self, count: int, **options) -> Counter:
        return Counter(self.attempt(each, **options) for each in range(count))

    def reached(self) -> int:
        """Token requests that the node has seen."""
        return sum(each["path"].endswith("request_token") for each in self.node.requests())

    def bans(self, proxy: int, *words: str) -> dict:
        return json.loads(run("rproxyd", "bans", *words, "--json", "--config", self.proxies[proxy].config).stdout)

    def banned(self, proxy: int) -> list[str]:
        return [each["network"] for each in self.bans(proxy, "list")["bans"]]


@pytest.fixture
def redis(running, tmp_path):
    def start(**options) -> RedisServer:
        folder = tmp_path / "redis"
        folder.mkdir()
        return running.enter_context(RedisServer(folder, **options))

    return start


@pytest.fixture
def fleet(running, tmp_path, node, certificate):
    def make(redis_url: str, count: int = 3, **guard) -> Fleet:
        return Fleet(running, tmp_path, node("node1"), certificate, redis_url, count, **guard)

    return make


def test_many_at_once_over_all_proxies_have_as_many_guesses_as_at_one(fleet, redis):
    scene = fleet(redis().url).wait_shared()
    with ThreadPoolExecutor(16) as threads:
        answers = Counter(threads.map(scene.attempt, range(60)))
    assert scene.reached() == GUESSES and answers[403] == GUESSES, answers
    for proxy in scene.proxies:
        wait_until("banned everywhere", lambda: refuses_to_connect(proxy))
    assert all(scene.banned(each) == ["127.0.0.1"] for each in range(3))


def test_right_pins_pass_at_every_proxy_and_do_not_count(fleet, redis):
    scene = fleet(redis().url).wait_shared()
    assert scene.spray(12, pin=RIGHT) == {200: 12}
    assert scene.spray(GUESSES) == {403: GUESSES}
    wait_until("banned", lambda: refuses_to_connect(scene.proxies[2]))


@pytest.mark.parametrize("keeps", [False, True], ids=["empty", "kept"])
def test_a_server_that_dies_and_comes_back_gives_no_guess_away(fleet, redis, keeps):
    """Before, meanwhile and after: the sum is what one proxy allows. While it is away each has its share of what is left."""
    server = redis(keeps=keeps)
    scene = fleet(server.url.replace(HOST, "localhost")).wait_shared()
    assert scene.spray(2) == {403: 2}
    server.kill()
    scene.wait_alone()
    meanwhile = scene.spray(12)
    assert 1 <= meanwhile[403] <= GUESSES - 2, meanwhile
    assert scene.attempt(0, source="127.0.0.9", pin=RIGHT) == 200, "others go on"
    server.start()
    scene.wait_shared()
    scene.spray(12)
    assert scene.reached() == GUESSES + 1
    for proxy in scene.proxies:
        wait_until("banned everywhere", lambda: refuses_to_connect(proxy))


def test_under_fire_a_death_and_a_return_give_no_guess_away(fleet, redis):
    """Forty clients guess without a pause, at all proxies, while the server dies and comes back empty."""
    server = redis()
    scene = fleet(server.url).wait_shared()
    clients = [f"127.0.1.{each}" for each in range(1, 41)]
    through = Counter()

    def guess(number: int) -> None:
        client = clients[number % len(clients)]
        if scene.attempt(number // len(clients), source=client) == 403:
            through[client] += 1

    with ThreadPoolExecutor(8) as threads:
        work = [threads.submit(guess, each) for each in range(80)]
        for each in work:
            each.result()
        server.kill()
        work = [threads.submit(guess, each) for each in range(80, 320)]
        scene.wait_alone()
        server.start()
        for each in work:
            each.result()
        scene.wait_shared()
        for each in [threads.submit(guess, each) for each in range(320, 640)]:
            each.result()
    assert set(through.values()) == {GUESSES}, through


def test_a_ban_of_one_is_a_ban_of_all_and_so_is_lifting_it(fleet, redis):
    scene = fleet(redis().url).wait_shared()
    assert scene.bans(0, "add", "127.0.0.7", "--for", "1h")["ok"]
    for each in range(3):
        wait_until("known everywhere", lambda: scene.banned(each) == ["127.0.0.7"])
    assert refuses_to_connect(scene.proxies[1], "127.0.0.7")
    late = scene.add()
    scene.wait_shared()
    assert scene.banned(3) == ["127.0.0.7"] and refuses_to_connect(late, "127.0.0.7")
    assert scene.bans(2, "remove", "127.0.0.7")["ok"]
    for each in range(4):
        wait_until("lifted everywhere", lambda: scene.banned(each) == [])
    assert not refuses_to_connect(late, "127.0.0.7")


@pytest.mark.parametrize("keeps", [False, True], ids=["empty", "kept"])
def test_what_is_lifted_and_banned_alone_is_told_when_the_server_is_back(fleet, redis, keeps):
    server = redis(keeps=keeps)
    scene = fleet(server.url, 2).wait_shared()
    assert scene.bans(0, "add", "127.0.0.7")["ok"]
    wait_until("known", lambda: scene.banned(1) == ["127.0.0.7"])
    server.kill()
    scene.wait_alone()
    assert scene.bans(1, "remove", "127.0.0.7")["ok"]
    assert scene.bans(1, "add", "127.0.0.8")["ok"]
    server.start()
    scene.wait_shared()
    for each in range(2):
        wait_until("told", lambda: scene.banned(each) == ["127.0.0.8"])


def test_a_server_that_hangs_holds_nobody_up(fleet, redis):
    server = redis()
    scene = fleet(server.url).wait_shared()
    server.pause()
    begun = time.monotonic()
    assert scene.attempt(0, pin=RIGHT) == 200
    assert scene.attempt(0, pin=RIGHT) == 200
    assert time.monotonic() - begun < PATIENCE_SECONDS
    scene.wait_alone()
    server.go_on()
    scene.wait_shared()


def test_a_proxy_serves_without_the_server_and_joins_it_when_it_comes(fleet, redis, running, tmp_path):
    server = redis()
    server.kill()
    scene = fleet(server.url, 2)
    assert scene.spray(4) == {403: 4}
    assert "Connection refused" in scene.proxies[0].log
    server.start()
    scene.wait_shared()
    assert scene.spray(4)[403] == 1
    assert scene.reached() == GUESSES


def test_a_dead_proxy_leaves_its_attempts_counted_and_a_fresh_one_knows_all(fleet, redis):
    scene = fleet(redis().url).wait_shared()
    assert scene.spray(3) == {403: 3}
    scene.proxies[0].kill()
    scene.add()
    wait_until("it shares", lambda: scene.fleet_of(scene.proxies[3])[0])
    assert [scene.attempt(3), scene.attempt(3)] == [403, 403]
    wait_until("banned", lambda: refuses_to_connect(scene.proxies[1]))
    assert scene.reached() == GUESSES


def test_password_and_certificate_are_used_and_the_password_is_nowhere_to_be_read(fleet, redis, certificate, tmp_path):
    server = redis(password="open-sesame", certificate=certificate)
    secret = write_private(tmp_path / "redis.password", "open-sesame\n")
    trusted = {"password_file": str(secret), "ca_file": str(certificate.path)}
    scene = fleet(server.url, 2, redis=trusted).wait_shared()
    assert scene.spray(GUESSES) == {403: GUESSES}
    wait_until("banned", lambda: refuses_to_connect(scene.proxies[1]))
    for proxy in scene.proxies:
        assert "open-sesame" not in proxy.log
        assert b"open-sesame" not in Path(f"/proc/{proxy.pid}/cmdline").read_bytes()


@pytest.mark.parametrize("given, said", [
    ({"password": "wrong-one"}, "WRONGPASS"),
    ({}, "NOAUTH"),
])
def test_a_wrong_password_is_said_and_the_proxy_counts_alone(fleet, redis, given, said):
    server = redis(password="open-sesame")
    scene = fleet(server.url, 1, **({"redis": given} if given else {}))
    scene.proxies[0].wait_for_log("pin_guard.alone")
    assert said in scene.proxies[0].log and "wrong-one" not in scene.proxies[0].log
    assert scene.spray(GUESSES + 2)[403] == GUESSES


def test_a_server_with_another_certificate_is_not_believed(fleet, redis, certificate):
    server = redis(certificate=certificate)
    scene = fleet(server.url, 1)
    scene.proxies[0].wait_for_log("pin_guard.alone")
    assert scene.fleet_of(scene.proxies[0]) == (False, 1)
