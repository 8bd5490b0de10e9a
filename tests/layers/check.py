#!/usr/bin/python3
"""Checks that no source includes against the direction laid down in layers.toml.

Usage: check.py [ROOT]     prints FILE:LINE: what is wrong; exit 1 if anything is
"""

import re
import sys
import tomllib
from pathlib import Path

PRODUCT = ("libcore", "turnd", "rproxyd")
SOURCES = (".h", ".cc")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
LIBRARY_CALL = re.compile(r"vestibule_library\(\s*(\w+)(.*?)\)", re.DOTALL)


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    plan = tomllib.loads((root / "tests/layers/layers.toml").read_text())
    problems = list(check_plan(plan))
    count = 0
    for path in sources(root):
        count += 1
        problems += check_source(plan, root, path)
    for path in sorted(root.glob("*/**/CMakeLists.txt")):
        if path.relative_to(root).parts[0] in PRODUCT:
            problems += check_links(plan, root, path)
    for problem in problems:
        print(problem)
    print(f"layers: {count} sources, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


def sources(root: Path):
    for top in (*PRODUCT, "tests"):
        yield from sorted(p for p in (root / top).rglob("*") if p.suffix in SOURCES)


def check_plan(plan):
    """The plan itself: every folder it names is a folder of the plan, and there are no circles."""
    folders = plan["folders"]
    for folder, allowed in folders.items():
        for other in allowed:
            if other not in folders:
                yield f"layers.toml: {folder} may include {other}, which the plan does not know"
            elif folder in folders[other]:
                yield f"layers.toml: {folder} and {other} may include each other"


def check_source(plan, root: Path, path: Path):
    name = path.relative_to(root)
    folder = name.parent.as_posix()
    text = path.read_text()
    # Comments and literals give way to blanks, so that line numbers stay and only code is searched.
    code = COMMENT_OR_LITERAL.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)

    for word in re.split(r"[_./]", name.as_posix().lower()):
        if word in plan["names"]["forbidden"]:
            yield f"{name}:1: '{word}' does not say what is inside"

    in_product = name.parts[0] in PRODUCT
    if in_product and folder not in plan["folders"]:
        yield f"{name}:1: the folder {folder} is not in tests/layers/layers.toml"
        return
    allowed = allowed_for(plan, folder)
    pure = folder in plan["pure"]["folders"]
    free = [] if in_product else [tuple(place.split("/")) for place in plan["tests"]["may_include"]]

    for match in INCLUDE.finditer(text):
        if code[match.start() : match.end()].strip().startswith("#") is False:
            continue  # inside a comment
        place = f"{name}:{text.count(chr(10), 0, match.start(2)) + 1}"
        bracket, header = match[1], match[2]
        if bracket == '"':
            target = Path(header).parent.as_posix()
            if Path(header).parts[0] not in (*PRODUCT, "tests"):
                yield f"{place}: \"{header}\": our own headers are named from the root of the repository"
            elif allowed is not None and target not in allowed and Path(header).parts[:2] not in free:
                yield f"{place}: {folder} must not include {target} ({header})"
            continue
        if in_product:
            for prefix, owners in plan["libraries"].items():
                if header.startswith(prefix) and folder not in owners:
                    yield f"{place}: <{header}> is for {', '.join(owners)} only"
        if pure and header in plan["pure"]["headers"]:
            yield f"{place}: {folder} is pure: no <{header}>"

    if pure:
        for pattern in plan["pure"]["code"]:
            for match in re.finditer(pattern, code):
                line = code.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {folder} is pure: no {match[0].strip()}"


def allowed_for(plan, folder: str):
    """The folders that sources of this one may include; None: any."""
    if folder in plan["folders"]:
        return {folder, *plan["folders"][folder]}
    tested = folder.removeprefix("tests/unit/")
    if tested != folder and tested in plan["folders"]:
        return {folder, tested, *plan["folders"][tested]}
    return None


def check_links(plan, root: Path, path: Path):
    """A target links what its folder may include, no more."""
    targets = {target_name(folder): folder for folder in plan["folders"]}
    text = path.read_text()
    for match in LIBRARY_CALL.finditer(text):
        folder = targets.get(match[1])
        line = text.count("\n", 0, match.start()) + 1
        if folder is None:
            yield f"{path.relative_to(root)}:{line}: the target {match[1]} has no folder in layers.toml"
            continue
        for link in match[2].partition("LINKS")[2].split():
            if link in targets and targets[link] not in plan["folders"][folder]:
                yield f"{path.relative_to(root)}:{line}: {match[1]} must not link {link}"


def target_name(folder: str) -> str:
    return folder.replace("libcore/", "core_").replace("/", "_")


if __name__ == "__main__":
    sys.exit(main())
