"""docs/standards.md, docs/proxy-rules.md, docs/threat-model.md, docs/supply-chain.md and docs/faults.md name tests: each of them is there, and every rule
and every attacker has one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = [*ROOT.glob("tests/**/*_test.cc"), *ROOT.glob("tests/**/test_*.py")]
NAMED = re.compile(r'`((?:test_)?\w+(?:_test\.cc|\.py))`(?:\s+"([^"]+)")?')
RULES = {"standards.md": 37, "proxy-rules.md": 20}
NAMES = {"standards.md": 74, "proxy-rules.md": 40, "threat-model.md": 60, "supply-chain.md": 6, "faults.md": 35}  # at least so many
ATTACKER = re.compile(r"^\| (?!Attacker|What|---)([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize("page", NAMES)
def test_every_test_that_a_page_names_is_there(page):
    named = [(name, part) for name, part in NAMED.findall(text(page)) if not part.endswith(".py")]
    assert len(named) > NAMES[page]
    for name, part in named:
        files = [file for file in TESTS if file.name == name]
        assert files, f"docs/{page} names {name}, which is not there"
        assert any(part in file.read_text() for file in files), f"docs/{page}: {name} has no {part!r}"


@pytest.mark.parametrize("page", RULES)
def test_every_rule_stands_on_its_page_and_has_a_test(page):
    rows = dict(re.findall(r"^\| (\d+) \| [^|]+\| ([^|]+) \|$", text(page), re.MULTILINE))
    assert sorted(map(int, rows)) == list(range(1, RULES[page] + 1))
    for number, shown_by in rows.items():
        assert NAMED.search(shown_by), f"docs/{page}: rule {number} has no test"


def test_every_attacker_has_a_measure_and_a_test():
    rows = ATTACKER.findall(text("threat-model.md").partition("## Attackers")[2])
    assert len(rows) > 25
    for attacker, _, shown_by in rows:
        assert NAMED.search(shown_by), f"docs/threat-model.md: {attacker!r} has no test"
