"""The page for people, in Chromium: looked at, and its buttons clicked. Pictures are kept in build/browser."""

import http.server
import json
import sys
import threading
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/integration/browser"))

import chromium  # noqa: E402
from admin import ask  # noqa: E402
from daemons import HOST, run, wait_until, write_private  # noqa: E402
from turnd import TurnClient  # noqa: E402

TOKEN = "a-token-that-nobody-guesses"
PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    started = chromium.start(tmp_path_factory.mktemp("chromium"))
    yield started
    started.quit()


def origin(daemon) -> str:
    return f"http://{HOST}:{daemon.port('admin')}"


def text(browser, selector: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


def shows(browser, selector: str, expected: str) -> None:
    def there():
        found = browser.find_elements(By.CSS_SELECTOR, selector)
        return any(expected in each.text for each in found)
    wait_until(f"{expected!r} in {selector}", there)


def look_like(browser, width: int, scheme: str) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE})


def keep_picture(browser, name: str, width: int) -> None:
    height = browser.execute_script("return document.documentElement.scrollHeight")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == PHONE})
    folder = ROOT / "build/browser"
    folder.mkdir(parents=True, exist_ok=True)
    assert browser.save_screenshot(str(folder / f"{name}.png"))


def complaints(browser) -> list[str]:
    """What the page itself did wrong: scripts that failed, and what its policy had to stop."""
    return [each["message"] for each in browser.get_log("browser") if "favicon" not in each["message"]]


@pytest.fixture
def proxy(start):
    """Two bans and a node that is not there."""
    daemon = start("rproxyd", pin_guard={"enabled": True}, pool={"health": {"interval": "500ms", "timeout": "400ms"}})
    for address in ("203.0.113.7", "2001:db8:1:2::/64"):
        assert run("rproxyd", "bans", "add", address, "--socket", daemon.folder / "rproxyd.sock").returncode == 0
    return daemon


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_page_shows_the_daemon_at_a_glance(browser, proxy, width, scheme):
    complaints(browser)
    look_like(browser, width, scheme)
    browser.get(origin(proxy))
    shows(browser, "#state-text", "No node is up")
    shows(browser, "#bans-list", "203.0.113.7")
    shows(browser, "#listeners-list", f"{HOST}:{proxy.port('https')} HTTPS")
    shows(browser, "#configuration-list", str(proxy.config))
    shows(browser, "#age", "Live")
    # Nothing sticks out at the side.
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    keep_picture(browser, f"admin-rproxyd-{scheme}-{width}", width)
    assert complaints(browser) == []


def test_a_ban_is_lifted_and_another_added(browser, proxy):
    look_like(browser, DESK, "light")
    browser.get(origin(proxy))
    shows(browser, "#bans-list", "203.0.113.7")
    browser.find_element(By.CSS_SELECTOR, "[aria-label='Lift the ban of 203.0.113.7']").click()
    shows(browser, "#said", "203.0.113.7 is no longer banned")
    wait_until("the row to go", lambda: "203.0.113.7" not in text(browser, "#bans-list"))
    assert "2001:db8:1:2::/64" in text(browser, "#bans-list")
    browser.find_element(By.ID, "ban-address").send_keys("198.51.100.9", Keys.ENTER)
    shows(browser, "#bans-list", "198.51.100.9")
    listed = run("rproxyd", "bans", "--socket", proxy.folder / "rproxyd.sock").stdout
    assert "198.51.100.9" in listed and "203.0.113.7" not in listed
    browser.find_element(By.ID, "ban-address").send_keys("nonsense", Keys.ENTER)
    shows(browser, "#said", "nonsense is not an address")


def test_the_keyboard_is_enough(browser, proxy):
    look_like(browser, DESK, "light")
    browser.get(origin(proxy))
    shows(browser, "#bans-list", "203.0.113.7")
    wanted = "Lift the ban of 203.0.113.7"
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        if focused.get_attribute("aria-label") == wanted:
            break
    assert focused.get_attribute("aria-label") == wanted
    assert browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    focused.send_keys(Keys.ENTER)
    wait_until("the row to go", lambda: "203.0.113.7" not in text(browser, "#bans-list"))
    # The focus stays nearby.
    assert browser.execute_script("return document.activeElement !== document.body")


