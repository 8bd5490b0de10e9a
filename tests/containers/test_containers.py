"""The images and deploy/compose.yaml, run with podman."""

import os
import re
import signal
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from clients import LOGIN, connected, page, relayed
from conftest import CLIENT, INSIDE, SECOND, VARIABLES
from daemons import ROOT, wait_until
from turn_client import TurnClient

USER = 65532
NET_BIND_SERVICE = 1 << 10
IMAGE_BYTES = 40_000_000
DRAIN = {"VESTIBULE_DRAIN_TIMEOUT": "2s", "VESTIBULE_TURN_DRAIN_TIMEOUT": "2s"}


def status_of(engine, container: str) -> dict[str, str]:
    pid = engine.inspect(container)["State"]["Pid"]
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_an_image_holds_a_program_and_no_shell(engine, name):
    image = engine.image(name)
    assert image["Size"] < IMAGE_BYTES, f"{image['Size']} bytes"
    assert image["Config"]["User"] == f"{USER}:{USER}"
    assert image["Config"]["StopSignal"] == "SIGTERM"
    assert image["Healthcheck"]["Test"] == ["CMD", f"/usr/bin/{name}", "status", "--ready"]
    files = [path.relative_to(engine.folder / f"built/image/{name}") for path in (engine.folder / f"built/image/{name}").rglob("*")]
    assert [path.name for path in files if path.parent == Path("usr/bin")] == [name]
    assert engine.podman("run", "--rm", "--network", "host", f"localhost/vestibule/{name}", "--version").stdout.startswith(name)


def test_what_is_missing_is_said_and_the_container_ends_with_1(engine):
    for name, missing in (("rproxyd", ["VESTIBULE_NODES"]), ("turnd", ["VESTIBULE_DOMAIN", "VESTIBULE_TURN_RELAY_ADDRESSES"])):
        ended = engine.podman("run", "--rm", "--read-only", "--network", "host", f"localhost/vestibule/{name}", check=False)
        assert ended.returncode == 1, ended
        for variable in missing:
            assert f"the environment variable {variable} is not set; expected" in ended.stderr
        assert f"/etc/vestibule/{name}.json:" in ended.stderr


def test_a_wrong_variable_is_named_and_the_container_ends_with_1(engine):
    ended = engine.podman("run", "--rm", "--read-only", "--network", "host", "--env", "VESTIBULE_NODES=https://10.40.0.10, 10.40.0.11:x",
                          "--env", "VESTIBULE_WORKERS=many", "localhost/vestibule/rproxyd", check=False)
    assert ended.returncode == 1, ended
    assert '/pools/conferencing/servers/1: "10.40.0.11:x" is not a server' in ended.stderr
    assert '"${VESTIBULE_WORKERS:-0}" is not a whole number' in ended.stderr


def test_the_stack_serves_a_page_and_a_call_with_no_more_rights_than_it_needs(engine, stack, machine, certificate, nodes):
    stack.compose("up", "--detach", "rproxyd", "turnd")
    [rproxyd] = stack.wait_until_ready("rproxyd")
    [turnd] = stack.wait_until_ready("turnd")

    status, node = page(machine, certificate)
    assert (status, node[:4]) == (200, "node")
    wait_until("the access log on standard output", lambda: CLIENT in engine.podman("logs", rproxyd).stdout)
    assert relayed(machine, (INSIDE, 3478), (INSIDE, 3478)) == b"there and back"
    with machine[1], TurnClient("tls", (INSIDE, 443), tls_context=ssl.create_default_context(cafile=certificate.file()),
                                server_name="proxy.example.com", **LOGIN) as client:
        client.allocate()  # on the web's port

    for container, capabilities in ((rproxyd, NET_BIND_SERVICE), (turnd, 0)):
        status = status_of(engine, container)
        assert status["Uid"].split() == [str(USER)] * 4
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            assert int(status[kind], 16) | capabilities == capabilities, (kind, status[kind])
        assert status["NoNewPrivs"] == "1"
        root = engine.inspect(container)["State"]["Pid"]
        mounts = [line.split() for line in Path(f"/proc/{root}/mountinfo").read_text().splitlines()]
        [options] = [fields[5] for fields in mounts if fields[4] == "/"]
        assert "ro" in options.split(",")


def test_turnd_offload_relays_in_the_kernel_with_no_more_rights_than_the_others(engine, stack, machine, certificate):
    for family in ("ipv4", "ipv6"):
        machine[0].run("sysctl", "--quiet", "--write", f"net.{family}.conf.lo.forwarding=1")
    password = stack.folder / "secrets/turn_password"
    os.chown(password, USER, USER)
    password.chmod(0o400)
    stack.set(**VARIABLES, VESTIBULE_TURN_OFFLOAD_INTERFACES="eth0")
    stack.compose("--profile", "offload", "up", "--detach", "turnd-offload")
    [turnd] = stack.wait_until_ready("turnd-offload")
    assert relayed(machine, (INSIDE, 3478), (INSIDE, 3478)) == b"there and back"

    status = status_of(engine, turnd)
    assert status["Uid"].split() == [str(USER)] * 4
    assert (int(status["CapEff"], 16), int(status["CapPrm"], 16)) == (0, 0)
    said = engine.podman("exec", turnd, "/usr/bin/turnd", "status").stdout
    assert "relayed in the kernel" in said, engine.podman("logs", turnd).stderr


def test_a_container_that_was_killed_comes_back(engine, stack, machine, certificate, nodes):
    stack.compose("up", "--detach", "rproxyd", "turnd")
    for name in ("rproxyd", "turnd"):
        [container] = stack.wait_until_ready(name)
        killed = engine.inspect(container)["State"]["Pid"]
        os.kill(killed, signal.SIGKILL)
        wait_until(f"another {name}", lambda: engine.inspect(container)["State"]["Pid"] not in (0, killed))
        stack.wait_until_ready(name)
    assert page(machine, certificate)[0] == 200
    assert relayed(machine, (INSIDE, 3478), (INSIDE, 3478)) == b"there and back"


