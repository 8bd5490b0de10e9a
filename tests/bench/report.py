"""What was seen, as text: a line on the terminal, and docs/benchmarks.md with its plots."""

from pathlib import Path

import plots
from figures import figure, goals, growths, runs, spread, verdict


def show_line(seen: dict) -> None:
    print(f"\n{seen['line']}: {seen['title']} ({seen['unit']})")
    for server in seen["servers"]:
        if not server["median"]:
            print(f"  {server['name']:22} failed: {(server['failed'] or 'no run').splitlines()[0][:150]}")
            continue
        beside = ", ".join(f"{key} {figure(value)}" for key, value in server["beside"].items())
        print(f"  {server['name']:22} {figure(server['median']):>9}  ({spread(server)}; runs: {runs(server)})  {beside}")
    print(f"  {verdict(seen)}\n", flush=True)


def write_report(lines: list[dict], docs: Path) -> None:
    (docs / "benchmarks.md").write_text(markdown(lines))
    (docs / "benchmarks.svg").write_text(plots.bars(lines))
    (docs / "benchmarks-growth.svg").write_text(plots.growth(lines))


def markdown(lines: list[dict]) -> str:
    compared, grown = [seen for seen in lines if not seen.get("grows")], [seen for seen in lines if seen.get("grows")]
    return "\n".join([HEAD.format(measured=measured(lines), versions=versions(compared), met=met(lines)),
                      *costs(compared), BESIDE, *beside(compared), *([GROWTH, *growth(grown)] if grown else []), ""])


def measured(lines: list[dict]) -> str:
    days = sorted({seen["when"][:10] for seen in lines})
    machines, commits = sorted({seen["machine"] for seen in lines}), sorted({seen["commit"] for seen in lines})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{when}, of {', '.join(commits)}, on {' and on '.join(machines)}"


def versions(lines: list[dict]) -> str:
    found = {each["name"].split(",")[0]: each["version"] for seen in lines for each in seen["servers"] if each["version"]}
    return ", ".join(f"{name} {version}" for name, version in found.items())


def met(lines: list[dict]) -> str:
    judged = [met for seen in lines for _said, met in goals(seen)]
    disturbed = sum(1 for seen in lines if any(each["disturbed"] for each in seen["servers"]))
    said = f"{sum(judged)} of {len(judged)} goals are met."
    if disturbed:
        said += f" On {disturbed} of {len(lines)} lines a server had no undisturbed run: those figures are rough."
    return said


def costs(lines: list[dict]) -> list[str]:
    rows = ["| line | ours | rivals | floor | runs | verdict |", "|---|---|---|---|---|---|"]
    for seen in lines:
        ours = seen["servers"][0]
        rivals = ", ".join(f"{each['name']} {figure(each['median'])}" for each in seen["servers"][1:] if not each["floor"] and each["median"])
        floor = ", ".join(figure(each["median"]) for each in seen["servers"] if each["floor"] and each["median"])
        value = f"{figure(ours['median'])} ({spread(ours)})" if ours["median"] else "failed"
        rows.append(f"| `{seen['line']}`: {seen['title']} ({seen['unit']}) | {value} | {rivals} | {floor} | {runs(ours)} | {verdict(seen)} |")
    return rows


def beside(lines: list[dict]) -> list[str]:
    """A row a line, in its cells a line for each server."""
    rows = ["| line | | saturated | latency at | p50 | p99 | p99.9 | memory |", "|---|---|---|---|---|---|---|---|"]
    for seen in lines:
        servers = [each for each in seen["servers"] if each["median"]]
        cells = [[each["name"], saturated(each["beside"]), at_rate(each["beside"]),
                  *(figure(each["beside"][key]) if key in each["beside"] else "" for key in ("p50 µs", "p99 µs", "p99.9 µs")),
                  figure(each["beside"]["memory MB"]) if "memory MB" in each["beside"] else ""] for each in servers]
        columns = ["<br>".join(column) if any(column) else "" for column in zip(*cells)] if cells else []
        rows.append(f"| `{seen['line']}` | {' | '.join(columns)} |" if cells else f"| `{seen['line']}` | | | | | | | |")
    return rows


def saturated(seen: dict) -> str:
    return f"{figure(seen['saturated'])} ({seen['saturated load']:.0%})" if seen.get("saturated") else ""


def at_rate(seen: dict) -> str:
    rate = seen.get("latency at", seen.get("a second"))
    return figure(rate) if rate and "p50 µs" in seen else ""


def growth(lines: list[dict]) -> list[str]:
    rows = ["| line | server | cost of a unit | the most, as a part of the first | verdict |", "|---|---|---|---|---|"]
    for seen in lines:
        for i, each in enumerate(growths(seen)):
            shown = ", ".join(f"{units:,}: {figure(cost)}" for units, cost in each["costs"].items())
            name = f"`{seen['line']}`: {seen['title']} ({seen['unit']}), by {seen['grows']}" if i == 0 else ""
            rows.append(f"| {name} | {each['server']} | {shown} | {each['most']:.2f} | {verdict(seen) if i == 0 else ''} |")
    return rows


HEAD = """# Benchmarks

Written by `tests/bench/run --report` from the last runs of each line: {measured}. {versions}. Figures are medians of runs that took
turns (the least and the most in brackets): CPU time of the server's processes for each unit of work unless said otherwise, one worker each.
*Disturbed* runs are those in which others had more than a twentieth of the server's core; they don't count where an undisturbed one is there.
The *floor* is a relay that receives, looks up and sends, on as many sockets, and does nothing else.
[performance.md](performance.md) says what was tried and what explains a figure.

**{met}**

![Our cost as a part of the best rival's](benchmarks.svg)
"""

BESIDE = """
## Throughput, latency, memory

*Saturated*: units a second when as many are offered as come back, and how busy that kept the server's core (where it is far from 100%, the
generator was the limit). Latencies are in µs, at the line's own rate where it has one (a packet's way from its sender to its receiver, through
the relay), else at half of what the same server did saturated, from when a request was due (small requests and handshakes) or was sent. p99.9 is nearly the worst one where units are few
(1 MB, handshakes). *Memory*: MB of the server's processes, private to them, when the measured time ends.
"""

GROWTH = """
## Growth

The same load on more and more flows or connections (as much for each worker, where workers grow), and what a unit costs then. Others at both
ends show what of it is the kernel's. 20,000 descriptors, as many as a process may have where this is measured, hold 10,000 connections whose
requests share connections to the origin. With two workers on two cores the generator shares them: costs can be compared, throughput can't.

![Cost of a unit by how many there are](benchmarks-growth.svg)
"""
