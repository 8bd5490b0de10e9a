"""How many lines of the pure cores their unit tests run, by folder: what gcov counted, over all programs and instantiations."""

import json
import subprocess
from collections import defaultdict
from pathlib import Path

Lines = dict[Path, dict[int, int]]  # how often each line was run, by file


def forget(build: Path) -> None:
    """What earlier runs have counted."""
    for counted in build.rglob("*.gcda"):
        counted.unlink()


def lines_run(build: Path, root: Path) -> Lines:
    """Of the files below `root`, apart from its tests."""
    lines: Lines = defaultdict(lambda: defaultdict(int))
    for counted in sorted(build.rglob("*.gcda")):
        done = subprocess.run(["gcov", "--json-format", "--stdout", counted], cwd=counted.parent, capture_output=True, text=True, check=True)
        for report in map(json.loads, done.stdout.splitlines()):
            where = Path(report["current_working_directory"])
            for file in report["files"]:
                path = (where / file["file"]).resolve()
                if not path.is_relative_to(root) or path.is_relative_to(root / "tests"):
                    continue
                for line in file["lines"]:
                    lines[path][line["line_number"]] += line["count"]
    return lines


def by_folder(lines: Lines, root: Path, folders: list[str]) -> dict[str, tuple[int, int]]:
    """Lines that were run, and all that could be."""
    result = {}
    for folder in folders:
        counts = [count for path, of in lines.items() if path.parent == root / folder for count in of.values()]
        result[folder] = sum(count > 0 for count in counts), len(counts)
    return result
