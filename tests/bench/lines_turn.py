"""The lines of turnd."""

from line import Generator, Line, Sample, Server, beside, cost_of_load
from machine import memory_bytes
from processes import HOST
from turn_servers import PASSWORD, USER, Coturn, CoturnFastest, Floor, Turnd

BURST_MS = 1
HELD = 4000
ALLOCATIONS_PER_SECOND = 500
SATURATED_SECONDS = 0.6
ADDED_P50 = 300  # µs, evenly spaced


def relayed(server: Server, carrier: str, stretches: int, *arguments):
    windows, saw = cost_of_load(
        server, "relay_load", "--server", f"{HOST}:{server.port_of(carrier)}", "--carrier", server.carrier_for(carrier),
        "--user", USER, "--password", PASSWORD, *server.load, *arguments,
        stretches=stretches)
    if not saw["units"]:
        raise RuntimeError(f"{server.name} relayed nothing: {saw}")
    return windows, saw


def packets(*arguments, carrier: str = "udp", saturate: bool = True):
    """µs of the server's CPU for each packet that it relayed, at the line's rate. Then as many as it can."""

    def measure(server: Server, seconds: float) -> Sample:
        more = ("--saturate", SATURATED_SECONDS) if saturate else ()
        windows, saw = relayed(server, carrier, 1 + saturate, *arguments, *more, "--seconds", seconds)
        saturated = {"saturated": saw["saturated"], "saturated load": windows[1].load} if saturate else {}
        return Sample(windows[0].cpu_seconds / saw["units"] * 1e6,
                      beside(windows[0], **{"a second": saw["per_second"], "lost": max(0.0, 1 - saw["units"] / saw["sent"])}, **saturated, **saw["latency"]),
                      windows[0].elsewhere)

    return measure


def throughput(*arguments):
    """Packets that came out for each second of the server's CPU: what it would do if the generator could keep it busy."""

    def measure(server: Server, seconds: float) -> Sample:
        windows, saw = relayed(server, "udp", 2, "--saturated-first", "--saturate", seconds, "--seconds", SATURATED_SECONDS,
                               "--flows", 1, "--size", 1200, *arguments)
        return Sample(saw["saturated_units"] / windows[0].cpu_seconds,
                      beside(windows[0], **{"saturated": saw["saturated"], "saturated load": windows[0].load, "latency at": saw["per_second"]},
                             **saw["latency"]), windows[0].elsewhere)

    return measure


def allocations(server: Server, seconds: float) -> Sample:
    windows, saw = cost_of_load(server, "allocation_load", "--server", f"{HOST}:{server.port_of('udp')}", "--rate", ALLOCATIONS_PER_SECOND,
                                "--seconds", seconds, "--saturate", SATURATED_SECONDS, "--user", USER, "--password", PASSWORD, stretches=3)
    return Sample(windows[0].cpu_seconds / saw["units"] * 1e6,
                  beside(windows[0], **{"a second": saw["per_second"], "saturated": saw["saturated"], "saturated load": windows[1].load,
                                        "latency at": saw["half"]}, **saw["latency"]), windows[0].elsewhere)


def memory(server: Server, _seconds: float) -> Sample:
    with Generator(server, "allocation_load", "--server", f"{HOST}:{server.port_of('udp')}", "--hold", HELD,
                   "--user", USER, "--password", PASSWORD) as load:
        load.wait_for("begin")
        before = memory_bytes(server.pids())
        with server.window() as window:
            load.wait_for("end")
        return Sample((window.memory - before) / load.result()["units"] / 1000,
                      beside(window, **{"at the beginning, MB": before / 1e6}), window.elsewhere)


UP = ("--direction", "up")
DOWN = ("--direction", "down")
BURSTS = ("--burst-ms", BURST_MS)
VOICE = ("--flows", 200, "--size", 160, "--rate", 40_000)
VIDEO = ("--flows", 50, "--size", 1200, "--rate", 40_000)
ON_STREAMS = ("--flows", 200, "--size", 160, "--rate", 20_000)
ALL = (Turnd, Coturn, CoturnFastest)
BUILDS = ("turnd", "bench_load")
PACKET, RATE = "µs a packet", "packets a CPU second"


def line(name: str, title: str, goal: float, *arguments, servers=ALL, floor=Floor, carrier="udp", **more) -> Line:
    return Line(f"turn-{name}", title, PACKET, servers, packets(*arguments, carrier=carrier), goal, floor, builds=BUILDS, **more)


LINES = [
    line("up-even", "up, 200 flows × 160 B, 40,000 a second, evenly", 0.55, *UP, *VOICE, servers=(Turnd, Coturn), p50_goal=ADDED_P50),
    line("up-bursts", "the same in 1 ms bursts", 0.9, *UP, *VOICE, *BURSTS),
    line("down-bursts", "down, in 1 ms bursts", 0.6, *DOWN, *VOICE, *BURSTS, servers=(Turnd, Coturn)),
    line("down-even", "down, evenly", 0.6, *DOWN, *VOICE, servers=(Turnd, Coturn)),
    line("video-even", "up, 50 flows × 1200 B, evenly", 0.55, *UP, *VIDEO, servers=(Turnd, Coturn)),
    line("video-bursts", "the same in 1 ms bursts", 0.9, *UP, *VIDEO, *BURSTS),
    line("send-bursts", "up as Send indications, in 1 ms bursts", 0.7, *UP, *VOICE, *BURSTS, "--kind", "send", servers=(Turnd, Coturn), floor=None),
    Line("turn-one-flow", "one flow × 1200 B, saturating", RATE, ALL, throughput(), 1.1, Floor, more_is_better=True, builds=BUILDS),
    Line("turn-one-flow-gso", "the same, sent with GSO", RATE, ALL, throughput("--gso"), 1.1, Floor, more_is_better=True, builds=BUILDS),
    *(line(f"{carrier}-{way}", f"{carrier.upper()} clients, {way}, 20,000 a second in 1 ms bursts", 0.6, "--direction", way, *ON_STREAMS, *BURSTS,
           servers=(Turnd, Coturn), floor=None, carrier=carrier) for carrier in ("tcp", "tls") for way in ("up", "down")),
    Line("turn-allocate", "401 and Allocate", "µs an allocation", (Turnd, Coturn), allocations, 0.5, builds=BUILDS),
    Line("turn-memory", "an idle allocation with a channel", "KB", (Turnd, Coturn), memory, 2 / 23.4, builds=BUILDS),
]
