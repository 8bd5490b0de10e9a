"""SIGHUP: every subject of the configuration, each seen in force after it, while a request in progress, an event
stream and a WebSocket live on."""

import json
import re
import shutil
import signal
import socket
import threading
from collections import Counter

import pytest

from certificates import Certificate
from daemons import HOST, wait_until, write_private
from established import PATH, Established, held_by, nothing_is_cut
from http2 import Http2Client
from http2_backend import Http2Backend
from responder import Responder
from rproxyd import answer, merged, request
from test_proxy_proxy_protocol import v1
from test_proxy_reload import again, many, served_by
from wire import Wire, client_tls, connect, server_tls


@pytest.fixture
def held(new_backend):
    """The backend of what is established; the test plays it."""
    return new_backend()


@pytest.fixture
def node(running):
    return running.enter_context(Responder("one"))


@pytest.fixture
def other(running):
    return running.enter_context(Responder("two"))


@pytest.fixture
def begin(start, held, node):
    def make(**changes):
        return start(node.url, **merged({"workers": 2} | held_by(held), changes))

    return make


def change(proxy, **changes) -> None:
    """A reload with these changes; lists are replaced."""
    reloads = proxy.log.count("reload.done")
    again(proxy, json.dumps(merged(json.loads(proxy.config.read_text()), changes)))
    assert proxy.log.count("reload.done") == reloads + 1, proxy.log


def refused(proxy, why: str, **changes) -> None:
    before = proxy.config.read_text()
    refusals = proxy.log.count("reload.refused")
    again(proxy, json.dumps(merged(json.loads(before), changes)))
    assert proxy.log.count("reload.refused") == refusals + 1, proxy.log
    proxy.wait_for_log(why)
    write_private(proxy.config, before)


def asked(client: Wire, *arguments, **options):
    client.send(request(*arguments, **options))
    return client.message()


def opened(proxy, count: int) -> int:
    """The port of the listener that was opened as the so manieth."""
    wait_until("a listener", lambda: proxy.log.count("listener.open") >= count)
    return int(re.findall(r"listener\.open.*address=\S+:(\d+)", proxy.log)[count - 1])


# ---- what requests meet

def test_routes_and_folders(begin, held, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/page.html").write_text("page")
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept, "GET", "/site/page.html").body == b"one"
        change(proxy, routes=[{"path": "/site/", "static": str(tmp_path / "site")}, {"path": "/", "answer": {"body": "fixed"}}])
        assert asked(kept, "GET", "/site/page.html").body == b"page"
        assert asked(kept, "GET", PATH).body == b"fixed"


def test_the_strict_list_of_paths(begin, held):
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept, "GET", "/brand/x").status == 200
        change(proxy, paths="conferencing")
        assert asked(kept, "GET", "/brand/x").status == 404
        change(proxy, branding_paths=["brand"])
        assert asked(kept, "GET", "/brand/x").status == 200


def test_what_is_added_to_answers(begin, held, tmp_path):
    page = tmp_path / "lost.html"
    page.write_text("<p>lost</p>")
    proxy = begin(routes=[{"path": PATH, "pool": "held", "websocket": True}, {"path": "/page", "pool": "nodes"}])
    with nothing_is_cut(proxy, held, "https"), proxy.connect() as kept:
        head = asked(kept, "GET", "/page").head
        assert "strict-transport-security" not in head
        change(proxy, content_security_policy="default-src 'none'", hsts="max-age=60", server_header="front",
               error_pages={"404": str(page)})
        head = asked(kept, "GET", "/page").head
        assert (head["content-security-policy"], head["strict-transport-security"], head["server"]) == (
            "default-src 'none'", "max-age=60", "front")
        assert asked(kept, "GET", "/nowhere").body == b"<p>lost</p>"
        page.write_text("<p>gone</p>")
        change(proxy)
        assert asked(kept, "GET", "/nowhere").body == b"<p>gone</p>"
        kept.send(b"GET / HTTP/1.1\r\nbroken\r\n\r\n")  # the session's own answer
        assert kept.head()["content-security-policy"] == "default-src 'none'"


