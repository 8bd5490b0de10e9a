"""The daemons, the nodes behind them, and all their clients."""

import multiprocessing
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import callers
import relays
import web
from certificates import Certificate
from daemons import HOST
from demo_node.process import DemoNode
from nginx import Nginx
from rproxyd import Rproxyd, configuration
from steady import Clients, SteadyNode
from turnd import Turnd
from turnd import configuration as turn_configuration
from watch import Watch

STREAMS, SOCKETS = 30, 15
CALIBRATION_SECONDS = 5
SETTLE_SECONDS = 3


@dataclass
class Seen:
    """Of a whole run. Latencies are in milliseconds, sorted."""
    minutes: float
    load: float
    capacity: float  # web requests a second, beside all the rest
    offered: float
    requests: web.Seen = field(default_factory=web.Seen)
    tokens: callers.Seen = field(default_factory=callers.Seen)
    flows: relays.Seen = field(default_factory=relays.Seen)
    churn: relays.Churn = field(default_factory=relays.Churn)
    streams: int = 0
    events: int = 0
    stream_failures: list[str] = field(default_factory=list)
    daemons: dict[str, Watch] = field(default_factory=dict)


def soak(minutes: float, load: float) -> Seen:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-soak-")))
        proxy, turnd = stack.enter_context(_proxy(stack, folder)), stack.enter_context(_turnd(folder))
        seen = Seen(minutes, load, 0, 0)
        seen.daemons = {each.name: Watch(each) for each in (proxy, turnd)}
        processes = multiprocessing.get_context("spawn").Pool(3)
        stack.callback(processes.terminate)

        streams = Clients(proxy.port("https"))
        of_streams = stack.enter_context(ExitStack())
        of_streams.callback(streams.end)
        streams.open(STREAMS, SOCKETS)
        seconds = 60 * minutes
        all_of_it = SETTLE_SECONDS + CALIBRATION_SECONDS + seconds
        under_way = {"tokens": processes.apply_async(callers.run, (proxy.port("https"), all_of_it)),
                     "flows": processes.apply_async(relays.run, (turnd.port("udp"), all_of_it, load)),
                     "churn": processes.apply_async(relays.come_and_go, (turnd.port("udp"), turnd.port("tcp"), all_of_it))}
        time.sleep(SETTLE_SECONDS)
        seen.capacity = web.saturate(proxy.port("https"), CALIBRATION_SECONDS)
        seen.offered = load * seen.capacity
        for each in seen.daemons.values():
            each.begin()
        seen.requests = web.offer(proxy.port("https"), seconds, seen.offered, folder)
        for each in seen.daemons.values():
            each.end()
        for name, work in under_way.items():
            setattr(seen, name, work.get(seconds + 120))
        seen.streams, seen.events, seen.stream_failures = len(streams.got), sum(streams.got), list(streams.failures)
        of_streams.close()
        for each in seen.daemons.values():
            each.wait_for_quiet()
        return seen


def _proxy(stack: ExitStack, folder: Path) -> Rproxyd:
    steady = stack.enter_context(SteadyNode())
    node = stack.enter_context(DemoNode(name="soak"))
    nginx = stack.enter_context(Nginx(folder))
    certificate = Certificate(folder, "proxy", "DNS:proxy.example.com")
    pool = {"tls": {"verify": False}}
    return Rproxyd(folder, configuration(
        folder, certificate.file(), [nginx.url], workers=0, log={"level": "warning"}, timeouts={"backend_idle": "10s"},
        pools={"steady": pool | {"servers": [steady.url]}, "echo": pool | {"servers": [steady.echo_url]}, "node": pool | {"servers": [node.url]}},
        routes=[{"path": "/events", "pool": "steady"}, {"path": "/ws", "pool": "echo", "websocket": True},
                {"path": "/api/", "pool": "node"}, {"path": "/", "pool": "nodes"}],
        pin_guard={"enabled": True, "ban_time": callers.BAN_TIME, "state": str(folder / "bans.json"), "audit_log": str(folder / "audit.log")}))


def _turnd(folder: Path) -> Turnd:
    limits = {"allocations": 0, "allocations_per_user": 0, "unauthenticated_answers_per_source": 0}
    return Turnd(folder, turn_configuration(workers=0, listeners=[{"transport": each, "address": f"{HOST}:0"} for each in ("udp", "tcp")],
                                            limits=limits, log={"level": "warning"}))
