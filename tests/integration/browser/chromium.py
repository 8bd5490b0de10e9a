"""Headless Chromium, driven over WebDriver by Debian's own chromedriver of the same version."""

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # On a machine that has nothing but the loopback interface, ICE would find no network at all.
    "--allow-loopback-in-peer-connection",
]
PAGE_LOAD_SECONDS = 30


def start(profile: Path, width: int = 1440, height: int = 1000, *flags: str) -> webdriver.Chrome:
    """The caller ends it with quit()."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("acceptInsecureCerts", True)  # for HTTPS, and for turns: as well
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    browser.set_page_load_timeout(PAGE_LOAD_SECONDS)
    return browser
