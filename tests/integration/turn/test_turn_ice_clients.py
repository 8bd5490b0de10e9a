"""ICE agents that we did not write, relayed at both ends: Pion over every transport, and
libdatachannel, whose libjuice authenticates as RFC 8489 has it, with USERHASH."""

import json
import os
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from daemons import BUILD, HOST, ROOT, in_background
from namespaces import Host, Network
from turnd import PASSWORD, USER, Turnd, configuration

CLIENTS = ROOT / "tests/integration/clients"
DEPENDENCIES = Path(os.environ.get("VESTIBULE_DEPENDENCIES", ROOT / "build/dependencies"))
PACKETS = 100
END_SECONDS = 90
COMPILE_SECONDS = 300


def told(program: list, task: dict, **environment: str) -> dict:
    """What a client prints, having read its task."""
    done = subprocess.run([str(each) for each in program], input=json.dumps(task | {"user": USER, "password": PASSWORD}),
                          capture_output=True, text=True, timeout=END_SECONDS, env=os.environ | environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


# ---- Pion


@pytest.fixture(scope="module")
def pion_call() -> Path:
    """Compiled once; Go's cache knows when it has to be done again."""
    program = BUILD / "clients/pion_call"
    program.parent.mkdir(parents=True, exist_ok=True)
    # Debian's Go libraries lie in a tree without modules, as Go had them once.
    done = subprocess.run(["go", "build", "-o", program, "pion_call.go"], cwd=CLIENTS, capture_output=True, text=True,
                          timeout=COMPILE_SECONDS, env=os.environ | {
                              "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(program.parent / "go-cache")})
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.timeout(COMPILE_SECONDS + END_SECONDS)
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "dtls"])
def test_pion_calls_pion(start, pion_call, transport):
    turnd = start(listeners=[{"transport": transport, "address": f"{HOST}:0"}])
    scheme = "turn" if transport in ("udp", "tcp") else "turns"
    url = f"{scheme}:{HOST}:{turnd.port(transport)}?transport={'udp' if transport in ('udp', 'dtls') else 'tcp'}"
    result = told([pion_call], {"url": url, "packets": PACKETS})
    assert result == {"local": "relay", "remote": "relay", "relay": f"{HOST} {transport}", "echoed": PACKETS}


# ---- libdatachannel


class Watch:
    """Stands before turnd and keeps what passes, with a socket of its own for each client."""

    def __init__(self, address: tuple[str, int], server: tuple[str, int]):
        self._server = server
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(address)
        self.from_clients: list[bytes] = []
        self.from_server: list[bytes] = []
        self._behind: dict[tuple, socket.socket] = {}
        in_background(self._up)

    def _up(self) -> None:
        while True:
            data, client = self._front.recvfrom(65536)
            if client not in self._behind:
                behind = self._behind[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                behind.connect(self._server)
                in_background(lambda behind=behind, client=client: self._down(behind, client))
            self.from_clients.append(data)
            self._behind[client].send(data)

    def _down(self, behind: socket.socket, client: tuple) -> None:
        while True:
            data = behind.recv(65536)
            self.from_server.append(data)
            self._front.sendto(data, client)


def attributes(message: bytes) -> set[int]:
    """The types of a STUN message's attributes."""
    found, at = set(), 20
    while at + 4 <= len(message):
        kind, size = struct.unpack_from("!HH", message, at)
        found.add(kind)
        at += 4 + (size + 3) // 4 * 4
    return found


ALLOCATE, SUCCESS = b"\x00\x03", b"\x01\x03"
USERNAME, USERHASH = 0x0006, 0x001E
WATCHED_PORT = 3479
NODE_MODULES = DEPENDENCIES / "npm/node_modules"


class DataChannelEnd:
    """One process with one end of the data channel."""

    def __init__(self, place: Host, **task):
        with place:
            self._process = subprocess.Popen(["node", CLIENTS / "data_channel.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             text=True, env=os.environ | {"NODE_PATH": str(NODE_MODULES)})
        self.said: list[dict] = []
        self.hear(json.dumps(task))

    def hear(self, line: str) -> None:
        self._process.stdin.write(line.rstrip() + "\n")
        self._process.stdin.flush()

    def tell(self, other: "DataChannelEnd") -> None:
        """Until it has ended or has counted."""
        for line in self._process.stdout:
            self.said.append(json.loads(line))
            if "echoed" in self.said[-1]:
                return
            other.hear(line)

    def __enter__(self) -> "DataChannelEnd":
        return self

    def __exit__(self, *_error) -> None:
        self._process.stdin.close()
        self._process.wait(END_SECONDS)


@pytest.mark.skipif(not NODE_MODULES.exists(), reason="node-datachannel is not there: deploy/dependencies/install --tests fetches it")
def test_libdatachannel_relays_a_data_channel_without_ever_saying_its_name(running, tmp_path):
    """RFC 8489 9.2: the nonce says that USERHASH is understood, and the client takes it up. (It signs with
    SHA-1: of the PASSWORD-ALGORITHMS it chooses none.) turnd alone connects the networks of the two ends."""
    network = running.enter_context(Network())
    turn, caller_host, callee_host = (network.host(name) for name in ("turn", "caller", "callee"))
    for number, host in enumerate((caller_host, callee_host)):
        network.link(turn, f"side{number}", [f"203.0.{number}.1/24"], host, "eth0", [f"203.0.{number}.2/24"])
        host.route(f"default via 203.0.{number}.1")
    with turn:
        running.enter_context(Turnd(tmp_path, configuration(
            listeners=[{"transport": "udp", "address": f"{HOST}:3478"}], relay={"addresses": ["203.0.0.1"]})))
        watch = Watch(("0.0.0.0", WATCHED_PORT), (HOST, 3478))
    server = {"port": WATCHED_PORT, "user": USER, "password": PASSWORD}
    callee = running.enter_context(DataChannelEnd(callee_host, host="203.0.1.1", **server))
    caller = running.enter_context(DataChannelEnd(caller_host, host="203.0.0.1", messages=PACKETS, **server))
    in_background(lambda: callee.tell(caller))
    caller.tell(callee)

    assert caller.said[-1] == {"echoed": PACKETS}
    candidates = [each["candidate"] for end in (caller, callee) for each in end.said if "candidate" in each]
    assert len(candidates) == 2 and all(" typ relay " in each for each in candidates)
    asked = [attributes(each) for each in watch.from_clients if each.startswith(ALLOCATE)]
    asked = [attributes(each) for each in watch.from_clients if each.startswith(ALLOCATE)]
    assert sum(USERHASH in each for each in asked) == 2
    assert not any(USERNAME in each for each in asked), "the name never crosses the network"
    assert sum(each.startswith(SUCCESS) for each in watch.from_server) == 2
