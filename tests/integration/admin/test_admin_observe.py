"""What deploy/observe and docs/operating.md say of metrics is true of the daemon."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from daemons import HOST, wait_until
from metrics import Metrics
from responder import Responder
from rproxyd import request

ROOT = Path(__file__).resolve().parents[3]
OBSERVE = ROOT / "deploy/observe"
NAME = re.compile(r"\b(?:vestibule_[a-z]+_|process_)[a-z0-9_]+")


@pytest.fixture
def families(start, running) -> dict[str, str]:
    """Of an rproxyd that has everything switched on, and has served: only then are there histograms."""
    node = Responder("node1").start()
    running.callback(node.stop)
    daemon = start("rproxyd", servers=[f"http://{HOST}:{node._port}"], pin_guard={"enabled": True})
    for _ in range(2):
        with daemon.connect("http") as client:
            client.send(request())
            client.message()
    wait_until("counted", lambda: Metrics(daemon).value("vestibule_rproxyd_request_duration_seconds_count") == 2)
    return Metrics(daemon).families


def with_series(families: dict[str, str]) -> set[str]:
    """The names of series: a histogram has three."""
    return {name + ending for name, kind in families.items()
            for ending in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}


def test_the_documentation_lists_every_metric_and_its_type(families):
    listed = dict(re.findall(r"^\| `((?:vestibule_rproxyd|process)_\w+)` \| (\w+) \|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE))
    assert listed == families


def test_dashboards_show_only_metrics_that_there_are(families):
    dashboards = list(OBSERVE.glob("rproxyd*.dashboard.json"))
    assert dashboards
    for path in dashboards:
        panels = [each for each in json.loads(path.read_text())["panels"] if each["type"] != "row"]
        assert panels
        for panel in panels:
            for target in panel["targets"]:
                names = set(NAME.findall(target["expr"]))
                assert names and names <= with_series(families), (panel["title"], names - with_series(families))


def test_alerts_ask_only_for_metrics_that_there_are(families):
    names = set(NAME.findall(re.sub(r"(?m)^\s*(summary|runbook):.*$", "", (OBSERVE / "rproxyd.rules.yml").read_text())))
    assert names and names <= with_series(families), names - with_series(families)


def test_alerts_fire_when_they_should_and_not_before():
    for path in OBSERVE.glob("*.rules.yml"):
        done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    for path in OBSERVE.glob("*.rules.test.yml"):
        done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_a_runbook():
    for path in OBSERVE.glob("*.rules.yml"):
        rules = path.read_text()
        alerts = re.findall(r"- alert: (\w+)", rules)
        assert alerts and len(alerts) == rules.count("runbook:") == rules.count("severity:")
        tested = path.with_suffix("").with_suffix(".rules.test.yml").read_text()
        assert [each for each in alerts if each not in tested] == []
