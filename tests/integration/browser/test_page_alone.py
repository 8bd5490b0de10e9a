"""The demo page on a node of its own with coturn as its relay: what fails here is the page's."""

import pytest

from checks import join_after_a_wrong_pin, no_policy_was_violated, video_flows_over_relays
from demo_node.client import Client
from demo_node.process import DemoNode
from servers import Coturn, node_flags

STRICT_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    with Coturn(folder) as turn, DemoNode(
            *node_flags(folder, turn.urls), "--content-security-policy", STRICT_POLICY) as started:
        yield started


def test_the_page_calls_itself_over_each_transport_under_a_strict_policy(node, open_page, screenshot):
    page = open_page(node.url)
    screenshot("join")
    join_after_a_wrong_pin(page)
    for transport in page.demo()["transports"]:
        page.choose_transport(transport)
        page.wait_for(f"a call over {transport}", lambda t=transport: (
            page.demo()["transport"], page.demo()["state"]) == (t, "connected"))
        video_flows_over_relays(page, transport, seconds=2)
    assert page.demo()["transports"] == ["udp", "tcp", "tls"]
    no_policy_was_violated(page)


def test_the_page_shows_who_comes_goes_and_speaks(node, open_page):
    page = open_page(node.url)
    page.join("Ada", pin="1234")
    page.wait_for_state("connected")

    others = Client(node.url)
    grace = others.join("Grace")
    page.wait_for("Grace", lambda: "Grace" in page.find("roster").text)
    others.room("POST", "message", headers={"token": grace["token"]}, body={"payload": "<b>hello</b>"})
    page.wait_for("the message", lambda: "Grace: <b>hello</b>" in page.find("log").text)
    others.room("POST", "release_token", headers={"token": grace["token"]})
    page.wait_for("Grace to leave", lambda: "Grace" not in page.find("roster").text)

    page.find("leave").click()
    page.wait_for_state("idle")
    page.wait_for("the token's release", lambda: node.state()["tokens"] == 0)


def test_the_page_finds_back_when_its_node_has_forgotten_it_and_the_call_goes_on(node, open_page):
    page = open_page(node.url)
    page.join("Ada", pin="1234")
    page.wait_for_state("connected")
    before = page.demo()["participant"]
    node.kill()
    video_flows_over_relays(page, "udp", seconds=1)
    node.restart()
    page.wait_for("a new participant", lambda: page.demo()["participant"] != before)
    page.wait_for("the roster", lambda: len(page.demo()["participants"]) == 1)
    video_flows_over_relays(page, "udp", seconds=1)


@pytest.mark.parametrize("room, pin, error", [
    ("demo", "", "pin_required"), ("nowhere", "1234", "unknown_room"),
    ("reception", "", "extension_required")])
def test_the_page_says_why_it_can_not_join(node, open_page, room, pin, error):
    page = open_page(node.url)
    page.join("Ada", pin=pin, room=room)
    page.wait_for("the error", lambda: page.demo()["error"] == error)
    assert page.visible("join-error") and page.visible("join-form")


def test_the_form_works_by_keyboard_alone(node, open_page, browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page = open_page(node.url)
    page.find("name").click()
    keys = ActionChains(browser)
    keys.send_keys(Keys.TAB, Keys.TAB, "1234", Keys.ENTER).perform()
    page.wait_for_state("connected")
    assert browser.switch_to.active_element.get_attribute("id") == "leave"
    ActionChains(browser).send_keys(Keys.SPACE).perform()
    page.wait_for_state("idle")
