"""A daemon's /metrics, read as Prometheus reads them."""

import re
import subprocess
from dataclasses import dataclass

from admin import ask
from daemons import Daemon, wait_until

LINE = re.compile(r'^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Series:
    name: str
    labels: frozenset[tuple[str, str]]


class Metrics:
    def __init__(self, daemon: Daemon):
        status, _, self.text = ask(daemon, "/metrics")
        assert status == 200
        self.series: dict[Series, float] = {}
        for line in self.text.splitlines():
            if line and not line.startswith("#"):
                found = LINE.match(line)
                assert found, line
                series = Series(found["name"], frozenset(LABEL.findall(found["labels"] or "")))
                assert series not in self.series, f"twice: {line}"
                self.series[series] = float(found["value"])

    @property
    def families(self) -> dict[str, str]:
        """Their types, by name."""
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.text, re.MULTILINE))

    def value(self, name: str, **labels) -> float:
        """The sum over all series of that name with these labels."""
        wanted = {(label, str(text)) for label, text in labels.items()}
        return sum(value for series, value in self.series.items() if series.name == name and wanted <= series.labels)


def wait_for_value(daemon: Daemon, wanted: float, name: str, **labels) -> None:
    wait_until(f"{name} {labels} is {wanted}", lambda: Metrics(daemon).value(name, **labels) == wanted)


def check_with_promtool(metrics: Metrics) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=metrics.text, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), done.stdout + done.stderr
