"""Faults on demand, seen as raw bytes from the client's side."""

import os
import socket
import ssl

import pytest

from demo_node.client import unverified

REQUEST = b"GET /api/client/v2/status HTTP/1.1\r\nHost: node\r\n\r\n"


def connect(node) -> ssl.SSLSocket:
    plain = socket.create_connection((node.host, node.port), timeout=10)
    return unverified().wrap_socket(plain, server_hostname=node.host,
                                    suppress_ragged_eofs=False)


def exchange(node) -> tuple[bytes, str]:
    """All bytes of the answer, and how it ended: close (TLS close), fin, or reset."""
    with connect(node) as connection:
        connection.sendall(REQUEST)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ssl.SSLEOFError:  # the socket's own error, as Python's ssl reports it
            return received, "reset"
        except ssl.SSLError as error:
            assert error.reason == "UNEXPECTED_EOF_WHILE_READING"
            return received, "fin"
        return received, "close"


@pytest.mark.parametrize("end", ["reset", "fin", "close"])
def test_dying_mid_answer_sends_half_of_the_announced_length(node, end):
    node.fault(kind="die_mid_answer", bytes=10000, end=end)
    received, seen = exchange(node)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Length: 10000" in head
    assert len(body) == 5000
    assert seen == end


@pytest.mark.parametrize("end", ["reset", "fin", "close"])
def test_dying_before_the_answer_sends_nothing(node, end):
    node.fault(kind="die_before_answer", end=end)
    assert exchange(node) == (b"", end)


def test_dying_mid_head_sends_no_whole_head(node):
    node.fault(kind="die_mid_head")
    received, seen = exchange(node)
    assert received.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" not in received
    assert seen == "reset"


def test_dying_mid_chunks_never_sends_the_last_chunk(node):
    node.fault(kind="die_mid_chunks", end="fin")
    received, _ = exchange(node)
    assert b"Transfer-Encoding: chunked" in received and not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("claim, sent", [(10, 30), (30, 10), (0, 5)])
def test_a_lying_length_differs_from_the_body(node, claim, sent):
    node.fault(kind="lying_length", claim=claim, bytes=sent)
    head, _, body = exchange(node)[0].partition(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % claim in head + b"\r\n" and len(body) == sent


def test_endless_chunks_go_on_until_the_client_leaves(node):
    node.fault(kind="endless", rate=10_000_000)
    with connect(node) as connection:
        connection.sendall(REQUEST)
        count = 0
        while count < 1_000_000:
            count += len(connection.recv(65536))
    while node.state()["requests"]["in_progress"]:
        pass


def test_hanging_answers_nothing_and_ends_when_the_client_leaves(node):
    node.fault(kind="hang")
    with connect(node) as connection:
        connection.sendall(REQUEST)
        while node.state()["requests"]["in_progress"] != 1:
            pass
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    while node.state()["requests"]["in_progress"]:
        pass


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_status_fault_is_a_whole_answer(node, client, status):
    node.fault(kind="status", status=status, headers={"Retry-After": "1"})
    answer = client.ask("GET", "/api/client/v2/status")
    assert (answer.status, answer.headers["Retry-After"]) == (status, "1")


def test_a_slow_head_is_the_right_answer_late(node, client):
    node.fault(kind="slow_head", delay=0.3)
    assert client.ask("GET", "/api/client/v2/status").result == "OK"


def test_a_slow_body_has_its_whole_length(node, client):
    node.fault(kind="slow_body", bytes=3000, rate=10_000)
    assert len(client.ask("GET", "/webapp/").body) == 3000


def test_garbage_is_no_http(node):
    node.fault(kind="garbage")
    assert not exchange(node)[0].startswith(b"HTTP/")


def test_a_fault_hits_its_path_and_method_its_number_of_times_after_the_skipped(node, client):
    node.fault(kind="status", status=502, path="/api", method="GET", count=2, skip=1)
    asked = [("GET", "/headers"), ("POST", "/api/client/v2/status"),
             ("GET", "/api/client/v2/status"), ("GET", "/api/client/v2/status"),
             ("GET", "/api/client/v2/status"), ("GET", "/api/client/v2/status")]
    assert [client.ask(*each).status for each in asked] == [200, 405, 200, 502, 502, 200]


def test_faults_without_a_count_last_until_they_are_cleared(node, client):
    node.fault(kind="status", status=504, count=None)
    assert {client.ask("GET", "/headers").status for _ in range(5)} == {504}
    node.control("DELETE", "faults")
    assert client.ask("GET", "/headers").status == 200


def test_the_port_refuses_and_comes_back_under_the_same_number(node, client):
    kept = client.connection()
    kept.request("GET", "/headers")
    kept.getresponse().read()
    node.listener("refuse")
    with pytest.raises(ConnectionRefusedError):
        connect(node)
    kept.request("GET", "/headers")  # what was established stays
    assert kept.getresponse().status == 200
    kept.close()
    node.listener("open")
    assert client.ask("GET", "/headers").status == 200


def test_the_port_resets_what_it_accepts(node, client):
    node.listener("reset")
    with pytest.raises(ConnectionResetError):
        connect(node)
    node.listener("open")
    assert client.ask("GET", "/headers").status == 200


def test_the_port_accepts_and_stays_silent(node, client):
    node.listener("silent")
    with socket.create_connection((node.host, node.port), timeout=0.3) as connection:
        connection.sendall(b"\x16\x03\x01")
        with pytest.raises(TimeoutError):
            connection.recv(1)
    node.listener("open")
    assert client.ask("GET", "/headers").status == 200


def test_established_connections_can_be_reset(node):
    with connect(node) as connection:
        connection.sendall(REQUEST)
        assert b"200 OK" in connection.recv(65536)
        assert node.control("POST", "connections/reset") == {"reset": 1}
        with socket.socket(fileno=os.dup(connection.fileno())) as beneath_tls:
            beneath_tls.settimeout(10)
            with pytest.raises(ConnectionResetError):
                while beneath_tls.recv(65536):  # session tickets may wait there
                    pass


@pytest.mark.parametrize("fault", [
    {"kind": "nonsense"}, {}, {"kind": "hang", "colour": "red"}, {"kind": "hang", "end": "bang"}])
def test_what_is_no_fault_is_refused(node, fault):
    with pytest.raises(OSError, match="400"):
        node.control("POST", "faults", fault)
