"""run --take-over: a new rproxyd goes on with what the running one has, and no client notices."""

import json
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from admin import command
from daemons import HOST, Daemon, program, run, wait_until
from responder import Responder
from rproxyd import Rproxyd, answer, configuration, request
from steady import Clients, Requests, SteadyNode
from take_over import HANDED, KEPT, OFFERED, PORTION, READY, REFUSED, Predecessor, Successor
from wire import connect

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = "/api/client/v2/conferences/demo/request_token"


class Line:
    """Processes of rproxyd, each of which takes over from the one before."""

    def __init__(self, folder, certificate, *servers: str, **changes):
        self.folder = folder
        self.socket = folder / "rproxyd.sock"
        self._certificate = certificate
        self._servers = list(servers)
        self._changes = {"drain_timeout": "20s", "take_over_timeout": "60s",
                         "admin": {"address": None, "socket": str(self.socket)},
                         "log": {"level": "debug", "access": str(folder / "access.log")}} | changes
        self.started: list[Rproxyd] = []
        self._prepared = 0
        self.now = self.prepare().start()

    def prepare(self, **changes) -> Rproxyd:
        folder = self.folder / str(self._prepared)
        self._prepared += 1
        folder.mkdir()
        configured = configuration(folder, self._certificate.file(), self._servers, **self._changes | changes)
        made = Rproxyd(folder, configured, arguments=["--take-over"] if self.started else [])
        self.started.append(made)
        return made

    def next(self, **changes) -> Rproxyd:
        self.now = self.prepare(**changes).start()
        return self.now

    def refused(self, **changes) -> str:
        """Another process that can't take over: what it says."""
        made = self.prepare(**changes)
        with pytest.raises(AssertionError, match="did not start"):
            made.start()
        return made.log

    def ask(self, question: dict) -> dict:
        return command(self.socket, question)

    def end(self) -> None:
        for each in self.started:
            if each is not self.now and each.running:  # it may be about to end by itself
                with suppress(subprocess.TimeoutExpired):
                    each._process.wait(0.5)
            if each.running:
                each.signal(signal.SIGTERM)
        for each in self.started:
            if each._process is not None and each._process.returncode is None:
                each.wait()


@pytest.fixture
def line(running, tmp_path, certificate):
    def begin(*servers: str, **changes) -> Line:
        made = Line(tmp_path, certificate, *servers, **changes)
        running.callback(made.end)
        return made

    return begin


@pytest.fixture
def responder(running) -> Responder:
    return running.enter_context(Responder("node"))


def ask(port: int, transport: str = "http", source: str | None = None, daemon: Daemon | None = None) -> tuple[int, str | None]:
    """Status and Connection of the answer to a request on a connection of its own."""
    with (daemon.connect(transport, source=source) if daemon else connect(HOST, port, source=source)) as client:
        client.send(request("GET", "/who"))
        got = client.message()
        return got.status, closing(got)


def closing(got) -> str | None:
    return got.head["connection"] if "connection" in got.head else None


# ---- what goes on

def test_the_new_process_has_the_ports_and_the_old_one_ends_when_it_has_nothing_left(line, responder):
    served = line(responder.url)
    old, ports = served.now, {each["address"] for each in served.now.listeners}
    new = served.next()
    assert {each["address"] for each in new.listeners} == ports
    old.wait()
    assert "take_over.done" in old.log
    new.wait_for_log("take_over.taken")
    assert ask(new.port("http")) == (200, None)
    new.wait_for_log("take_over.predecessor_ended")
    assert served.ask({"command": "status"})["pid"] == new.pid  # and the other one has left the socket alone


def test_a_stream_goes_on_in_the_old_process(line, backend):
    served = line(backend.url)
    old = served.now
    client = old.connect()
    client.send(request("GET", "/events"))
    there = backend.accept()
    there.head()
    there.send(STREAM_HEAD, b"2\r\n1\n\r\n")
    client.head()
    assert client.chunk() == b"1\n"
    new = served.next()
    for event in (b"2\n", b"3\n"):
        there.send(b"2\r\n%s\r\n" % event)
        assert client.chunk() == event
    assert old.running and new.running
    there.send(b"0\r\n\r\n")
    assert client.chunk() == b"" and client.trailers() == []
    client.close()
    old.wait()


