"""What a run showed: a verdict for each thing that must hold, a page and a picture."""

import math
from dataclasses import dataclass
from pathlib import Path

from watch import KEPT, second_and_last_quarter

MEMORY_SLACK = 2 << 20  # what an allocator does with its pages
MEMORY_GROWTH = 1.05
DESCRIPTORS_SLACK = 60  # connections of a round that comes or goes, and theirs to nodes
LOST_PACKETS = 1 / 1000  # of a generator that shares its processors
PERCENTILES = (50, 90, 99, 99.9)


@dataclass
class Verdict:
    what: str
    holds: bool
    seen: str


def percentile(latencies: list[float], part: float) -> float:
    return latencies[min(len(latencies) - 1, int(len(latencies) * part / 100))] if latencies else float("nan")


def judge(seen) -> list[Verdict]:
    lost = seen.flows.sent - seen.flows.back
    verdicts = [
        Verdict("web requests: every one answered", seen.requests.requests > 0 and seen.requests.failed == 0,
                f"{seen.requests.requests:,}, {seen.requests.requests / seen.minutes / 60:,.0f} a second; {seen.requests.failed} failed"),
        Verdict("event streams and WebSockets: none cut, nothing missed", seen.events > 0 and not seen.stream_failures,
                "; ".join(seen.stream_failures[:3]) or f"{seen.streams}, {seen.events:,} events and words"),
        Verdict("PIN attacks: nobody let in, most refused at once", seen.tokens.let_in == 0 and seen.tokens.refused > 0,
                f"{seen.tokens.guesses:,} guesses, {seen.tokens.refused:,} refused without asking the node"),
        Verdict("who knows the PIN: always let in", seen.tokens.calls > 0 and not seen.tokens.failures,
                "; ".join(seen.tokens.failures[:3]) or f"{seen.tokens.calls:,} calls"),
        Verdict("allocations that come and go: none refused", seen.churn.allocations > 0 and not seen.churn.failures,
                "; ".join(seen.churn.failures[:3]) or f"{seen.churn.allocations:,} over UDP and TCP"),
        Verdict("relays: no allocation lost", seen.flows.lost_allocations == 0, f"{seen.flows.flows}, {seen.flows.lost_allocations} lost"),
        Verdict(f"relays: no more than {LOST_PACKETS:.1%} of the datagrams lost", seen.flows.sent > 0 and lost <= seen.flows.sent * LOST_PACKETS,
                f"{seen.flows.sent:,} there and back, {seen.flows.sent / seen.minutes / 60:,.0f} a second; {lost:,} lost"),
    ]
    for name, watch in seen.daemons.items():
        before, after = second_and_last_quarter(watch.memory)
        verdicts.append(Verdict(f"{name}: memory is flat", after <= max(before * MEMORY_GROWTH, before + MEMORY_SLACK),
                                f"{before / 2**20:.1f} MiB in the second quarter, {after / 2**20:.1f} in the last"))
        before, after = second_and_last_quarter(watch.descriptors)
        verdicts.append(Verdict(f"{name}: descriptors are flat", after <= before + DESCRIPTORS_SLACK, f"{before:.0f} and {after:.0f}"))
        verdicts.append(Verdict(f"{name}: descriptors are given back", watch.at_last <= watch.at_first + KEPT,
                                f"{watch.at_first} before, {watch.at_last} after"))
    return verdicts


def latency_rows(seen) -> list[tuple[str, list[float]]]:
    return [("a web request", seen.requests.latencies), ("a relayed datagram, there and back", seen.flows.latencies)]


def show(seen, verdicts: list[Verdict]) -> None:
    print(f"{seen.minutes:g} minutes; {seen.capacity:,.0f} web requests a second saturate this machine beside the rest, {seen.offered:,.0f} are offered")
    for verdict in verdicts:
        print(f"  {'✓' if verdict.holds else '✗'} {verdict.what}: {verdict.seen}")
    for name, latencies in latency_rows(seen):
        print(f"  {name}: " + ", ".join(f"p{part:g} {percentile(latencies, part):.2f} ms" for part in PERCENTILES), flush=True)