def test_whom_the_backend_is_told_of(begin, held, new_backend):
    listening = new_backend()
    proxy = begin(pools={"nodes": {"servers": [listening.url]}})
    forged = ("X-Forwarded-For: 203.0.113.7",)
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        def told():
            kept.send(request("GET", "/", *forged))
            there = listening.next(*there_was)
            there_was[:] = [there]
            head = there.head()
            there.send(answer(200))
            kept.message()
            return head

        there_was: list = []
        head = told()
        assert head["x-forwarded-for"] == HOST
        assert "forwarded" not in head
        change(proxy, trusted_proxies=[HOST], forwarded=True)
        head = told()
        assert head["x-forwarded-for"] == f"203.0.113.7, {HOST}"
        assert "forwarded" in head


def test_compression(begin, held, node):
    node.name = "much " * 1000
    proxy = begin(routes=[{"path": PATH, "pool": "held", "websocket": True},
                          {"path": "/", "answer": {"body": "much " * 1000, "headers": {"Content-Type": "text/html"}}}])
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        take = ("GET", "/", "Accept-Encoding: gzip")
        assert "content-encoding" not in asked(kept, *take).head
        change(proxy, compression={"enabled": True, "least_bytes": "1KiB"},
               routes=[{"path": "/", "pool": "nodes"}])
        assert asked(kept, "GET", "/").status == 200


def test_limits_of_messages_reach_connections_that_are_open(begin, held):
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept, proxy.connect() as secure:
        assert asked(kept, "POST", "/", body=b"x" * 9).status == 200
        secure.close()
        with Http2Client(proxy.connect(tls=client_tls("h2"))) as modern:
            assert modern.get("/").status == 200
            # The upload in progress has ten bytes, and may end.
            change(proxy, limits={"body_bytes": "8B", "header_count": 20})
            assert modern.get("/", *[(f"x-{number}", "1") for number in range(30)]).status == 431
        with proxy.connect("http") as another:
            assert asked(another, "POST", "/", body=b"x" * 8).status == 200
            assert asked(another, "POST", "/", body=b"x" * 9).status == 413
        assert asked(kept, "POST", "/", body=b"x" * 9).status == 413


def test_an_upload_over_http2_ends_under_the_limit_that_it_began_under(begin, held):
    proxy = begin()
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        upload = client.request("POST", PATH, end=False)
        client.send_body(upload, b"x" * 10, end=False)
        there = held.accept()
        there.head()
        change(proxy, limits={"body_bytes": "8B"})
        client.send_body(upload, b"y" * 10)
        there.until(b"y" * 10)
        there.send(answer(200))
        assert client.answer(upload).status == 200
        late = client.request("POST", PATH, end=False)
        client.send_body(late, b"x" * 10)
        assert client.answer(late).status == 413


def test_fewer_connections_than_there_are_cut_nobody(begin, held):
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept).status == 200
        change(proxy, limits={"connections": 2})
        assert asked(kept).status == 200
        with proxy.connect("http") as late:
            assert late.rest() == b""
        change(proxy, limits={"connections": 0, "connections_per_client": 4})
        with proxy.connect("http") as late:
            assert late.rest() == b""
        with proxy.connect("http", source="127.0.0.2") as somebody:
            assert asked(somebody).status == 200
        change(proxy, limits={"connections_per_client": 5})
        with proxy.connect("http") as late:
            assert asked(late).status == 200


def test_timeouts(begin, held, new_backend):
    silent = new_backend()
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept).status == 200
        change(proxy, timeouts={"response": "100ms"}, pools={"nodes": {"servers": [silent.url]}})
        assert asked(kept).status == 504
        change(proxy, timeouts={"keep_alive": "100ms"})
        assert asked(kept).status == 504
        assert kept.rest() == b""


# ---- pools

def test_a_pool_is_added_and_one_is_removed(begin, held, other):
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept).body == b"one"
        configured = json.loads(proxy.config.read_text())
        configured["pools"] = {"anew": {"servers": [other.url]}}
        configured["routes"] = [{"path": "/", "pool": "anew"}]
        again(proxy, json.dumps(configured))
        assert asked(kept, "GET", PATH).body == b"two"
        assert asked(kept).body == b"two"


