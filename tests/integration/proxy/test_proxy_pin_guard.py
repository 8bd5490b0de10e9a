"""The PIN guard: who may try a PIN, how often, and what becomes of those who try too often."""

import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from daemons import HOST, wait_until
from http2 import Http2Client
from rproxyd import answer, request
from wire import CUT, client_tls, connect

TOKEN = "/api/client/v2/conferences/{room}/request_token"
RIGHT = "1234"
CHALLENGE = b'{"status":"success","result":{"pin":"required","guest_pin":"required"}}'


def token_request(pin: str | None = "0", *fields: str, room: str = "demo", target: str | None = None, body: bytes | None = None) -> bytes:
    if body is None:
        body = json.dumps({"display_name": "Ada"} | ({} if pin is None else {"pin": pin})).encode()
    return request("POST", target or TOKEN.format(room=room), "Content-Type: application/json", *fields, body=body)


class Guarded:
    """rproxyd with its guard before a demo node."""

    def __init__(self, start, node, *flags: str, changes: dict | None = None, **guard):
        self.node = node("node1", *flags)
        self.proxy = start(self.node.url, pin_guard={"enabled": True} | guard, **(changes or {}))

    def attempt(self, pin: str | None = "0", *fields: str, source: str | None = None, **options) -> int:
        """The status of one request on a connection of its own."""
        with self.proxy.connect(source=source) as client:
            client.send(token_request(pin, *fields, **options))
            return client.message().status

    def attempts(self, count: int, *arguments, **options) -> list[int]:
        return [self.attempt(*arguments, **options) for _ in range(count)]

    def reached(self) -> int:
        """Token requests that the node has seen."""
        return sum(each["path"].endswith("request_token") for each in self.node.requests())

    def refuses_to_connect(self, source: str | None = None) -> bool:
        return refuses_to_connect(self.proxy, source)


def refuses_to_connect(proxy, source: str | None = None) -> bool:
    """Whether a new connection ends before a word has been said."""
    try:
        with proxy.connect("http", source=source) as client:
            client.send(request("GET", "/headers", "Connection: close"))
            return client.rest() == b""
    except OSError:
        return True


@pytest.fixture
def guarded(start, node):
    def make(*flags: str, changes: dict | None = None, **guard) -> Guarded:
        return Guarded(start, node, *flags, changes=changes, **guard)

    return make


# ---- counting

def test_the_fifth_wrong_pin_bans(guarded):
    scene = guarded()
    assert scene.attempts(5) == [403] * 5
    assert scene.refuses_to_connect()
    assert scene.reached() == 5


def test_a_route_that_rewrites_paths_is_no_way_around_the_guard(guarded):
    scene = guarded(changes={"routes": [{"path": "/", "pool": "nodes"}, {"path": "/acme/", "pool": "nodes", "rewrite": "/"}]})
    assert scene.attempts(5, target="/acme" + TOKEN.format(room="demo")) == [403] * 5
    assert scene.refuses_to_connect()
    assert scene.reached() == 5


def test_challenges_and_right_pins_do_not_count(guarded):
    scene = guarded()
    assert scene.attempts(10, None) == [403] * 10
    assert scene.attempts(10, RIGHT) == [200] * 10
    assert scene.attempts(4) == [403] * 4
    assert scene.attempt(RIGHT) == 200
    assert not scene.refuses_to_connect()


@pytest.mark.parametrize("word", ["challenge", "invalid"])
def test_both_answers_to_a_wrong_pin_are_known(guarded, word):
    scene = guarded("--wrong-pin-answer", word)
    assert scene.attempts(5) == [403] * 5
    assert scene.refuses_to_connect()


def test_a_pin_in_the_header_counts(guarded):
    scene = guarded()
    assert scene.attempts(5, None, "pin: 99") == [403] * 5
    assert scene.refuses_to_connect()


@pytest.mark.parametrize("target", [
    TOKEN.format(room="demo") + "?x",
    "//api/client/v2//conferences/demo/request_token",
    "/api/client/v2/conferences/demo/%72equest_token",
    "/api/client/v2/conferences/demo/request_token/;a=b",
    "/api/client/./v2/x/../conferences/demo/request_token",
    "/API/client/v2/conferences/DEMO/Request_token",
])
def test_no_spelling_of_the_path_gets_past(start, new_backend, target):
    """Proxy rule 8: whatever a lenient node makes of it, it is counted, and reaches the node as it was sent."""
    backend = new_backend()
    proxy = start(backend.url, pin_guard={"enabled": True, "max_failures": 2})
    for _ in range(2):
        with proxy.connect() as client:
            client.send(token_request(target=target))
            there = backend.accept()
            assert there.message().head.line == f"POST {target} HTTP/1.1"
            there.send(answer(403, CHALLENGE, "Connection: close"))
            assert client.message().status == 403
    assert refuses_to_connect(proxy)


