"""What is written down: the access log in the appliance's format, the daemon's own log, and no secret in either (rule 15)."""

import json
import re
import stat
import subprocess

import pytest

from daemons import HOST
from rproxyd import answer, request

PEXIP = re.compile(
    r'(?P<client>\S+) - - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\]  "(?P<request>[^"]*)" (?P<status>\d+) (?P<bytes>\d+) '
    r'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)" "(?P<node>[^"]*)" "(?P<node_status>[^"]*)" "(?P<seconds>[^"]*)"')


def exchange(proxy, backend, method: str, target: str, *fields: str, status: int = 200, body: bytes = b"hello", transport="https") -> None:
    with proxy.connect(transport) as client:
        client.send(request(method, target, *fields))
        there = backend.accept()
        there.head()
        there.send(answer(status, body, "Connection: close"))
        assert client.message().status == status


def test_a_line_is_as_the_appliance_writes_it(proxy, backend):
    """Two spaces after the time, and the node in three fields of its own."""
    exchange(proxy, backend, "GET", "/webapp/?x=1", "User-Agent: Mozilla/5.0 (X11)", "Referer: https://example.com/", status=404)
    line = PEXIP.fullmatch(proxy.access_lines()[0])
    assert line.group("client", "request", "status", "bytes") == ("127.0.0.1", "GET /webapp/?x=1 HTTP/1.1", "404", "5")
    assert line.group("referer", "agent") == ("https://example.com/", "Mozilla/5.0 (X11)")
    assert line.group("node", "node_status") == (backend.address, "404")
    assert re.fullmatch(r"\d+\.\d{3}", line["seconds"])


def test_what_a_client_did_not_send_is_a_dash(proxy, backend):
    exchange(proxy, backend, "GET", "/")
    assert PEXIP.fullmatch(proxy.access_lines()[0]).group("referer", "agent") == ("-", "-")


@pytest.mark.parametrize("name", ["code", "state", "token", "pin", "data", "TOKEN"])
def test_secrets_are_filtered_from_the_request_and_the_referer(proxy, backend, name):
    """Rule 15, whatever was asked of and answered by whom."""
    secret = "s3cr3t%2Bvalue"
    exchange(proxy, backend, "GET", f"/api?a=1&{name}={secret}&b=2", f"Referer: https://example.com/?{name}={secret}")
    with proxy.connect("http") as client:  # refused by the proxy itself
        client.send(request("GET", f"/../x?{name}={secret}"), request("GET", f"/x?{name}={secret}", "Bad Name: x"))
        client.rest()
    log = "\n".join(proxy.access_lines(3))
    assert f"/api?a=1&{name}=[FILTERED]&b=2 HTTP/1.1" in log
    assert f'"https://example.com/?{name}=[FILTERED]"' in log
    assert "s3cr3t" not in log and "s3cr3t" not in proxy.log


def test_no_client_can_write_a_line_of_its_own(proxy, backend):
    exchange(proxy, backend, "GET", '/"x', 'User-Agent: "evil" \\ ' + "\u00e9", 'Referer: a"b')
    lines = proxy.access_lines()
    assert len(lines) == 1
    line = PEXIP.fullmatch(lines[0])
    assert line["request"] == r"GET /\x22x HTTP/1.1"
    assert line["agent"] == r"\x22evil\x22 \x5C \xC3\xA9" and line["referer"] == r"a\x22b"


