"""rproxyd.json(5), turnd.json(5): every key, from the tables of docs/configuration.md.

    manual_of_keys.py DAEMON VERSION REFERENCE PAGE
"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
CELL = re.compile(r"(?<!\\)\|")


def main(daemon: str, version: str, reference: str, page: str) -> int:
    text = Path(reference).read_text()
    section = re.search(rf"^## {daemon}\.json\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    keys = keys_of(section[1]) if section else []
    if not keys:
        print(f"{reference}: has no table of keys under '## {daemon}.json'", file=sys.stderr)
        return 1
    values = re.search(r"^## How values are written\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    Path(page).write_text(frame(daemon, version, prose(values[1]) if values else "", "".join(entry(*each) for each in keys)))
    return 0


def keys_of(section: str) -> list[tuple[str, str, str, str]]:
    """Key, type, default and meaning of each row."""
    found = []
    for line in section.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in CELL.split(line)[1:-1]]
        if len(cells) >= 4 and cells[0].startswith("`"):
            found.append((cells[0].strip("`"), *cells[1:4]))
    return found


def entry(key: str, kind: str, default: str, meaning: str) -> str:
    given = default if default.startswith(("must", "one of")) else f"default {default}"
    return f".TP\n\\fB{roff(key)}\\fR ({inline(kind)}; {inline(given)})\n{inline(meaning) or 'See above.'}\n"


def prose(markdown: str) -> str:
    """Paragraphs and lists; what stands between blank lines is one."""
    made = []
    for block in re.split(r"\n\s*\n|\n(?=- )", markdown.strip()):
        text = " ".join(block.split())
        if text.startswith("In the tables"):  # which the page has not
            continue
        made.append(f".IP \\(bu 2\n{inline(text[2:])}\n" if text.startswith("- ") else f".PP\n{inline(text)}\n")
    return "".join(made)


def inline(markdown: str) -> str:
    text = roff(LINK.sub(r"\1", markdown))
    text = re.sub(r"\*\*([^*]+)\*\*", r"\\fB\1\\fR", text)
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?!\w)", r"\\fI\1\\fR", text)


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def frame(daemon: str, version: str, values: str, keys: str) -> str:
    return f""".\\" Made from the configuration reference.
.TH {daemon.upper()}.JSON 5 "" "vestibule {version}" "Vestibule"
.SH NAME
{daemon}.json \\- configuration of {daemon}(8)
.SH DESCRIPTION
.B {daemon}
reads this one file, mostly
.IR /etc/vestibule/{daemon}.json ,
when it starts and on SIGHUP.
.B {daemon} check \\-\\-config
.I FILE
says everything that is wrong with it. The whole reference, with what cannot be told in a table, is
.IR /usr/share/doc/vestibule\\-{daemon}/configuration.md ;
an example is
.IR /usr/share/doc/vestibule\\-{daemon}/examples/{daemon}.json .
.SH VALUES
{values}.SH KEYS
.B [\\|]
stands for each element of a list,
.B *
for any name.
{keys}.SH SEE ALSO
.BR {daemon} (8)
"""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
