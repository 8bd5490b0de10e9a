"""The tables of docs/sizing.md, between the marks that name them."""

import re
from dataclasses import dataclass

from assumptions import ASSUMED, PARTICIPANTS, assumed
from benchmarks import commit, measured
from day import joins
from proxy_fleet import RollingUpdate
from proxy_fleet import day as proxy_day
from sizing import FLOW_FIGURES, KERNEL_TCP, KERNEL_UDP, Need, calls_a_turn_server, need, packets_a_second, participant
from turn_fleet import Day, Death, RollingRestart
from turn_fleet import run as turn_day

BEGIN, DRAIN = 10 * 60, 60  # minutes: a rolling restart at ten o'clock, in the busiest hour

# tests/sim/redis_cost.py, on the machine of docs/benchmarks.md: µs of redis-server's CPU time.
REDIS_POLL, REDIS_ATTEMPT, REDIS_HEARD = 30, 90, 60
POLLS_A_SECOND = 10  # rproxyd/guard/fleet_replica.h: kFollowEvery
LINE_BYTES = 100     # of what is said, two lines an attempt


@dataclass
class Simulated:
    need: Need
    plain: Day
    restart: Day
    restarting: RollingRestart
    death: Day
    dying: Death
    proxies: Day
    updating: RollingUpdate


