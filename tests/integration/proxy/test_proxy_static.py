"""Static folders: what is served, how it is told apart and cut, and that nothing leads out of them."""

import hashlib
import os
import re
import subprocess

import pytest

from http2 import Http2Client
from rproxyd import request
from wire import CUT, client_tls

BIG = 64 * 1024 * 1024


@pytest.fixture
def site(tmp_path):
    """A folder with something of everything, beside things that nobody may see."""
    folder = tmp_path / "site"
    (folder / "dir").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / ".git").mkdir()
    (folder / ".well-known").mkdir()
    (folder / "index.html").write_text("<p>home")
    (folder / "dir/index.html").write_text("<p>dir")
    (folder / "digits.txt").write_text("0123456789")
    (folder / "app.js").write_text("let plain")
    (folder / "app.js.gz").write_bytes(b"in gzip")
    (folder / "app.js.br").write_bytes(b"in brotli")
    (folder / "a b%.txt").write_text("odd")
    (folder / ".git/config").write_text("secret")
    (folder / ".env").write_text("secret")
    (folder / ".well-known/assetlinks.json").write_text("[]")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "site-beside").mkdir()
    (tmp_path / "site-beside/secret.txt").write_text("secret")
    return folder


@pytest.fixture
def serve(start, site):
    def serve_site(path: str = "/", **more):
        return start("http://127.0.0.1:1", routes=[{"path": path, "static": str(site), **more}, {"path": "/pool/", "pool": "nodes"}])
    return serve_site


@pytest.fixture
def proxy(serve):
    return serve()


def get(proxy, target: str, *fields: str, method: str = "GET", transport: str = "http"):
    with proxy.connect(transport) as client:
        client.send(request(method, target, "Connection: close", *fields))
        head = client.head()
        return head, client.rest()


# ---- what is served

@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_file_is_served_with_its_type_and_validators(proxy, transport):
    head, body = get(proxy, "/digits.txt?x", transport=transport)
    assert (head.status, head["content-length"], body) == (200, "10", b"0123456789")
    assert head["content-type"] == "text/plain; charset=utf-8" and head["accept-ranges"] == "bytes"
    assert head["x-content-type-options"] == "nosniff" and "content-security-policy" in head
    assert re.fullmatch(r'"[0-9a-f.-]+"', head["etag"]) and head["last-modified"].endswith(" GMT")


def test_a_file_is_served_over_http2(proxy):
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        got = client.get("/digits.txt", ("range", "bytes=2-4"))
        assert got.status == 206 and got.body == b"234" and got.head["content-range"] == ["bytes 2-4/10"]
        assert client.get("/nothing").status == 404


def test_head_gets_the_same_head_without_a_body(proxy):
    with proxy.connect("http") as client:
        client.send(request("GET", "/digits.txt"))
        whole = client.message().head
        client.send(request("HEAD", "/digits.txt", "Range: bytes=0-1"), request("GET", "/digits.txt"))
        head = client.head()
        assert head.status == 200 and [f for f in head.fields if f[0] != "date"] == [f for f in whole.fields if f[0] != "date"]
        assert client.message().body == b"0123456789"


def test_other_methods_are_told_what_a_folder_serves(proxy):
    head, _ = get(proxy, "/digits.txt", method="DELETE")
    assert head.status == 405 and head["allow"] == "GET, HEAD"
    with proxy.connect("http") as client:
        client.send(request("POST", "/digits.txt", body=b"x" * 1000), request("GET", "/digits.txt"))
        assert [client.message().status, client.message().status] == [405, 200]


def test_an_index_serves_what_ends_with_a_slash_and_nothing_is_listed(proxy):
    assert get(proxy, "/")[1] == b"<p>home"
    assert get(proxy, "/dir/")[1] == b"<p>dir"
    head, _ = get(proxy, "/dir?x=1")
    assert head.status == 301 and head["location"] == "/dir/?x=1"
    assert get(proxy, "/empty/")[0].status == 404


def test_a_folder_lies_under_its_route(serve):
    proxy = serve("/branding", index=["digits.txt"])
    head, _ = get(proxy, "/branding")
    assert head.status == 301 and head["location"] == "/branding/"
    assert get(proxy, "/branding/")[1] == b"0123456789"
    assert get(proxy, "/branding/a%20b%25.txt")[1] == b"odd"
    assert get(proxy, "/brandingx/digits.txt")[0].status == 404


def test_a_fallback_serves_the_pages_of_a_web_app(serve):
    proxy = serve("/app/", fallback="index.html")
    assert get(proxy, "/app/m/room")[1] == b"<p>home"
    assert get(proxy, "/app/m/missing.js")[0].status == 404