def test_policy_and_affinity(begin, held, node, other):
    proxy = begin(pools={"nodes": {"servers": [node.url, other.url]}})
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert len({asked(kept).body for _ in range(6)}) == 1
        change(proxy, pools={"nodes": {"affinity": "none"}})
        assert Counter(asked(kept).body for _ in range(6)) == {b"one": 3, b"two": 3}
        change(proxy, pools={"nodes": {"servers": [{"url": node.url, "weight": 2}, {"url": other.url, "weight": 1}]}})
        assert Counter(asked(kept).body for _ in range(6)) == {b"one": 4, b"two": 2}
        change(proxy, pools={"nodes": {"affinity": "cookie"}})
        assert "set-cookie" in asked(kept).head


def test_clients_stay_at_their_node_when_the_rules_of_the_pool_change(begin, held, node, other):
    proxy = begin(pools={"nodes": {"servers": [node.url, other.url]}})
    homes = {source: served_by(proxy, source) for source in many(1)}
    assert set(homes.values()) == {"one", "two"}
    with nothing_is_cut(proxy, held):
        change(proxy, pools={"nodes": {"policy": "least_connections", "retry": {"attempts": 1}, "health": {"interval": "1s", "timeout": "1s"}}})
        assert {source: served_by(proxy, source) for source in many(1)} == homes


def test_retries(begin, held, node, other):
    node.status = 503
    proxy = begin(pools={"nodes": {"servers": [node.url, other.url], "affinity": "none", "retry": {"attempts": 1}}})
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert {asked(kept).status for _ in range(4)} == {200, 503}
        change(proxy, pools={"nodes": {"retry": {"attempts": 2, "budget": 100}}})
        assert {asked(kept).status for _ in range(4)} == {200}


def test_checks_are_switched_on_and_off(begin, held, node, other):
    """What they found counts no longer once they are off."""
    proxy = begin(pools={"nodes": {"servers": [node.url, other.url], "affinity": "none", "retry": {"on": []}}})
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert {asked(kept).body for _ in range(4)} == {b"one", b"two"}
        node.status = 500
        change(proxy, pools={"nodes": {"health": {"path": "/", "interval": "100ms", "timeout": "100ms"}}})
        proxy.wait_for_log("backend.down")
        assert {asked(kept).body for _ in range(4)} == {b"two"}
        change(proxy, pools={"nodes": {"health": None}})
        checked = len(node.asked)
        assert {asked(kept).body for _ in range(4)} == {b"one", b"two"}
        assert len(node.asked) == checked + 2


def test_a_node_that_is_down_stays_so_while_others_come_and_go(begin, held, node, other):
    node.status = 500
    health = {"path": "/", "interval": "100ms", "timeout": "100ms", "rise": 100}
    proxy = begin(pools={"nodes": {"servers": [node.url, other.url], "affinity": "none", "health": health}})
    proxy.wait_for_log("backend.down")
    node.status = 200
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        change(proxy, pools={"nodes": {"policy": "least_connections", "health": health | {"interval": "200ms"}}})
        assert {asked(kept).body for _ in range(6)} == {b"two"}


def test_the_protocol_of_a_pool(begin, held, running, certificate):
    context = server_tls(certificate.file())
    context.set_alpn_protocols(["h2"])
    modern = Http2Backend(context)
    running.callback(modern.close)
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept).body == b"one"
        change(proxy, pools={"nodes": {"servers": [modern.url], "protocol": "h2"}})
        kept.send(request())
        there = modern.accept_http2()
        there.answer(there.next(), body=b"two")
        assert kept.message().body == b"two"


