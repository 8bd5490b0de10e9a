"""The guide's example, set up by deploy/setup alone, as a caller's browser on the Internet meets it: Chromium loads the page from the name that the
wizard was given, and its video goes over the relay, on TURN's own port and on port 443."""

import sys

from appliance import TURN, Site
from daemons import write_private
from test_deployment import ROOT, SINGLE, Deployed

sys.path.append(str(ROOT / "tests/integration/browser"))

import chromium  # noqa: E402
from checks import join_after_a_wrong_pin, no_policy_was_violated, video_flows_over_relays  # noqa: E402
from demo_page import DemoPage  # noqa: E402


def test_a_browsers_call_through_the_guides_example(running, tmp_path):
    password = write_private(tmp_path / "password", "admin123\n")
    flags = ["--turn", f"turn:{TURN}:3478?transport=udp", "--turn", f"turns:{TURN}:443?transport=tcp", "--turn-user", "pexip",
             "--turn-password-file", str(password)]
    here = Deployed(running, tmp_path, Site.single_nic(running), *flags)
    here.set_up(SINGLE | {"turnserver": SINGLE["turnserver"] | {"clientturn": True, "port443": True}})
    here.begin()
    with here.site.internet:  # the driver and its browser, and whoever talks to them
        browser = chromium.start(tmp_path / "profile", 1440, 1000, f"--host-resolver-rules=MAP proxy.example.com {TURN}")
        try:
            page = DemoPage(browser, "https://proxy.example.com/")  # and is sent to /webapp/
            join_after_a_wrong_pin(page)
            video_flows_over_relays(page, "udp", seconds=3)
            page.choose_transport("tls")
            page.wait_for("a call over port 443", lambda: (page.demo()["transport"], page.demo()["state"]) == ("tls", "connected"))
            video_flows_over_relays(page, "tls", seconds=3)
            no_policy_was_violated(page)
        finally:
            browser.quit()
    here.site.asked_for_nothing()
