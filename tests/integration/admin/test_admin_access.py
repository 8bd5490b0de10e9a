"""Who gets at the admin address, and from where a browser can be made to."""

import json
import ssl
import urllib.request
from urllib.error import HTTPError

import pytest

from admin import ask
from certificates import Certificate
from daemons import HOST, run, wait_until, write_private
from rproxyd import configuration

TOKEN = "a-token-that-nobody-guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CLEAR = json.dumps({"command": "bans", "action": "clear"})
AS_JSON = {"Content_Type": "application/json"}


@pytest.fixture
def token_file(tmp_path):
    return str(write_private(tmp_path / "token", TOKEN + "\n"))


@pytest.fixture
def closed(start, token_file):
    return start("rproxyd", admin={"token_file": token_file}, pin_guard={"enabled": True})


def sign_in(daemon, token: str, **fields):
    return ask(daemon, "/sign-in", "POST", f"token={token}", Content_Type="application/x-www-form-urlencoded", **fields)


def test_only_the_token_lets_in(closed):
    for path in ("/healthz", "/readyz", "/metrics", "/status"):
        assert ask(closed, path)[0] == 401
        assert ask(closed, path, Authorization="Bearer guess-number-one")[0] in (401, 429)
    assert ask(closed, "/command", "POST", CLEAR, **AS_JSON)[0] == 401
    closed.wait_for_log("admin.wrong_token")
    assert TOKEN not in closed.log


def test_programs_show_the_token_and_people_sign_in(closed):
    assert ask(closed, "/status", **BEARER)[0] == 200
    status, fields, page = ask(closed, "/")
    assert status == 401 and 'action="/sign-in"' in page
    assert sign_in(closed, "wrong")[0] == 403
    status, fields, _ = sign_in(closed, TOKEN)
    assert (status, fields["Location"]) == (303, "/")
    cookie = fields["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    assert ask(closed, "/status", **session)[0] == 200
    assert ask(closed, "/command", "POST", CLEAR, **AS_JSON, **session)[2] == '{"lifted":0,"ok":true}\n'
    assert ask(closed, "/sign-out", "POST", "", **session)[0] == 303
    assert ask(closed, "/status", **session)[0] == 401


def test_who_guesses_has_to_wait_and_is_said_once(closed):
    answers = [ask(closed, "/status", Authorization=f"Bearer guess-{i}")[0] for i in range(8)]
    assert answers == [401] * 5 + [429] * 3
    assert ask(closed, "/status", **BEARER)[0] == 429
    closed.wait_for_log("admin.wrong_token")
    closed.stop()
    assert closed.log.count("admin.wrong_token") == 1


def test_a_name_that_is_not_ours_gets_nothing_without_a_token(start):
    daemon = start("turnd", admin={"names": ["turn.example.com"]})
    for host in ("localhost", f"localhost:{daemon.port('admin')}", HOST, "[::1]", "turn.example.com"):
        assert ask(daemon, "/status", Host=host)[0] == 200
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert ask(daemon, "/status", Host=host)[0] == 421
        assert ask(daemon, "/command", "POST", CLEAR, Host=host, **AS_JSON)[0] == 421


def test_what_another_page_sends_is_refused(start):
    daemon = start("rproxyd", pin_guard={"enabled": True})
    here = f"http://{HOST}:{daemon.port('admin')}"
    assert ask(daemon, "/command", "POST", CLEAR, Origin=here, Sec_Fetch_Site="same-origin", **AS_JSON)[0] == 200
    for fields in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": f"http://{HOST}:1"}, {"Sec_Fetch_Site": "cross-site"},
                   {"Sec_Fetch_Site": "same-site"}):
        assert ask(daemon, "/command", "POST", CLEAR, **AS_JSON, **fields)[0] == 403
    # What a form can send.
    assert ask(daemon, "/command", "POST", CLEAR, Content_Type="text/plain")[0] == 415
    assert ask(daemon, "/command", "OPTIONS", Origin="https://evil.example")[0] == 405


