"""rproxyd doctor before a real name server, real certificates, rproxyd, and turnd."""

import json
import re

import pytest

from certificates import Certificate, expired_certificate
from daemons import HOST, run
from test_proxy_nodes import NameServer
from turnd import PASSWORD, REALM, USER, Turnd

DOMAIN = "example.test"
NODE_SAYS = b'{"status": "success", "result": "OK"}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("authority"), "authority", authority=True)


@pytest.fixture
def proxy_port(start, authority):
    """rproxyd with a certificate for proxy.example.test, which answers as a node would."""
    made = Certificate(authority.path.parent, "proxy-example", f"DNS:proxy.{DOMAIN}", issuer=authority)
    proxy = start(f"http://{HOST}:1", listeners=[{"address": f"{HOST}:0", "tls": {"certificates": [str(made.file())]}}], routes=[
        {"path": "/api/client/v2/status", "exact": True, "answer": {"status": 200, "body": NODE_SAYS.decode()}},
        {"path": "/", "pool": "nodes"}])
    return proxy.port("https")


@pytest.fixture
def name_server(tmp_path, running):
    server = NameServer(tmp_path)
    running.callback(server.stop)
    return server


@pytest.fixture
def doctor(name_server, authority):
    def ask(*options, records=(), ca=True):
        name_server.start(f"--host-record=proxy.{DOMAIN},{HOST}", f"--host-record=other.{DOMAIN},{HOST}", *records)
        trust = ["--ca", authority.path] if ca else []
        done = run("rproxyd", "doctor", "--domain", DOMAIN, "--dns", f"{HOST}:{name_server.port}", *trust, "--json", *options)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)

    return ask


def srv(target: str, port: int, priority: int = 10, service: str = "_pexapp._tcp") -> str:
    return f"--srv-host={service}.{DOMAIN},{target}.{DOMAIN},{port},{priority},100"


def stories(report) -> dict[str, bool]:
    return {each["client"]: each["reaches"] for each in report["clients"]}


def problems(report) -> str:
    return "\n".join(each["text"] for each in report["findings"] if each["problem"])


def test_a_good_domain_is_healthy(doctor, proxy_port):
    code, report = doctor(records=[srv("proxy", proxy_port)])
    assert (code, report["healthy"], problems(report)) == (0, True, "")
    assert stories(report) == {"desktop app": True, "mobile app": True, "browser": True}


def test_without_records_the_advice_is_the_record(doctor):
    code, report = doctor()
    assert code == 1 and "_pexapp._tcp.example.test" in problems(report)
    assert "SRV 10 100 443" in report["findings"][0]["advice"]
    assert stories(report) == {"desktop app": False, "mobile app": False, "browser": False}


def test_a_target_without_an_address_is_named(doctor):
    code, report = doctor(records=[srv("gone", 443)])
    assert code == 1 and "gone.example.test has no address" in problems(report)


def test_an_alias_that_leads_nowhere_is_a_host_without_an_address(doctor):
    code, report = doctor(records=[srv("alias", 443), f"--cname=alias.{DOMAIN},nowhere.{DOMAIN}"])
    assert code == 1 and "alias.example.test has no address" in problems(report)


def test_a_preferred_host_that_is_closed_costs_the_mobile_app_and_not_the_desktop_app(doctor, proxy_port):
    code, report = doctor(records=[srv("other", 1, priority=5), srv("proxy", proxy_port, priority=20)])
    assert code == 1 and re.search(r"other\.example\.test:1 can't be reached at 127\.0\.0\.1:1: Connection refused", problems(report))
    assert stories(report) == {"desktop app": True, "mobile app": False, "browser": True}
    desktop = report["clients"][0]["steps"]
    assert "other.example.test:1" in desktop[1] and "proxy.example.test" in desktop[2]


def test_a_certificate_for_another_name_is_told_with_its_names(doctor, proxy_port):
    _, report = doctor(records=[srv("other", proxy_port)])
    assert f"the certificate of other.example.test:{proxy_port} is for proxy.example.test" in problems(report)


def test_a_certificate_of_an_unknown_authority_is_not_trusted(doctor, proxy_port):
    _, report = doctor(records=[srv("proxy", proxy_port)], ca=False)
    assert f"clients don't trust the certificate of proxy.example.test:{proxy_port}" in problems(report)


@pytest.fixture
def turnd(running, tmp_path):
    return running.enter_context(Turnd(tmp_path))


def test_a_turn_server_is_found_by_its_record_and_relays_with_credentials(doctor, proxy_port, turnd, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    code, report = doctor("--turn-user", USER, "--turn-password-file", password, "--realm", REALM,
                          records=[srv("proxy", proxy_port), srv("other", turnd.port("udp"), service="_turn._udp")])
    assert code == 0, problems(report)
    found = report["turn"][0]
    assert found["realm"] == REALM and found["mapped"].startswith(HOST) and found["relayed"].startswith(HOST)


@pytest.mark.parametrize("options, told", [
    (["--realm", "example.org"], 'the realm of 127.0.0.1:{port} is "example.com", not "example.org"'),
    (["--turn-user", USER, "--turn-password-file", "{wrong}"], "127.0.0.1:{port} gives no relay to these credentials: it answers 401"),
])
def test_what_is_wrong_with_turn_is_told(doctor, proxy_port, turnd, tmp_path, options, told):
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    wrong.chmod(0o600)
    port = turnd.port("udp")
    options = [each.format(wrong=wrong) for each in options]
    code, report = doctor("--turn", f"{HOST}:{port}", *options, records=[srv("proxy", proxy_port)])
    assert code == 1 and told.format(port=port) in problems(report)


def test_a_turn_server_that_is_closed_is_told(doctor, proxy_port):
    code, report = doctor("--turn", f"{HOST}:1", records=[srv("proxy", proxy_port)])
    assert code == 1 and "127.0.0.1:1 doesn't answer STUN" in problems(report)


def test_people_get_plain_words(name_server, authority, proxy_port):
    name_server.start(f"--host-record=proxy.{DOMAIN},{HOST}", srv("proxy", proxy_port))
    done = run("rproxyd", "doctor", "--domain", DOMAIN, "--dns", f"{HOST}:{name_server.port}", "--ca", authority.path)
    assert done.returncode == 0
    assert f"ok   desktop app: it is served by proxy.example.test:{proxy_port}" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--domain", "a.test", "--turn", "host:x"], ["--domain", "a.test", "--turn-user", "x"]])
def test_wrong_usage_is_2(arguments):
    assert run("rproxyd", "doctor", *arguments).returncode == 2


def test_an_expired_certificate_is_told(doctor, start, tmp_path):
    pem = tmp_path / "expired.pem"
    pem.touch(mode=0o600)
    pem.write_text(expired_certificate(tmp_path))
    proxy = start(f"http://{HOST}:1", listeners=[{"address": f"{HOST}:0", "tls": {"certificates": [str(pem)]}}])
    _, report = doctor("--ca", pem, records=[srv("proxy", proxy.port("https"))], ca=False)
    assert "certificate has expired" in problems(report)
