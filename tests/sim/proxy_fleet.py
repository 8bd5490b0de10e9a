"""A fleet of rproxyd over a day: the same fleet of servers, whose calls are event streams. The load balancer deals connections out by a hash
of the client, that is by lot, and knows at once who takes none; what an old pod has when its drain time-out ends comes back to the others."""

import numpy as np

from turn_fleet import Day, Fleet, run

NO_LIMIT = 1 << 40


class RollingUpdate:
    """As a Deployment with maxSurge 1 does it: a new one first, then an old one drains and ends; of each cell one at a time.
    The last place of a cell is empty before, and it's another one after each step."""

    def __init__(self, begin: int, drain: int = 1):
        self.begin, self.drain = begin, drain
        self.done_at: int | None = None
        self._next, self._spare, self._since = 0, -1, None

    def _place(self, fleet: Fleet, index: int) -> np.ndarray:
        return np.arange(fleet.cells) * fleet.each + index % fleet.each

    def __call__(self, fleet: Fleet, now: int) -> None:
        if now == 0:
            self._serves(fleet, self._place(fleet, self._spare), False)
        if now < self.begin or self.done_at is not None:
            return
        old = self._place(fleet, self._next)
        if self._since is None:
            self._serves(fleet, self._place(fleet, self._spare), True)
            fleet.name(old, False)
            fleet.drains[old] = True
            self._since = now
        elif now - self._since >= self.drain:
            fleet.cut(old, now)
            self._serves(fleet, old, False)
            self._spare, self._next, self._since = self._next, self._next + 1, None
            if self._next == fleet.each - 1:
                self.done_at = now

    @staticmethod
    def _serves(fleet: Fleet, servers: np.ndarray, does: bool) -> None:
        fleet.drains[servers] = fleet.dead[servers] = not does
        fleet.name(servers, does)


def day(seed: int, participants: int, cells: int, each: int, update: RollingUpdate | None = None) -> Day:
    """`each` that serve in a cell."""
    return run(seed, participants, cells, each + 1, NO_LIMIT, update or RollingUpdate(begin=1 << 30))
