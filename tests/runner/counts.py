"""How many tests passed, failed, were skipped; and how to read that from the runners' JUnit files."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple = field(default=(), compare=False)  # names of tests that failed, where they are known
    unsteady: tuple = field(default=(), compare=False)  # names of tests that passed only when they were run again

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped,
                      self.failures + other.failures, self.unsteady + other.unsteady)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    def total(self):
        return self.passed + self.failed + self.skipped


def from_junit(path: Path) -> Counts:
    """Counts the test cases themselves: the sums in the heads differ from runner to runner.
    A file that is missing or cut off is a failure: its runner died."""
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except (OSError, ET.ParseError):
        return Counts(failed=1)
    counts = Counts()
    for case in cases:
        status = case.get("status", "")  # ctest's way
        if case.find("failure") is not None or case.find("error") is not None or status == "fail":
            counts += Counts(failed=1, failures=(name_of(case),))
        elif case.find("skipped") is not None or status in ("notrun", "disabled"):
            counts += Counts(skipped=1)
        else:
            counts += Counts(passed=1)
    return counts


def name_of(case) -> str:
    """As its runner takes it: pytest's FILE::CLASS::NAME (what its reports of the family xunit1 say), else the bare name."""
    file, name = case.get("file"), case.get("name", "")
    if file is None or not file.endswith(".py"):
        return name
    inside = case.get("classname", "").removeprefix(file.removesuffix(".py").replace("/", ".")).removeprefix(".")
    return "::".join([file, *(inside.split(".") if inside else []), name])