def test_refused_requests_have_lines_too(proxy):
    with proxy.connect("http") as client:
        client.send(b"GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
        assert client.message().status == 400
    line = PEXIP.fullmatch(proxy.access_lines()[0])
    assert line.group("client", "request", "status", "node") == ("127.0.0.1", "GET /ok HTTP/1.1", "400", "-")


def test_combined_lines_are_as_other_servers_write_them(start, backend):
    proxy = start(backend.url, log={"access_format": "combined"})
    exchange(proxy, backend, "GET", "/x?token=1", "User-Agent: curl")
    assert re.fullmatch(r'127\.0\.0\.1 - - \[[^]]+\] "GET /x\?token=\[FILTERED\] HTTP/1\.1" 200 5 "-" "curl"', proxy.access_lines()[0])


def test_json_lines_are_json(start, backend):
    proxy = start(backend.url, log={"access_format": "json"})
    exchange(proxy, backend, "POST", '/"x?pin=1', "User-Agent: \u00e9\t")
    line = json.loads(proxy.access_lines()[0])
    assert (line["client"], line["method"], line["target"], line["status"], line["bytes"]) == ("127.0.0.1", "POST", '/"x?pin=[FILTERED]', 200, 5)
    assert line["version"] == "HTTP/1.1" and line["backends"][0]["address"] == backend.address


def test_the_access_log_is_for_its_owner_and_group(proxy, tmp_path):
    assert stat.S_IMODE((tmp_path / "access.log").stat().st_mode) == 0o640


def test_lines_are_added_to_those_of_before(start, backend, tmp_path):
    (tmp_path / "access.log").write_text("a line of yesterday\n")
    proxy = start(backend.url)
    exchange(proxy, backend, "GET", "/")
    assert proxy.access_lines(2)[0] == "a line of yesterday"


def test_the_order_of_many_workers_lines_is_theirs_and_no_line_is_torn(start, node):
    demo = node("node1")
    proxy = start(demo.url, workers=2)
    done = subprocess.run(["h2load", "--h1", "-n", "2000", "-c", "20", proxy.url + "/headers"], capture_output=True, text=True)
    assert "2000 succeeded" in done.stdout
    lines = proxy.access_lines(2000)
    assert len(lines) == 2000 and all(PEXIP.fullmatch(line) for line in lines)


TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) [a-z0-9_.]+: .*")


@pytest.mark.parametrize("format", ["text", "json"])
def test_the_daemons_log_can_be_read_line_by_line(start, new_backend, format):
    gone, backend = new_backend(), new_backend()
    gone.close()
    proxy = start(f"http://{HOST}:1", backend.url, log={"format": format})
    exchange(proxy, backend, "GET", "/")
    with proxy.connect("http") as client:
        client.send(b"bad\r\n\r\n")
        client.rest()
    proxy.wait_for_log("request.refused")
    proxy.stop()
    events = set()
    for line in proxy.log.splitlines():
        if format == "json":
            entry = json.loads(line)
            events.add(entry["event"])
        else:
            assert TEXT.fullmatch(line), line
            events.add(line.split()[2].rstrip(":"))
    assert {"listener.open", "started", "backend.unreachable", "request.refused", "drain", "stopped"} <= events


# ---- port 80

@pytest.fixture
def redirecting(start, backend, certificate):
    return start(backend.url, listeners=[{"address": f"{HOST}:0", "tls": {"certificates": [str(certificate.file())]}},
                                         {"address": f"{HOST}:0", "redirect_https": True}])


@pytest.mark.parametrize("host, target, location", [
    ("proxy.example.com", "/webapp/?a=%2F&b", "https://proxy.example.com/webapp/?a=%2F&b"),
    ("proxy.example.com:8080", "/", "https://proxy.example.com/"),
    ("[2001:db8::1]:80", "/a", "https://[2001:db8::1]/a"),
    ("192.0.2.1", "//evil.example.com/", "https://192.0.2.1//evil.example.com/"),
])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_port_80_sends_everybody_to_https(redirecting, backend, method, host, target, location):
    with redirecting.connect("http") as client:
        client.send(request(method, target, host=host, body=b"body" if method == "POST" else b""))
        got = client.message()
        assert (got.status, got.head["location"]) == (301, location)
    assert not backend.waits(0)


def test_port_80_asks_for_a_host_as_every_port_does(redirecting):
    with redirecting.connect("http") as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.message().status == 400


def test_a_redirect_route_stays_on_the_same_host(start, backend):
    proxy = start(backend.url, routes=[{"path": "/", "exact": True, "redirect": "/webapp/"}, {"path": "/", "pool": "nodes"}])
    with proxy.connect() as client:
        client.send(request("GET", "/"))
        got = client.message()
        assert (got.status, got.head["location"]) == (302, "/webapp/")
        client.send(request("GET", "/webapp/"))
        assert backend.accept().head().line == "GET /webapp/ HTTP/1.1"


def test_what_no_route_serves_is_a_404(start, backend):
    proxy = start(backend.url, routes=[{"path": "/webapp", "pool": "nodes"}])
    with proxy.connect() as client:
        for target in ("/", "/webapp2", "/api"):
            client.send(request("GET", target))
            assert client.message().status == 404
    assert not backend.waits(0)
