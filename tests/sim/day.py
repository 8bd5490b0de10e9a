"""When people join, and how long they stay. Everything in steps of a minute."""

import numpy as np

from assumptions import assumed

STEPS = 24 * 60
HALF_HOUR, LATE = 30, 3  # minutes; who joins a meeting does so within LATE of its begin

# Of the busiest hour, by the hour of the day.
CURVE = [2, 1, 1, 1, 1, 2, 6, 20, 60, 90, 100, 95, 60, 70, 95, 100, 85, 55, 30, 20, 14, 10, 6, 4]


def shape() -> np.ndarray:
    """Joins in each minute, of any unit: the curve, with most of them at the begin of meetings."""
    hours = np.array(CURVE, dtype=float)
    level = np.interp(np.arange(STEPS) / 60, np.arange(25), np.append(hours, hours[0]))
    to_meetings = np.where(np.arange(STEPS) % HALF_HOUR < LATE, HALF_HOUR / LATE, 0.0)
    return level * (assumed("on_the_hour") * to_meetings + 1 - assumed("on_the_hour"))


def stays(random: np.random.Generator, count: int) -> np.ndarray:
    """Minutes of each of `count` calls: a log-normal distribution with the assumed mean, from a minute to four hours."""
    spread = 0.7
    drawn = random.lognormal(np.log(assumed("call_minutes")) - spread**2 / 2, spread, count)
    return np.clip(drawn.astype(np.int32), 1, 240)


def joins(participants: int) -> np.ndarray:
    """How many are expected to join in each minute, so that `participants` are there at the same time at the most."""
    rate = shape()
    present = np.convolve(rate, survival())[:STEPS]
    return rate * participants / present.max()


def survival() -> np.ndarray:
    """The part of all calls that lasts longer than 0, 1, 2 … minutes."""
    drawn = stays(np.random.default_rng(0), 1_000_000)
    counts = np.bincount(drawn, minlength=242)
    return 1 - np.cumsum(counts) / drawn.size
