"""The self-check: each function tries one thing as a client would, and says in a line what it saw.
It fails by raising."""

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/support"))

from turn_client import Refused, TurnClient  # noqa: E402

SECONDS = 10  # for one request
EVENT_SECONDS = 2  # an event stream's first event is due at once; this is how late a busy machine may be
ROUND_TRIPS = 100
CLIENTS = 12


def run_checks(layout, programs):
    return try_all(layout, programs, page_over_http1, page_over_http2, redirect_to_https, node_killed, wrong_pin, right_pin, first_event,
                   stun_answer, turn_without_credentials, turn_over_udp, turn_over_tcp, turn_over_tls)


def run_last_checks(layout, programs):
    return try_all(layout, programs, clean_end)


def try_all(layout, programs, *checks):
    """How many failed."""
    failed = 0
    for check in checks:
        try:
            print(f"  ✓ {check(layout, programs)}", flush=True)
        except Exception as problem:  # whatever it is, the other checks go on
            failed += 1
            print(f"  ✗ {check.__name__.replace('_', ' ')}: {type(problem).__name__}: {problem}", flush=True)
    return failed


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


# --- the web -----------------------------------------------------------------------------------


def page_over_http1(layout, _programs):
    status, headers, body = ask(layout, "GET", "/webapp/")
    expect(status == 200, f"status {status}")
    expect(b"<!doctype html" in body[:100].lower(), "no page in the answer")
    return f"the page comes through the proxy over HTTP/1.1 ({len(body)} bytes, from {headers['X-Demo-Node']})"


def page_over_http2(layout, _programs):
    done = subprocess.run(["curl", "--silent", "--show-error", "--http2", "--cacert", layout.certificate, "--max-time", str(SECONDS),
                           "--noproxy", "*", "--write-out", "\n%{http_version} %{http_code}", f"https://localhost:{layout.https}/webapp/"],
                          capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr.strip())
    body, _, last = done.stdout.rpartition("\n")
    expect(last == "2 200", f"HTTP version and status: {last}")
    return f"the page comes over HTTP/2 ({len(body)} bytes)"


def redirect_to_https(layout, _programs):
    connection = http.client.HTTPConnection("127.0.0.1", layout.http, timeout=SECONDS)
    connection.request("GET", "/webapp/?a=b", headers={"Host": "localhost"})
    answer = connection.getresponse()
    place = answer.getheader("Location")
    connection.close()
    expect(answer.status == 301, f"status {answer.status}")
    expect(place == layout.url("localhost", "/webapp/?a=b"), f"Location: {place}")
    return f"plain HTTP on port {layout.http} is sent on to {place}"


