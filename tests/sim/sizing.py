"""What a number of participants needs: arithmetic over measured figures and assumptions, nothing else."""

import math
from dataclasses import dataclass

from assumptions import assumed
from benchmarks import measured

# tests/sim/kernel_memory.py, on the machine of docs/benchmarks.md: bytes of the kernel's for a UDP socket, and for an end of a connection.
KERNEL_UDP, KERNEL_TCP = 2700, 3800
CELL = 100_000  # participants who share proxies, a Redis and a list of TURN servers: see "Cells" in docs/sizing.md
RELAY_PORTS = 65535 - 49152 + 1
FLOW_FIGURES = ("grow-turn-up", "grow-turn-down")  # µs a packet with 10,000 flows


def packets_a_second(direction: str) -> float:
    return assumed(f"video_kbit_{direction}") * 1000 / 8 / assumed("packet_bytes")


@dataclass(frozen=True)
class Participant:
    """What one costs: parts of a core, bytes, Mbit/s."""

    relay_core: float
    relay_bytes: float         # turnd's own
    relay_kernel_bytes: float
    relay_mbit: float          # into the relay, and as much out of it
    proxy_core: float          # while in a call
    join_core_seconds: float   # once
    proxy_bytes: float
    proxy_kernel_bytes: float
    proxy_descriptors: float


def participant() -> Participant:
    m = measured()
    up, down = (m[name] for name in FLOW_FIGURES)
    events = m["h2-event"] / assumed("event_seconds")
    refreshes = m["h2-small-4k"] / assumed("refresh_seconds")
    join = m["tls-full"] * assumed("connections") + m["h2-small-4k"] * assumed("requests_to_join") + m["h2-down"] * assumed("kilobytes_to_join") / 1000
    backend = 1  # of the event stream
    return Participant(
        relay_core=(packets_a_second("up") * up + packets_a_second("down") * down) / 1e6 * assumed("relayed"),
        relay_bytes=m["turn-memory"] * 1000 * assumed("relayed"),
        relay_kernel_bytes=KERNEL_UDP * assumed("relayed"),
        relay_mbit=(assumed("video_kbit_up") + assumed("video_kbit_down")) / 1000 * assumed("relayed"),
        proxy_core=(events + refreshes) / 1e6,
        join_core_seconds=join / 1e6,
        proxy_bytes=m["h2-streams"] * 1000 + (assumed("connections") - 1) * m["h2-idle"] * 1000,
        proxy_kernel_bytes=KERNEL_TCP * (assumed("connections") + backend),
        proxy_descriptors=assumed("connections") + backend)


def calls_a_turn_server() -> int:
    """The least of what its cores, its network card and the ports of one relay address bear."""
    one = participant()
    return int(min(assumed("turn_cores") * assumed("busy") / one.relay_core, assumed("nic_gbit") * 1000 * assumed("nic_busy") / one.relay_mbit, RELAY_PORTS))


@dataclass(frozen=True)
class Need:
    participants: int
    cells: int
    turn_servers: int       # of a cell
    proxies: int            # of a cell
    joins_a_second: float   # at the peak, of all cells
    turn_cores: float
    turn_gbit: float
    turn_gigabytes: float
    proxy_cores: float
    proxy_gbit: float       # while most join
    proxy_gigabytes: float
    proxy_descriptors: int  # of each proxy


def need(participants: int, peak_joins_a_minute: float) -> Need:
    """At least two TURN servers and three proxies in each cell, one of them to spare."""
    one, cells = participant(), max(1, participants // CELL)
    there = participants / cells
    joins = peak_joins_a_minute / 60
    proxy_cores = participants * one.proxy_core + joins * one.join_core_seconds
    proxies = max(3, math.ceil(proxy_cores / cells / assumed("busy") / assumed("proxy_cores")) + 1)
    # A tenth more, and one: so that servers that drain, one that is gone, and a wave of people do not fill the others.
    turn_servers = max(2, math.ceil(there * assumed("relayed") * 1.1 / calls_a_turn_server()) + 1)
    return Need(participants=participants, cells=cells, turn_servers=turn_servers, proxies=proxies, joins_a_second=joins,
                turn_cores=participants * one.relay_core, turn_gbit=participants * one.relay_mbit / 1000,
                turn_gigabytes=participants * (one.relay_bytes + one.relay_kernel_bytes) / 1e9,
                proxy_cores=proxy_cores, proxy_gbit=joins * assumed("kilobytes_to_join") * 8 / 1e6,
                proxy_gigabytes=participants * (one.proxy_bytes + one.proxy_kernel_bytes) / 1e9,
                proxy_descriptors=math.ceil(there * one.proxy_descriptors / (proxies - 1)))
