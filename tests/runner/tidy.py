"""clang-tidy over every source of the product and every fuzz target. A file that passed is not looked
at again until it, a header of ours that it includes, or the settings change.

Most of the time goes into the headers that all of them include, so files of one folder are looked at together, as
one translation unit. Where that has a finding, or two files can't stand together (each has a name of its own in the
same anonymous namespace), halves are looked at, down to the single file: only what is said of a single file counts.

Unit tests are left out: Catch2's macros take most of the time, and hide the rest from it."""

import hashlib
import json
import re
import shlex
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from counts import Counts

FOLDERS = ("libcore", "turnd", "rproxyd", "tests/fuzz")
OURS = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
TOGETHER = 12  # files at most: more of them take too much memory and leave the second core idle at the end
FINDINGS_IN = r"(libcore|turnd|rproxyd|tests)/.*\.(h|cc)$"  # the sources are included ones here


def tidy_all(display, root: Path, build: Path, jobs: int, Failed):
    sources = sources_with_flags(root, json.loads((build / "compile_commands.json").read_text()))
    passed_before = build / "passed"
    passed_before.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, text=True, check=True).stdout
    settings = version + (root / ".clang-tidy").read_text()
    keys = {file: passed_before / fingerprint(root, file, settings + flags) for file, flags in sources.items()}

    def look_at(files: list[Path]) -> list[tuple[Path, str]]:
        """The files with findings, and these."""
        done = clang_tidy(root, build, files, sources[files[0]])
        if done.returncode == 0:
            for file in files:
                keys[file].touch()
            return []
        if len(files) == 1:
            return [(files[0], done.stdout + done.stderr)]
        middle = len(files) // 2
        return look_at(files[:middle]) + look_at(files[middle:])

    batches = batches_of([file for file in sorted(sources) if not keys[file].exists()], sources)
    found, done = [], 0
    with ThreadPoolExecutor(jobs) as pool:
        tasks = {pool.submit(look_at, batch): batch for batch in batches}
        for task in as_completed(tasks):
            found += task.result()
            done += len(tasks[task])
            display.line(f"[{done}/{sum(map(len, batches))}] {tasks[task][-1].relative_to(root)}")
    display.clear()
    counts = Counts(passed=len(sources) - len(found), failed=len(found))
    if found:
        raise Failed("\n".join(output for _, output in found), counts)
    return counts


def sources_with_flags(root: Path, entries: list[dict]) -> dict[Path, str]:
    """What is looked at, each with what the compiler is told, apart from the names of files."""
    sources = {}
    for entry in entries:
        file = Path(entry["file"])
        if not any(file.is_relative_to(root / folder) for folder in FOLDERS):
            continue
        words = shlex.split(entry["command"])
        flags = [word for before, word in zip(words, words[1:]) if word not in ("-o", "-c") and before not in ("-o", "-c")]
        sources[file] = shlex.join(flags)
    return sources


def batches_of(files: list[Path], sources: dict[Path, str]) -> list[list[Path]]:
    """Of one folder and the same flags; the largest come first, so that the end is not waited for."""
    together = defaultdict(list)
    for file in files:
        together[file.parent, sources[file]].append(file)
    batches = []
    for group in together.values():
        number = -(-len(group) // TOGETHER)
        batches += [group[i::number] for i in range(number)]
    return sorted(batches, key=len, reverse=True)


def clang_tidy(root: Path, build: Path, files: list[Path], flags: str):
    if len(files) == 1:
        subject = files[0]
    else:
        text = "".join(f'#include "{file}" // NOLINT(bugprone-suspicious-include)\n' for file in files)
        subject = build / "together" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.cc"
        subject.parent.mkdir(exist_ok=True)
        subject.write_text(text)
    return subprocess.run(["clang-tidy-19", "--quiet", f"--config-file={root}/.clang-tidy", f"--header-filter={FINDINGS_IN}", subject,
                           "--", *shlex.split(flags)], capture_output=True, text=True, cwd=build)


def fingerprint(root, file, settings):
    digest = hashlib.sha256(settings.encode())
    seen, waiting = set(), [file]
    while waiting:
        path = waiting.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        waiting += sorted(root / name for name in OURS.findall(path.read_text()))
    for path in sorted(seen):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