def test_answers_may_not_be_framed_guessed_at_or_kept(start):
    daemon = start("rproxyd")
    for path in ("/", "/status", "/nowhere"):
        fields = ask(daemon, path)[1]
        assert fields["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in fields["Content-Security-Policy"]
        assert "http" not in fields["Content-Security-Policy"]
        assert fields["X-Content-Type-Options"] == "nosniff"
        assert fields["Cache-Control"] == "no-store"
        assert fields["Referrer-Policy"] == ("same-origin" if path == "/" else "no-referrer")
        assert "Access-Control-Allow-Origin" not in fields


def test_read_only_changes_nothing(start):
    daemon = start("rproxyd", admin={"read_only": True}, pin_guard={"enabled": True})
    assert ask(daemon, "/command", "POST", CLEAR, **AS_JSON)[0] == 403
    assert ask(daemon, "/command", "POST", json.dumps({"command": "bans", "action": "list"}), **AS_JSON)[0] == 200
    assert json.loads(ask(daemon, "/status")[2])["page"] == {"commands": False, "signed_in": False}


def test_commands_of_the_socket_alone_are_not_passed_on(start):
    daemon = start("rproxyd")
    for name in ("status", "take_over", "nonsense"):
        assert ask(daemon, "/command", "POST", json.dumps({"command": name}), **AS_JSON)[0] == 404


def over_https(daemon, path: str, certificate=None, **fields) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    request = urllib.request.Request(f"https://{HOST}:{daemon.port('admin')}{path}", headers=fields)
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status
    except HTTPError as refused:
        return refused.code


def test_a_certificate_of_the_configured_authority_lets_in(start, tmp_path, certificate, token_file):
    authority = Certificate(tmp_path, "authority", authority=True)
    other = Certificate(tmp_path, "other", authority=True)
    ours = Certificate(tmp_path, "ours", issuer=authority)
    theirs = Certificate(tmp_path, "theirs", issuer=other)
    daemon = start("rproxyd", admin={"token_file": token_file,
                                     "tls": {"certificates": [str(certificate.file())], "client_ca_file": str(authority.file())}})
    assert over_https(daemon, "/status") == 401
    assert over_https(daemon, "/status", ours.file()) == 200
    assert over_https(daemon, "/status", **BEARER) == 200
    with pytest.raises(OSError):
        over_https(daemon, "/status", theirs.file())


def check(tmp_path, certificate, **admin):
    configured = configuration(tmp_path, certificate.file(), [f"http://{HOST}:9"], admin=admin)
    return run("rproxyd", "check", "--config", write_private(tmp_path / "checked.json", json.dumps(configured)))


def test_an_open_address_that_others_reach_is_refused(tmp_path, certificate, token_file):
    done = check(tmp_path, certificate, address="0.0.0.0:9442")
    assert done.returncode == 1 and "can be reached from other machines" in done.stdout
    done = check(tmp_path, certificate, address="0.0.0.0:9442", token_file=token_file)
    assert done.returncode == 0 and "the token crosses the network unencrypted" in done.stdout
    done = check(tmp_path, certificate, address="0.0.0.0:9442", token_file=token_file, tls={"certificates": [str(certificate.file())]})
    assert done.returncode == 0 and "admin" not in done.stdout
    done = check(tmp_path, certificate, address="0.0.0.0:9442", tls={"certificates": ["/nowhere.pem"], "client_ca_file": "/nowhere.pem"})
    assert done.returncode == 1 and "/admin/tls/client_ca_file" in done.stdout and "/admin/tls/certificates/0" in done.stdout


def test_history_grows(start):
    daemon = start("turnd")
    wait_until("a point of history", lambda: len(json.loads(ask(daemon, "/status")[2])["history"]["at"]) >= 1)
    assert json.loads(ask(daemon, "/status?points=0")[2])["history"]["at"] == []
