"""docs/standards.md names tests: each of them is there, and every rule of turnd has one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/standards.md").read_text()
TESTS = [*ROOT.glob("tests/**/*_test.cc"), *ROOT.glob("tests/**/test_*.py")]
NAMED = re.compile(r'`((?:test_)?\w+(?:_test\.cc|\.py))`(?:\s+"([^"]+)")?')
RULES = 37


def test_every_test_that_the_page_names_is_there():
    named = [(name, part) for name, part in NAMED.findall(PAGE) if not part.endswith(".py")]
    assert len(named) > 2 * RULES
    for name, part in named:
        files = [file for file in TESTS if file.name == name]
        assert files, f"docs/standards.md names {name}, which is not there"
        assert any(part in file.read_text() for file in files), f"docs/standards.md: {name} has no {part!r}"


def test_every_rule_stands_on_the_page_and_has_a_test():
    rows = dict(re.findall(r"^\| (\d+) \| [^|]+\| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert sorted(map(int, rows)) == list(range(1, RULES + 1))
    for number, shown_by in rows.items():
        assert NAMED.search(shown_by), f"rule {number} has no test"
