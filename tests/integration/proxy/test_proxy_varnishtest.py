"""Scripts for varnishtest, a client and nodes in one that others wrote: varnishtest/*.vtc, between whose ends rproxyd stands."""

import subprocess
from pathlib import Path

import pytest

from daemons import HOST
from namespaces import Network
from rproxyd import Rproxyd, configuration

SCRIPTS = sorted((Path(__file__).parent / "varnishtest").glob("*.vtc"))
# In a network of the test's own, so that a script can know its addresses beforehand.
PROXY, NODES = f"{HOST}:8080", [f"{HOST}:9001", f"{HOST}:9002"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name.removesuffix(".vtc"))
def test_a_script_of_varnishtest_passes(script, tmp_path, certificate):
    nodes = NODES if "${node2}" in script.read_text() else NODES[:1]
    protocol = "h2" if script.suffixes[0] == ".h2" else "http/1.1"
    configured = configuration(tmp_path, certificate.file(), [f"http://{node}" for node in nodes],
                               pool={"protocol": protocol, "affinity": "none"})
    configured["listeners"] = [{"address": PROXY}]
    with Network() as network:
        host = network.host("varnishtest")
        with host, Rproxyd(tmp_path, configured):
            done = subprocess.run(["varnishtest", "-v", "-t", "30", f"-Dproxy={PROXY}",
                                   *(f"-Dnode{number}={node}" for number, node in enumerate(nodes, 1)), str(script)],
                                  capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-6000:]
