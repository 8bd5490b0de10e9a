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


MATCHER = re.compile(r'(\w+)=(~?)"([^"]*)"')


def rproxyd_that_has_served(start, running) -> Metrics:
    """It has everything switched on, and has served: only then are there histograms."""
    node = Responder("node1").start()
    running.callback(node.stop)
    guard = {"enabled": True, "state": f"redis://{HOST}:1"}  # a Redis that is not there is enough for the metrics about it
    daemon = start("rproxyd", servers=[f"http://{HOST}:{node._port}"], pin_guard=guard)
    for _ in range(2):
        with daemon.connect("http") as client:
            client.send(request())
            client.message()
    wait_until("counted", lambda: Metrics(daemon).value("vestibule_rproxyd_request_duration_seconds_count") == 2)
    return Metrics(daemon)


def turnd_with_every_listener(start, certificate) -> Metrics:
    listeners = [{"transport": each, "address": f"{HOST}:0"} | ({"certificates": [str(certificate.file())]} if each.endswith("tls") else {})
                 for each in ("udp", "tcp", "tls", "dtls")]
    return Metrics(start("turnd", listeners=listeners))


@pytest.fixture
def rproxyd_metrics(start, running) -> Metrics:
    return rproxyd_that_has_served(start, running)


@pytest.fixture(params=["rproxyd", "turnd"])
def observed(request, start, running, certificate) -> tuple[str, Metrics]:
    return request.param, (rproxyd_that_has_served(start, running) if request.param == "rproxyd"
                           else turnd_with_every_listener(start, certificate))


def with_series(families: dict[str, str]) -> set[str]:
    """The names of series: a histogram has three."""
    return {name + ending for name, kind in families.items()
            for ending in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}


def alerts_of(daemon: str) -> str:
    """What they ask, without what they say to people."""
    return re.sub(r"(?m)^\s*(summary|runbook):.*$", "", (OBSERVE / f"{daemon}.rules.yml").read_text())


def test_the_documentation_lists_every_metric_and_its_type(rproxyd_metrics):
    listed = dict(re.findall(r"^\| `((?:vestibule_rproxyd|process)_\w+)` \| (\w+) \|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE))
    assert listed == rproxyd_metrics.families


def test_dashboards_show_only_metrics_that_there_are(observed):
    daemon, metrics = observed
    series = with_series(metrics.families)
    panels = [each for each in json.loads((OBSERVE / f"{daemon}.dashboard.json").read_text())["panels"] if each["type"] != "row"]
    assert panels
    for panel in panels:
        for target in panel["targets"]:
            names = set(NAME.findall(target["expr"]))
            assert names and names <= series, (panel["title"], names - series)


def test_alerts_ask_only_for_metrics_that_there_are(observed):
    daemon, metrics = observed
    names = set(NAME.findall(alerts_of(daemon)))
    series = with_series(metrics.families)
    assert names and names <= series, names - series


def test_alerts_of_turnd_ask_only_for_labels_that_there_are(start, certificate):
    """One that is misspelt would never fire, and nobody would know."""
    metrics = turnd_with_every_listener(start, certificate)
    asked = {(name, *matcher) for name, matchers in re.findall(r"(vestibule_turnd_\w+)\{([^}]*)\}", alerts_of("turnd"))
             for matcher in MATCHER.findall(matchers)}
    assert asked
    for name, label, pattern, text in asked:
        values = {dict(each.labels).get(label) for each in metrics.series if each.name == name} - {None}
        for wanted in text.split("|"):
            assert any(re.fullmatch(wanted if pattern else re.escape(wanted), each) for each in values), (name, label, wanted, values)


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
