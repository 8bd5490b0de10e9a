"""The simulation of tests/sim: what must hold whatever is drawn, and that docs/sizing.md has what it says."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from assumptions import PARTICIPANTS, assumed  # noqa: E402
from benchmarks import commit, figures, growth  # noqa: E402
from day import STEPS, joins, stays  # noqa: E402
from proxy_fleet import RollingUpdate  # noqa: E402
from proxy_fleet import day as proxy_day  # noqa: E402
from tables import BEGIN, blocks, put_into  # noqa: E402
from sizing import need  # noqa: E402
from turn_fleet import Death, Fleet, RollingRestart, run  # noqa: E402

PAGE = Path(__file__).resolve().parents[2] / "docs/sizing.md"
SEED, ROOM = 3, 1 << 30


def test_as_many_are_there_at_the_peak_as_are_asked_for():
    day = run(SEED, 20_000, 1, 10, ROOM)
    assert day.total.max() == pytest.approx(20_000, rel=0.02)
    assert 8 * 60 < day.peak < 17 * 60 and day.total[3 * 60] < 1000


def test_calls_are_as_long_as_assumed():
    drawn = stays(np.random.default_rng(SEED), 100_000)
    assert drawn.mean() == pytest.approx(assumed("call_minutes"), rel=0.05)
    assert drawn.min() >= 1 and drawn.max() <= 240


def test_the_same_seed_gives_the_same_day_and_another_one_another():
    one, again, other = (run(seed, 2000, 2, 3, 500) for seed in (1, 1, 2))
    assert one.totals == again.totals and (one.most == again.most).all()
    assert one.totals != other.totals


def test_a_call_that_begins_ends_and_none_is_lost():
    fleet = Fleet(np.random.default_rng(SEED), 2, 3, ROOM)
    fleet.begin(0, 5000)
    assert fleet.load.sum() == 5000 == fleet.ends.sum()
    for now in range(1, 241):
        fleet.end(now)
    assert fleet.load.sum() == 0 == fleet.ends.sum()


def test_a_full_server_sends_away_what_it_has_no_room_for_and_only_that():
    fleet = Fleet(np.random.default_rng(SEED), 1, 2, 100)
    assert fleet.place(np.full(150, 5), np.zeros(150, dtype=np.int64)) == 150
    assert fleet.load.max() <= 100
    assert fleet.place(np.full(150, 5), np.zeros(150, dtype=np.int64)) == 50
    assert list(fleet.load) == [100, 100] and fleet.totals.refused == 100


def test_a_client_stays_in_its_cell():
    fleet = Fleet(np.random.default_rng(SEED), 3, 4, ROOM)
    fleet.place(np.full(90, 5), np.full(90, 1))
    assert fleet.load.reshape(3, 4).sum(axis=1).tolist() == [0, 90, 0]


def test_nobody_gets_to_a_server_that_drains_and_all_that_is_left_goes_on_elsewhere():
    restart = RollingRestart(BEGIN, 30, 1)
    day = run(SEED, 3000, 1, 5, ROOM, restart)
    assert restart.done_at == BEGIN + 5 * 30 + 4 and day.totals.refused == 0  # the next begins in the following minute
    assert day.totals.cut == day.totals.moved > 0 and day.totals.redirected > 0
    shares = [sum(of) / len(of) for _, of in sorted(restart.left_after.items())]
    assert shares == sorted(shares, reverse=True) and shares[0] == 1


def test_a_death_costs_the_calls_of_that_server_alone():
    death = Death(BEGIN)
    day = run(SEED, 3000, 1, 10, ROOM, death)
    assert day.totals.cut == day.totals.moved == death.calls
    assert 150 < death.calls < 400 and day.totals.in_vain > 0
    after = run(SEED, 3000, 1, 10, ROOM, Death(BEGIN, server=9))
    assert after.totals.refused == 0


def test_a_rolling_update_of_the_proxies_leaves_as_many_as_there_were():
    update = RollingUpdate(BEGIN)
    day = proxy_day(SEED, 3000, 2, 3, update)
    assert update.done_at == BEGIN + 5 and day.totals.cut == day.totals.moved and day.totals.refused == 0
    assert (day.least[:BEGIN] >= 0).all() and day.least[update.done_at + 60] > 0
    assert day.mean[STEPS // 2] == pytest.approx(day.total[STEPS // 2] / 6)


def test_figures_are_read_as_the_page_has_them():
    text = """| `turn-memory`: an idle allocation with a channel (KB) | 0.779 (0.779–0.779) | coturn 23.2 |  | 5 | x |
| `turn-one-flow`: one flow (packets a CPU second) | 751,615 (575,203–948,682) | coturn 224,973 | 252,693 | 4 | x |
| `grow-turn-up`: up (µs a packet), by flows | turnd | 10: 6.22, 100: 6.65, 1,000: 8.65, 10,000: 8.98 | 1.44 | x |
"""
    assert figures(text) == {"turn-memory": 0.779, "turn-one-flow": 751615}
    assert growth(text) == {"grow-turn-up": 8.98}


def test_needs_grow_with_the_people_and_never_below_what_may_fail():
    small, large = (need(count, joins(count).max()) for count in (1_000, 10_000_000))
    assert small.turn_servers >= 2 and small.proxies >= 3
    assert large.turn_cores == pytest.approx(10_000 * small.turn_cores)


def test_the_page_has_what_the_smallest_fleet_gives():
    """All of it takes minutes: `tests/sim/run --write`. The column of the smallest fleet is made again here."""
    page = PAGE.read_text()
    seed, of = re.search(r"written by tests/sim/run --seed (\d+), by benchmarks of (\w+) -->", page).groups()
    if of != commit():
        pytest.skip(f"docs/benchmarks.md is of {commit()} now, docs/sizing.md goes by {of}: tests/sim/run --write makes it anew")
    least = dict(list(PARTICIPANTS.items())[:1])
    for name, text in blocks(int(seed), least).items():
        for line in text.splitlines():
            of = [cell.strip() for cell in line.strip("|").split("|")]
            said = [[cell.strip() for cell in each.strip("|").split("|")][:len(of)] for each in page.splitlines() if each.startswith("|")]
            assert of in said or set(of) == {"---"}, f"{name}: {line}\ntests/sim/run --write makes it again"


def test_a_block_is_put_where_its_mark_is():
    page = "a\n<!-- one: x -->\nold\nolder\n<!-- end -->\nb\n"
    mark = f"<!-- one: written by tests/sim/run --seed 7, by benchmarks of {commit()} -->"
    assert put_into(page, {"one": "new"}, 7) == f"a\n{mark}\nnew\n<!-- end -->\nb\n"
    empty = "<!-- one: x -->\n<!-- end -->\n<!-- two: x -->\n<!-- end -->\n"
    assert put_into(empty, {"one": "1", "two": "2"}, 7).count("<!-- end -->") == 2
