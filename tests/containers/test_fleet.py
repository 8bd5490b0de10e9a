"""Three rproxyd, two turnd and a Redis (deploy/compose.fleet.yaml): an attack on PINs that comes over all of them, and a rolling restart in
the midst of calls. `tests/fleet` runs this alone, and writes what it saw into docs/fleet.md."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import INSIDE, PASSWORD, SECOND, VARIABLES
from daemons import wait_until
from engine import Stack

CLIENTS = Path(__file__).parent / "fleet_clients.py"
GUESSES = 5  # pin_guard.max_failures
TRIES = 60
ATTACKERS = [f"192.0.2.{number}" for number in range(20, 25)]
DRAIN = {"VESTIBULE_DRAIN_TIMEOUT": "3s", "VESTIBULE_TURN_DRAIN_TIMEOUT": "12s"}
STOP_SECONDS = "30"  # of podman stop: more than a drain
BEFORE, BETWEEN = 4, 3  # s that people are there before something is restarted, and from one to the next
FIGURES = os.environ.get("VESTIBULE_FLEET_FIGURES")

REDIS = """
FROM scratch
COPY root/ /
USER 65532:65532
CMD ["/usr/bin/redis-server"]
"""


@pytest.fixture(scope="module")
def redis_image(engine):
    """Debian's own redis-server takes the place of the registry's image."""
    folder = engine.folder / "redis"
    engine.lay_out(Path("/usr/bin/redis-server"), folder / "root")
    (folder / "Containerfile").write_text(REDIS)
    engine.run("buildah", "bud", "--isolation", "chroot", "--network", "host", "--format", "docker", "--tag", "localhost/redis",
               "--file", folder / "Containerfile", folder)
    return "localhost/redis"


@pytest.fixture(scope="module")
def figures():
    found = {}
    yield found
    if FIGURES:
        Path(FIGURES).write_text(json.dumps(found, indent=2) + "\n")


@pytest.fixture(scope="module", autouse=True)
def addresses(machine):
    """Each attack comes from an address of its own, which nobody has counted before."""
    machine[1].ip(*(f"address add {each}/24 dev eth0" for each in ATTACKERS))


@pytest.fixture
def stack_of(engine, certificate, tmp_path, redis_image):
    made = []

    def make(*files: str, **variables: str) -> Stack:
        folder = tmp_path / f"stack{len(made)}"
        folder.mkdir()
        tmp_path.chmod(0o755)
        stack = Stack(engine, folder, VARIABLES | DRAIN | variables, files)
        secrets = {"certificate.pem": certificate.file().read_text(), "turn_password": PASSWORD + "\n", "redis_password": "open sesame\n",
                   "redis.conf": 'requirepass "open sesame"\n', "session_tickets": "tickets of three siblings, in a test\n"}
        for name, text in secrets.items():
            (folder / "secrets" / name).write_text(text)
            (folder / "secrets" / name).chmod(0o444)  # as Swarm mounts them
        made.append(stack)
        return stack

    yield make
    for stack in made:
        down(stack)


TWO_TURND = {"VESTIBULE_TURN_ADDRESS": f"{INSIDE}:3478", "VESTIBULE_TURN_ALTERNATE_SERVERS": f"{INSIDE}:3478, {SECOND}:3478",
             "VESTIBULE_TURN_FIRST_PORT": "50000", "VESTIBULE_TURN_LAST_PORT": "50999"}
FLEET = {"VESTIBULE_REDIS_IMAGE": "localhost/redis",
         "VESTIBULE_TURN_2_ADDRESS": f"{SECOND}:3478", "VESTIBULE_TURNS_2_ADDRESS": f"{SECOND}:5349", "VESTIBULE_TURN_2_RELAY_ADDRESSES": SECOND,
         "VESTIBULE_TURN_2_FIRST_PORT": "51000", "VESTIBULE_TURN_2_LAST_PORT": "51999"}


def down(stack: Stack) -> None:
    stack.compose("--profile", "turnd-2", "down", "--volumes", "--timeout", "1", check=False, **FLEET)


def attack(machine, source: str, tries: int = TRIES) -> dict[str, int]:
    """What the attacker was answered, guess for guess, on new connections, which the kernel deals out to all proxies."""
    with machine[1]:
        done = subprocess.run([sys.executable, CLIENTS, "attack", "--server", INSIDE, "--source", source, "--guesses", str(tries)],
                              capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["answers"]


@contextmanager
def people(machine, echo: tuple[str, int]):
    """They are there meanwhile; what they noticed is put into what this yields."""
    noticed = {}
    with machine[1]:
        process = subprocess.Popen([sys.executable, CLIENTS, "people", "--server", INSIDE, "--turn", INSIDE, SECOND, "--peer", f"{echo[0]}:{echo[1]}",
                                    "--password", PASSWORD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "begun\n"
        yield noticed
        process.stdin.close()
        noticed |= json.loads(process.stdout.readline())
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def echo(machine):
    """The other end of all calls."""
    with machine[0], socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((INSIDE, 0))
        peer.settimeout(0.2)
        over = threading.Event()

        def answer():
            while not over.is_set():
                try:
                    data, source = peer.recvfrom(2048)
                    peer.sendto(data, source)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=answer)
        thread.start()
        yield peer.getsockname()
        over.set()
        thread.join()


def shared(engine, container: str) -> int:
    """How many proxies count together, as one of them says."""
    done = engine.podman("exec", container, "/usr/bin/rproxyd", "status", "--json", check=False)
    fleet = json.loads(done.stdout)["guard"].get("fleet", {}) if done.returncode == 0 else {}
    return fleet.get("proxies", 0) if fleet.get("shared") else 0


def begin(engine, stack: Stack) -> list[str]:
    """The fleet, up and counting together."""
    stack.compose("--profile", "turnd-2", "up", "--detach", "--scale", "rproxyd=3", **FLEET)
    three = stack.wait_until_ready("rproxyd", 3)
    for each in three:
        wait_until("three that count together", lambda: shared(engine, each) == 3)
    return three


def test_without_redis_three_proxies_give_three_times_the_guesses_of_one(stack_of, machine, nodes, figures):
    """What the shared guard is for."""
    stack = stack_of("compose.yaml")
    stack.compose("up", "--detach", "rproxyd")
    stack.wait_until_ready("rproxyd")
    one = attack(machine, ATTACKERS[0])
    stack.compose("up", "--detach", "--no-recreate", "--scale", "rproxyd=3", "rproxyd")
    stack.wait_until_ready("rproxyd", 3)
    three = attack(machine, ATTACKERS[1])
    figures["attack"] = {"one": one, "three_alone": three}
    assert one["403"] == GUESSES
    assert GUESSES < three["403"] <= 3 * GUESSES


def test_an_attack_over_three_proxies_has_as_many_guesses_as_at_one_whatever_becomes_of_redis(engine, stack_of, machine, nodes, figures):
    stack = stack_of("compose.yaml", "compose.fleet.yaml", **TWO_TURND)
    begin(engine, stack)
    three = attack(machine, ATTACKERS[2])
    [redis] = stack.containers("redis")
    before = attack(machine, ATTACKERS[3], 2)
    engine.podman("kill", redis)
    wait_until("Redis is gone", lambda: not engine.inspect(redis)["State"]["Running"])
    meanwhile = attack(machine, ATTACKERS[3], TRIES)
    engine.podman("start", redis)
    for each in stack.containers("rproxyd"):
        wait_until("counting together again", lambda: shared(engine, each) == 3)
    after = attack(machine, ATTACKERS[3], TRIES)
    figures.setdefault("attack", {}).update(three_shared=three, redis_killed=[before, meanwhile, after])
    assert three["403"] == GUESSES
    assert before["403"] == 2 and sum(each.get("403", 0) for each in (before, meanwhile, after)) == GUESSES


def test_a_rolling_restart_of_everything_in_the_midst_of_calls(engine, stack_of, machine, nodes, echo, figures):
    stack = stack_of("compose.yaml", "compose.fleet.yaml", **TWO_TURND)
    begin(engine, stack)
    stack.wait_until_ready("turnd")
    stack.wait_until_ready("turnd-2")
    steps = {}
    with people(machine, echo) as noticed:
        time.sleep(BEFORE)
        for service in ("rproxyd", "turnd", "turnd-2"):
            for number, container in enumerate(stack.containers(service)):
                begun = time.monotonic()
                engine.podman("stop", "--time", STOP_SECONDS, container)
                assert engine.inspect(container)["State"]["ExitCode"] == 0
                steps[f"{service} {number + 1}"] = time.monotonic() - begun
                engine.podman("start", container)
                wait_until(f"{service} again", lambda: engine.is_ready(container))
                time.sleep(BETWEEN)
        refused = attack(machine, ATTACKERS[4], 20)  # counted together again, by processes that are all new
    counts = noticed["counts"]
    figures["restart"] = noticed | {"drained": steps, "attack_after": refused}
    assert refused["403"] == GUESSES
    assert counts["requests"] > 50 and counts["pongs"] > 100 and counts["calls"] > 16
    assert counts.get("allocations_failed", 0) == 0, noticed
    # Streams and calls that outlast a drain are cut; each goes on at a sibling.
    assert counts["streams"] - counts.get("streams_cut", 0) <= 12
    assert counts.get("requests_failed", 0) <= counts["requests"] // 100 and counts.get("requests_again", 0) <= counts["requests"] // 20, noticed


def test_the_file_for_redis_is_where_the_page_says(tmp_path):
    """The commands at the head of compose.fleet.yaml make what it asks for."""
    head = (Path(__file__).resolve().parents[2] / "deploy/compose.fleet.yaml").read_text().split("version:")[0]
    lines = [line.removeprefix("#").strip().partition("      ")[0] for line in head.splitlines()]
    (tmp_path / "secrets").mkdir()
    commands = [line for line in lines if line.startswith(("openssl", "echo"))]
    done = subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and len(commands) == 3, done.stderr
    assert {each.name for each in (tmp_path / "secrets").iterdir()} == {"redis_password", "session_tickets", "redis.conf"}
    password = (tmp_path / "secrets/redis_password").read_text().strip()
    assert (tmp_path / "secrets/redis.conf").read_text() == f"requirepass {password}\n"
    if shutil.which("docker-compose"):
        environment = os.environ | FLEET | {"VESTIBULE_ENV": "containers/example.env"}
        done = subprocess.run(["docker-compose", "--file", "deploy/compose.yaml", "--file", "deploy/compose.fleet.yaml", "config", "--quiet"],
                              cwd=Path(__file__).resolve().parents[2], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