def test_a_connection_that_was_trusted_before_is_not_used_under_other_trust(begin, held, new_backend, tmp_path, certificate):
    """The node shows a certificate of nobody's; that is looked at from the reload on."""
    secure = new_backend(tls=True)
    proxy = begin(pools={"nodes": {"servers": [secure.url], "retry": {"on": []}}})
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        kept.send(request())
        there = secure.accept()
        there.head()
        there.send(answer(200))
        assert kept.message().status == 200
        stranger = Certificate(tmp_path, "stranger", "DNS:elsewhere.example.com").file()
        change(proxy, pools={"nodes": {"tls": {"verify": True, "ca_file": str(stranger)}}})
        kept.send(request())
        with pytest.raises(OSError):
            secure.accept()
        assert kept.message().status == 502
        change(proxy, pools={"nodes": {"tls": {"verify": True, "ca_file": str(certificate.file()), "server_name": "proxy.example.com"}}})
        kept.send(request())
        there = secure.accept()
        there.head()
        there.send(answer(200))
        assert kept.message().status == 200


def test_an_authority_file_that_has_another_content(begin, held, new_backend, tmp_path, certificate):
    secure = new_backend(tls=True)
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(certificate.file().read_text())
    proxy = begin(pools={"nodes": {"servers": [secure.url], "retry": {"on": []}, "tls": {
        "verify": True, "ca_file": str(authorities), "server_name": "proxy.example.com"}}})
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        kept.send(request())
        there = secure.accept()
        there.head()
        there.send(answer(200))
        assert kept.message().status == 200
        authorities.write_text(Certificate(tmp_path, "stranger", "DNS:elsewhere.example.com").file().read_text())
        change(proxy)
        kept.send(request())
        with pytest.raises(OSError):
            secure.accept()
        assert kept.message().status == 502


# ---- the PIN guard

WRONG = "POST", "/api/client/v2/conferences/demo/request_token", "Pin: 1"


def guarded(**guard) -> dict:
    return {"enabled": True, "count": "denied_tokens", "max_failures": 3, "answer": "403"} | guard


def test_the_guard_keeps_its_counts_and_bans_through_changes_of_its_rules(begin, held, node, tmp_path):
    node.status = 403
    proxy = begin(pin_guard=guarded(max_failures=4))
    with nothing_is_cut(proxy, held), proxy.connect("http", source="127.0.0.9") as kept:
        asked(kept, *WRONG)
        asked(kept, *WRONG)
        change(proxy, pin_guard=guarded(max_failures=3, audit_log=str(tmp_path / "audit.log")))
        asked(kept, *WRONG)
        proxy.wait_for_log("pin_guard.banned")
        reached = len(node.asked)
        assert asked(kept, "GET", "/").status == 403
        change(proxy, pin_guard=guarded(answer="429"))
        assert asked(kept, "GET", "/").status == 429
        change(proxy, pin_guard=guarded(enabled=False))
        node.status = 200
        assert asked(kept, "GET", "/").status == 200
        change(proxy, pin_guard=guarded(enabled=True))
        assert asked(kept, "GET", "/").status == 403
        change(proxy, pin_guard=guarded(ignore=["127.0.0.9/32"]))
        assert asked(kept, "GET", "/").status == 200
        assert len(node.asked) == reached + 2
    assert "ban.begun" in (tmp_path / "audit.log").read_text()


def test_bans_move_to_another_file(begin, held, node, tmp_path):
    node.status = 403
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    proxy = begin(pin_guard=guarded(state=str(first)))
    with nothing_is_cut(proxy, held):
        with proxy.connect("http", source="127.0.0.9") as client:
            for _ in range(3):
                asked(client, *WRONG)
        wait_until("the ban in its file", lambda: "127.0.0.9" in first.read_text())
        change(proxy, pin_guard={"state": str(second)})
        wait_until("the ban in the new file", lambda: second.exists() and "127.0.0.9" in second.read_text())
    refused(proxy, "nowhere", pin_guard={"state": str(tmp_path / "nowhere/bans.json")})


# ---- listeners

def listener(port: int = 0, **changes) -> dict:
    return {"address": f"{HOST}:{port}"} | changes


