import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))

import chromium  # noqa: E402
from demo_page import DemoPage  # noqa: E402


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    started = chromium.start(tmp_path_factory.mktemp("chromium"))
    yield started
    started.quit()


@pytest.fixture
def open_page(browser):
    """Opens the demo page at an origin; leaves the room after the test."""
    opened = []

    def open_at(origin: str) -> DemoPage:
        opened.append(DemoPage(browser, origin + "/webapp/"))
        return opened[-1]

    yield open_at
    browser.get("about:blank")


@pytest.fixture
def screenshot(browser):
    """Keeps a picture under build/browser for people to look at."""
    folder = ROOT / "build/browser"

    def take(name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        assert browser.save_screenshot(str(folder / f"{name}.png"))

    return take
