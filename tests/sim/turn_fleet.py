"""A fleet of TURN servers over a day. Each call is drawn by itself: when it begins, how long it lasts, which server it asks. A server is
how many of its calls end in which minute, so that ten million at once are no more work than there are calls in a day."""

from dataclasses import dataclass, field

import numpy as np

from day import STEPS, joins, stays

HOPS = 4        # a client follows so many ALTERNATE-SERVER at most
STALE = 2       # minutes for which DNS, or a list of servers handed out before, still names one that is gone
TAIL = 241      # minutes after the day in which its calls end


@dataclass
class Totals:
    calls: int = 0
    redirected: int = 0  # answers with ALTERNATE-SERVER
    in_vain: int = 0     # a server that did not answer, then the next of the list
    refused: int = 0     # all of HOPS were full
    cut: int = 0         # by a death, or by the end of a drain
    moved: int = 0       # of these, those that went on at another server


@dataclass
class Fleet:
    """`cells` of `each` servers: a client belongs to one cell, within which it asks any server, and is sent from one to another."""

    random: np.random.Generator
    cells: int
    each: int
    room: int  # calls that a server takes
    totals: Totals = field(default_factory=Totals)

    def __post_init__(self):
        servers = self.cells * self.each
        self.ends = np.zeros((servers, STEPS + TAIL), dtype=np.int32)
        self.load = np.zeros(servers, dtype=np.int64)
        self.drains = np.zeros(servers, dtype=bool)  # sends new clients elsewhere
        self.dead = np.zeros(servers, dtype=bool)
        self.named = np.ones(servers, dtype=bool)    # in DNS and in the lists that are handed out
        self._names()

    def _names(self) -> None:
        """For each cell its named servers, the first of them."""
        self._order = np.argsort(~self.named.reshape(self.cells, self.each), axis=1, kind="stable")
        self._count = self.named.reshape(self.cells, self.each).sum(axis=1)

    def name(self, servers: np.ndarray, named: bool) -> None:
        self.named[servers] = named
        self._names()

    def _another(self, cells: np.ndarray, last: np.ndarray | None) -> np.ndarray:
        """For each of these clients a place in the list of its cell: any by lot, and then any but the last."""
        count = self._count[cells]
        if last is None:
            return (self.random.random(cells.size) * count).astype(np.int64)
        further = 1 + (self.random.random(cells.size) * (count - 1)).astype(np.int64)
        return (last + further) % count

    def place(self, ends: np.ndarray, cells: np.ndarray) -> int:
        """Calls that end in these minutes find servers; how many did."""
        placed, asked = 0, None
        for _ in range(HOPS):
            if ends.size == 0:
                break
            asked = self._another(cells, asked)
            servers = cells * self.each + self._order[cells, asked]
            taken = self._takes(servers)
            np.add.at(self.ends, (servers[taken], ends[taken]), 1)
            self.load += np.bincount(servers[taken], minlength=self.load.size)
            placed += int(taken.sum())
            in_vain = int((~taken & self.dead[servers]).sum())
            self.totals.in_vain += in_vain
            self.totals.redirected += int((~taken).sum()) - in_vain
            ends, cells, asked = ends[~taken], cells[~taken], asked[~taken]
        self.totals.refused += ends.size
        return placed

    def _takes(self, servers: np.ndarray) -> np.ndarray:
        """Which of those who ask these servers now get in: the first ones, as far as there is room."""
        order = np.argsort(servers, kind="stable")
        ranked = servers[order]
        first = np.searchsorted(ranked, ranked, side="left")
        rank = np.empty(servers.size, dtype=np.int64)
        rank[order] = np.arange(servers.size) - first
        return (rank < self.room - self.load[servers]) & ~self.drains[servers] & ~self.dead[servers]

    def cut(self, servers: np.ndarray, now: int) -> None:
        """Their calls end here, and begin again elsewhere in the same minute, with what was left of them."""
        for server in servers:
            left = self.ends[server, now + 1:]
            ends = np.repeat(np.arange(now + 1, now + 1 + left.size), left)
            self.ends[server, now + 1:] = 0
            self.load[server] -= ends.size
            self.totals.cut += ends.size
            self.totals.moved += self.place(ends, np.full(ends.size, server // self.each))

    def begin(self, now: int, count: int) -> None:
        self.totals.calls += count
        ends = now + stays(self.random, count)
        self.place(ends, self.random.integers(0, self.cells, count))

    def end(self, now: int) -> None:
        self.load -= self.ends[:, now]
        self.ends[:, now] = 0


@dataclass
class Day:
    """What was seen of it, a value a minute."""

    totals: Totals
    joined: np.ndarray
    total: np.ndarray
    least: np.ndarray
    most: np.ndarray
    mean: np.ndarray

    def balance(self, at: int) -> float:
        """The fullest server's load, as a part of the mean."""
        return float(self.most[at] / self.mean[at])

    @property
    def peak(self) -> int:
        return int(self.total.argmax())


def run(seed: int, participants: int, cells: int, each: int, room: int, happenings=lambda fleet, now: None) -> Day:
    """One day; `happenings` is asked each minute, before anybody joins."""
    random = np.random.default_rng(seed)
    fleet = Fleet(random, cells, each, room)
    expected = joins(participants)
    seen = {name: np.zeros(STEPS) for name in ("joined", "total", "least", "most", "mean")}
    for now in range(STEPS):
        fleet.end(now)
        happenings(fleet, now)
        seen["joined"][now] = random.poisson(expected[now])
        fleet.begin(now, int(seen["joined"][now]))
        serving = fleet.load[~fleet.dead & ~fleet.drains & fleet.named]
        seen["total"][now], seen["least"][now] = fleet.load.sum(), serving.min()
        seen["most"][now], seen["mean"][now] = serving.max(), serving.mean()
    return Day(fleet.totals, **seen)


class RollingRestart:
    """From a minute on, some servers of each cell at a time: no new calls for `drain` minutes, then what is left is cut; then the next."""

    def __init__(self, begin: int, drain: int, at_once: int):
        self.begin, self.drain, self.at_once = begin, drain, at_once
        self.left_after: dict[int, list[float]] = {}  # of a server's calls, after so many minutes
        self.done_at: int | None = None
        self._first = 0
        self._since: int | None = None

    def _servers(self, fleet: Fleet) -> np.ndarray:
        inside = np.arange(self._first, min(self._first + self.at_once, fleet.each))
        return (np.arange(fleet.cells)[:, None] * fleet.each + inside).ravel()

    def __call__(self, fleet: Fleet, now: int) -> None:
        if now < self.begin or self._first >= fleet.each:
            return
        servers = self._servers(fleet)
        if self._since is None:
            self._since, self._loads = now, fleet.load[servers].copy()
            fleet.drains[servers] = True
        elapsed = now - self._since
        if elapsed == STALE:
            fleet.name(servers, False)
        if elapsed % 15 == 0 and self._loads.sum():
            self.left_after.setdefault(elapsed, []).append(float(fleet.load[servers].sum() / self._loads.sum()))
        if elapsed == self.drain or not fleet.load[servers].any():
            fleet.dead[servers] = True
            fleet.cut(servers, now)
            self._restart(fleet, servers, now)

    def _restart(self, fleet: Fleet, servers: np.ndarray, now: int) -> None:
        """It is back before the next ones begin; its name, too."""
        fleet.dead[servers] = fleet.drains[servers] = False
        fleet.name(servers, True)
        self._first += self.at_once
        self._since = None
        if self._first >= fleet.each:
            self.done_at = now


class Death:
    """One server dies, is named for STALE minutes, and does not come back."""

    def __init__(self, at: int, server: int = 0):
        self.at, self.server = at, np.array([server])
        self.calls = 0

    def __call__(self, fleet: Fleet, now: int) -> None:
        if now == self.at:
            self.calls = int(fleet.load[self.server].sum())
            fleet.dead[self.server] = True
            fleet.cut(self.server, now)
        if now == self.at + STALE:
            fleet.name(self.server, False)
