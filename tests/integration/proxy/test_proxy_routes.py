"""Routes by host, path and method; redirects, fixed answers, rewriting, the strict list, error pages."""

import pytest

from http2 import Http2Client
from rproxyd import answer, request
from wire import client_tls


def ask(proxy, target: str, *fields: str, method: str = "GET", **options):
    """What the proxy answers by itself, on a connection of its own."""
    with proxy.connect("http") as client:
        client.send(request(method, target, "Connection: close", *fields, **options))
        head = client.head()
        return head, client.rest()


def fixed(path: str, body: str, **more) -> dict:
    return {"path": path, "answer": {"body": body}, **more}


def test_the_most_specific_route_serves_wherever_it_stands(start, backend):
    proxy = start(backend.url, routes=[
        fixed("/", "all"), fixed("/a/", "a"), fixed("/a/b", "b", exact=True),
        fixed("/", "meet", hosts=["meet.example.com"]), fixed("/", "below", hosts=["*.example.com"]),
        fixed("/a/", "posted", methods=["POST"]), {"path": "/p/", "pool": "nodes"}])
    assert ask(proxy, "/x", host="other.org")[1] == b"all"
    assert ask(proxy, "/a/x", host="other.org")[1] == b"a"
    assert ask(proxy, "/a/x", host="other.org", method="POST")[1] == b"posted"
    assert ask(proxy, "/a/b?x", host="other.org")[1] == b"b"
    assert ask(proxy, "/a/x", host="MEET.example.com:8443")[1] == b"meet"
    assert ask(proxy, "/a/x", host="other.example.com")[1] == b"below"
    assert ask(proxy, "/a/x", host="example.com")[1] == b"a"


def test_hosts_are_told_apart_over_http2(start, backend):
    proxy = start(backend.url, routes=[fixed("/", "all"), fixed("/", "meet", hosts=["proxy.example.com"]), {"path": "/p/", "pool": "nodes"}])
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        assert client.get("/").body == b"meet"
        other = client.send_head([(":method", "GET"), (":scheme", "https"), (":authority", "other.example.com"), (":path", "/")])
        assert client.answer(other).body == b"all"