def test_types_and_cache_control_are_ones_own(serve):
    proxy = serve(types={"js": "application/javascript"}, cache_control="public, max-age=60")
    head, _ = get(proxy, "/app.js")
    assert head["content-type"] == "application/javascript" and head["cache-control"] == "public, max-age=60"


def test_several_web_apps_lie_side_by_side(start, site, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/index.html").write_text("<p>other")
    proxy = start("http://127.0.0.1:1", routes=[
        {"path": "/one/", "static": str(site)}, {"path": "/two/", "static": str(tmp_path / "other")},
        {"path": "/", "hosts": ["other.example.com"], "static": str(tmp_path / "other")}, {"path": "/pool/", "pool": "nodes"}])
    assert get(proxy, "/one/")[1] == b"<p>home" and get(proxy, "/two/")[1] == b"<p>other"
    with proxy.connect("http") as client:
        client.send(request("GET", "/", host="other.example.com"))
        assert client.message().body == b"<p>other"


def test_a_folder_that_is_exchanged_for_another_is_seen(proxy, site, tmp_path):
    """As deployments do it: a new folder, renamed into place."""
    new = tmp_path / "new"
    new.mkdir()
    (new / "index.html").write_text("<p>new")
    site.rename(tmp_path / "old")
    assert get(proxy, "/")[0].status == 404
    new.rename(site)
    assert get(proxy, "/")[1] == b"<p>new"


# ---- conditions and ranges

def test_what_has_not_changed_is_not_sent_again(proxy, site):
    head, _ = get(proxy, "/digits.txt")
    for field in (f"If-None-Match: {head['etag']}", f"If-None-Match: \"x\", W/{head['etag']}", f"If-Modified-Since: {head['last-modified']}"):
        again, body = get(proxy, "/digits.txt", field)
        assert again.status == 304 and body == b"" and again["etag"] == head["etag"], field
    (site / "digits.txt").write_text("9876543210")
    os.utime(site / "digits.txt", (1_000_000_000, 1_000_000_000))
    again, body = get(proxy, "/digits.txt", f"If-None-Match: {head['etag']}")
    assert again.status == 200 and body == b"9876543210" and again["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert get(proxy, "/digits.txt", f"If-Match: {head['etag']}")[0].status == 412
    assert get(proxy, "/digits.txt", "If-Unmodified-Since: Sat, 08 Sep 2001 01:46:40 GMT")[0].status == 412


@pytest.mark.parametrize("field, status, content_range, body", [
    ("bytes=2-4", 206, "bytes 2-4/10", b"234"), ("bytes=7-", 206, "bytes 7-9/10", b"789"), ("bytes=-3", 206, "bytes 7-9/10", b"789"),
    ("bytes=0-99", 206, "bytes 0-9/10", b"0123456789"), ("bytes=10-", 416, "bytes */10", b""), ("bytes=4-2", 200, None, b"0123456789"),
    ("lines=1-2", 200, None, b"0123456789"), ("bytes=0-,0-", 200, None, b"0123456789")])
def test_one_range(proxy, field, status, content_range, body):
    head, got = get(proxy, "/digits.txt", f"Range: {field}")
    assert (head.status, got) == (status, body)
    assert head.all("content-range") == ([content_range] if content_range else [])


def test_several_ranges_are_parts(proxy):
    head, body = get(proxy, "/digits.txt", "Range: bytes=0-1, 4-4, -2")
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", head["content-type"])[1].encode()
    assert head.status == 206 and int(head["content-length"]) == len(body)
    parts = body.split(b"\r\n--" + boundary)
    assert parts[0] == b"" and parts[-1] == b"--\r\n"
    assert [part.split(b"\r\n\r\n")[1] for part in parts[1:-1]] == [b"01", b"4", b"89"]
    assert [b"content-range: bytes %s/10" % each in part for part, each in zip(parts[1:], [b"0-1", b"4-4", b"8-9"])] == [True] * 3


def test_a_range_of_something_else_is_the_whole(proxy):
    head, _ = get(proxy, "/digits.txt")
    assert get(proxy, "/digits.txt", "Range: bytes=0-1", f"If-Range: {head['etag']}")[0].status == 206
    assert get(proxy, "/digits.txt", "Range: bytes=0-1", 'If-Range: "x"')[0].status == 200


# ---- compressed beforehand

@pytest.mark.parametrize("accepted, coding, body", [
    ("gzip, deflate, br", "br", b"in brotli"), ("gzip", "gzip", b"in gzip"), ("br;q=0, gzip", "gzip", b"in gzip"), ("identity", None, b"let plain")])
def test_clients_get_what_they_take(proxy, accepted, coding, body):
    head, got = get(proxy, "/app.js", f"Accept-Encoding: {accepted}")
    assert got == body and head.all("content-encoding") == ([coding] if coding else [])
    assert head["vary"] == "Accept-Encoding" and head["content-type"] == "text/javascript; charset=utf-8"


def test_forms_are_told_apart_by_their_tags(proxy):
    tags = {get(proxy, "/app.js", f"Accept-Encoding: {each}")[0]["etag"] for each in ("br", "gzip", "identity")}
    assert len(tags) == 3


def test_a_compressed_file_that_is_older_is_not_sent(proxy, site):
    for name in ("app.js.gz", "app.js.br"):
        os.utime(site / name, (1_000_000_000, 1_000_000_000))
    assert get(proxy, "/app.js", "Accept-Encoding: gzip, br")[1] == b"let plain"


# ---- no escape

ESCAPES = [
    "/../secret.txt", "/dir/../../secret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/..%2fsecret.txt", "/.%2e/secret.txt",
    "/%252e%252e/secret.txt", "/%252e%252e%252fsecret.txt", "/..%255csecret.txt", "/..\\secret.txt", "/..%5csecret.txt", "/%5c..%5csecret.txt",
    "/..%c0%afsecret.txt", "/%c0%ae%c0%ae/secret.txt", "/%e0%80%ae%e0%80%ae/secret.txt", "/..%ef%bc%8fsecret.txt", "/%uff0e%uff0e/secret.txt",
    "/....//secret.txt", "/..;/secret.txt", "/dir/..;/..;/secret.txt", "/./../secret.txt", "//../secret.txt", "/dir//..//../secret.txt",
    "/digits.txt%00.html", "/%00", "/../site-beside/secret.txt", "-beside/secret.txt", "/..%00/secret.txt", "/.../secret.txt", "/%2e%2e%5csecret.txt",
    "/out-file", "/out-folder/secret.txt", "/out-absolute", "/out-proc/root/etc/passwd", "/out-twice", "/dir/out-up/secret.txt", "/in-absolute",
    "/.git/config", "/%2egit/config", "/.env", "/dir/../.env", "/.GIT/../.env", "/pipe", "/digits.txt/", "/digits.txt/x", "/.", "/..", "/%2e%2e",
    "/" + "a" * 300, "/" + "a/" * 3000]


@pytest.fixture
def linked(site, tmp_path):
    (site / "out-file").symlink_to("../secret.txt")
    (site / "out-folder").symlink_to("..")
    (site / "out-absolute").symlink_to(tmp_path / "secret.txt")
    (site / "out-proc").symlink_to("/proc/self")
    (site / "out-twice").symlink_to("dir/out-up/secret.txt")
    (site / "dir/out-up").symlink_to("../..")
    (site / "in-absolute").symlink_to(site / ".env")
    (site / "in-relative").symlink_to("dir/../digits.txt")
    (site / "dir/in-folder").symlink_to("../dir")
    os.mkfifo(site / "pipe")


@pytest.mark.parametrize("path", ["/", "/a/b/"])
def test_nothing_leads_out_of_the_folder(serve, linked, path):
    proxy = serve(path)
    for escape in ESCAPES:
        with proxy.connect("http") as client:
            client.send(request("GET", path.rstrip("/") + escape, "Connection: close") if escape[0] == "/" else request("GET", path[:-1] + escape, "Connection: close"))
            head = client.head()
            body = client.rest()
            assert b"secret" not in body and b"root:" not in body, escape
            assert head.status in (301, 302, 400, 404) or body in (b"<p>home", b"<p>dir"), (escape, head, body)
    assert get(proxy, path + "digits.txt")[0].status == 200


def test_nothing_leads_out_of_the_folder_over_http2(serve, linked):
    proxy = serve()
    with Http2Client(proxy.connect(tls=client_tls("h2"))) as client:
        for escape in ESCAPES:
            if escape[0] == "/":
                got = client.get(escape)
                assert b"secret" not in got.body and (got.status in (301, 400, 404) or got.body in (b"<p>home", b"<p>dir")), escape


def test_curl_finds_no_way_out(serve, linked):
    proxy = serve()
    for escape in ESCAPES[:20]:
        done = subprocess.run(["curl", "-sk", "--path-as-is", "-o", "-", "-w", "%{http_code}", proxy.url + escape], capture_output=True, timeout=30)
        assert b"secret" not in done.stdout and done.stdout[-3:] in (b"400", b"404"), (escape, done)


def test_links_that_stay_inside_are_followed(serve, linked):
    proxy = serve()
    assert get(proxy, "/in-relative")[1] == b"0123456789"
    assert get(proxy, "/dir/in-folder/")[1] == b"<p>dir"


def test_well_known_names_are_served(proxy):
    """RFC 8615: what mobile clients look for."""
    assert get(proxy, "/.well-known/assetlinks.json")[1] == b"[]"


def test_a_redirect_to_a_folder_is_no_way_to_another_site(proxy, site):
    (site / "evil.example.com").mkdir()
    for target in ("//evil.example.com", "/%2fevil.example.com", "/.//evil.example.com"):
        head, _ = get(proxy, target)
        assert head.status == 301 and head["location"] == "/evil.example.com/", target


# ---- large files

@pytest.fixture
def big(site):
    block = bytes(range(256)) * 4096
    with open(site / "big.bin", "wb") as file:
        for i in range(BIG // len(block)):
            file.write(i.to_bytes(8, "big") + block[8:])
    return hashlib.sha256((site / "big.bin").read_bytes()).hexdigest()


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_large_file_arrives_whole(proxy, big, transport):
    _, body = get(proxy, "/big.bin", transport=transport)
    assert hashlib.sha256(body).hexdigest() == big


def test_a_large_file_arrives_whole_over_http2_and_by_curl(proxy, big, tmp_path):
    for option in ("--http2", "--http1.1"):
        subprocess.run(["curl", "-skf", option, "-o", str(tmp_path / "got"), proxy.url + "/big.bin"], check=True, timeout=60)
        assert hashlib.sha256((tmp_path / "got").read_bytes()).hexdigest() == big
    with open(tmp_path / "got", "r+b") as file:
        file.truncate(1_000_000)
    subprocess.run(["curl", "-skf", "-C", "-", "-o", str(tmp_path / "got"), proxy.url + "/big.bin"], check=True, timeout=60)
    assert hashlib.sha256((tmp_path / "got").read_bytes()).hexdigest() == big


def in_memory(path) -> bool:
    """Whether a file's first page is in the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.preadv(descriptor, [bytearray(4096)], 0, os.RWF_NOWAIT) > 0
    except BlockingIOError:
        return False
    except OSError:  # the file system can't tell
        return True
    finally:
        os.close(descriptor)


def test_a_file_that_is_not_in_memory_is_fetched_meanwhile(proxy, big, site):
    """The page cache is emptied of it; where the file system took no part in that, all is read at once."""
    threads = len(os.listdir(f"/proc/{proxy.pid}/task"))
    descriptor = os.open(site / "big.bin", os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    emptied = not in_memory(site / "big.bin")
    assert hashlib.sha256(get(proxy, "/big.bin")[1]).hexdigest() == big
    if emptied:
        assert len(os.listdir(f"/proc/{proxy.pid}/task")) > threads  # those that read begin with the first read


def test_slow_readers_of_large_files_cost_little_memory(start, site, big):
    """Rule 16: 20 clients that have read nothing of 64 MiB each."""
    proxy = start("http://127.0.0.1:1", honest_memory=True, routes=[{"path": "/", "static": str(site)}, {"path": "/pool/", "pool": "nodes"}])
    get(proxy, "/digits.txt")
    before = proxy.resident_bytes()
    clients = [proxy.connect("http", receive_buffer=4096) for _ in range(20)]
    for client in clients:
        client.send(request("GET", "/big.bin"))
        client.head()
    assert proxy.resident_bytes() - before < 20 * 1024 * 1024
    for client in clients:
        client.close()


def test_a_file_that_becomes_shorter_is_an_answer_that_is_cut(proxy, big, site):
    """Rule 19."""
    with proxy.connect("https", receive_buffer=4096) as client:
        client.send(request("GET", "/big.bin"))
        assert client.head()["content-length"] == str(BIG)
        os.truncate(site / "big.bin", 1000)
        client.rest()
        assert client.end == CUT


def test_other_clients_are_served_while_a_large_file_is_on_its_way(proxy, big):
    with proxy.connect("http", receive_buffer=4096) as slow:
        slow.send(request("GET", "/big.bin"))
        slow.head()
        for _ in range(20):
            assert get(proxy, "/digits.txt")[0].status == 200


# ---- configuration

def test_a_folder_that_is_not_there_is_warned_of(start, site):
    proxy = start("http://127.0.0.1:1", routes=[{"path": "/", "static": "/nonexistent/folder"}, {"path": "/pool/", "pool": "nodes"}])
    assert get(proxy, "/x")[0].status == 404
    proxy.wait_for_log("/nonexistent/folder: No such file or directory")