def test_listeners_come_and_go(begin, held, certificate):
    proxy = begin()
    configured = json.loads(proxy.config.read_text())["listeners"]
    port = proxy.port("http")
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept).body == b"one"
        change(proxy, listeners=[*configured, listener(tls={"certificates": [str(certificate.file())]}),
                                 {"address": "[::1]:0"}])
        for number, host, options in ((3, HOST, {"tls": client_tls("http/1.1")}), (4, "::1", {})):
            for _ in range(8):  # every worker has a socket
                with connect(host, opened(proxy, number), **options) as client:
                    assert asked(client).body == b"one"
        # The plain ones go; what is established there stays.
        change(proxy, listeners=configured[:1])
        with pytest.raises(ConnectionRefusedError):
            connect(HOST, port)
        with proxy.connect() as client:
            assert asked(client).body == b"one"
        farewell = asked(kept)
        assert (farewell.body, farewell.head["connection"]) == (b"one", "close")


def test_who_waits_at_a_listener_that_goes_is_served(begin, held):
    """SIGSTOP: the kernel accepts, the proxy can't."""
    proxy = begin(workers=1)
    proxy.signal(signal.SIGSTOP)
    waiting = [proxy.connect("http") for _ in range(50)]
    for each in waiting:
        each.send(request())
    configured = json.loads(proxy.config.read_text())
    configured["listeners"] = configured["listeners"][:1]
    write_private(proxy.config, json.dumps(configured))
    proxy.signal(signal.SIGHUP)
    proxy.signal(signal.SIGCONT)
    for each in waiting:
        assert each.message().body == b"one"
        each.close()
    proxy.wait_for_log("listener.closed")


def test_a_listener_gets_other_settings(begin, held, certificate, tmp_path):
    proxy = begin(listeners=[listener(tls={"certificates": [str(certificate.file())]}), listener()])
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/token").write_text("proof")
    secure = json.loads(proxy.config.read_text())["listeners"][0]
    port = proxy.port("http")
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        assert asked(kept).status == 200
        change(proxy, listeners=[secure, listener(redirect_https=True, acme_challenges=str(tmp_path / "acme"))])
        assert asked(kept).status == 301
        assert asked(kept, "GET", "/.well-known/acme-challenge/token").body == b"proof"
        change(proxy, listeners=[secure, listener(proxy_protocol=True)], trusted_proxies=[HOST])
        with connect(HOST, port) as told:
            told.send(v1("203.0.113.9"))
            assert asked(told).status == 200
        assert asked(kept).status == 200


def test_a_plain_listener_becomes_a_secure_one_at_its_port(begin, held, certificate, tmp_path):
    own = shutil.copy(certificate.file(), tmp_path)  # beside the configuration: a reload does not reach other folders
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    proxy = begin(listeners=[listener(), listener(port)])
    with nothing_is_cut(proxy, held), connect(HOST, port) as kept:
        assert asked(kept).status == 200
        change(proxy, listeners=[listener(), listener(port, tls={"certificates": [own], "min_version": "1.3"})])
        with connect(HOST, port, tls=client_tls("http/1.1")) as client:
            assert client.socket.version() == "TLSv1.3"
            assert asked(client).status == 200
        assert asked(kept).status == 200


def test_turn_behind_a_listener(begin, held, certificate, new_backend):
    turnd = new_backend()
    secure = listener(tls={"certificates": [str(certificate.file())]})
    proxy = begin(listeners=[secure, listener()])
    with nothing_is_cut(proxy, held), proxy.connect() as kept:
        assert asked(kept).status == 200
        change(proxy, listeners=[secure | {"turn": turnd.address}, listener()])
        assert asked(kept).status == 200
        with proxy.connect() as client:
            client.send(bytes.fromhex("000100002112a442") + bytes(12))
            there = turnd.accept()
            assert there.exactly(12) == b"\r\n\r\n\0\r\nQUIT\n"
            change(proxy, listeners=[secure, listener()])
            there.send(bytes.fromhex("010100002112a442") + bytes(12))
            assert client.exactly(20)[:2] == b"\x01\x01"


# ---- the rest