def test_stopping_drains_and_ends_with_0(engine, stack, machine, certificate, nodes):
    stack.set(**VARIABLES, **DRAIN)
    stack.compose("up", "--detach", "rproxyd", "turnd")
    [rproxyd], [turnd] = stack.wait_until_ready("rproxyd"), stack.wait_until_ready("turnd")
    with connected(machine, certificate) as connection, TurnClient("udp", (INSIDE, 3478), **LOGIN) as client:
        connection.request("POST", "/api/client/v2/conferences/open/request_token", '{"display_name": "x"}', {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
        client.allocate()
        began = time.monotonic()
        stack.compose("stop")
        assert time.monotonic() - began < 30  # not the grace that ends with a kill
    for container in (rproxyd, turnd):
        assert engine.inspect(container)["State"]["ExitCode"] == 0


def test_three_rproxyd_share_the_port_and_serve_while_one_of_them_is_left(engine, stack, machine, certificate, nodes):
    stack.set(**VARIABLES, **DRAIN)
    stack.compose("up", "--detach", "--scale", "rproxyd=3", "rproxyd")
    three = stack.wait_until_ready("rproxyd", 3)
    for _ in range(30):
        assert page(machine, certificate)[0] == 200

    def served(container):
        return engine.podman("logs", container).stdout.count("GET /webapp/")

    wait_until("all three to have served", lambda: all(map(served, three)))
    for container in three[:2]:
        engine.podman("stop", "--time", "20", container)
        assert engine.inspect(container)["State"]["ExitCode"] == 0
        for _ in range(10):
            assert page(machine, certificate)[0] == 200


def test_an_rproxyd_of_a_new_image_is_put_beside_the_old_one_which_is_then_stopped(engine, stack, machine, certificate, nodes):
    stack.set(**VARIABLES, **DRAIN)
    stack.compose("up", "--detach", "rproxyd")
    [old] = stack.wait_until_ready("rproxyd")
    engine.podman("tag", "localhost/vestibule/rproxyd", "localhost/vestibule/rproxyd:next")
    stack.compose("up", "--detach", "--no-recreate", "--scale", "rproxyd=2", "rproxyd", VESTIBULE_RPROXYD_IMAGE="localhost/vestibule/rproxyd:next")
    [new] = [each for each in stack.wait_until_ready("rproxyd", 2) if each != old]
    assert engine.inspect(new)["ImageName"].endswith("/rproxyd:next") and engine.inspect(old)["State"]["Running"]
    assert page(machine, certificate)[0] == 200
    engine.podman("stop", "--time", "20", old)
    assert engine.inspect(old)["State"]["ExitCode"] == 0
    for _ in range(10):
        assert page(machine, certificate)[0] == 200


def test_two_turnd_relay_to_each_other_from_ports_of_their_own(stack, machine):
    stack.set(**VARIABLES, VESTIBULE_TURN_FIRST_PORT="50000", VESTIBULE_TURN_LAST_PORT="50099", VESTIBULE_TURN_ADDRESS=f"{INSIDE}:3478")
    second = {"VESTIBULE_TURN_2_ADDRESS": f"{SECOND}:3478", "VESTIBULE_TURNS_2_ADDRESS": f"{SECOND}:5349",
              "VESTIBULE_TURN_2_RELAY_ADDRESSES": SECOND, "VESTIBULE_TURN_2_FIRST_PORT": "51000", "VESTIBULE_TURN_2_LAST_PORT": "51099"}
    stack.compose("--profile", "turnd-2", "up", "--detach", "turnd", "turnd-2", **second)
    stack.wait_until_ready("turnd")
    stack.wait_until_ready("turnd-2")
    assert relayed(machine, (INSIDE, 3478), (SECOND, 3478)) == b"there and back"
    with machine[1], TurnClient("udp", (INSIDE, 3478), **LOGIN) as one, TurnClient("udp", (SECOND, 3478), **LOGIN) as other:
        one.allocate()
        other.allocate()
        assert one.relayed[0] == INSIDE and one.relayed[1] in range(50000, 50100)
        assert other.relayed[0] == SECOND and other.relayed[1] in range(51000, 51100)


def test_behind_the_front_rproxyd_knows_the_client(engine, stack, machine, certificate, nodes):
    stack.set(**VARIABLES, VESTIBULE_HTTPS_ADDRESS="127.0.0.1:8443", VESTIBULE_REDIRECT_HTTP="no", VESTIBULE_PROXY_PROTOCOL="on",
              VESTIBULE_TRUSTED_PROXIES="127.0.0.1")
    stack.compose("up", "--detach", "rproxyd")
    [rproxyd] = stack.wait_until_ready("rproxyd")
    addresses = {"FRONT_ADDRESS": INSIDE, "RPROXYD_1": "127.0.0.1:8443", "RPROXYD_2": "127.0.0.1:8444", "RPROXYD_3": "127.0.0.1:8445"}
    with machine[0]:
        front = subprocess.Popen(["haproxy", "-f", ROOT / "deploy/containers/front/haproxy.cfg"], env=os.environ | addresses,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def answered():
            try:
                return page(machine, certificate)[0] == 200
            except OSError:
                return False

        wait_until("a page through the front", answered)
        wait_until("the client's own address in the access log",
                   lambda: re.search(rf"^{re.escape(CLIENT)} .*GET /webapp/", engine.podman("logs", rproxyd).stdout, re.MULTILINE))
    finally:
        front.terminate()
        front.wait()
