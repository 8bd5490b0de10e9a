"""Links in the project's pages lead somewhere: to a file that is there, and to a heading that it has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        text = LINK.sub("]", heading).replace("[", "").replace("]", "")
        name = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        count = found.get(name, 0)
        found[name] = count + 1
        if count:
            found[f"{name}-{count}"] = 1
    return set(found)


def broken(page: Path) -> list[str]:
    wrong = []
    for target in LINK.findall(CODE.sub("", page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            wrong.append(f"{target}: no such file")
        elif anchor and (file.suffix != ".md" or anchor not in anchors(file)):
            wrong.append(f"{target}: no such heading")
    return wrong


def test_there_are_pages_with_links():
    assert len(PAGES) > 30 and sum(len(LINK.findall(page.read_text())) for page in PAGES) > 100


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page):
    assert broken(page) == []


def test_every_page_of_the_guide_is_in_its_index():
    index = set(LINK.findall((ROOT / "docs/guide/README.md").read_text()))
    assert {page.name for page in (ROOT / "docs/guide").glob("*.md")} - index == {"README.md"}


def test_a_heading_s_anchor(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# No picture, no sound\n\n## The `x` of [y](z.md)\n\n## Twice\n\n## Twice\n\n```\n# not one\n```\n[a](#twice-1) [b](#gone) [c](gone.md)\n")
    assert anchors(page) == {"no-picture-no-sound", "the-x-of-y", "twice", "twice-1"}
    assert broken(page) == ["z.md: no such file", "#gone: no such heading", "gone.md: no such file"]
