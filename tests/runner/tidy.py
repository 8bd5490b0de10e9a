"""clang-tidy over every source of the product and every fuzz target. A file that passed is not looked
at again until it, a header of ours that it includes, or the settings change.

Unit tests are left out: Catch2's macros take most of the time, and hide the rest from it."""

import hashlib
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from counts import Counts

FOLDERS = ("libcore", "turnd", "rproxyd", "tests/fuzz")
OURS = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def tidy_all(display, root: Path, build: Path, jobs: int, Failed):
    entries = json.loads((build / "compile_commands.json").read_text())
    passed_before = build / "passed"
    passed_before.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, text=True, check=True).stdout
    settings = version + (root / ".clang-tidy").read_text()
    folders = [root / name for name in FOLDERS]
    files = {Path(entry["file"]): entry["command"] for entry in entries if any(Path(entry["file"]).is_relative_to(f) for f in folders)}
    counts, failures = Counts(), []

    def look_at(file):
        key = passed_before / fingerprint(root, file, settings + files[file])
        if key.exists():
            return file, True, ""
        done = subprocess.run(["clang-tidy-19", "--quiet", "-p", build, file], capture_output=True, text=True)
        if done.returncode == 0:
            key.touch()
        return file, done.returncode == 0, done.stdout + done.stderr

    with ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(look_at, file) for file in sorted(files)]
        for number, task in enumerate(as_completed(tasks), 1):
            file, good, output = task.result()
            display.line(f"[{number}/{len(tasks)}] {file.relative_to(root)}")
            counts += Counts(passed=1) if good else Counts(failed=1)
            if not good:
                failures.append(output)
    display.clear()
    if failures:
        raise Failed("\n".join(failures), counts)
    return counts


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
