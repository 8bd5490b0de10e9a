"""What a socket costs the kernel, idle and watched by epoll: `python3 kernel_memory.py` prints bytes for each of a relay's (UDP) and for
each end of a connection (TCP). It is the growth of Slab in /proc/meminfo while thousands are opened and none is closed, the median of
several batches: others on the machine move it, too."""

import re
import select
import socket
import statistics
from pathlib import Path

BATCHES, BATCH = 5, 3000


def slab() -> int:
    return int(re.search(r"^Slab:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)[1]) * 1024


def udp(count: int) -> list[socket.socket]:
    opened = []
    for _ in range(count):
        opened.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        opened[-1].bind(("127.0.0.1", 0))
    return opened


def tcp(count: int) -> list[socket.socket]:
    opened = []
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        for _ in range(count // 2):
            opened.append(socket.create_connection(listener.getsockname()))
            opened.append(listener.accept()[0])
    return opened


def cost(open_some) -> float:
    kept, grown = [], []
    with select.epoll() as watched:
        for _ in range(BATCHES):
            before = slab()
            some = open_some(BATCH)
            for each in some:
                watched.register(each, select.EPOLLIN)
            grown.append((slab() - before) / BATCH)
            kept += some
        for each in kept:
            each.close()
    return statistics.median(grown)


if __name__ == "__main__":
    print(f"udp {cost(udp):.0f}\ntcp {cost(tcp):.0f}")