def test_a_kept_connection_gets_one_more_answer_and_that_says_close(line, responder):
    served = line(responder.url)
    old = served.now
    with old.connect() as client, old.connect("http") as silent:
        client.send(request("GET", "/who"))
        assert closing(client.message()) is None
        served.next()
        for each in (client, silent):  # the other one has not said anything yet
            each.send(request("GET", "/who"))
            got = each.message()
            assert (got.status, got.head["connection"]) == (200, "close")
            assert (each.rest(), each.end) == (b"", "clean")
    old.wait()


def test_a_handshake_in_progress_is_finished(line, responder):
    served = line(responder.url)
    old = served.now
    with socket.create_connection((HOST, old.port("https"))) as raw:
        wait_until("it is accepted", lambda: old.open_descriptors() > 0)
        with old.connect("http") as other:  # accepted after it by the same worker
            other.send(request("GET", "/who", "Connection: close"))
            other.message()
        served.next()
        context = ssl._create_unverified_context()
        with context.wrap_socket(raw, server_hostname="proxy.example.com") as client:
            client.sendall(request("GET", "/who"))
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
    old.wait()


def test_a_limit_ends_what_is_left(line, backend):
    served = line(backend.url, take_over_timeout="100ms")
    old = served.now
    client = old.connect()
    client.send(request("GET", "/events"))
    there = backend.accept()
    there.head()
    there.send(STREAM_HEAD)
    client.head()
    served.next()
    assert (client.rest(), client.end) == (b"", "cut")
    old.wait()
    assert "drain.timeout" in old.log


@pytest.mark.parametrize("before, after", [(4, 1), (1, 3)])
def test_another_number_of_workers(line, responder, before, after):
    served = line(responder.url, workers=before)
    served.next(workers=after)
    port = served.now.port("http")
    assert [ask(port)[0] for _ in range(40)] == [200] * 40
    served.next(workers=before)
    assert [ask(port)[0] for _ in range(40)] == [200] * 40


def test_listeners_that_are_gone_are_closed_and_new_ones_opened(line, responder):
    served = line(responder.url)
    old = served.now
    gone, kept = old.port("http"), old.port("https")
    new = served.next(listeners=[{"address": f"{HOST}:{kept}", "tls": {}}, {"address": "127.0.0.2:0"}])
    old.wait()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, gone))
    assert ask(0, "https", daemon=new)[0] == 200
    with connect("127.0.0.2", new.port("http")) as client:
        client.send(request("GET", "/who"))
        assert client.message().status == 200


def test_the_admin_address_goes_along(line, responder):
    served = line(responder.url, admin={"address": f"{HOST}:0", "socket": None})
    assert "--take-over needs admin.socket" in served.refused()


def test_health_is_asked_of_the_new_process(line, responder, tmp_path):
    served = line(responder.url, admin={"address": f"{HOST}:0", "socket": str(tmp_path / "rproxyd.sock")})
    old = served.now
    with old.connect() as client:  # keeps the old one
        client.send(request("GET", "/who"))
        client.message()
        new = served.next()
        assert new.port("admin") == old.port("admin")
        with connect(HOST, new.port("admin")) as monitor:
            monitor.send(request("GET", "/readyz", "Connection: close", host="localhost"))
            assert monitor.message().status == 200
        assert served.ask({"command": "status"})["pid"] == new.pid


def test_take_overs_one_after_the_other_cost_nobody_anything_under_load(line, running):
    node = running.enter_context(SteadyNode())
    served = line(node.url, workers=2, routes=[{"path": "/ws", "pool": "echo", "websocket": True}, {"path": "/", "pool": "nodes"}],
                  pools={"echo": {"servers": [node.echo_url]}}, log={"level": "info", "access": None})
    port = served.now.port("https")
    clients = Clients(port)
    clients.connect_anew(per_second=50)
    asking = [Requests(port, "--http2", "--parallel", "--parallel-max", "10"), Requests(port, "--http1.1", "--parallel", "--parallel-max", "10")]
    for _ in range(5):  # some stay with each of the processes
        clients.open(streams=20, sockets=4)
        answered = [each.answered for each in asking]
        served.next()
        wait_until("all go on", lambda: all(each.failures or each.answered > before for each, before in zip(asking, answered)))
    clients.open(streams=1, sockets=1)
    at_work = [each.running for each in served.started]
    for each in asking:
        each.end()
    clients.end()
    assert [*clients.failures, *asking[0].failures, *asking[1].failures] == []
    assert all(at_work) and clients.connections > 0
    for old in served.started[:-1]:
        old.wait()


# ---- what is known

