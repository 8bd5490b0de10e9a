"""A real Prometheus scrapes both daemons."""

import json
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from daemons import HOST, Daemon, wait_until
from responder import Responder
from rproxyd import request

CONFIGURATION = """
global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}
scrape_configs:
  - job_name: rproxyd
    static_configs: [{{ targets: ["{rproxyd}"] }}]
  - job_name: turnd
    static_configs: [{{ targets: ["{turnd}"] }}]
"""


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]


class Prometheus:
    def __init__(self, folder: Path, **targets: str):
        self._folder = folder
        self._port = free_port()
        (folder / "prometheus.yml").write_text(CONFIGURATION.format(**targets))
        self._log = (folder / "prometheus.log").open("w")

    def __enter__(self) -> "Prometheus":
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/data",
             f"--web.listen-address={HOST}:{self._port}"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_error) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()

    def query(self, expression: str) -> list[dict]:
        """The samples of an instant query; none while it is not up."""
        url = f"http://{HOST}:{self._port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except (urllib.error.URLError, ConnectionError):
            return []

    def value(self, expression: str) -> float | None:
        samples = self.query(expression)
        return float(samples[0]["value"][1]) if len(samples) == 1 else None


@pytest.fixture
def both(start, running) -> tuple[Daemon, Daemon]:
    node = Responder("node1").start()
    running.callback(node.stop)
    return start("rproxyd", servers=[f"http://{HOST}:{node._port}"], workers=2), start("turnd")


def test_prometheus_scrapes_both_and_counts_the_requests(both, running, tmp_path):
    rproxyd, turnd = both
    prometheus = running.enter_context(
        Prometheus(tmp_path, rproxyd=f"{HOST}:{rproxyd.port('admin')}", turnd=f"{HOST}:{turnd.port('admin')}"))
    wait_until("both are up", lambda: prometheus.value("sum(up)") == 2)
    for _ in range(37):
        with rproxyd.connect("http") as client:
            client.send(request("GET", "/", "Connection: close"))
            client.message()
    wait_until("the requests are there",
               lambda: prometheus.value('sum(vestibule_rproxyd_requests_total{route="pool:nodes",code="200"})') == 37)
    assert prometheus.value("vestibule_rproxyd_request_first_byte_seconds_count") == 37
    assert prometheus.value("histogram_quantile(0.99, sum by (le) (vestibule_rproxyd_request_first_byte_seconds_bucket))") > 0
    assert prometheus.value('sum(vestibule_rproxyd_backend_state{state="up"})') == 1
    assert {each["metric"]["job"] for each in prometheus.query('{__name__=~"vestibule_(rproxyd|turnd)_build_info"}')} == {"rproxyd", "turnd"}