def test_every_denial_counts_as_fail2ban_counted(guarded):
    scene = guarded(count="denied_tokens", max_failures=10)
    for _ in range(5):
        assert (scene.attempt(None), scene.attempt("0")) == (403, 403)
    assert scene.refuses_to_connect()


def test_a_body_that_comes_in_pieces_and_waits_for_100_is_looked_at(guarded):
    scene = guarded(max_failures=1)
    with scene.proxy.connect() as client:
        client.send(b"POST /api/client/v2/conferences/demo/request_token HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n")
        assert client.head().status == 100
        for piece in (b'{"p', b'in":', b' "0"}'):
            client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.send(b"0\r\n\r\n")
        assert client.message().status == 403
    assert scene.refuses_to_connect()


def test_a_large_body_passes_whole_and_counts_as_a_guess(start, new_backend):
    backend = new_backend()
    proxy = start(backend.url, pin_guard={"enabled": True, "max_failures": 1})
    body = b'{"a":"' + b"a" * 300_000 + b'"}'
    with proxy.connect() as client:
        client.send(token_request(body=body))
        there = backend.accept()
        seen = there.message()
        assert seen.body == body
        assert seen.head["accept-encoding"] == "identity"
        there.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        assert client.message().status == 403
    assert refuses_to_connect(proxy)


def test_no_tunnel_is_opened_where_tokens_are_asked_for(start, new_backend):
    """What it carries could not be looked at."""
    backend = new_backend()
    proxy = start(backend.url, routes=[{"path": "/", "pool": "nodes", "websocket": True}], pin_guard={"enabled": True, "max_failures": 1})
    with proxy.connect() as client:
        client.send(request("GET", TOKEN.format(room="demo"), "pin: 0", "Connection: Upgrade", "Upgrade: websocket",
                            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        there = backend.accept()
        assert not {"upgrade", "connection"} & there.head().names
        there.send(answer(403, CHALLENGE))
        assert client.message().status == 403
    assert refuses_to_connect(proxy)


def test_no_tunnel_is_opened_on_http2_either(start, new_backend):
    backend = new_backend()
    proxy = start(backend.url, routes=[{"path": "/", "pool": "nodes", "websocket": True}], pin_guard={"enabled": True})
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        number = client.send_head([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "proxy.example.com"),
                                   (":path", TOKEN.format(room="demo")), ("sec-websocket-version", "13")], end=False)
        assert client.answer(number).status == 403
    assert not backend.waits(0)


def test_a_guess_that_is_broken_off_counts(start, new_backend):
    """The node may have counted it."""
    backend = new_backend()
    proxy = start(backend.url, pin_guard={"enabled": True, "max_failures": 1})
    with proxy.connect() as client:
        client.send(token_request())
        backend.accept().message()
        client.reset()

    wait_until("a ban", lambda: refuses_to_connect(proxy))


# ---- parallel guesses

def test_fifty_parallel_guesses_bring_five_to_the_node(guarded):
    scene = guarded(answer="403")
    barrier = threading.Barrier(50)

    def guess(_number: int) -> int | None:
        with scene.proxy.connect() as client:
            barrier.wait()
            client.send(token_request())
            return client.message().status

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(guess, range(50)))
    assert statuses == [403] * 50
    assert scene.reached() == 5


def test_parallel_guesses_on_one_http2_connection_bring_five_to_the_node(guarded):
    scene = guarded()
    body = json.dumps({"pin": "0"}).encode()
    with Http2Client(scene.proxy.connect(tls=client_tls("h2"))) as client:
        streams = []
        for _ in range(50):
            streams.append(client.request("POST", TOKEN.format(room="demo"), end=False))
            client.send_body(streams[-1], body)
        statuses = [client.answer(each).status for each in streams]
    assert sorted(statuses) == [403] * 5 + [429] * 45
    assert scene.reached() == 5


def test_many_who_know_the_pin_come_in_at_once_from_one_address(guarded):
    """More than may fail: they wait a moment for each other, and none is refused."""
    scene = guarded(max_failures=2)
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda _: scene.attempt(RIGHT), range(20))) == [200] * 20


