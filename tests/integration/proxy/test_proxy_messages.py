"""Messages on their way: what the client sends is what the backend gets, and the other way round."""

import pytest

from rproxyd import answer, chunked, request

BODY = bytes(range(256)) * 700  # 175 KiB: more than any one buffer on the way


@pytest.fixture(params=["http", "https"])
def client(request, proxy):
    with proxy.connect(request.param) as connection:
        yield connection


def test_a_request_and_its_answer_cross_unchanged(client, backend):
    client.send(request("GET", "/a/b%2Fc;v=1//d?x=%20&y", "Accept: text/*", "X-Own: 1"))
    there = backend.accept()
    head = there.head()
    assert head.line == "GET /a/b%2Fc;v=1//d?x=%20&y HTTP/1.1"
    assert (head["host"], head["accept"], head["x-own"]) == ("proxy.example.com", "text/*", "1")
    there.send(answer(200, b"hello", "Content-Type: text/plain", "Set-Cookie: a=1", "Set-Cookie: b=2"))
    got = client.message()
    assert (got.status, got.body) == (200, b"hello")
    assert got.head["content-type"] == "text/plain" and got.head.all("set-cookie") == ["a=1", "b=2"]


def test_bodies_cross_by_content_length(client, backend):
    client.send(request("POST", "/", body=BODY))
    there = backend.accept()
    got = there.message()
    assert got.head["content-length"] == str(len(BODY)) and got.body == BODY
    there.send(answer(201, BODY[::-1]))
    got = client.message()
    assert (got.status, got.head["content-length"], got.body) == (201, str(len(BODY)), BODY[::-1])


def test_bodies_cross_in_chunks(client, backend):
    client.send(request("PUT", "/", "Transfer-Encoding: chunked"), chunked(BODY[:10], BODY[10:100_000], BODY[100_000:]))
    there = backend.accept()
    assert there.message().body == BODY
    there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(BODY[:1], BODY[1:]))
    assert client.message().body == BODY


def test_an_empty_body_stays_empty(client, backend):
    client.send(request("POST", "/", "Content-Length: 0"))
    there = backend.accept()
    assert there.head()["content-length"] == "0"
    there.send(answer(200, b""))
    assert client.message().head["content-length"] == "0"


def test_chunk_extensions_are_not_passed_on(client, backend):
    """Rule 3."""
    client.send(request("PUT", "/", "Transfer-Encoding: chunked"), b"3;name=value\r\nabc\r\n0;last\r\n\r\n")
    there = backend.accept()
    there.head()
    assert there.exactly(len(b"3\r\nabc\r\n0\r\n\r\n")) == b"3\r\nabc\r\n0\r\n\r\n"


def test_request_trailers_reach_the_backend_without_those_that_may_not_be_trailers(client, backend):
    """Rule 6."""
    client.send(request("PUT", "/", "Transfer-Encoding: chunked", "Trailer: X-Sum"),
                chunked(b"abc", trailers=("X-Sum: 1", "Authorization: no", "X-Forwarded-For: 192.0.2.1")))
    there = backend.accept()
    assert there.message().trailers == [("x-sum", "1")]


def test_answer_trailers_reach_a_client_that_takes_them(client, backend):
    """Rule 6."""
    answer_with_trailers = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            + chunked(b"abc", trailers=("X-Sum: 1", "Set-Cookie: no=1")))
    client.send(request("GET", "/", "TE: trailers"))
    there = backend.accept()
    head = there.head()
    assert head["te"] == "trailers" and head["connection"] == "te"
    there.send(answer_with_trailers)
    assert client.message().trailers == [("x-sum", "1")]
    client.send(request("GET", "/"))
    assert "te" not in there.head()
    there.send(answer_with_trailers)
    assert client.message().trailers == []


def test_an_answer_to_head_has_a_length_and_no_body(client, backend):
    client.send(request("HEAD", "/"))
    there = backend.accept()
    assert there.head().line == "HEAD / HTTP/1.1"
    there.send(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")
    head = client.head()
    assert (head.status, head["content-length"]) == (200, "12345")
    client.send(request("GET", "/next"))  # which nothing of a body has got into the way of
    assert there.head().line == "GET /next HTTP/1.1"
    there.send(answer(200, b"next"))
    assert client.message().body == b"next"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_by_their_status_end_with_their_head(client, backend, status):
    client.send(request("GET", "/"))
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 %d Whatever\r\nETag: \"e\"\r\n\r\n" % status)
    head = client.head()
    assert (head.status, head["etag"]) == (status, '"e"') and "transfer-encoding" not in head
    client.send(request("GET", "/next"))
    there.head()
    there.send(answer(200, b"next"))
    assert client.message().body == b"next"


