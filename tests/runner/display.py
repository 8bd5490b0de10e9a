"""What goes on: a moving line on a terminal, a line now and then elsewhere."""

import re
import time

# ninja "[12/345] …", ctest " 12/345 Test …", pytest and apt "[ 12%]"
FRACTION = re.compile(r"^\s*\[?\s*(\d+)/(\d+)[\] ]")
PERCENT = re.compile(r"\[\s*(\d+)%\]")
PERCENT_AT_END = re.compile(r"^(.*?)\s+\[\s*(\d+)%\]$")
SILENCE = 30  # seconds without a sign of life, where there is no terminal


class Display:
    def __init__(self, out):
        self.out = out
        self.terminal = out.isatty()
        self.moving = False
        self.said = time.monotonic()
        self.tenth = -1

    def step(self, name, what):
        self.say(f"▸ {name}: {what}")
        self.tenth = -1

    def result(self, name, counts, seconds):
        self.say(f"{'✗' if counts.failed else '✓'} {name}: {counts} ({seconds:.0f} s)")

    def failure(self, text):
        self.say("\n".join("  " + line for line in text.rstrip().splitlines()))

    def say(self, text):
        self.clear()
        print(text, file=self.out, flush=True)
        self.said = time.monotonic()

    def line(self, text):
        """A line of a step's output: shown if it says how far things are."""
        text = PERCENT_AT_END.sub(r"[\2%] \1", text.rstrip())
        if self.terminal:
            self.clear()
            print(f"  {text[:110]}", end="", file=self.out, flush=True)
            self.moving = True
            return
        percent = progress(text)
        if percent is None:
            if time.monotonic() - self.said > SILENCE:
                self.say(f"  {text[:110]}")
        elif percent // 10 > self.tenth or time.monotonic() - self.said > SILENCE:
            self.tenth = percent // 10
            self.say(f"  {text[:110]}")

    def clear(self):
        if self.moving:
            print("\r\033[K", end="", file=self.out)
            self.moving = False


def progress(text):
    if match := FRACTION.search(text):
        return 100 * int(match[1]) // max(1, int(match[2]))
    if match := PERCENT.search(text):
        return int(match[1])
    return None
