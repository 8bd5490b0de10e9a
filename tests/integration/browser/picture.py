#!/usr/bin/python3
"""Takes the picture of the demo page that the README shows, of a running quickstart.

Usage: picture.py ORIGIN PIN FILE.png [SECONDS]    e.g. picture.py https://127.0.0.1:8443 1234 demo.png
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

import chromium
from demo_node.client import Client
from demo_page import DemoPage

CHARTS_FULL_SECONDS = 48


def main(origin: str, pin: str, file: str, seconds: str = str(CHARTS_FULL_SECONDS)) -> None:
    with tempfile.TemporaryDirectory() as profile:
        browser = chromium.start(Path(profile), 1440, 975)
        try:
            page = DemoPage(browser, origin + "/webapp/")
            page.join("Ada Lovelace", pin)
            page.wait_for_state("connected")
            others = Client(origin)
            tokens = [others.join(name, pin)["token"] for name in ("Grace Hopper", "Katherine Johnson")]
            others.room("POST", "message", headers={"token": tokens[0]},
                        body={"payload": "Good morning. The picture is crisp."})
            time.sleep(float(seconds))
            browser.save_screenshot(file)
            for token in tokens:
                others.room("POST", "release_token", headers={"token": token})
            page.find("leave").click()
            page.wait_for_state("idle")
        finally:
            browser.quit()


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