def test_a_tls_session_is_resumed_by_the_new_process(line, responder, tmp_path):
    served = line(responder.url)
    tickets = tmp_path / "session.pem"

    def handshake(*options: str) -> str:
        done = subprocess.run(["openssl", "s_client", "-connect", f"{HOST}:{served.now.port('https')}", "-servername", "proxy.example.com",
                               "-tls1_2", *options], input="Q\n", capture_output=True, text=True)
        return done.stdout

    assert "New, TLSv1.2" in handshake("-sess_out", str(tickets))
    assert "Reused, TLSv1.2" in handshake("-sess_in", str(tickets))
    served.next()
    assert "Reused, TLSv1.2" in handshake("-sess_in", str(tickets))


def test_clients_stay_on_their_nodes(line, running):
    nodes = [running.enter_context(Responder(f"node{i}")) for i in range(3)]
    served = line(*(each.url for each in nodes), pool={"affinity": "client_address"})

    def homes() -> list[str]:
        def home(i: int) -> str:
            with connect(HOST, served.now.port("http"), source=f"127.0.1.{i}") as client:
                client.send(request("GET", "/", "Connection: close"))
                return client.message().body.decode()
        return [home(i) for i in range(1, 11)]

    first = homes()
    assert len(set(first)) == 3
    served.next()
    assert homes() == first
    served.next(workers=2)
    assert homes() == first


def guess(port: int, source: str, pin: str = "0") -> int:
    with connect(HOST, port, source=source) as client:
        client.send(request("POST", TOKEN, "Content-Type: application/json", body=json.dumps({"display_name": "A", "pin": pin}).encode()))
        return client.message().status


def is_banned(port: int, source: str) -> bool:
    try:
        with connect(HOST, port, source=source) as client:
            client.send(request("GET", "/headers", "Connection: close"))
            return client.rest() == b""
    except OSError:
        return True


def test_bans_and_wrong_pins_count_on(line, node, tmp_path):
    there = node("node1")
    state = tmp_path / "bans.json"
    served = line(there.url, pin_guard={"enabled": True, "state": str(state)})
    port = served.now.port("http")
    assert [guess(port, "127.0.0.5") for _ in range(5)] == [403] * 5 and is_banned(port, "127.0.0.5")
    assert [guess(port, "127.0.0.6") for _ in range(4)] == [403] * 4
    old = served.now
    served.next()
    assert is_banned(port, "127.0.0.5") and not is_banned(port, "127.0.0.6")
    assert guess(port, "127.0.0.6") == 403 and is_banned(port, "127.0.0.6")
    listed = run("rproxyd", "bans", "--config", served.now.config).stdout
    assert "127.0.0.5" in listed and "127.0.0.6" in listed
    old.wait()
    kept = {each["network"] for each in json.loads(state.read_text())["bans"]}
    assert kept == {"127.0.0.5", "127.0.0.6"}


def test_an_attempt_that_ends_in_the_old_process_counts_in_the_new_one(line, backend):
    served = line(backend.url, pin_guard={"enabled": True, "max_failures": 1})
    port = served.now.port("http")
    with connect(HOST, port, source="127.0.0.5") as client:
        client.send(request("POST", TOKEN, "Content-Type: application/json", body=b'{"pin":"0"}'))
        there = backend.accept()
        there.message()
        served.next()
        assert not is_held(served)
        there.send(answer(403, b'{"status":"failed","result":"Invalid PIN"}', "Content-Type: application/json"))
        assert client.message().status == 403
    wait_until("it is banned", lambda: is_held(served))


def is_held(served: Line) -> bool:
    return "127.0.0.5" in run("rproxyd", "bans", "--config", served.now.config).stdout


# ---- what goes wrong

def test_with_nobody_to_take_over_from_it_says_so(tmp_path, certificate):
    configured = configuration(tmp_path, certificate.file(), [f"http://{HOST}:9"], admin={"address": None, "socket": str(tmp_path / "none.sock")})
    proxy = Rproxyd(tmp_path, configured, arguments=["--take-over"])
    with pytest.raises(AssertionError, match="no daemon can be taken over from"):
        proxy.start()


def test_a_configuration_that_can_not_start_leaves_the_old_process_serving(line, responder):
    served = line(responder.url)
    assert "can't bind" in served.refused(listeners=[{"address": "192.0.2.1:443", "tls": {}}])
    assert ask(served.started[0].port("http")) == (200, None)
    served.started[0].wait_for_log("can't bind tcp 192.0.2.1:443")  # the reason is known there, too
    served.next()


