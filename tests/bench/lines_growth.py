"""How cost grows: the same load on more and more flows or connections, or as much for each of more workers. The cost of a unit must
stay flat. Beside ours stand others at both ends, since sockets that are used seldom cost the kernel more, too."""

from dataclasses import dataclass

import lines_http
import lines_turn
from figures import FLAT
from line import Line, Sample, Server, beside, cost_of_load, grown
from machine import Core
from processes import HOST
from turn_servers import Floor, Turnd
from web_servers import Nginx, Rproxyd

# Descriptors: 20,000 for a process are what can be had everywhere. A flow is one of turnd's, and a connection one of rproxyd's,
# since its requests share few connections to the origin.
MANY = (10, 100, 1000, 10_000)
WORKERS = (1, 2)
PACKETS, REQUESTS = 40_000, 4000  # a second
PACKETS_A_WORKER, REQUESTS_A_WORKER = 20_000, 2000
CONNECTIONS_A_WORKER = 25


@dataclass
class Growth:
    what: str
    server: type[Server]
    other: type[Server] | None
    units: tuple[int, ...] = MANY

    def servers(self, **attributes) -> list[type[Server]]:
        ours = [grown(self.server, units, **{key: value(units) for key, value in attributes.items()}) for units in self.units]
        ends = [self.units[0], self.units[-1]] if self.other else []
        return [*ours, *(grown(self.other, units, **{key: value(units) for key, value in attributes.items()}) for units in ends)]


def asked(version: str, *arguments):
    """µs of the server's CPU for each request, evenly spaced over all connections."""

    def measure(server: Server, seconds: float) -> Sample:
        windows, saw = cost_of_load(server, "web_load", "--server", f"{HOST}:{server.port}", *(["--h2"] if version == "h2" else []),
                                    "--seconds", seconds, "ask", *arguments, *server.load)
        return Sample(windows[0].cpu_seconds / saw["units"] * 1e6, beside(windows[0], **{"a second": saw["per_second"]}, **saw["latency"]),
                      windows[0].elsewhere)

    return measure


def line(name: str, title: str, unit: str, growth: Growth, measure, builds: tuple[str, ...], **attributes) -> Line:
    return Line(name, title, unit, growth.servers(**attributes), measure, FLAT, grows=growth.what, builds=builds)


def flows(way: str) -> Line:
    return line(f"grow-turn-{way}", f"{way}, {PACKETS:,} packets a second, evenly, 160 B", lines_turn.PACKET, Growth("flows", Turnd, Floor),
                lines_turn.packets("--direction", way, "--size", 160, "--rate", PACKETS, saturate=False), lines_turn.BUILDS,
                load=lambda units: ("--flows", units))


def connections(version: str, shown: str) -> Line:
    return line(f"grow-{version}", f"{shown}, {REQUESTS:,} requests a second, evenly, 256 B", "µs a request", Growth("connections", Rproxyd, Nginx),
                asked(version, "--rate", REQUESTS), lines_http.BUILDS, load=lambda units: ("--count", units))


# Both cores for server and generator; with one worker, too.
SHARED = {"workers": lambda units: units, "core": lambda _units: Core.BOTH}

LINES = [
    flows("up"), flows("down"), connections("h1", "HTTP/1.1"), connections("h2", "HTTP/2"),
    line("grow-turn-workers", f"up, {PACKETS_A_WORKER:,} packets a second for each worker, evenly, 160 B", lines_turn.PACKET,
         Growth("workers", Turnd, None, WORKERS), lines_turn.packets("--direction", "up", "--size", 160, saturate=False), lines_turn.BUILDS, **SHARED,
         load=lambda units: ("--rate", PACKETS_A_WORKER * units, "--flows", 200 * units)),
    line("grow-h1-workers", f"HTTP/1.1, {REQUESTS_A_WORKER:,} requests a second for each worker, evenly, 256 B", "µs a request",
         Growth("workers", Rproxyd, None, WORKERS), asked("h1"), lines_http.BUILDS, **SHARED,
         load=lambda units: ("--rate", REQUESTS_A_WORKER * units, "--count", CONNECTIONS_A_WORKER * units)),
]
