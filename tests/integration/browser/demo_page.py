"""The demo page as a person uses it: look, type, click; and what window.demo says."""

import time

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECONDS = 30


class DemoPage:
    def __init__(self, browser, url: str):
        self.browser = browser
        browser.get(url)

    def join(self, name: str, pin: str, room: str = "demo") -> None:
        for field, value in (("name", name), ("room", room), ("pin", pin)):
            box = self.find(field)
            box.clear()
            box.send_keys(value)
        self.find("join").click()

    def find(self, element_id: str):
        return self.browser.find_element(By.ID, element_id)

    def visible(self, element_id: str) -> bool:
        return self.find(element_id).is_displayed()

    def demo(self) -> dict:
        return self.browser.execute_script("return window.demo")

    def wait_for(self, what: str, condition):
        """The condition's first true value; on time-out, says what was awaited and what was."""
        return WebDriverWait(self.browser, WAIT_SECONDS, poll_frequency=0.2).until(
            lambda _: condition(), message=f"{what}; demo = {self.demo()}")

    def wait_for_state(self, state: str) -> None:
        self.wait_for(f"state {state}", lambda: self.demo()["state"] == state)

    def choose_transport(self, transport: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"#transports input[value={transport}]").click()

    def samples(self, count: int) -> list[dict]:
        """`count` statistics, one a second as the page takes them."""
        taken = []
        last = -1
        end = time.monotonic() + count + WAIT_SECONDS
        while len(taken) < count:
            assert time.monotonic() < end, f"only {len(taken)} samples; demo = {self.demo()}"
            stats = self.demo()["stats"]
            if stats and stats["seconds"] != last:
                last = stats["seconds"]
                taken.append(stats)
            time.sleep(0.1)
        return taken

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]