def node_killed(layout, programs):
    """Clients at different addresses, each with its node; one node is killed in the midst of it."""
    stop = threading.Event()
    clients = [SteadyClient(layout, f"127.0.1.{number + 1}", stop) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        time.sleep(1)
        victim = clients[0].node
        expect(victim, f"no answer before a node was killed: {clients[0].failures[:1]}")
        used = {client.node for client in clients}
        programs.kill_node(victim)
        time.sleep(2)
    finally:
        stop.set()
        for client in clients:
            client.join()
        if victim:
            programs.start_node(layout, int(victim.removeprefix("node")))
    failures = [failure for client in clients for failure in client.failures]
    answers = sum(client.answers for client in clients)
    expect(not failures, f"{len(failures)} of {answers + len(failures)} requests failed, the first: {failures[:1]}")
    expect(len(used) == 3, f"{CLIENTS} clients were given to {sorted(used)} only")
    expect(all(client.node != victim for client in clients), f"{victim} is killed, and still answers")
    return f"{victim} was killed while {answers} requests were made: none failed, its clients went on with the other nodes"


class SteadyClient(threading.Thread):
    """One client address: asks again and again, on one connection for as long as that lasts."""

    def __init__(self, layout, source, stop):
        super().__init__(daemon=True)
        self.layout, self.source, self.stop = layout, source, stop
        self.node, self.answers, self.failures = None, 0, []

    def run(self):
        connection = None
        while not self.stop.is_set():
            try:
                connection = connection or connect(self.layout, source=self.source)
                connection.request("GET", "/api/client/v2/status")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or b"success" not in body:
                    raise AssertionError(f"status {answer.status}")
                self.node = answer.headers["X-Demo-Node"]
                self.answers += 1
            except (OSError, http.client.HTTPException, AssertionError) as problem:
                self.failures.append(f"{type(problem).__name__}: {problem}")
                connection = None
                time.sleep(0.1)
            time.sleep(0.005)
        if connection:
            connection.close()


# --- the conference ----------------------------------------------------------------------------


def wrong_pin(layout, _programs):
    status, _, body = ask(layout, "POST", room(layout, "request_token"), {"display_name": "Self-check", "pin": "9999"})
    expect(status == 403, f"status {status}: {body[:200]}")
    return "a wrong PIN is refused with 403"


def right_pin(layout, _programs):
    token = join(layout)
    status, _, _ = ask(layout, "POST", room(layout, "release_token"), {}, {"token": token})
    expect(status == 200, f"status {status} for release_token")
    return "the right PIN gets a token, and it can be given back"


def first_event(layout, _programs):
    token = join(layout)
    connection = connect(layout)
    try:
        since = time.monotonic()
        connection.request("GET", f"{room(layout, 'events')}?token={quote(token, safe='')}")
        answer = connection.getresponse()
        expect(answer.status == 200, f"status {answer.status}")
        kind = answer.headers["Content-Type"]
        expect(kind.startswith("text/event-stream"), f"Content-Type: {kind}")
        while not (line := answer.readline()).startswith(b"event:"):
            expect(line, "the stream ended before an event")
        waited = time.monotonic() - since
    finally:
        connection.close()
    expect(waited < EVENT_SECONDS, f"the first event came after {waited:.1f} s")
    return f"an event stream's first event came after {1000 * waited:.0f} ms, while the stream is open"


def join(layout):
    status, _, body = ask(layout, "POST", room(layout, "request_token"), {"display_name": "Self-check", "pin": layout.PIN})
    expect(status == 200, f"request_token: status {status}: {body[:200]}")
    return json.loads(body)["result"]["token"]


def room(layout, call):
    return f"/api/client/v2/conferences/{layout.ROOM}/{call}"


def ask(layout, method, path, fields=None, headers=None):
    connection = connect(layout)
    try:
        body = None if fields is None else json.dumps(fields)
        connection.request(method, path, body, {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def connect(layout, source=None):
    return http.client.HTTPSConnection("127.0.0.1", layout.https, timeout=SECONDS, context=trust(layout),
                                       source_address=(source, 0) if source else None)


def trust(layout):
    """Only the certificate that the daemons were given."""
    return ssl.create_default_context(cafile=layout.certificate)


# --- TURN --------------------------------------------------------------------------------------


def stun_answer(layout, _programs):
    with TurnClient("udp", (layout.address, layout.turn)) as client:
        seen = client.binding()
        expect(seen == client.local, f"the server saw {seen}, we are {client.local}")
    return f"STUN over UDP tells us our own address, {seen[0]}:{seen[1]}"


def turn_without_credentials(layout, _programs):
    with TurnClient("udp", (layout.address, layout.turn), user=layout.USER, password="wrong") as client:
        try:
            client.allocate()
        except Refused as refused:
            expect(refused.code == 401, f"refused with {refused}")
            return "TURN with a wrong password is refused with 401"
    raise AssertionError("an allocation was granted to a wrong password")


def turn_over_udp(layout, _programs):
    return round_trips(layout, "udp", layout.turn)


def turn_over_tcp(layout, _programs):
    return round_trips(layout, "tcp", layout.turn)


def turn_over_tls(layout, _programs):
    return round_trips(layout, "tls", layout.turns, tls_context=trust(layout))


def round_trips(layout, transport, port, **options):
    """Two clients, each with its own relayed address, send through both relays; the second sends
    everything back. The first uses a channel, the second Send and Data indications."""
    login = {"user": layout.USER, "password": layout.password}
    relayed = 0
    with (TurnClient(transport, (layout.address, port), **login, **options) as near,
          TurnClient("udp", (layout.address, layout.turn), **login) as far):
        near.allocate()
        far.allocate()
        near.create_permission(far.relayed)
        near.bind_channel(far.relayed)
        far.create_permission(near.relayed)
        for number in range(ROUND_TRIPS):
            data = os.urandom(1 + number * 1199 // (ROUND_TRIPS - 1))
            back = there_and_back(near, far, data)
            expect(back == data, f"{len(data)} bytes came back changed")
            relayed += 2 * len(data)
    return f"TURN over {transport.upper()}: {ROUND_TRIPS} messages there and back through two relays, {relayed} bytes, none changed"


def there_and_back(near, far, data):
    for _ in range(3):  # datagrams may be lost
        near.send(far.relayed, data)
        try:
            source, got = far.receive(1)
            expect(source == near.relayed, f"data from {source}, not from {near.relayed}")
            far.send(near.relayed, got)
            source, back = near.receive(1)
            expect(source == far.relayed, f"data back from {source}, not from {far.relayed}")
            return back
        except TimeoutError:
            continue
    raise TimeoutError(f"{len(data)} bytes did not come back")


# --- the end -----------------------------------------------------------------------------------


def clean_end(_layout, programs):
    for name in ("rproxyd", "turnd"):
        code = programs.end(name)
        expect(code == 0, f"{name} ended with {code}:\n{programs.log_of(name)[-4000:]}")
    return "rproxyd and turnd end with exit code 0 when told to"
