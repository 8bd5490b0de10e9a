"""The report is made from what is stored, and has every line, whatever is missing of it."""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from report import markdown, show_line, write_report

BESIDE = {"load": 0.4, "a second": 40_000, "saturated": 210_000, "saturated load": 0.97, "p50 µs": 250, "p99 µs": 400, "p99.9 µs": 650, "memory MB": 12.5}


def server(name, median, floor=False, **more):
    return {"name": name, "of": "", "units": None, "version": "1.2", "floor": floor, "failed": None, "median": median, "beside": BESIDE,
            "values": [median] if median else [], "disturbed": 0, "left_out": 0} | more


def line(name, *servers, **more):
    return {"line": name, "title": "up", "unit": "µs a packet", "goal": 0.55, "most": None, "p50_goal": None, "more_is_better": False, "grows": "",
            "when": "2026-01-02 03:04", "seconds": 1.5, "machine": "a machine", "commit": "abc", "servers": list(servers)} | more


COMPARED = line("turn-up", server("turnd", 5), server("coturn", 10), server("do-nothing relay", 8, floor=True, version=""))
FAILED = line("turn-tcp", server("turnd", 5), server("coturn", None, beside={}, failed="it ended\nwhy"))
GROWN = line("grow-turn", *(server(f"turnd, {units}", cost, of="turnd", units=units) for units, cost in ((10, 5), (100, 5.5), (1000, 7))),
             server("do-nothing relay, 10", 4, of="do-nothing relay", units=10), grows="flows", goal=1.2)


def rows(text, name):
    return [row for row in text.splitlines() if row.startswith("|") and f"`{name}`" in row]


def test_costs_and_what_stands_beside_are_two_tables():
    cost, beside = rows(markdown([COMPARED, GROWN]), "turn-up")
    assert cost == "| `turn-up`: up (µs a packet) | 5 (5–5) | coturn 10 | 8 | 1 | 0.50 of coturn, goal ≤ 0.55: met |"
    assert beside.startswith("| `turn-up` | turnd<br>coturn<br>do-nothing relay | 210,000 (97%)<br>210,000 (97%)<br>210,000 (97%) | 40,000<br>")


def test_all_rows_of_a_table_have_as_many_cells():
    for table in markdown([COMPARED, FAILED, GROWN]).split("\n\n"):
        if table.startswith("|"):
            assert len({row.count("|") for row in table.splitlines()}) == 1


def test_growth_has_a_row_for_each_server_and_one_verdict():
    row, other = [row for row in markdown([GROWN]).splitlines() if "turnd | 10" in row or "do-nothing relay | 10" in row]
    assert "10: 5, 100: 5.5, 1,000: 7 | 1.40 | 1.40 of the first, goal ≤ 1.2: MISSED" in row
    assert other.endswith("| 10: 4 | 1.00 |  |")


def test_a_server_that_failed_leaves_the_others():
    assert "| 5 (5–5) |" in rows(markdown([FAILED]), "turn-tcp")[0]


def test_the_head_counts_goals_and_says_where_all_was_disturbed():
    disturbed = line("turn-down", server("turnd", 9, disturbed=1), server("coturn", 10))
    text = markdown([COMPARED, disturbed, GROWN])
    assert "**1 of 3 goals are met. On 1 of 3 lines a server had no undisturbed run: those figures are rough.**" in text
    assert "2026-01-02, of abc, on a machine. turnd 1.2, coturn 1.2." in text


def test_plots_are_whole_and_name_each_line(tmp_path):
    write_report([COMPARED, FAILED, GROWN], tmp_path)
    said = {name: "".join(xml.parse(tmp_path / name).getroot().itertext()) for name in ("benchmarks.svg", "benchmarks-growth.svg")}
    assert "turn-up0.50" in said["benchmarks.svg"] and "turn-tcp" not in said["benchmarks.svg"]
    assert "grow-turn: 1.40" in said["benchmarks-growth.svg"]


def test_a_report_of_one_line_is_still_one(tmp_path):
    write_report([COMPARED], tmp_path)
    xml.parse(tmp_path / "benchmarks-growth.svg")
    assert "## Growth" not in (tmp_path / "benchmarks.md").read_text()


def test_a_line_on_the_terminal_says_why_a_server_failed(capsys):
    show_line(FAILED)
    assert "coturn                 failed: it ended\n" in capsys.readouterr().out