def write(folder: Path, seen, verdicts: list[Verdict], note: str) -> None:
    lines = [BEGIN.format(minutes=seen.minutes, load=seen.load, capacity=seen.capacity, offered=seen.offered),
             *([note, ""] if note else []),
             "| Must hold | Seen | |", "|---|---|---|",
             *(f"| {verdict.what} | {verdict.seen} | {'✓' if verdict.holds else '✗'} |" for verdict in verdicts), "",
             "| Latency, ms | " + " | ".join(f"p{part:g}" for part in PERCENTILES) + " |", "|---|" + "---|" * len(PERCENTILES),
             *(f"| {name} | " + " | ".join(f"{percentile(latencies, part):.2f}" for part in PERCENTILES) + " |" for name, latencies in latency_rows(seen)),
             "", "![Memory, descriptors and latencies of the run](soak.svg)", ""]
    (folder / "soak.md").write_text("\n".join(lines))
    (folder / "soak.svg").write_text(picture(seen))


BEGIN = """# Soak

Everything at once, for {minutes:g} minutes, on one machine that has both the daemons and all their clients: `/usr/bin/python3 tests/soak --minutes {minutes:g}
--write docs` wrote this page. Beside all the rest, {capacity:,.0f} web requests a second saturated that machine; {load:.0%} of that, {offered:,.0f}, were
offered throughout, and the relays {load:.0%} of 5,000 datagrams a second. `tests/run soak` has a form of two minutes at a smaller load.
"""


# ---- the picture

WIDTH, HEIGHT, GAP, LEFT = 620, 110, 46, 70
LEAST = 0.1  # ms
COLOURS = {"rproxyd": "#27a", "turnd": "#c73"}


def picture(seen) -> str:
    charts = [chart("MiB of memory", {name: [each / 2**20 for each in watch.memory] for name, watch in seen.daemons.items()}),
              chart("descriptors", {name: watch.descriptors for name, watch in seen.daemons.items()}),
              spread("latency in ms by percentile", latency_rows(seen))]
    body = "".join(f'<g transform="translate(0 {i * (HEIGHT + GAP) + 24})">{each}</g>' for i, each in enumerate(charts))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {len(charts) * (HEIGHT + GAP) + 10}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n')


def chart(title: str, curves: dict[str, list[float]]) -> str:
    top = 1.15 * max((max(values, default=1) for values in curves.values()), default=1)
    parts = [frame(title, top)]
    for name, values in curves.items():
        step = WIDTH / max(1, len(values) - 1)
        every = max(1, len(values) // WIDTH)
        path = "L".join(f"{LEFT + i * step:.1f} {HEIGHT * (1 - values[i] / top):.1f}" for i in range(0, len(values), every))
        y = HEIGHT * (1 - values[-1] / top) + 4 if values else 0
        parts.append(f'<path d="M{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.5"/>'
                     f'<text x="{LEFT + WIDTH + 6}" y="{y:.0f}" fill="{COLOURS[name]}">{name}</text>')
    return "".join(parts)


def spread(title: str, rows) -> str:
    """On a logarithmic axis, from LEAST on."""
    parts_of = [50, 75, 90, 95, 99, 99.9]
    top = max(10 * LEAST, 1.15 * max((percentile(latencies, parts_of[-1]) for _name, latencies in rows if latencies), default=1))
    parts = [frame(title, top, LEAST)]
    for number, ((name, latencies), colour) in enumerate(zip(rows, COLOURS.values())):
        heights = [math.log(max(LEAST, percentile(latencies, part)) / LEAST) / math.log(top / LEAST) for part in parts_of if latencies]
        path = "L".join(f"{LEFT + WIDTH * i / (len(parts_of) - 1):.1f} {HEIGHT * (1 - height):.1f}" for i, height in enumerate(heights))
        parts.append(f'<path d="M{path or "0 0"}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
                     f'<text x="{LEFT + 8}" y="{14 + 15 * number}" fill="{colour}">{name}</text>')
    for i, part in enumerate(parts_of):
        parts.append(f'<text x="{LEFT + WIDTH * i / (len(parts_of) - 1):.0f}" y="{HEIGHT + 15}" text-anchor="middle" fill="#555">p{part:g}</text>')
    return "".join(parts)


def frame(title: str, top: float, bottom: float = 0) -> str:
    return (f'<text x="{LEFT}" y="-8" font-weight="bold">{title}</text><path d="M{LEFT} 0V{HEIGHT}H{LEFT + WIDTH}" fill="none" stroke="#999"/>'
            f'<text x="{LEFT - 6}" y="10" text-anchor="end" fill="#555">{top:,.0f}</text><text x="{LEFT - 6}" y="{HEIGHT}" text-anchor="end" fill="#555">{bottom:g}</text>')