def test_logs(begin, held, tmp_path):
    proxy = begin(log={"level": "info"})
    other = tmp_path / "other.log"
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        asked(kept, "GET", "/before")
        proxy.access_lines()
        change(proxy, log={"access": str(other), "access_format": "json"})
        asked(kept, "GET", "/after")
        wait_until("the line", lambda: "/after" in other.read_text())
        assert json.loads(other.read_text().splitlines()[0])["status"] == 200
        assert "/before" in (tmp_path / "access.log").read_text()
        assert "/after" not in (tmp_path / "access.log").read_text()
        assert "debug connection.refused" not in proxy.log
        change(proxy, log={"access": None, "level": "debug"}, limits={"connections": 1})
        asked(kept, "GET", "/never")
        with proxy.connect("http") as late:
            assert late.rest() == b""
        proxy.wait_for_log("debug connection.refused")
        assert "/never" not in other.read_text()


def test_the_time_for_draining(begin, held):
    proxy = begin(drain_timeout="0s")
    established = Established(proxy, held)
    change(proxy, drain_timeout="60s")
    proxy.signal(signal.SIGTERM)
    proxy.wait_for_log("drain")
    established.finish()
    established.close()
    proxy.wait()


# ---- all or nothing

def test_a_port_that_is_taken_changes_nothing(begin, held):
    proxy = begin()
    configured = json.loads(proxy.config.read_text())["listeners"]
    with socket.create_server((HOST, 0)) as taken, nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        refused(proxy, "Address already in use", routes=[{"path": "/", "answer": {"body": "fixed"}}],
                listeners=[*configured, listener(), listener(taken.getsockname()[1])])
        assert asked(kept).body == b"one"
        assert proxy.log.count("listener.open") == 2


def test_a_log_that_can_not_be_opened_changes_nothing(begin, held, tmp_path):
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        refused(proxy, "nowhere/access.log", routes=[{"path": "/", "answer": {"body": "fixed"}}],
                log={"access": str(tmp_path / "nowhere/access.log")})
        assert asked(kept, "GET", "/still").body == b"one"
        wait_until("the old log", lambda: "/still" in (tmp_path / "access.log").read_text())


def test_an_error_page_that_is_missing_changes_nothing(begin, held, tmp_path):
    proxy = begin()
    with nothing_is_cut(proxy, held), proxy.connect("http") as kept:
        refused(proxy, "nowhere.html", error_pages={"404": str(tmp_path / "nowhere.html")},
                routes=[{"path": "/", "answer": {"body": "fixed"}}])
        assert asked(kept).body == b"one"


# ---- under load

def test_twenty_reloads_between_two_configurations_fail_and_cut_nothing(begin, held, node, other, tmp_path, certificate):
    """They differ in listeners, pools, policy, routes, headers, limits, guard and logs."""
    proxy = begin()
    one = json.loads(proxy.config.read_text())
    two = merged(one, {
        "listeners": [*one["listeners"], listener(redirect_https=True)],
        "pools": {"nodes": {"servers": [node.url, other.url], "policy": "least_connections", "affinity": "none"},
                  "more": {"servers": [other.url]}},
        "routes": [{"path": "/more/", "pool": "more"}, *one["routes"]],
        "hsts": "max-age=1", "limits": {"header_count": 50}, "pin_guard": {"enabled": True},
        "log": {"access": str(tmp_path / "other.log"), "access_format": "json"},
    })
    established = [Established(proxy, held, transport) for transport in ("http", "https") * 5]
    failures: list = []
    count = 0
    end = threading.Event()

    def ask(transport: str, fresh: bool) -> None:
        nonlocal count
        client = None
        try:
            while not end.is_set():
                client = client or proxy.connect(transport)
                message = asked(client)
                count += 1
                if message.status != 200:
                    failures.append(message)
                if fresh:
                    client.close()
                    client = None
        except Exception as error:  # noqa: BLE001 - whatever it is, a client has noticed
            failures.append(error)

    clients = [threading.Thread(target=ask, args=each) for each in (("http", False), ("https", False), ("http", True), ("https", True))]
    for each in clients:
        each.start()
    try:
        for number in range(20):
            before = count
            again(proxy, json.dumps((two, one)[number % 2]))
            for each in established:
                each.lives()
            wait_until("requests between two reloads", lambda: count >= before + 4 or failures)
    finally:
        end.set()
        for each in clients:
            each.join()
    assert failures == []
    assert proxy.log.count("reload.done") == 20
    for each in established:
        each.finish()
        each.close()