def test_an_answer_that_ends_with_its_connection_becomes_chunked(client, backend):
    client.send(request("GET", "/"))
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 200 OK\r\n\r\nuntil ")
    head = client.head()
    assert head["transfer-encoding"] == "chunked"
    assert client.chunk() == b"until "  # not kept until the end
    there.send(b"the end")
    there.close()
    assert client.chunk() + client.chunk() == b"the end"
    assert client.trailers() == []


def test_an_http_1_0_client_gets_an_answer_that_ends_with_the_connection(client, backend):
    client.send(b"GET / HTTP/1.0\r\nHost: proxy.example.com\r\n\r\n")
    there = backend.accept()
    assert there.head().line == "GET / HTTP/1.1"
    there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"abc", b"def"))
    head, _, body = client.rest().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower() and body == b"abcdef"
    assert client.end == "clean"


def test_the_proxy_says_100_continue_and_the_backend_never_sees_expect(client, backend):
    client.send(request("POST", "/", "Expect: 100-continue", "Content-Length: 4"))
    there = backend.accept()
    head = there.head()
    assert "expect" not in head and head["content-length"] == "4"
    assert client.head().line == "HTTP/1.1 100 Continue"
    client.send(b"body")
    assert there.exactly(4) == b"body"
    there.send(answer(200, b"done"))
    assert client.message().body == b"done"


def test_a_client_that_does_not_wait_for_its_100_loses_nothing(client, backend):
    client.send(request("POST", "/", "Expect: 100-continue", body=b"body"))
    there = backend.accept()
    assert there.message().body == b"body"
    there.send(answer(200, b"done"))
    head = client.head()
    if head.status == 100:  # said before the body was seen
        head = client.head()
    assert client.body_of(head).body == b"done"


def test_another_expectation_is_refused(client, backend):
    client.send(request("POST", "/", "Expect: 200-ok", "Content-Length: 4"))
    assert client.message().status == 417


def test_informational_answers_come_before_the_final_one(client, backend):
    client.send(request("GET", "/"))
    there = backend.accept()
    there.head()
    there.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    head = client.head()
    assert (head.status, head["link"]) == (103, "</style.css>")
    there.send(answer(200, b"page"))
    assert client.message().body == b"page"


def test_a_100_from_the_backend_is_not_passed_on(client, backend):
    client.send(request("POST", "/", body=b"body"))
    there = backend.accept()
    there.message()
    there.send(b"HTTP/1.1 100 Continue\r\n\r\n", answer(200, b"done"))
    assert client.message().status == 200


def test_an_early_answer_reaches_the_client_in_the_midst_of_its_body(client, backend):
    client.send(request("POST", "/upload", "Content-Length: 1000"), b"x" * 10)
    there = backend.accept()
    there.head()
    assert there.exactly(10) == b"x" * 10
    there.send(answer(413, b"too large"))
    got = client.message()
    assert (got.status, got.body) == (413, b"too large")
    assert there.rest() == b""  # in mid-request: no connection for anybody else
    client.send(b"x" * 990, request("GET", "/next"))  # the rest of the body is no request
    there = backend.accept()
    assert there.head().line == "GET /next HTTP/1.1"
    there.send(answer(200, b"next"))
    assert client.message().body == b"next"


def test_an_answer_may_begin_while_the_body_is_still_coming(client, backend):
    client.send(request("POST", "/", "Transfer-Encoding: chunked"), b"3\r\nabc\r\n")
    there = backend.accept()
    there.head()
    assert there.chunk() == b"abc"
    there.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n")
    assert client.head().status == 200
    assert client.chunk() == b"well"
    client.send(b"3\r\ndef\r\n0\r\n\r\n")
    assert there.chunk() == b"def" and there.chunk() == b"" and there.trailers() == []
    there.send(b"0\r\n\r\n")
    assert client.chunk() == b"" and client.trailers() == []


def test_a_date_is_added_where_the_backend_sent_none(client, backend):
    """RFC 9110 section 6.6.1."""
    client.send(request("GET", "/"))
    there = backend.accept()
    there.head()
    there.send(answer(200, b"", "Date: Sun, 01 Mar 2026 12:00:00 GMT"))
    assert client.message().head["date"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    client.send(request("GET", "/"))
    there.head()
    there.send(answer(200, b""))
    assert client.message().head["date"].endswith(" GMT")