def test_an_answer_that_fails_to_come_is_said_with_the_age_of_what_is_shown(browser, proxy):
    look_like(browser, DESK, "light")
    browser.get(origin(proxy))
    shows(browser, "#age", "Live")
    proxy.stop()
    shows(browser, "#unreachable", "can’t be reached")
    shows(browser, "#unreachable", "old")
    assert "can’t be reached" in browser.title
    keep_picture(browser, "admin-unreachable", DESK)


def test_turnd_shows_its_own(browser, start, running):
    daemon = start("turnd")
    client = running.enter_context(TurnClient(daemon.address("udp")))
    client.allocate()
    for width, scheme in ((DESK, "light"), (PHONE, "dark")):
        complaints(browser)
        look_like(browser, width, scheme)
        browser.get(origin(daemon))
        shows(browser, "#state-text", "Serving")
        shows(browser, "#listeners-list", "UDP")
        assert not browser.find_element(By.ID, "bans").is_displayed()
        keep_picture(browser, f"admin-turnd-{scheme}-{width}", width)


def test_people_sign_in_and_out(browser, start, tmp_path):
    token_file = write_private(tmp_path / "token", TOKEN)
    daemon = start("rproxyd", admin={"token_file": str(token_file)})
    look_like(browser, DESK, "light")
    browser.get(origin(daemon))
    for token, seen in (("not-the-token", ".wrong"), (TOKEN, "#state-text")):
        browser.find_element(By.ID, "token").send_keys(token, Keys.ENTER)
        wait_until(seen, lambda wanted=seen: browser.find_elements(By.CSS_SELECTOR, wanted) and text(browser, wanted))
    shows(browser, "#state-text", "Serving")
    assert browser.execute_script("return document.cookie") == ""
    browser.find_element(By.CSS_SELECTOR, "#sign-out button").click()
    wait_until("the form", lambda: browser.find_elements(By.ID, "token"))


def other_site(page: str):
    """Another origin of the same machine, with this page."""
    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((HOST, 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_another_site_can_neither_frame_it_nor_order_anything(browser, proxy, running):
    page = """<iframe id=f src="%s/"></iframe><form id=c method=post action="%s/command" enctype="text/plain" target=t>
      <input name='{"command":"bans","action":"clear","x":"' value='"}'></form><iframe name=t></iframe>""".replace("%s", origin(proxy))
    site = other_site(page)
    running.callback(site.server_close)
    running.callback(site.shutdown)
    complaints(browser)
    browser.get(f"http://{HOST}:{site.server_port}/")
    wait_until("the frame to be refused", lambda: any("frame-ancestors" in each or "X-Frame-Options" in each for each in complaints(browser)))
    fetched = """const done = arguments[arguments.length - 1];
      const post = (options) => fetch(arguments[0] + "/command", {method: "POST", body: '{"command":"bans","action":"clear"}', ...options})
        .then((answer) => answer.type === "opaque" ? "sent" : "read", () => "refused");
      document.getElementById("c").submit();
      Promise.all([post({headers: {"Content-Type": "application/json"}}), post({mode: "no-cors", credentials: "include"})]).then(done)"""
    assert browser.execute_async_script(fetched, origin(proxy)) in (["refused", "sent"], ["refused", "refused"])
    bans = json.loads(ask(proxy, "/command", "POST", json.dumps({"command": "bans", "action": "list"}), Content_Type="application/json")[2])
    assert len(bans["bans"]) == 2


def test_a_session_is_seen_and_ended(browser, start, running):
    daemon = start("turnd")
    client = running.enter_context(TurnClient(daemon.address("udp")))
    client.allocate()
    look_like(browser, DESK, "light")
    browser.get(origin(daemon))
    shows(browser, "#sessions-list", "pexip")
    keep_picture(browser, "admin-sessions", DESK)
    look_like(browser, DESK, "light")
    browser.find_element(By.CSS_SELECTOR, "#sessions-list button").click()
    shows(browser, "#confirm-text", "What it relays is cut at once")
    browser.find_element(By.ID, "confirm-no").click()
    assert "pexip" in text(browser, "#sessions-list")
    browser.find_element(By.CSS_SELECTOR, "#sessions-list button").click()
    browser.find_element(By.ID, "confirm-yes").click()
    shows(browser, "#said", "has been ended")
    shows(browser, "#sessions-none", "Nobody is relaying")
