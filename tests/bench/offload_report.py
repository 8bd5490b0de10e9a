"""docs/benchmarks-offload.md, from what tests/bench/offload has stored."""

import statistics

NAMES = {"coturn": "coturn", "sockets": "turnd", "offload": "turnd, `offload`", "reflector": "bare reflector"}
WAYS = {"up": "client to peer", "down": "peer to client"}
QUIET = 0.05  # of the core, for others: with more of them its own time says nothing
CPU_GOAL, PROGRAM_GOAL, LATENCY_GOAL = 0.2, 1.5, 0.5

PAGE = """# What relaying in the kernel costs

Written by `tests/bench/offload --report` from its last run, on {machine}; coturn {coturn}. Medians of {runs} runs or fewer.

client — outside [relay] inside — peer, in network namespaces, over veth with its native XDP; 50 flows of 172 bytes. Frames come from the
kernel and end in it, so that neither end's sockets take part. All that the relay causes runs on one core, which is its own: its processes, and the threads that
receive for it in place of a driver's interrupt (softirq). *Threads* is their time by the scheduler; *core* is the core's time that was not
idle, less what it was not idle before: the whole system's, told of a quiet machine alone. *Program*: what a run of the program takes, as the kernel counts it
(`bpf_stats_enabled`), its own cost of counting included. Latencies are a frame's age when it has come out, at 40,000 a second: in bursts of 40, and one by one.
*Most*: what comes out of one core, whatever goes in.

| | way | threads, µs a packet | core, µs a packet | program, ns | most, packets a second | p50, p99 in bursts, µs | p50, p99 one by one, µs |
|---|---|---|---|---|---|---|---|
{rows}

## Goals

| | | |
|---|---|---|
{goals}

The reflector turns addresses round and sends the frame back; it looks nothing up, reads no payload and keeps its length.
"""


def median(runs: list[dict], way: str, *keys: str) -> float:
    values = []
    for run in runs:
        value = run[way]
        for key in keys:
            value = value[key]
        values.append(value or 0)
    return statistics.median(values)


def is_quiet(runs: list[dict], way: str) -> bool:
    return all(run[way].get("others", 1) < QUIET for run in runs)


def row(name: str, runs: list[dict], way: str) -> str:
    def of(*keys):
        return median(runs, way, *keys)

    program = of("program")
    cells = [NAMES[name], WAYS[way] if name != "reflector" else "back", f"{of('bursts', 'threads'):.2f}", f"{of('bursts', 'core'):.2f}" if is_quiet(runs, way) else "",
             f"{program:.0f}" if program else "", f"{of('most'):,.0f}",
             *(f"{of(kind, 'p50'):.0f}, {of(kind, 'p99'):.0f}" for kind in ("bursts", "evenly"))]
    return f"| {' | '.join(cells)} |"


def goal(what: str, ours: float, theirs: float, limit: float, against: str) -> str:
    ratio = ours / theirs
    return f"| {what} | {ratio:.2f} of {against}, goal ≤ {limit} | {'met' if ratio <= limit else 'MISSED'} |"


def goals(all_runs: dict) -> list[str]:
    ours, sockets, floor = (all_runs.get(name) for name in ("offload", "sockets", "reflector"))
    found = []
    for way, said in WAYS.items():
        if ours and sockets:
            for kind in ("threads", "core") if is_quiet(ours, way) and is_quiet(sockets, way) else ("threads",):
                found.append(goal(f"CPU a packet ({kind}), {said}", median(ours, way, "bursts", kind), median(sockets, way, "bursts", kind),
                                  CPU_GOAL, "turnd's sockets"))
            for kind, name in (("bursts", "in bursts"), ("evenly", "one by one")):
                found.append(goal(f"p99 {name}, {said}", median(ours, way, kind, "p99"), median(sockets, way, kind, "p99"), LATENCY_GOAL,
                                  "turnd's sockets"))
        if ours and floor:
            found.append(goal(f"the program's time, {said}", median(ours, way, "program"), median(floor, "up", "program"), PROGRAM_GOAL,
                              "the reflector"))
    return found


def page(stored: dict) -> str:
    all_runs = stored["runs"]
    rows = [row(name, all_runs[name], way) for name in NAMES if name in all_runs for way in all_runs[name][0]]
    return PAGE.format(machine=stored["machine"], coturn=stored["coturn"], runs=max(len(each) for each in all_runs.values()),
                       rows="\n".join(rows), goals="\n".join(goals(all_runs)))
