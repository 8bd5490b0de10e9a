"""Runs lines: servers take turns, disturbed runs are tried again, and what was seen is stored."""

import argparse
import fcntl
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import lines_http
import lines_turn
from line import Line, Sample, Server
from machine import come_before_generators
from processes import BUILD, ROOT, Processes
from report import show_line, write_report

STORED = ROOT / "build/bench"
RUNS = 5
SECONDS = 3.0
# Others had the server's core for more than this part of a run: it is left out.
DISTURBED = 0.05
LOCK = Path(tempfile.gettempdir()) / "vestibule-bench.lock"
ATTEMPTS = 3  # for each run that is wanted, at most

LINES = [*lines_turn.LINES, *lines_http.LINES]


def main(about: str) -> int:
    options = read_command_line(about)
    if options.list:
        for line in LINES:
            print(f"{line.name:24} {line.title}")
        return 0
    if options.report:
        write_report([json.loads((STORED / f"{line.name}.json").read_text()) for line in LINES if (STORED / f"{line.name}.json").exists()])
        return 0
    lines = [line for line in LINES if not options.lines or any(line.name == word or line.name.startswith(word) for word in options.lines)]
    if not lines:
        sys.exit("no such line; --list names them")
    if not options.as_built:
        prepare(lines)
    if options.against:
        lines = [replace(line, servers=(line.servers[0], other_build(line.servers[0], options.against), *line.servers[1:])) for line in lines]
    come_before_generators()
    STORED.mkdir(parents=True, exist_ok=True)
    for line in lines:
        seen = run_line(line, options.runs, options.attempts, options.seconds, options.only.split(",") if options.only else None)
        if not options.only and not options.against:
            (STORED / f"{line.name}.json").write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
        show_line(seen)
    return 0


def read_command_line(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter, prog="tests/bench/run")
    parser.add_argument("lines", nargs="*", metavar="LINE")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run that are measured")
    parser.add_argument("--attempts", type=int, default=ATTEMPTS, help="for each run that is wanted, while others disturb")
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


def run_line(line: Line, runs: int, attempts: int, seconds: float, only: list[str] | None) -> dict:
    servers = [each for each in line.all_servers() if not only or any(each.name.startswith(name) for name in only)]
    kept: dict[str, list[Sample]] = {server.name: [] for server in servers}
    disturbed: dict[str, list[Sample]] = {server.name: [] for server in servers}
    failed: dict[str, str] = {}
    for _attempt in range(runs * attempts):
        for server in servers:
            if len(kept[server.name]) >= runs or server.name in failed:
                continue
            try:
                sample = run_once(line, server, seconds)
            except (RuntimeError, OSError) as why:
                failed[server.name] = str(why)
                print(f"{line.name}: {server.name}: {why}", file=sys.stderr)
                continue
            (disturbed if sample.elsewhere > DISTURBED else kept)[server.name].append(sample)
        if all(len(kept[server.name]) >= runs or server.name in failed for server in servers):
            break
    return {"line": line.name, "title": line.title, "unit": line.unit, "goal": line.goal, "most": line.most, "more_is_better": line.more_is_better,
            "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "seconds": seconds,
            "servers": [summary(server, server is line.floor, kept[server.name], disturbed[server.name], runs) | {"failed": failed.get(server.name)}
                        for server in servers]}


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
            return sample
        finally:
            processes.end()


def summary(server: type[Server], is_floor: bool, kept: list[Sample], disturbed: list[Sample], runs: int) -> dict:
    """Where too few runs were undisturbed, the least disturbed ones count as well, and it is said."""
    counted = [*kept, *sorted(disturbed, key=lambda sample: sample.elsewhere)[:max(0, runs - len(kept))]]
    values = sorted(sample.value for sample in counted)
    beside = {key: statistics.median(sample.beside[key] for sample in counted) for key in (counted[0].beside if counted else {})}
    return {"name": server.name, "version": server.version(), "floor": is_floor, "values": values,
            "median": statistics.median(values) if values else None, "beside": beside,
            "left_out": len(kept) + len(disturbed) - len(counted), "disturbed": len(counted) - len(kept)}
