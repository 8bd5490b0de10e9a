"""docs/operating.md lists the events of the logs: exactly those that the sources have, with their levels."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOGGED = re.compile(r'\b(debug|info|warning|error)\(\s*"([a-z0-9_.]+)",')
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| ([a-z, ]+) \| (?:both|rproxyd|turnd) \| [^|]+ \|$", re.MULTILINE)


def logged() -> dict[str, set[str]]:
    events: dict[str, set[str]] = {}
    for folder in ("libcore", "rproxyd", "turnd"):
        for source in [*(ROOT / folder).rglob("*.cc"), *(ROOT / folder).rglob("*.h")]:
            for level, event in LOGGED.findall(source.read_text()):
                events.setdefault(event, set()).add(level)
    return events


def test_the_table_of_events_is_that_of_the_sources():
    page = (ROOT / "docs/operating.md").read_text()
    rows = {event: set(levels.split(", ")) for event, levels in ROW.findall(page[page.index("### Events"):])}
    events = logged()
    assert len(events) > 30
    assert sorted(rows) == sorted(events)
    assert rows == events
