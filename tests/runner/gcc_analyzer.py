"""gcc's static analyser (-fanalyzer) over every source of the product. Clang's is a part of clang-tidy (tidy.py)."""

import json
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from counts import Counts
from tidy import sources_with_flags


def analyze_all(display, root: Path, build: Path, jobs: int, Failed) -> Counts:
    sources = sources_with_flags(root, json.loads((build / "compile_commands.json").read_text()))
    found = {}
    with ThreadPoolExecutor(jobs) as pool:
        tasks = {pool.submit(analyze, build, file, flags): file for file, flags in sources.items()}
        for done, task in enumerate(as_completed(tasks), 1):
            if output := task.result():
                found[tasks[task]] = output
            display.line(f"[{done}/{len(sources)}] {tasks[task].relative_to(root)}")
    display.clear()
    counts = Counts(passed=len(sources) - len(found), failed=len(found))
    if found:
        raise Failed("\n".join(found.values()), counts)
    return counts


# Checks that gcc 12, which calls its analyser fit for C alone, gets wrong in C++ (docs/fuzzing.md).
LEFT_OUT = [
    "use-of-uninitialized-value",  # every copy of an empty object, of std::nullopt for one
    "possible-null-dereference", "possible-null-argument", "null-dereference", "null-argument",  # operator new gives no null pointer, and a vector that grows isn't empty
    "malloc-leak",  # what a temporary string or vector holds
]


def analyze(build: Path, file: Path, flags: str) -> str:
    """What it says of one file. Code for sanitizers is left out: it is not ours, and looked at as if it were."""
    kept = [flag for flag in shlex.split(flags) if not flag.startswith(("-fsanitize", "-fno-sanitize"))]
    done = subprocess.run(["g++", *kept, "-fanalyzer", *(f"-Wno-analyzer-{check}" for check in LEFT_OUT), "-S", "-o", "/dev/null", file], capture_output=True, text=True, cwd=build)
    return done.stderr if done.returncode != 0 else ""
