"""A container of a new image takes over from the one that runs, as docs/containers.md tells."""

import json

import pytest
from clients import LOGIN, connected, page
from conftest import CLIENT, INSIDE, VARIABLES
from daemons import wait_until
from turn_client import TurnClient

ALIKE = ["--network", "host", "--read-only", "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", "--security-opt", "no-new-privileges"]
TOKEN = "/api/client/v2/conferences/open/request_token"


@pytest.fixture
def started(engine, stack):
    """Containers as `podman run` starts them, by name."""
    names = []

    def start(name: str, image: str, *arguments: str, options=()) -> str:
        variables = [f"--env={key}={value}" for key, value in VARIABLES.items()]
        engine.podman("run", "--detach", "--name", name, *ALIKE, *options, *variables, f"localhost/vestibule/{image}", *arguments)
        names.append(name)
        wait_until(f"{name} to be ready", lambda: engine.is_ready(name))
        return name

    yield start
    engine.podman("rm", "--force", "--volumes", "--time", "1", *reversed(names), check=False)


@pytest.fixture
def old(started, tmp_path):
    """It may be ended by what it has handed over: 0 does not bring it back."""
    return lambda daemon: started(f"{daemon}-old", daemon, options=["--restart", "on-failure", "--volume", f"{tmp_path}/secrets:/run/secrets:ro"])


def successor(started, daemon: str) -> str:
    return started(f"{daemon}-new", daemon, "run", "--take-over", "--config", f"/etc/vestibule/{daemon}.json", options=["--volumes-from", f"{daemon}-old"])


def has_ended_by_itself(engine, container: str) -> bool:
    state = engine.inspect(container)["State"]
    assert state["Running"] or state["ExitCode"] == 0, state
    return not state["Running"]


def test_a_call_goes_on_in_a_container_that_takes_over(engine, started, old, machine):
    running = old("turnd")
    with machine[1], TurnClient("udp", (INSIDE, 3478), **LOGIN) as near, TurnClient("udp", (INSIDE, 3478), **LOGIN) as far:
        near.allocate()
        far.allocate()
        near.create_permission(far.relayed)
        far.create_permission(near.relayed)
        successor(started, "turnd")
        wait_until("the end of the old container", lambda: has_ended_by_itself(engine, running))
        near.send(far.relayed, b"still there")
        assert far.receive(10) == (near.relayed, b"still there")
        near.refresh()


def test_requests_and_an_event_stream_go_on_when_a_container_takes_over(engine, started, old, machine, certificate, nodes):
    running = old("rproxyd")
    with connected(machine, certificate) as stream:
        stream.request("POST", TOKEN, json.dumps({"display_name": "x"}), {"Content-Type": "application/json"})
        token = json.loads(stream.getresponse().read())["result"]["token"]
        stream.request("GET", "/api/client/v2/conferences/open/events", headers={"token": token})
        events = stream.getresponse()
        assert events.status == 200
        new = successor(started, "rproxyd")
        assert page(machine, certificate)[0] == 200
        wait_until("the page to have come from the new one", lambda: CLIENT in engine.podman("logs", new).stdout)
        assert engine.inspect(running)["State"]["Running"]
        with connected(machine, certificate) as other:  # what happens in the room still comes by the old one's stream
            other.request("POST", TOKEN, json.dumps({"display_name": "newcomer"}), {"Content-Type": "application/json"})
            assert other.getresponse().status == 200
            wait_until("the newcomer in the stream", lambda: b"newcomer" in events.readline())
    wait_until("the end of the old container", lambda: has_ended_by_itself(engine, running))
    assert page(machine, certificate)[0] == 200
