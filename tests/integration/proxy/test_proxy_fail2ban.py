"""For those who keep fail2ban: our filters and jails, read by the real thing, and bans at the same attempt as the guard's."""

import json
import re
import subprocess

import pytest

from daemons import ROOT, wait_until
from fail2ban import Fail2ban
from rproxyd import request

FILTERS = ROOT / "deploy/fail2ban/filter.d"
CLIENT = "203.0.113.9"
TOKEN = "/api/client/v2/conferences/demo/request_token"


def ask(proxy, pin: str | None, client: str = CLIENT, target: str = TOKEN, method: str = "POST") -> int:
    """The status of one request of that client."""
    body = json.dumps({"display_name": "Ada"} | ({} if pin is None else {"pin": pin})).encode()
    with proxy.connect(source="127.0.0.2") as wire:
        wire.send(request(method, target, f"X-Forwarded-For: {client}", body=body))
        return wire.message().status


@pytest.fixture
def proxy(start, node, tmp_path):
    def start_guarded(**guard):
        return start(node("node1").url, trusted_proxies=["127.0.0.2"],
                     pin_guard={"enabled": True, "audit_log": str(tmp_path / "audit.log")} | guard)

    return start_guarded


def matched(log, name: str) -> tuple[int, int]:
    """How many lines fail2ban-regex took for failures, and how many it did not."""
    said = subprocess.run(["fail2ban-regex", log, FILTERS / f"{name}.conf"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout + said.stderr
    lines = re.search(r"Lines: \d+ lines, \d+ ignored, (\d+) matched, (\d+) missed", said.stdout)
    assert lines, said.stdout
    return int(lines[1]), int(lines[2])


@pytest.mark.parametrize("format", ["pexip", "combined"])
def test_the_filter_finds_denied_token_requests_in_our_access_log_and_nothing_else(start, node, tmp_path, format):
    proxy = start(node("node1").url, log={"access_format": format})
    denied = [ask(proxy, None), ask(proxy, "0"), ask(proxy, "0", target=TOKEN + "?x=1"), ask(proxy, "0", client="2001:db8::1")]
    assert denied == [403] * 4
    others = [ask(proxy, "1234"), ask(proxy, "0", target=TOKEN.replace("demo", "nobody")),
              ask(proxy, None, target=TOKEN.replace("request", "refresh")), ask(proxy, None, target="/headers", method="GET")]
    assert others == [200, 404, 403, others[3]]
    proxy.access_lines(8)
    assert matched(tmp_path / "access.log", "vestibule-pin") == (4, 4)


def test_a_client_cannot_have_another_banned(start, node, tmp_path):
    """By what it writes into fields that are logged."""
    proxy = start(node("node1").url)
    forged = f'{CLIENT} - - []  "POST {TOKEN} HTTP/1.1" 403 '
    with proxy.connect() as wire:
        wire.send(request("GET", "/headers", f"User-Agent: x\" {forged}", f"Referer: {forged}"))
        wire.message()
    proxy.access_lines(1)
    assert matched(tmp_path / "access.log", "vestibule-pin") == (0, 1)


def test_the_filter_finds_failures_in_the_audit_log_and_nothing_else(proxy, tmp_path):
    running = proxy(max_failures=2, ban_time="1s")
    assert [ask(running, None), ask(running, "0"), ask(running, "1234"), ask(running, "0", client="2001:db8::1"), ask(running, "0")] == [403, 403, 200, 403, 403]
    audit = tmp_path / "audit.log"
    wait_until("the end of the ban", lambda: "ban.ended" in audit.read_text())
    assert matched(audit, "vestibule-pin-audit") == (3, 2)


def test_fail2ban_bans_at_the_same_attempt_as_the_guard_that_counts_as_it_does(proxy, tmp_path):
    running = proxy(count="denied_tokens", max_failures=10)
    audit = tmp_path / "audit.log"
    ask(running, None, client="203.0.113.1")  # so that the log is there
    with Fail2ban(tmp_path, "vestibule-pin", tmp_path / "access.log") as jail:
        wait_until("fail2ban has read it", lambda: jail.failed() == 1)
        for pin in [None, "0"] * 4 + [None]:
            assert ask(running, pin) == 403
        wait_until("fail2ban has read nine more", lambda: jail.failed() == 10)
        assert jail.banned() == [] and "ban.begun" not in audit.read_text()
        assert ask(running, "0") == 403
        wait_until("fail2ban's ban", lambda: jail.banned() == [CLIENT])
        wait_until("the guard's ban", lambda: f"ban.begun: too many attempts failed network={CLIENT}" in audit.read_text())
    assert ask(running, None) == 429


def test_fail2ban_bans_at_the_same_attempt_from_the_audit_log(proxy, tmp_path):
    running = proxy()
    audit = tmp_path / "audit.log"
    with Fail2ban(tmp_path, "vestibule-pin-audit", audit) as jail:
        for pin in ["0", None, "1234"] * 4:
            assert ask(running, pin) == (200 if pin == "1234" else 403)
        wait_until("fail2ban has read four", lambda: jail.failed() == 4)
        assert jail.banned() == [] and "ban.begun" not in audit.read_text()
        assert ask(running, "0") == 403
        wait_until("fail2ban's ban", lambda: jail.banned() == [CLIENT])
        wait_until("the guard's ban", lambda: "ban.begun" in audit.read_text())
    assert ask(running, None) == 429
