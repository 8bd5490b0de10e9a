"""What deploy/compose.yaml runs beside the daemons. Images of a registry can't be had in a test: Debian's own program takes their place."""

import json
import urllib.request
from pathlib import Path

from daemons import wait_until

PROMETHEUS = """
FROM scratch
COPY root/ /
COPY --chown=65534:65534 data /prometheus
USER 65534:65534
VOLUME ["/prometheus"]
ENTRYPOINT ["/usr/bin/prometheus"]
"""


def asked(machine, path: str):
    try:
        with machine[0], urllib.request.urlopen(f"http://127.0.0.1:9090/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def test_prometheus_scrapes_both_daemons_and_has_their_rules(engine, stack, machine):
    folder = engine.folder / "prometheus"
    engine.lay_out(Path("/usr/bin/prometheus"), folder / "root")
    (folder / "data").mkdir()
    (folder / "Containerfile").write_text(PROMETHEUS)
    engine.run("buildah", "bud", "--isolation", "chroot", "--network", "host", "--format", "docker", "--tag", "localhost/prometheus",
               "--file", folder / "Containerfile", folder)
    stack.compose("--profile", "observe", "up", "--detach", "rproxyd", "turnd", "prometheus", VESTIBULE_PROMETHEUS_IMAGE="localhost/prometheus")

    def scraped():
        targets = (asked(machine, "targets") or {}).get("activeTargets", [])
        return {each["labels"]["job"] for each in targets if each["health"] == "up"} == {"rproxyd", "turnd"}

    wait_until("figures of both", scraped)
    groups = asked(machine, "rules")["groups"]
    assert {Path(each["file"]).name for each in groups} == {"rproxyd.rules.yml", "turnd.rules.yml"}
    assert all(rule["health"] in ("ok", "unknown") for each in groups for rule in each["rules"])
