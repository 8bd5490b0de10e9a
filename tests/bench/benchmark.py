"""Runs lines: servers take turns, disturbed runs are tried again, and what was seen is stored."""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import lines_growth
import lines_http
import lines_turn
from line import Line, Sample, Server
from figures import figure, summary
from machine import come_before_generators, description
from processes import BUILD, ROOT, Processes
from report import show_line, write_report

STORED = ROOT / "build/bench"
RUNS = 5
SECONDS = 1.2
# Others had the server's core for more than this part of a run: it is left out.
DISTURBED = 0.05
LOCK = Path(tempfile.gettempdir()) / "vestibule-bench.lock"
ROUNDS_AGAIN = 1  # for runs that were disturbed, at most

LINES = [*lines_turn.LINES, *lines_http.LINES, *lines_growth.LINES]


def main(about: str) -> int:
    options = read_command_line(about)
    if options.list:
        for line in LINES:
            print(f"{line.name:24} {line.title}")
        return 0
    if options.report:
        stored = [read_stored(line.name) for line in LINES if stored_file(line.name).exists()]
        if not stored:
            sys.exit("nothing is stored yet")
        write_report(stored, ROOT / "docs")
        return 0
    words = [word for words in [*options.words, *options.lines] for word in words.split(",")]
    lines = chosen(LINES, words)
    if not lines:
        sys.exit("no such line; --list names them")
    if not options.as_built:
        prepare(lines)
    if options.against:
        lines = [replace(line, servers=(line.servers[0], other_build(line.servers[0], options.against), *line.servers[1:])) for line in lines]
    come_before_generators()
    STORED.mkdir(parents=True, exist_ok=True)
    only, begin = options.only.split(",") if options.only else None, time.monotonic()
    for number, line in enumerate(lines, 1):
        print(f"{line.name} ({number} of {len(lines)}, {(time.monotonic() - begin) / 60:.1f} minutes so far)", flush=True)
        seen = run_line(line, options.runs, options.rounds_again, options.seconds, only)
        if not options.only and not options.against:
            store(seen)
        show_line(seen)
    return 0


def chosen(lines: list[Line], words: list[str]) -> list[Line]:
    """A word is a line's name, or the beginning of several."""
    names = {line.name for line in lines}
    return [line for line in lines
            if not words or any(line.name == word or (word not in names and line.name.startswith(word)) for word in words)]


def stored_file(line: str) -> Path:
    return STORED / f"{line}.json"


def read_stored(line: str) -> dict:
    return json.loads(stored_file(line).read_text())


def store(seen: dict) -> None:
    """Each line as it is done, all or nothing: a benchmark that is cut off keeps those that it had."""
    whole = stored_file(seen["line"]).with_suffix(".new")
    whole.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
    whole.replace(stored_file(seen["line"]))


def read_command_line(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter, prog="tests/bench/run")
    parser.add_argument("words", nargs="*", metavar="LINE")
    parser.add_argument("--lines", action="append", default=[], metavar="A,B", help="the same, with commas")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", action="store_true", help="write docs/benchmarks.md and its plots")
    parser.add_argument("--runs", type=int, default=RUNS, help="undisturbed ones of each server")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run that are measured")
    parser.add_argument("--rounds-again", type=int, default=ROUNDS_AGAIN, help="at most, for runs that others disturbed")
    parser.add_argument("--as-built", action="store_true", help="build nothing, fetch nothing")
    parser.add_argument("--against", type=Path, metavar="PROGRAM", help="another build of ours takes part; nothing is stored")
    parser.add_argument("--only", help="servers by the beginning of their names, with commas; nothing is stored")
    return parser.parse_args()


def prepare(lines: list[Line]) -> None:
    """Programs, and rivals."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(BUILD), *sorted({target for line in lines for target in line.builds})], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ROOT / "tests/bench/rivals/install"], check=False)


def run_line(line: Line, runs: int, rounds_again: int, seconds: float, only: list[str] | None) -> dict:
    servers = [each for each in line.all_servers() if not only or any(each.name.startswith(name) for name in only)]
    kept: dict[str, list[Sample]] = {server.name: [] for server in servers}
    disturbed: dict[str, list[Sample]] = {server.name: [] for server in servers}
    failed: dict[str, str] = {}
    for round_ in range(1, runs + rounds_again + 1):
        wanted = [server for server in servers if len(kept[server.name]) < runs and server.name not in failed]
        said = []
        for server in wanted:
            try:
                sample = run_once(line, server, seconds)
            except (RuntimeError, OSError, subprocess.SubprocessError) as why:
                failed[server.name] = str(why)
                print(f"{line.name}: {server.name}: {why}", file=sys.stderr, flush=True)
                continue
            is_disturbed = sample.elsewhere > DISTURBED
            (disturbed if is_disturbed else kept)[server.name].append(sample)
            said.append(f"{server.name} {figure(sample.value)}{' (disturbed)' if is_disturbed else ''}")
        if said:
            print(f"  round {round_}: {'; '.join(said)}", flush=True)
    return {"line": line.name, "title": line.title, "unit": line.unit, "goal": line.goal, "most": line.most, "p50_goal": line.p50_goal,
            "more_is_better": line.more_is_better, "grows": line.grows, "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
            "seconds": seconds, "machine": description(), "commit": commit(),
            "servers": [{"name": server.name, "of": server.of, "units": server.units, "version": server.version(), "floor": server is line.floor,
                         "failed": failed.get(server.name), **summary(kept[server.name], disturbed[server.name])} for server in servers]}


def commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "an unknown commit"


def other_build(ours: type[Server], program: Path) -> type[Server]:
    """To see what a change of ours brought."""
    return type("Other", (ours,), {"name": f"{ours.name}, other build", "program": program.resolve()})


def run_once(line: Line, server: type[Server], seconds: float) -> Sample:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another benchmark on this machine wants the same cores
        os.chmod(folder, 0o755)
        processes = Processes(Path(folder))
        try:
            running = server(Path(folder), processes)
            running.start(line)
            sample = line.measure(running, seconds)
            processes.check()
            running.end()
            return sample
        finally:
            processes.end()