def test_several_workers_share_one_count(guarded):
    scene = guarded(answer="403", changes={"workers": 4})
    with ThreadPoolExecutor(20) as pool:
        def guess(_number):
            try:
                return scene.attempt()
            except (AssertionError, OSError):
                return None  # refused at accept
        list(pool.map(guess, range(40)))
    assert scene.reached() == 5


# ---- bans

@pytest.mark.parametrize("word, status", [("403", 403), ("429", 429)])
def test_a_connection_that_was_open_gets_the_configured_answer(guarded, word, status):
    scene = guarded(answer=word, ban_time="100s")
    with scene.proxy.connect() as client:
        client.send(request("GET", "/headers"))
        assert client.message().status == 200
        scene.attempts(5)
        for target in ("/headers", TOKEN.format(room="demo")):
            client.send(request("GET", target))
            got = client.message()
            assert got.status == status
            assert 1 <= int(got.head["retry-after"]) <= 100
            assert json.loads(got.body)["status"] == "failure"
    assert scene.reached() == 5


def test_a_connection_that_was_open_is_closed_if_so_configured(guarded):
    scene = guarded(answer="close")
    with scene.proxy.connect() as client:
        client.send(request("GET", "/headers"))
        assert client.message().status == 200
        scene.attempts(5)
        client.send(request("GET", "/headers"))
        assert client.rest() == b"" and client.end == CUT


def test_an_open_http2_connection_is_closed_if_so_configured(guarded):
    scene = guarded(answer="close")
    with Http2Client(scene.proxy.connect(tls=client_tls("h2"))) as client:
        assert client.get("/headers").status == 200
        scene.attempts(5)
        client.request("GET", "/headers")
        client.end()


def test_a_ban_ends(guarded):
    scene = guarded(max_failures=1, ban_time="1s")
    assert scene.attempt() == 403
    assert scene.refuses_to_connect()
    wait_until("the end of the ban", lambda: not scene.refuses_to_connect())
    assert scene.attempt(RIGHT) == 200


def test_others_notice_nothing(guarded):
    scene = guarded()
    scene.attempts(5, source="127.0.0.2")
    assert scene.refuses_to_connect("127.0.0.2")
    assert scene.attempt(RIGHT, source="127.0.0.3") == 200


def test_ignored_networks_are_never_banned(guarded):
    scene = guarded(ignore=["127.0.0.2"], room={"enabled": False})
    assert scene.attempts(20, source="127.0.0.2") == [403] * 20
    assert scene.attempt(RIGHT, source="127.0.0.2") == 200


def test_a_dry_run_refuses_nobody_and_writes_it_down(guarded, tmp_path):
    scene = guarded(dry_run=True, audit_log=str(tmp_path / "audit.log"))
    assert scene.attempts(10) == [403] * 10
    assert not scene.refuses_to_connect()
    wait_until("a ban in the books", lambda: "ban.begun" in (tmp_path / "audit.log").read_text())
    assert "dry_run=true" in (tmp_path / "audit.log").read_text()


def test_behind_a_shared_address_one_room_is_exhausted_and_the_rest_goes_on(guarded):
    scene = guarded(shared_networks=["127.0.0.0/8"])
    assert scene.attempts(6) == [403] * 5 + [429]
    assert scene.attempt(None) == 403  # the challenge can still be seen
    assert scene.attempt("0", room="other") == 404
    assert not scene.refuses_to_connect()


# ---- rooms

def test_an_attacked_room_holds_back_newcomers_and_lets_in_who_was_there(guarded):
    scene = guarded(room={"slow_after": 4, "max_failures": 4})
    assert scene.attempt(RIGHT, source="127.0.0.9") == 200
    for number in range(4):
        assert scene.attempt(source=f"127.0.1.{number + 1}") == 403
    assert scene.attempt(RIGHT, source="127.0.0.8") == 429
    assert scene.attempt(RIGHT, source="127.0.0.9") == 200
    assert scene.attempt(None, source="127.0.0.8") == 403
    scene.proxy.wait_for_log("pin_guard.room_slow")


# ---- who is who

def test_behind_a_trusted_proxy_the_client_is_banned_and_not_the_connection(guarded):
    """Proxy rule 14."""
    scene = guarded(answer="close", changes={"trusted_proxies": ["127.0.0.2"]})
    with scene.proxy.connect(source="127.0.0.2") as shared:
        for _ in range(5):
            shared.send(token_request("0", "X-Forwarded-For: 203.0.113.9"))
            assert shared.message().status == 403
        shared.send(request("GET", "/headers", "X-Forwarded-For: 203.0.113.9"))
        assert shared.message().status == 403  # "close" would cut off the others
        shared.send(token_request(RIGHT, "X-Forwarded-For: 203.0.113.10"))
        assert shared.message().status == 200
    assert scene.reached() == 6
    assert not scene.refuses_to_connect("127.0.0.2")


