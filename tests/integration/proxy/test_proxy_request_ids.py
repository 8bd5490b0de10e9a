"""One id for a request: at the node, in the access log, in the log, and in what a person sees."""

import json
import re

import pytest

from daemons import HOST
from rproxyd import answer, request

OURS = re.compile(r"[0-9a-f]{16}")


def seen_by_node(proxy, backend, *fields: str) -> str | None:
    with proxy.connect() as client:
        client.send(request("GET", "/x", *fields))
        there = backend.accept()
        head = there.head()
        there.send(answer(200, b"", "Connection: close"))
        client.message()
    return head["x-request-id"]


def test_the_node_and_the_access_log_have_the_same_id_and_each_request_another(start, backend):
    proxy = start(backend.url, log={"access_format": "json"})
    ids = [seen_by_node(proxy, backend), seen_by_node(proxy, backend, "X-Request-Id: forged")]
    assert all(OURS.fullmatch(each) for each in ids) and ids[0] != ids[1]
    assert [json.loads(line)["request_id"] for line in proxy.access_lines(2)] == ids


def test_a_trusted_proxys_id_is_kept(start, backend):
    proxy = start(backend.url, trusted_proxies=["127.0.0.0/8"], log={"access_format": "extended"})
    assert seen_by_node(proxy, backend, "X-Request-Id: edge-4711") == "edge-4711"
    assert re.search(r' edge-4711 \d+\.\d{3} "' + re.escape(backend.address) + r' 200 \d+\.\d{3}"$', proxy.access_lines()[0])


def test_the_header_can_have_another_name(start, backend):
    proxy = start(backend.url, request_id="X-Correlation-Id")
    assert seen_by_node(proxy, backend, "X-Request-Id: theirs") == "theirs"


def test_an_error_page_names_the_id_that_the_log_has(start):
    proxy = start(f"http://{HOST}:1")
    with proxy.connect() as client:
        client.send(request("GET", "/x"))
        body = client.message().body.decode()
    reference = re.search(r"^Reference: ([0-9a-f]{16})$", body, re.MULTILINE)[1]
    proxy.wait_for_log(f"request_id={reference}")
    assert re.search(rf"exchange\.trouble: .* request_id={reference}", proxy.log)


@pytest.mark.parametrize("name", ["Host", "X_Request-Id", "X-Forwarded-For", "a b"])
def test_a_header_that_means_something_else_is_refused(start, backend, name):
    with pytest.raises(AssertionError, match="request_id"):
        start(backend.url, request_id=name)