def simulate(participants: int, seed: int) -> Simulated:
    needed = need(participants, joins(participants).max())
    fleet = (seed, participants, needed.cells, needed.turn_servers, calls_a_turn_server())
    plain = turn_day(*fleet)
    restarting = RollingRestart(BEGIN, DRAIN, max(1, needed.turn_servers // 10))
    restart = turn_day(*fleet, restarting)
    dying = Death(plain.peak)
    death = turn_day(*fleet, dying)
    updating = RollingUpdate(BEGIN)
    return Simulated(needed, plain, restart, restarting, death, dying, proxy_day(seed, participants, needed.cells, needed.proxies, updating), updating)


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(part: float) -> str:
    return f"{100 * part:.2g} %"


def of_assumptions() -> str:
    return table(["Assumed", ""], [[f"{value.value:,g}", value.text] for value in ASSUMED.values()])


def of_one() -> str:
    """What one participant costs, with where each figure comes from."""
    one, m = participant(), measured()
    up, down = (m[name] for name in FLOW_FIGURES)
    rows = [
        ["turnd", "CPU", f"{percent(one.relay_core)} of a core",
         f"{packets_a_second('up'):,.0f} packets a second up × {up} µs + {packets_a_second('down'):,.0f} down × {down} µs: `grow-turn-up`, `grow-turn-down` with 10,000 flows"],
        ["", "CPU to begin", f"{m['turn-allocate']:g} µs", "`turn-allocate`"],
        ["", "memory", f"{number(one.relay_bytes / 1000)} KB", "`turn-memory`: an allocation with a channel"],
        ["", "memory of the kernel", f"{number(one.relay_kernel_bytes / 1000)} KB", f"a UDP socket, {KERNEL_UDP:,} B: tests/sim/kernel_memory.py"],
        ["", "network", f"{one.relay_mbit:g} Mbit/s in, and as much out", "assumed: what a participant sends and gets passes once each way"],
        ["", "descriptors, relay ports", "1, 1", "the allocation's socket"],
        ["rproxyd", "CPU in a call", f"{one.proxy_core * 1e6:.1f} µs a second",
         f"an event every {assumed('event_seconds'):g} s × {m['h2-event']} µs (`h2-event`) + a request every {assumed('refresh_seconds'):g} s × {m['h2-small-4k']} µs (`h2-small-4k`)"],
        ["", "CPU to join", f"{one.join_core_seconds * 1e3:.2f} ms",
         f"{assumed('connections'):g} handshakes × {m['tls-full']:g} µs (`tls-full`) + {assumed('requests_to_join'):g} requests × {m['h2-small-4k']} µs + "
         f"{assumed('kilobytes_to_join'):g} kB at {m['h2-down']:g} µs a MB (`h2-down`)"],
        ["", "memory", f"{number(one.proxy_bytes / 1000)} KB", f"an open event stream, {m['h2-streams']} KB (`h2-streams`), and another idle connection, {m['h2-idle']} KB (`h2-idle`)"],
        ["", "memory of the kernel", f"{number(one.proxy_kernel_bytes / 1000)} KB", f"{one.proxy_descriptors:g} TCP sockets × {KERNEL_TCP:,} B: tests/sim/kernel_memory.py"],
        ["", "descriptors", f"{one.proxy_descriptors:g}", "its connections, and one to the node for its event stream"],
    ]
    return table(["", "", "One participant costs", "From"], rows)


def of_needs(simulated: dict[str, Simulated]) -> str:
    def row(what, value):
        return [what, *(value(each.need) for each in simulated.values())]

    room = calls_a_turn_server()
    rows = [
        row("cells", lambda n: number(n.cells)),
        row("joins a second, while most join", lambda n: number(n.joins_a_second)),
        row("**TURN servers** in all", lambda n: f"**{n.turn_servers * n.cells:,}**"),
        row(f"calls on each, of {room:,} that it bears", lambda n: number(n.participants / n.cells / n.turn_servers)),
        row("cores that relaying keeps busy, of all", lambda n: number(n.turn_cores)),
        row("Gbit/s relayed, in and out, each", lambda n: number(n.turn_gbit)),
        row("memory of all relays, the kernel's with it (GB)", lambda n: number(n.turn_gigabytes)),
        row("**rproxyd** in all", lambda n: f"**{n.proxies * n.cells:,}**"),
        row("cores that they keep busy, while most join", lambda n: number(n.proxy_cores)),
        row("Gbit/s, while most join", lambda n: number(n.proxy_gbit)),
        row("memory of all, the kernel's with it (GB)", lambda n: number(n.proxy_gigabytes)),
        row("descriptors of each, while one is missing", lambda n: number(n.proxy_descriptors)),
        row("**Redis** in all", lambda n: f"**{n.cells:,}**"),
    ]
    return table(["Participants at once", *simulated], rows)


def of_turn_days(simulated: dict[str, Simulated]) -> str:
    def row(what, value):
        return [what, *(value(each) for each in simulated.values())]

    def left(s, minutes):
        seen = s.restarting.left_after.get(minutes, [])
        return percent(sum(seen) / len(seen)) if seen else "none"

    rows = [
        row("calls in the day", lambda s: f"{s.plain.totals.calls:,}"),
        row("at once, at the peak", lambda s: f"{s.plain.total.max():,.0f}"),
        row("fullest server at the peak, of the mean", lambda s: f"{s.plain.balance(s.plain.peak):.3f}"),
        row("refused in the day", lambda s: f"{s.plain.totals.refused:,}"),
        row(f"**rolling restart** from 10:00, {DRAIN} min drain: done after", lambda s: f"{(s.restarting.done_at - BEGIN) / 60:.1f} h"),
        *(row(f"of a server's calls still there after {minutes} min", lambda s, minutes=minutes: left(s, minutes)) for minutes in (15, 30, 45, 60)),
        row("calls cut at the end of drains, and gone on elsewhere", lambda s: f"{s.restart.totals.cut:,}, {s.restart.totals.moved:,}"),
        row("as a part of the day's calls", lambda s: percent(s.restart.totals.cut / s.restart.totals.calls)),
        row("answers with ALTERNATE-SERVER", lambda s: f"{s.restart.totals.redirected:,}"),
        row("refused in that day", lambda s: f"{s.restart.totals.refused:,}"),
        row("fullest server an hour after all that, of the mean", lambda s: f"{s.restart.balance(s.restarting.done_at + 60):.3f}"),
        row("**a server dies** at the peak: calls cut, and gone on elsewhere", lambda s: f"{s.death.totals.cut:,}, {s.death.totals.moved:,}"),
        row("who asked it in vain before its name was gone", lambda s: f"{s.death.totals.in_vain:,}"),
        row("refused in that day", lambda s: f"{s.death.totals.refused:,}"),
    ]
    return table(["Participants at once", *simulated], rows)


def of_proxy_days(simulated: dict[str, Simulated]) -> str:
    def row(what, value):
        return [what, *(value(each) for each in simulated.values())]

    def attempts(s):
        return s.plain.joined.max() / 60 * assumed("with_pin") / s.need.cells

    def calls(s):
        """Of a cell's Redis: each proxy asks ten times a second, and says each attempt in two calls."""
        return s.need.proxies * POLLS_A_SECOND + 2 * attempts(s)

    def busy(s):
        return (s.need.proxies * POLLS_A_SECOND * REDIS_POLL + attempts(s) * (REDIS_ATTEMPT + (s.need.proxies - 1) * REDIS_HEARD)) / 1e6

    rows = [
        row("fullest rproxyd at the peak, of the mean", lambda s: f"{s.proxies.balance(BEGIN - 1):.3f}"),
        row("**rolling update** from 10:00, one more first: done after", lambda s: f"{s.updating.done_at - BEGIN} min"),
        row("event streams cut at the end of drains, and back at another", lambda s: f"{s.proxies.totals.cut:,}, {s.proxies.totals.moved:,}"),
        row("fullest rproxyd then, of the mean", lambda s: f"{s.proxies.balance(s.updating.done_at + 1):.3f}"),
        row("two hours later", lambda s: f"{s.proxies.balance(BEGIN + 120):.3f}"),
        row("**Redis** of a cell: attempts with a PIN a second, while most join", lambda s: number(attempts(s))),
        row("calls of the script a second, at the most", lambda s: number(calls(s))),
        row("its core is busy", lambda s: percent(busy(s))),
        row("told to each rproxyd, kB a second", lambda s: number(attempts(s) * 2 * LINE_BYTES / 1000)),
    ]
    return table(["Participants at once", *simulated], rows)


def blocks(seed: int, sizes: dict[str, int] = PARTICIPANTS) -> dict[str, str]:
    simulated = {name: simulate(count, seed) for name, count in sizes.items()}
    return {"assumptions": of_assumptions(), "one": of_one(), "needs": of_needs(simulated), "turn": of_turn_days(simulated), "proxies": of_proxy_days(simulated)}


def put_into(page: str, made: dict[str, str], seed: int) -> str:
    for name, text in made.items():
        mark = re.compile(rf"<!-- {name}: [^\n]*\n(?:(?!<!--).)*<!-- end -->", re.DOTALL)
        assert mark.search(page), f"docs/sizing.md has no place for {name!r}"
        page = mark.sub(lambda _found, name=name, text=text: f"<!-- {name}: written by tests/sim/run --seed {seed}, by benchmarks of {commit()} -->\n{text}\n<!-- end -->", page)
    return page