def test_a_forged_forwarding_header_changes_nothing(guarded):
    scene = guarded()
    for number in range(5):
        assert scene.attempt("0", f"X-Forwarded-For: 203.0.113.{number}") == 403
    assert scene.refuses_to_connect()


def test_ipv6_clients_are_their_64(guarded):
    scene = guarded(changes={"trusted_proxies": ["127.0.0.2"]})
    for number in range(5):
        assert scene.attempt("0", f"X-Forwarded-For: 2001:db8:1:1::{number}", source="127.0.0.2") == 403
    assert scene.attempt(RIGHT, "X-Forwarded-For: 2001:db8:1:1:ffff::1", source="127.0.0.2") == 429
    assert scene.attempt(RIGHT, "X-Forwarded-For: 2001:db8:1:2::1", source="127.0.0.2") == 200


def test_an_ipv6_client_is_refused_at_accept(guarded, certificate):
    tls = {"certificates": [str(certificate.file())]}
    scene = guarded(changes={"listeners": [{"address": "[::1]:0", "tls": tls}, {"address": f"{HOST}:0"}]})
    port = scene.proxy.port("https")
    for _ in range(5):
        with connect("::1", port, tls=client_tls("http/1.1"), server_name="proxy.example.com") as client:
            client.send(token_request())
            assert client.message().status == 403
    with connect("::1", port) as client:
        assert client.rest() == b""
    assert not scene.refuses_to_connect()


# ---- what is kept

def test_bans_survive_a_restart_and_a_crash(guarded, tmp_path):
    state = tmp_path / "bans.json"
    scene = guarded(state=str(state))
    scene.attempts(5, source="127.0.0.2")
    wait_until("the ban in the file", lambda: "127.0.0.2" in state.read_text())
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    for end in (scene.proxy.stop, scene.proxy.kill):
        end()
        scene.proxy.start()
        assert scene.refuses_to_connect("127.0.0.2")
        assert not scene.refuses_to_connect("127.0.0.3")
    assert not list(tmp_path.glob("bans.json.*"))


def test_a_damaged_file_of_bans_is_put_aside(guarded, tmp_path):
    state = tmp_path / "bans.json"
    state.write_text('{"version": 1, "bans": [')
    scene = guarded(state=str(state))
    scene.proxy.wait_for_log("pin_guard.state_damaged")
    assert (tmp_path / "bans.json.damaged").read_text() == '{"version": 1, "bans": ['
    assert json.loads(state.read_text()) == {"version": 1, "bans": []}
    assert scene.attempt(RIGHT) == 200


def test_a_place_where_no_bans_can_be_kept_is_refused_at_the_start(start, node, tmp_path):
    with pytest.raises(AssertionError, match="cannot create .*nowhere/bans.json.new: No such file or directory"):
        start(node("node1").url, pin_guard={"enabled": True, "state": str(tmp_path / "nowhere/bans.json")})


@pytest.mark.parametrize("format", ["text", "json"])
def test_the_audit_log_tells_who_failed_where_and_who_was_banned_and_no_pin(guarded, tmp_path, format):
    audit = tmp_path / "audit.log"
    scene = guarded(audit_log=str(audit), audit_format=format, ban_time="1s")
    scene.attempts(5, "314159")
    lines = wait_until("the end of the ban", lambda: "ban.ended" in audit.read_text() and audit.read_text().splitlines())
    assert "314159" not in audit.read_text() and "314159" not in scene.proxy.log
    if format == "json":
        entries = [json.loads(line) for line in lines]
        assert [each["event"] for each in entries] == ["pin.failed"] * 5 + ["ban.begun", "ban.ended"]
        assert [each["failures"] for each in entries[:5]] == [1, 2, 3, 4, 5]
        assert entries[0]["client"] == "127.0.0.1" and entries[0]["room"] == "demo"
        assert entries[5]["network"] == "127.0.0.1" and entries[5]["seconds"] == 1
    else:
        assert lines[4].endswith("info pin.failed: an attempt failed client=127.0.0.1 network=127.0.0.1 room=demo failures=5")
        assert lines[5].endswith("ban.begun: too many attempts failed network=127.0.0.1 room=demo failures=5 seconds=1 offences=1")