def test_a_method_without_a_route_is_told_which_have_one(start, backend):
    """RFC 9110 section 15.5.6."""
    proxy = start(backend.url, routes=[{"path": "/", "pool": "nodes", "methods": ["GET", "POST"]}])
    head, _ = ask(proxy, "/", method="DELETE")
    assert head.status == 405 and head["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_has_the_status_of_its_route(start, backend, status):
    proxy = start(backend.url, routes=[{"path": "/old/", "redirect": "https://new.example.com/", "status": status}, {"path": "/", "pool": "nodes"}])
    head, _ = ask(proxy, "/old/x")
    assert head.status == status and head["location"] == "https://new.example.com/"


def test_a_fixed_answer_has_its_status_fields_and_body(start, backend):
    proxy = start(backend.url, routes=[
        {"path": "/gone", "answer": {"status": 410, "body": "<p>gone", "headers": {"Content-Type": "text/html", "X-Own": "1"}}},
        {"path": "/empty", "answer": {"status": 204}}, {"path": "/", "pool": "nodes"}])
    head, body = ask(proxy, "/gone/x")
    assert (head.status, head["content-type"], head["x-own"], body) == (410, "text/html", "1", b"<p>gone")
    head, body = ask(proxy, "/gone", method="HEAD")
    assert (head["content-length"], body) == ("7", b"")
    head, body = ask(proxy, "/empty")
    assert head.status == 204 and "content-length" not in head and body == b""


def test_a_rewrite_changes_what_the_backend_is_asked_for(start, backend):
    """The log has what the client asked for."""
    proxy = start(backend.url, routes=[{"path": "/meet/", "pool": "nodes", "rewrite": "/webapp3/"}, {"path": "/app", "pool": "nodes", "rewrite": "/"}])
    with proxy.connect() as client:
        client.send(request("GET", "/meet/m/a%2Fb?x=/meet/"))
        there = backend.accept()
        assert there.head().line == "GET /webapp3/m/a%2Fb?x=/meet/ HTTP/1.1"
        there.send(answer())
        client.message()
        client.send(request("GET", "/app//evil.example.com/"))
        assert there.head().line == "GET /evil.example.com/ HTTP/1.1"
        there.send(answer())
        client.message()
    assert '"GET /meet/m/a%2Fb?x=/meet/ HTTP/1.1"' in proxy.access_lines(2)[0]
    assert ask(proxy, "/meet/%2e%2e/meet/x")[0].status == 400


STRICT = ["/admin/", "/", "/.well-known/x", "/api/../admin", "/api/%2e%2e/admin", "/%61pi/x", "//api/x", "/api%2f", "/webappx", "/acme2"]


@pytest.mark.parametrize("target", STRICT)
def test_conferencing_paths_keep_everything_else_from_the_nodes(start, backend, target):
    proxy = start(backend.url, paths="conferencing", branding_paths=["acme"])
    assert ask(proxy, target)[0].status in (400, 404)
    assert not backend.waits(0)


@pytest.mark.parametrize("target", ["/api/client/v2/status", "/webapp/", "/webapp2/x", "/static/a.js", "/teams/", "/acme/x",
                                    "/api/client/v2/msexchange_schedulers/1/meetings"])
def test_conferencing_paths_are_what_clients_use(start, backend, target):
    proxy = start(backend.url, paths="conferencing", branding_paths=["acme"])
    with proxy.connect() as client:
        client.send(request("GET", target))
        there = backend.accept()
        assert there.head().line == f"GET {target} HTTP/1.1"
        there.send(answer(200, b"yes"))
        assert client.message().body == b"yes"


def test_routes_that_the_strict_list_leaves_nothing_of_are_warned_of(start, backend):
    proxy = start(backend.url, paths="conferencing", branding_paths=["acme"], routes=[
        {"path": "/", "pool": "nodes"}, {"path": "/acme/", "pool": "nodes"}, {"path": "/other/", "pool": "nodes"},
        {"path": "/meet/", "pool": "nodes", "rewrite": "/webapp3/"}, {"path": "/own/", "answer": {}}])
    proxy.wait_for_log("never served")
    assert [line for line in proxy.log.splitlines() if "never served" in line and "/routes/2/path" in line]
    assert proxy.log.count("never served") == 1


def test_outlook_scheduling_is_balanced_like_the_rest(start, new_backend):
    backends = [new_backend(), new_backend()]
    proxy = start(*[each.url for each in backends], paths="conferencing", pool={"affinity": "none"})
    target = "/api/client/v2/msexchange_schedulers/1/meetings"
    with proxy.connect() as client:
        for each in (backends[0], backends[1]):
            client.send(request("POST", target, body=b"{}"))
            there = each.accept()
            assert there.message().head.line == f"POST {target} HTTP/1.1"
            there.send(answer(200, b"{}", "Connection: close"))
            assert client.message().status == 200


def test_error_pages_are_sent_for_the_proxys_own_errors_alone(start, backend, tmp_path):
    (tmp_path / "404.html").write_text("<p>nothing")
    (tmp_path / "50x.html").write_text("<p>later")
    proxy = start(backend.url, "http://127.0.0.1:1", routes=[{"path": "/p/", "pool": "nodes"}], pool={"servers": ["http://127.0.0.1:1"]},
                  error_pages={"404": "404.html", "50x": str(tmp_path / "50x.html")})
    head, body = ask(proxy, "/x")
    assert (head.status, head["content-type"], body) == (404, "text/html; charset=utf-8", b"<p>nothing")
    head, body = ask(proxy, "/p/")
    assert (head.status, body) == (502, b"<p>later")


def test_a_nodes_own_error_passes_as_it_is(start, backend, tmp_path):
    (tmp_path / "404.html").write_text("<p>nothing")
    proxy = start(backend.url, error_pages={"404": "404.html"})
    with proxy.connect() as client:
        client.send(request("GET", "/x"))
        there = backend.accept()
        there.head()
        there.send(answer(404, b"{}", "Content-Type: application/json"))
        got = client.message()
        assert (got.status, got.body) == (404, b"{}")


# ---- ACME, http-01

@pytest.fixture
def port_80(start, certificate, tmp_path):
    """A listener that redirects, and answers challenges."""
    (tmp_path / "acme").mkdir()
    proxy = start("http://127.0.0.1:1", listeners=[
        {"address": "127.0.0.1:0", "redirect_https": True, "acme_challenges": str(tmp_path / "acme")},
        {"address": "127.0.0.1:0", "tls": {"certificates": [str(certificate.file())]}}])
    return proxy


def test_a_challenge_is_answered_on_port_80_before_the_redirect(port_80, tmp_path):
    """As certbot --webroot does it: a file appears, the authority asks for it, the file goes (RFC 8555 section 8.3)."""
    token, proof = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowy_jxAjEuA", b"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowy_jxAjEuA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
    target = f"/.well-known/acme-challenge/{token}"
    assert ask(port_80, target)[0].status == 404
    folder = tmp_path / "acme/.well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / token).write_bytes(proof)
    head, body = ask(port_80, target)
    assert (head.status, body) == (200, proof)
    (folder / token).unlink()
    (tmp_path / "acme" / token).write_bytes(b"directly")
    assert ask(port_80, target)[1] == b"directly"
    head, _ = ask(port_80, "/webapp/?x")
    assert head.status == 301 and head["location"] == "https://proxy.example.com/webapp/?x"


@pytest.mark.parametrize("rest", ["../../secret", "%2e%2e/secret", "..%2f..%2fsecret", "a/../../../secret", "", "secret.txt", ".hidden", "link", "%73ecret"])
def test_nothing_but_a_challenge_comes_out_of_its_folder(port_80, tmp_path, rest):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "acme/secret.txt").write_text("secret")
    (tmp_path / "acme/.hidden").write_text("secret")
    (tmp_path / "acme/link").symlink_to("../secret")
    head, body = ask(port_80, "/.well-known/acme-challenge/" + rest)
    assert head.status in (301, 400, 404) and body != b"secret"
