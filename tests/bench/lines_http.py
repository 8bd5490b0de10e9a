"""The lines of rproxyd. h2load offers requests; tests/bench/load/web_load what that can't: handshakes of both kinds, connections
that are held, event streams."""

import re
import subprocess
from pathlib import Path

from line import Generator, Line, Sample, Server, beside, cost_of_load
from machine import Core, memory_bytes
from processes import HOST
from web_servers import Haproxy, Nghttpx, Nginx, Rproxyd

ALL = (Rproxyd, Nginx, Haproxy, Nghttpx)
BUILDS = ("rproxyd", "bench_web")
LARGE_BYTES = 1 << 20  # of an answer or a request's body
LARGE_AT_ONCE = 4
MODERATE = 4000  # requests a second
HELD = 1000
HANDSHAKES_PER_SECOND = 300
EVENT_MILLISECONDS = 250
WARM_UP_SECONDS = 0.3
HALF_LOAD_SECONDS = 0.8
ASKING = 50  # connections, for latencies
# What both ends have hardware for, and one group: a server's preference is not what is compared.
TLS = ("--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519")


def h2load(server, version: str, path: str, *arguments) -> dict:
    """What it saw; it runs until it has its answers, or for the seconds of -D."""
    command = ["h2load", "-t1", *TLS, *(["--h1"] if version == "h1" else []), *map(str, arguments), f"https://{HOST}:{server.port}{path}"]
    said = subprocess.run([*Core.GENERATOR.prefix(), *command], capture_output=True, text=True, check=True).stdout
    answered = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said)
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", said)
    if not answered or not rate or not int(answered[1]) or any(int(answered[i]) for i in (2, 3, 4)):
        raise RuntimeError(f"h2load said:\n{said}")
    return {"answers": int(answered[1]), "a second": float(rate[1])}


def latencies(log: Path) -> dict:
    """Of h2load's log: start, status and µs of each request."""
    taken = sorted(int(row.split("\t")[2]) for row in log.read_text().splitlines())
    return {name: taken[min(len(taken) - 1, int(len(taken) * part))] for name, part in (("p50 µs", 0.5), ("p99 µs", 0.99), ("p99.9 µs", 0.999))}


def for_seconds(seconds: float) -> tuple:
    return "-D", f"{round(seconds * 1000)}ms"


def evenly(server: Server, version: str, rate: float, seconds: float) -> dict:
    """Latencies of small requests that are due one after the other: all of h2load's clients ask in the same moment."""
    _windows, saw = cost_of_load(server, "web_load", "--server", f"{HOST}:{server.port}", *(["--h2"] if version == "h2" else []),
                                 "--seconds", seconds, "ask", "--rate", rate, "--count", ASKING)
    return {"latency at": saw["per_second"], **saw["latency"]}


def at_half_load(server: Server, version: str, path: str, rate: float, many: tuple, clients: int) -> dict:
    if path == "/":
        return evenly(server, version, rate, HALF_LOAD_SECONDS)
    log = server.folder / "latencies"
    saw = h2load(server, version, path, *many, f"--rps={rate / clients}", f"--log-file={log}", *for_seconds(HALF_LOAD_SECONDS))
    return {"latency at": saw["a second"], **latencies(log)}


def saturated(version: str, path: str, clients: int, at_once: int, *arguments):
    """µs of the server's CPU for each request, of as many as it can; then latencies at half of that."""

    def measure(server: Server, seconds: float) -> Sample:
        many = ("-c", clients, "-m", at_once, *arguments)
        h2load(server, version, path, *many, *for_seconds(WARM_UP_SECONDS))
        with server.window() as window:
            saw = h2load(server, version, path, *many, *for_seconds(seconds))
        half = at_half_load(server, version, path, saw["a second"] / 2, many, clients)
        return Sample(window.cpu_seconds / saw["answers"] * 1e6,
                      beside(window, **{"saturated": saw["a second"], "saturated load": window.load}, **half), window.elsewhere)

    return measure


def moderate(version: str, clients: int, at_once: int):
    """µs of the server's CPU for each request, at one rate for all; then latencies at the same."""

    def measure(server: Server, seconds: float) -> Sample:
        many = ("-c", clients, "-m", at_once, f"--rps={MODERATE / clients}")
        h2load(server, version, "/", *many, *for_seconds(2 * WARM_UP_SECONDS))
        with server.window() as window:
            saw = h2load(server, version, "/", *many, *for_seconds(seconds))
        return Sample(window.cpu_seconds / saw["answers"] * 1e6,
                      beside(window, **{"a second": saw["a second"]}, **evenly(server, version, MODERATE, HALF_LOAD_SECONDS)), window.elsewhere)

    return measure


