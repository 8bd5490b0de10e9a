"""What runs add up to: medians, disturbed runs, verdicts, growth."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from figures import best_rival, figure, goals, growths, runs, summary, verdict


@dataclass
class Sample:
    value: float
    beside: dict = field(default_factory=dict)


def server(median, name="ours", floor=False, **more):
    return {"name": name, "of": "", "units": None, "median": median, "floor": floor, "beside": {}} | more


def line(*medians, **more):
    servers = [server(median, name) for median, name in zip(medians, ("ours", "one", "two"), strict=False)]
    return {"unit": "µs", "servers": servers, "goal": 0.9, "more_is_better": False} | more


def test_disturbed_runs_are_left_out_and_counted():
    seen = summary([Sample(3), Sample(1), Sample(2)], [Sample(100)])
    assert (seen["median"], seen["values"], seen["left_out"], seen["disturbed"]) == (2, [1, 2, 3], 1, 0)
    assert runs(seen) == "3, 1 disturbed left out"


def test_one_undisturbed_run_counts_alone():
    seen = summary([Sample(2)], [Sample(100), Sample(50)])
    assert (seen["median"], seen["left_out"]) == (2, 2)


def test_where_all_runs_were_disturbed_they_count_and_it_is_said():
    seen = summary([], [Sample(4), Sample(6)])
    assert (seen["median"], seen["left_out"], seen["disturbed"]) == (5, 0, 2)
    assert runs(seen) == "2, all disturbed"


def test_a_server_without_runs_has_no_figure():
    assert summary([], [])["median"] is None


def test_what_stands_beside_is_a_median_too():
    seen = summary([Sample(1, {"p50 µs": 10}), Sample(1, {"p50 µs": 30}), Sample(1, {"p50 µs": 12})], [])
    assert seen["beside"] == {"p50 µs": 12}


def test_the_best_rival_is_the_cheapest_and_never_the_floor():
    seen = line(5, 8, 7)
    seen["servers"].append(server(1, "floor", floor=True))
    assert best_rival(seen)["name"] == "two"


def test_where_more_is_better_the_best_rival_has_the_most():
    assert best_rival(line(5, 8, 7, more_is_better=True))["name"] == "one"


@pytest.mark.parametrize(("ours", "said"), [(7.2, "0.90 of one, goal ≤ 0.9: met"), (7.3, "0.91 of one, goal ≤ 0.9: MISSED"),
                                            (10, "1.25 of one, goal ≤ 0.9: MISSED")])
def test_a_verdict_can_be_that_we_lose(ours, said):
    assert verdict(line(ours, 8)) == said


@pytest.mark.parametrize(("ours", "word"), [(110, "met"), (109, "MISSED")])
def test_a_verdict_where_more_is_better(ours, word):
    assert verdict(line(ours, 100, goal=1.1, more_is_better=True)).endswith(word)


@pytest.mark.parametrize(("ours", "word"), [(10, "met"), (10.1, "MISSED")])
def test_a_goal_may_be_a_figure_whatever_rivals_have(ours, word):
    assert verdict(line(ours, 100, most=10)).endswith(word)


@pytest.mark.parametrize(("p50", "word"), [(300, "met"), (301, "MISSED")])
def test_latency_is_judged_beside_the_cost(p50, word):
    seen = line(1, 8, p50_goal=300)
    seen["servers"][0]["beside"]["p50 µs"] = p50
    assert [met for _said, met in goals(seen)] == [True, word == "met"]
    assert verdict(seen).endswith(f"p50 {p50} µs, goal ≤ 300: {word}")


def test_without_a_rival_or_a_figure_of_ours_there_is_no_verdict():
    assert verdict(line(5)) == ""
    assert verdict(line(None, 8)) == ""


def grown(*costs, goal=1.2):
    servers = [server(cost, f"ours, {units}", of="ours", units=units) for units, cost in zip((10, 100, 1000), costs, strict=False)]
    return {"unit": "µs", "grows": "flows", "goal": goal, "more_is_better": False, "servers": [*servers, server(9, "floor, 10", of="floor", units=10)]}


@pytest.mark.parametrize(("costs", "said"), [((10, 9, 12), "1.20 of the first, goal ≤ 1.2: met"), ((10, 12.1, 10), "1.21 of the first, goal ≤ 1.2: MISSED"),
                                             ((10, 9, 8), "0.90 of the first, goal ≤ 1.2: met")])
def test_growth_is_judged_by_the_dearest_step(costs, said):
    assert verdict(grown(*costs)) == said


def test_growth_is_that_of_each_server():
    assert growths(grown(10, 20)) == [{"server": "ours", "costs": {10: 10, 100: 20}, "most": 2}, {"server": "floor", "costs": {10: 9}, "most": 1}]


def test_a_step_that_failed_is_not_taken_for_a_cheap_one():
    assert growths(grown(10, None, 11))[0]["costs"] == {10: 10, 1000: 11}


@pytest.mark.parametrize(("value", "shown"), [(0.7791, "0.779"), (7.914, "7.91"), (99.96, "100"), (156.4, "156"), (980769.2, "980,769")])
def test_figures_have_three_digits(value, shown):
    assert figure(value) == shown