@pytest.mark.parametrize("step", ["asked", "offered", "ready", "handed", "refused", "silent"])
def test_a_new_process_that_ends_at_a_step_changes_nothing(line, responder, step):
    served = line(responder.url, workers=2)
    old = served.now
    with old.connect() as kept:
        kept.send(request("GET", "/who"))
        kept.message()
        successor = Successor(served.socket, "rproxyd")
        if step != "asked":
            assert len(successor.until(OFFERED)) == 4
        if step == "refused":
            successor.send(REFUSED, "no room")
        if step in ("ready", "handed", "silent"):
            successor.send(READY)
        if step in ("handed", "silent"):
            successor.until(HANDED)
        if step == "silent":  # until the old one gives up on it
            assert successor.receive()[0] == KEPT
        successor.close()
        old.wait_for_log("take_over.failed")
        for _ in range(5):
            kept.send(request("GET", "/who"))
            got = kept.message()
            assert (got.status, closing(got)) == (200, None)
            assert ask(old.port("http")) == (200, None)
    served.next()
    old.wait()


@pytest.mark.parametrize("program, protocol, why", [("turnd", 1, "this is rproxyd"), ("rproxyd", 2, "speaks version 1")])
def test_another_program_or_protocol_is_refused(line, responder, program, protocol, why):
    served = line(responder.url)
    kind, state, _ = Successor(served.socket, program, protocol).receive()
    assert kind == KEPT and why in state.decode(errors="replace")
    assert ask(served.now.port("http")) == (200, None)


def test_new_processes_that_are_killed_at_any_moment_cost_nothing(line, responder):
    served = line(responder.url)
    port = served.now.port("http")
    draw = random.Random(7)
    for _ in range(12):
        made = served.prepare()
        served.started.remove(made)
        with made._log.open("w") as log:
            process = subprocess.Popen([program("rproxyd"), "run", "--config", made.config, "--take-over"], stdout=log, stderr=log)
        time.sleep(draw.uniform(0, 0.15))
        process.kill()
        process.wait()
        if "take_over.taken" in made.log:  # it was quicker: then it was the one that served
            break
        assert ask(port) == (200, None)
    else:
        served.next()
        assert ask(port) == (200, None)


@pytest.mark.parametrize("step", ["offered", "handed"])
def test_a_new_process_whose_predecessor_dies_serves_with_what_it_has(tmp_path, certificate, responder, step):
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    waiting = socket.create_connection((HOST, port))  # in the queue of that socket
    predecessor = Predecessor(tmp_path / "rproxyd.sock")
    configured = configuration(tmp_path, certificate.file(), [responder.url], listeners=[{"address": f"{HOST}:{port}"}],
                               admin={"address": None, "socket": str(tmp_path / "rproxyd.sock")})
    proxy = Rproxyd(tmp_path, configured, arguments=["--take-over"])
    starting = threading.Thread(target=proxy.start)
    starting.start()
    question, channel = predecessor.accept()
    assert question["command"] == "take-over" and question["program"] == "rproxyd"
    listener.setblocking(False)
    channel.send(PORTION, {"what": "rproxyd", "version": 1})
    channel.send(PORTION, {"what": "listener", "address": f"{HOST}:{port}", "bound": f"{HOST}:{port}"}, [listener])
    channel.send(OFFERED)
    assert channel.receive()[0] == READY
    if step == "handed":
        channel.send(HANDED)
    listener.close()
    channel.close()
    predecessor.close()
    starting.join()
    waiting.sendall(request("GET", "/who", "Connection: close"))
    assert waiting.recv(1000).startswith(b"HTTP/1.1 200")
    assert ask(port)[0] == 200
    proxy.stop()


def test_a_new_process_whose_predecessor_gives_up_on_it_does_not_serve(tmp_path, certificate, responder):
    predecessor = Predecessor(tmp_path / "rproxyd.sock")
    configured = configuration(tmp_path, certificate.file(), [responder.url], admin={"address": None, "socket": str(tmp_path / "rproxyd.sock")})
    proxy = Rproxyd(tmp_path, configured, arguments=["--take-over"])
    failure = []

    def start() -> None:
        with pytest.raises(AssertionError) as raised:
            proxy.start()
        failure.append(str(raised.value))

    starting = threading.Thread(target=start)
    starting.start()
    _, channel = predecessor.accept()
    channel.send(PORTION, {"what": "rproxyd", "version": 1})
    channel.send(OFFERED)
    assert channel.receive()[0] == READY
    channel.send(KEPT, "changed my mind")
    starting.join()
    assert "serves on: changed my mind" in failure[0]