def uploads(version: str):
    def measure(server: Server, seconds: float) -> Sample:
        upload = server.folder / "upload"
        upload.write_bytes(b"x" * LARGE_BYTES)
        return saturated(version, "/upload", LARGE_AT_ONCE, 1, "-d", upload)(server, seconds)

    return measure


def handshakes(*arguments):
    def measure(server: Server, seconds: float) -> Sample:
        windows, saw = cost_of_load(server, "web_load", "--server", f"{HOST}:{server.port}", "--seconds", seconds, "handshakes",
                                    "--rate", HANDSHAKES_PER_SECOND, "--saturate", HALF_LOAD_SECONDS, *arguments, stretches=3)
        return Sample(windows[0].cpu_seconds / saw["units"] * 1e6,
                      beside(windows[0], **{"a second": saw["per_second"], "saturated": saw["saturated"], "saturated load": windows[1].load,
                                            "latency at": saw["half"]}, **saw["latency"]), windows[0].elsewhere)

    return measure


def holding(server: Server, version: str, path: str, *arguments) -> Generator:
    return Generator(server, "web_load", "--server", f"{HOST}:{server.port}", "--path", path, *(["--h2"] if version == "h2" else []),
                     *arguments, "hold", "--count", HELD)


def memory(version: str, path: str):
    """KB of the server for each connection that is held."""

    def measure(server: Server, _seconds: float) -> Sample:
        with holding(server, version, path) as load:
            load.wait_for("begin")
            before = memory_bytes(server.pids())
            with server.window() as window:
                load.wait_for("end")
            return Sample((window.memory - before) / load.result()["units"] / 1000,
                          beside(window, **{"at the beginning, MB": before / 1e6}), window.elsewhere)

    return measure


def events(version: str):
    """µs for each event of a stream that is open."""

    def measure(server: Server, seconds: float) -> Sample:
        with holding(server, version, "/events", "--seconds", seconds) as load:
            load.wait_for("end")  # all are open
            load.wait_for("begin")
            with server.window() as window:
                load.wait_for("end")
            saw = load.result()
            return Sample(window.cpu_seconds / saw["units"] * 1e6, beside(window, **{"a second": saw["per_second"]}, **saw["latency"]), window.elsewhere)

    return measure


def line(name: str, title: str, unit: str, measure, goal: float, most: float | None = None, **options) -> Line:
    return Line(name, title, unit, ALL, measure, goal, most=most, options=options, builds=BUILDS)


def lines_of(version: str) -> list[Line]:
    shown = {"h1": "HTTP/1.1", "h2": "HTTP/2"}[version]
    clients, at_once = (50, 1) if version == "h1" else (10, 10)
    return [
        line(f"{version}-small", f"{shown}, 256 B, saturated", "µs a request", saturated(version, "/", clients, at_once), 0.9),
        line(f"{version}-small-4k", f"{shown}, 256 B, {MODERATE:,} a second", "µs a request", moderate(version, clients, at_once), 0.9),
        # On HTTP/2 as many streams of one connection each, so that both versions have as many connections.
        line(f"{version}-down", f"{shown}, 1 MB down", "µs a request", saturated(version, "/large", LARGE_AT_ONCE, 1), 0.85),
        line(f"{version}-up", f"{shown}, 1 MB up", "µs a request", uploads(version), 0.85),
        line(f"{version}-idle", f"{shown}, an idle connection", "KB", memory(version, "/"), 1, most=10),
        line(f"{version}-streams", f"{shown}, an open event stream", "KB", memory(version, "/events"), 1, most=35),
        line(f"{version}-event", f"{shown}, an event through an open stream", "µs an event", events(version), 0.8,
             origin=("--events-every", EVENT_MILLISECONDS)),
    ]


LINES = [
    *lines_of("h1"), *lines_of("h2"),
    line("tls-full", "TLS 1.3 full handshake and one request", "µs a connection", handshakes(), 0.7),
    line("tls-resumed", "TLS 1.3 resumed handshake and one request", "µs a connection", handshakes("--resumed"), 0.7),
]
