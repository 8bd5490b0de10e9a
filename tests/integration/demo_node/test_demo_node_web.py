"""The page's files, the endpoints for tests, start and end of the process."""

import hashlib
import json
import socket

import pytest

from demo_node.process import DemoNode
from demo_node.webapp import PAGE


def test_the_root_leads_to_the_page(client):
    for path in ("/", "/webapp"):
        answer = client.ask("GET", path)
        assert (answer.status, answer.headers["Location"]) == (302, "/webapp/")


def test_every_file_of_the_page_is_served_with_a_working_etag(client):
    index = client.ask("GET", "/webapp/")
    assert index.headers["Content-Type"].startswith("text/html")
    for file in PAGE.iterdir():
        answer = client.ask("GET", f"/webapp/{file.name}")
        assert (answer.status, answer.body) == (200, file.read_bytes())
        again = client.ask("GET", f"/webapp/{file.name}",
                           headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", [
    "/webapp/none.js", "/webapp/..%2Fmain.py", "/webapp/%2e%2e/main.py", "/webapp/%2e%2e"])
def test_nothing_outside_the_page_is_served(client, path):
    assert client.ask("GET", path).status in (302, 404)
    assert b"import" not in client.ask("GET", path).body


def test_the_page_needs_nothing_that_a_strict_policy_forbids():
    html = (PAGE / "index.html").read_text()
    for forbidden in ("<style", "style=", "onclick=", "onload=", "http://", "javascript:"):
        assert forbidden not in html
    assert html.count("<script") == html.count("<script type=\"module\" src=")


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_003])
def test_a_blob_has_its_size_and_known_bytes(client, size):
    answer = client.ask("GET", f"/static/blob?bytes={size}")
    assert int(answer.headers["Content-Length"]) == size
    expected = (bytes(range(251)) * (size // 251 + 1))[:size]
    assert answer.body == expected
    assert client.ask("GET", f"/static/blob?bytes={size}&chunked=1").body == expected


def test_the_echo_counts_and_hashes_a_body_of_either_framing(client):
    body = bytes(range(256)) * 1000
    expected = (len(body), hashlib.sha256(body).hexdigest())
    for payload in (body, iter([body[:77777], body[77777:]])):
        seen = client.ask("POST", "/echo", payload).json
        assert (seen["bytes"], seen["sha256"]) == expected


def test_headers_come_back_in_order_and_spelling(client):
    connection = client.connection()
    connection.putrequest("GET", "/headers?x=1", skip_host=True, skip_accept_encoding=True)
    for name, value in (("Host", "h"), ("X-fOO", "1"), ("x-foo", "2")):
        connection.putheader(name, value)
    connection.endheaders()
    seen = json.loads(connection.getresponse().read())
    assert seen["target"] == "/headers?x=1"
    assert seen["headers"] == [["Host", "h"], ["X-fOO", "1"], ["x-foo", "2"]]


def test_requests_are_counted_and_kept(node, client):
    client.ask("GET", "/headers", headers={"X-Real-IP": "192.0.2.7"})
    client.ask("GET", "/webapp/none.js")
    assert node.state()["requests"]["by_path"] == {"/headers": 1, "/webapp/none.js": 1}
    assert node.state()["requests"]["by_status"] == {"200": 1, "404": 1}
    first, second = node.requests()
    assert (first["status"], second["status"]) == (200, 404)
    assert ["X-Real-IP", "192.0.2.7"] in first["headers"]
    assert first["client"] != second["client"]  # two connections


def test_exchange_scheduling_requests_are_answered(client):
    answer = client.ask("POST", "/api/client/v2/msexchange_schedulers/1/x", b"abc")
    assert answer.result == {
        "method": "POST", "path": "/api/client/v2/msexchange_schedulers/1/x", "bytes": 3}


def test_the_control_endpoints_are_not_on_the_public_port(client):
    assert client.ask("GET", "/_demo/state").status == 404


def test_a_policy_of_the_node_is_sent_when_asked_for(start, client_of, client):
    assert "Content-Security-Policy" not in client.ask("GET", "/headers").headers
    own = client_of(start("--content-security-policy", "default-src 'none'"))
    assert own.ask("GET", "/headers").headers["Content-Security-Policy"] == "default-src 'none'"


def test_ports_are_written_to_files_and_the_certificate_is_kept(start, client_of, tmp_path):
    flags = ("--state", str(tmp_path / "state"), "--port-file", str(tmp_path / "port"),
             "--control-port-file", str(tmp_path / "control"))
    node = start(*flags)
    assert int((tmp_path / "port").read_text()) == node.port
    assert node.control_url.endswith(":" + (tmp_path / "control").read_text().strip())
    certificate = (tmp_path / "state" / "demo-node.pem").read_bytes()
    node.stop()
    client_of(node.restart()).ask("GET", "/headers")
    assert (tmp_path / "state" / "demo-node.pem").read_bytes() == certificate


def test_sigterm_ends_the_node_with_code_0_at_once_though_connections_are_open(node, client):
    idle = client.connection()
    idle.request("GET", "/headers")
    idle.getresponse().read()
    assert node.stop() == 0
    idle.close()


def test_a_port_that_is_taken_is_said_and_the_exit_code_is_1():
    with socket.create_server(("127.0.0.1", 0)) as other:
        node = DemoNode(listen=f"127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(RuntimeError):
            node.start()


def test_a_killed_node_can_return_to_its_port_and_has_forgotten_all_tokens(node, client):
    token = client.join()["token"]
    node.kill()
    node.restart()
    assert client.room("GET", "participants", headers={"token": token}).status == 403
