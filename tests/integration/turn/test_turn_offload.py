"""Channels that the kernel relays (XDP on veth, by its driver), as clients, peers and operators see them."""

import json
import re
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from aioice import stun

from admin import ask
from appliance import TURN, TURN_BEHIND_NAT, TURN_ON_THE_LAN, Site
from daemons import in_background, run, wait_until, write_private
from namespaces import Network
from turnd import Peer, TurnClient, Turnd, configuration

PORT = 3478
CHANNEL = 0x4000
CAP_PERFMON, CAP_BPF = 1 << 38, 1 << 39
# A client's, the server's two and the peer's, by family.
ADDRESSES = {4: ("192.0.2.7", "192.0.2.1", "203.0.113.1", "203.0.113.9"),
             6: ("2001:db8:c::7", "2001:db8:c::1", "2001:db8:9::1", "2001:db8:9::9")}


class Scene:
    """client -- outside [turnd] inside -- peer"""

    def __init__(self, running: ExitStack, folder):
        self.running, self.folder = running, folder
        network = running.enter_context(Network())
        self.clients, self.server, self.peers = (network.host(each) for each in ("clients", "server", "peers"))
        network.link(self.server, "outside", ["192.0.2.1/24", "2001:db8:c::1/64"],
                     self.clients, "eth0", ["192.0.2.7/24", "2001:db8:c::7/64"])
        network.link(self.server, "inside", ["203.0.113.1/24", "2001:db8:9::1/64"],
                     self.peers, "eth0", ["203.0.113.9/24", "2001:db8:9::9/64"])
        network.like_hardware()

    def start(self, folder=None, arguments: list[str] = (), prefix: list[str] = (), **changes) -> None:
        with self.server:
            self.turnd = self.running.enter_context(
                Turnd(folder or self.folder, self.configuration(**changes), arguments=arguments, prefix=prefix))

    @staticmethod
    def configuration(**changes) -> dict:
        base = {"listeners": [{"transport": "udp", "address": each} for each in ("192.0.2.1:3478", "[2001:db8:c::1]:3478")],
                "relay": {"addresses": ["203.0.113.1", "2001:db8:9::1"]},
                "peers": {"allow": ["203.0.113.0/24", "2001:db8:9::/64"]},
                "admin": {"address": "127.0.0.1:0"},
                "offload": {"mode": "xdp", "interfaces": ["outside", "inside"]}}
        return configuration(**(base | changes))

    def call(self, client_family: int = 4, peer_family: int = 4) -> "Call":
        return Call(self, client_family, peer_family)

    def status(self) -> dict:
        with self.server:
            return json.loads(ask(self.turnd, "/status")[2])

    def offload(self) -> dict:
        return self.status()["offload"]

    def attached(self, interface: str) -> bool:
        links = json.loads(self.server.run("ip", "-json", "link", "show", interface))
        return "xdp" in links[0]


class Call:
    """A client with a channel, whose first packets have passed."""

    def __init__(self, scene: Scene, client_family: int, peer_family: int):
        source, server, _, _ = ADDRESSES[client_family]
        with scene.clients:
            self.client = scene.running.enter_context(TurnClient((server, PORT), source=source))
        with scene.peers:
            self.peer = scene.running.enter_context(Peer(ADDRESSES[peer_family][3]))
        family = {"REQUESTED_ADDRESS_FAMILY": (1 if peer_family == 4 else 2) << 24}
        answer = self.client.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=17 << 24, **family)
        self.relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
        self.client.bind(CHANNEL, self.peer.address)
        Site.settled(self.client)  # the kernel knows of it a moment after the client
        self.up(b"the first takes the ordinary way")
        self.down(b"this one, too")

    def up(self, payload: bytes) -> None:
        self.client.send_channel(CHANNEL, payload)
        assert self.peer.receive() == (payload, self.relayed)

    def down(self, payload: bytes) -> None:
        self.peer.send(payload, self.relayed)
        assert self.client.receive_channel(CHANNEL) == payload


@pytest.fixture
def scene(running, tmp_path) -> Scene:
    return Scene(running, tmp_path)


@pytest.mark.parametrize("client_family", [4, 6])
@pytest.mark.parametrize("peer_family", [4, 6])
def test_the_kernel_relays_a_channel_both_ways(scene, client_family, peer_family):
    scene.start()
    call = scene.call(client_family, peer_family)
    sizes = [0, 1, 2, 3, 5, 160, 1000, 1199, 1200]
    for size in sizes:
        call.up(bytes(each % 251 for each in range(size)))
        call.down(bytes(each * 7 % 253 for each in range(size)))
    offload = scene.offload()
    assert offload["active"] and offload["why_not"] is None and offload["channels"] == 1
    assert (offload["packets_to_peers"], offload["packets_to_clients"]) == (len(sizes), len(sizes)), offload
    assert (offload["bytes_to_peers"], offload["bytes_to_clients"]) == (sum(sizes), sum(sizes))
    assert offload["packets_passed_up"] == {"ordinary_turn": 2}
    totals = scene.status()["totals"]
    assert (totals["packets_to_peers"], totals["packets_to_clients"]) == (len(sizes) + 1, len(sizes) + 1)


def test_metrics_and_sessions_count_what_the_kernel_has_relayed(scene):
    scene.start()
    call = scene.call()
    for _ in range(10):
        call.up(bytes(100))
    with scene.server:
        metrics = ask(scene.turnd, "/metrics")[2]
    assert 'vestibule_turnd_offloaded_packets_total{direction="to_peers"} 10' in metrics
    assert 'vestibule_turnd_relayed_packets_total{direction="to_peers",transport="udp"} 11' in metrics
    assert "vestibule_turnd_offloaded_channels 1" in metrics


def test_what_is_longer_than_the_way_takes_the_ordinary_one(scene):
    scene.start()
    call = scene.call()
    call.up(bytes(3000))  # in fragments
    call.down(bytes(1472))  # fits until the header is before it
    assert scene.offload()["packets_to_peers"] == 0
    assert scene.offload()["packets_passed_up"]["too_long"] == 1


def test_a_deleted_allocation_relays_nothing_any_more(scene):
    scene.start()
    call, other = scene.call(), scene.call()
    call.up(b"before")
    call.client.refresh(0)
    Site.settled(call.client)  # the kernel is told a moment after the client
    call.client.send_channel(CHANNEL, b"after")
    call.peer.send(b"after", call.relayed)
    other.up(b"a packet that came later has arrived")
    call.peer.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        call.peer.receive()
    assert scene.offload()["channels"] == 1


def test_a_channel_of_the_servers_own_address_is_not_offloaded(scene):
    scene.start()
    first, second = scene.call(), scene.call()
    first.client.bind(CHANNEL + 1, second.relayed)
    second.client.bind(CHANNEL + 1, first.relayed)
    for number in range(3):
        first.client.send_channel(CHANNEL + 1, bytes([number]))
        assert second.client.receive_channel(CHANNEL + 1) == bytes([number])
    assert scene.offload()["channels"] == 2
    assert scene.offload()["packets_to_peers"] == 0


def test_killed_turnd_leaves_no_program_behind(scene):
    scene.start()
    call = scene.call()
    call.up(b"before")
    assert scene.attached("outside") and scene.attached("inside")
    scene.turnd.kill()
    wait_until("the interfaces are bare", lambda: not scene.attached("outside") and not scene.attached("inside"))


class Media:
    """with Media(call) as media: packets pass up, one after the other; afterwards all of them have come, in their order."""

    def __init__(self, call: Call):
        self.call, self.sent, self.came, self.over = call, 0, [], threading.Event()

    def __enter__(self) -> "Media":
        self._sender, self._receiver = in_background(self._send), in_background(self._receive)
        return self

    def _send(self) -> None:
        while not self.over.is_set():
            self.call.client.send_channel(CHANNEL, self.sent.to_bytes(4, "big"))
            self.sent += 1
            time.sleep(0.0005)
        self.call.client.send_channel(CHANNEL, b"the last one")

    def _receive(self) -> None:
        while (payload := self.call.peer.receive()[0]) != b"the last one":
            self.came.append(int.from_bytes(payload, "big"))

    def __exit__(self, *_error) -> None:
        self.over.set()
        self._sender.join()
        self._receiver.join()
        assert self.came == list(range(self.sent))


ORDINARY_INTERVAL = 10  # seconds: so often one packet of a direction goes the ordinary way, which keeps its neighbour known


def test_a_take_over_leaves_no_gap_in_the_kernel(scene, tmp_path):
    admin = {"address": "127.0.0.1:0", "socket": str(tmp_path / "turnd.sock")}
    scene.start(admin=admin)
    began = time.monotonic()
    call = scene.call()
    old, passed = scene.turnd, scene.offload()["packets_passed_up"]
    with Media(call) as media:
        wait_until("it has begun", lambda: media.sent > 100)
        (tmp_path / "next").mkdir()
        scene.start(tmp_path / "next", ["--take-over"], admin=admin)
        old.wait()
        after = media.sent
        wait_until("it has gone on", lambda: media.sent > after + 100)
    offload = scene.offload()
    assert offload["active"] and offload["channels"] == 1
    passed["ordinary_turn"] += int((time.monotonic() - began) / ORDINARY_INTERVAL)
    now = offload["packets_passed_up"]
    assert now.keys() == passed.keys() and now["ordinary_turn"] <= passed["ordinary_turn"], "not one more came to a socket"
    with scene.server:
        sessions = json.loads(run("turnd", "sessions", "--json", "--config", scene.turnd.config).stdout)["sessions"]
    assert sessions[0]["to_peers"]["packets"] == 1 + media.sent + 1, "every packet counts, and once"
    call.client.refresh(0)
    Site.settled(call.client)
    assert scene.offload()["channels"] == 0


def test_what_another_program_forwards_is_not_taken_over(scene, tmp_path):
    """Of other interfaces: the new process attaches its own as soon as the old one has let go."""
    admin = {"address": "127.0.0.1:0", "socket": str(tmp_path / "turnd.sock")}
    scene.start(admin=admin)
    call = scene.call()
    (tmp_path / "next").mkdir()
    scene.start(tmp_path / "next", ["--take-over"], admin=admin, offload={"mode": "xdp", "interfaces": ["inside", "outside"]})
    call.up(b"by either way")

    def again() -> bool:
        """By the new process: the old one has the interfaces the other way round."""
        offload = scene.offload()
        return offload["active"] and offload["interfaces"] == ["inside", "outside"] and offload["channels"] == 1

    wait_until("it is offloaded again", again)
    call.up(b"the first of a direction, at most")
    call.up(b"by the kernel")
    assert scene.offload()["packets_to_peers"] >= 1
    assert scene.status()["allocations"]["total"] == 1


def test_auto_does_without_what_it_cant_have_and_says_why(scene):
    scene.start(offload={"mode": "auto"})
    call = scene.call()
    call.up(b"by sockets")
    offload = scene.offload()
    assert not offload["active"] and "virtual interfaces" in offload["why_not"]
    assert scene.turnd.log.count("offload.off") == 1


def test_auto_does_without_an_interface_that_isnt_there(scene):
    scene.start(offload={"mode": "auto", "interfaces": ["nowhere0"]})
    call = scene.call()
    call.up(b"by sockets")
    assert "nowhere0" in scene.offload()["why_not"]


def test_xdp_that_cant_be_had_refuses_the_start(scene):
    config = scene.configuration(offload={"mode": "xdp", "interfaces": ["nowhere0"]})
    path = write_private(scene.folder / "turnd.json", json.dumps(config))
    with scene.server:
        done = run("turnd", "run", "--config", path)
    assert done.returncode == 1
    assert "nowhere0" in done.stderr + done.stdout


def test_nothing_about_it_without_the_key(scene):
    scene.start(offload={})
    call = scene.call()
    call.up(b"by sockets")
    assert not scene.attached("outside")
    offload = scene.offload()
    assert (offload["active"], offload["why_not"], offload["channels"]) == (False, "it is not configured", 0)
    assert "offload" not in scene.turnd.log


# ---- rights


def with_rights(*capabilities: str) -> list[str]:
    """Root as a container's engine has it: with these, and no way to more."""
    given = ",".join(["-all", *(f"+{each}" for each in capabilities)])
    return ["setpriv", "--inh-caps", given, "--bounding-set", given, "--no-new-privs"]


def test_three_capabilities_are_enough_and_gone_when_it_serves(scene):
    scene.start(prefix=with_rights("bpf", "net_admin", "perfmon"))
    call = scene.call()
    call.up(b"by the kernel")
    assert scene.offload()["packets_to_peers"] == 1
    rights = re.findall(r"^Cap(?:Prm|Eff|Amb):\t(\w+)", Path(f"/proc/{scene.turnd.pid}/status").read_text(), re.MULTILINE)
    assert len(rights) == 3 and all(int(each, 16) & (CAP_BPF | CAP_PERFMON) == 0 for each in rights), rights


def test_without_the_rights_auto_says_so_once_and_relays_as_ever(scene):
    scene.start(prefix=with_rights(), offload={"mode": "auto", "interfaces": ["outside", "inside"]})
    call = scene.call()
    call.up(b"by sockets")
    offload = scene.offload()
    assert not offload["active"] and offload["why_not"]
    assert scene.turnd.log.count("offload.off") == 1


# ---- the deployments of the replaced appliance: test_turn_appliance_*.py relays in the kernel, too


def single_nic(running):
    return Site.single_nic(running), {}


def dual_nic(running):
    listening = [{"transport": "udp", "address": f"{each}:3478"} for each in (TURN_ON_THE_LAN, TURN)]
    return Site.dual_nic(running), {"listeners": listening, "relay": {"addresses": [TURN]}}


def static_nat(running):
    relay = {"addresses": [TURN_BEHIND_NAT], "external_addresses": {TURN_BEHIND_NAT: TURN}}
    return Site.static_nat(running), {"listening": f"{TURN_BEHIND_NAT}:3478", "relay": relay}


@pytest.mark.parametrize("deployed", [single_nic, dual_nic, static_nat])
def test_media_of_each_deployment_passes_in_the_kernel(running, tmp_path, deployed):
    site, configured = deployed(running)
    turnd = site.start_turnd(tmp_path, admin={"address": "127.0.0.1:0"}, **site.with_offload(), **configured)
    node, caller = site.node(), site.caller()
    node.allocate()
    node.bind(CHANNEL, caller.address)
    site.settled(node)
    for number in range(11):
        caller.send(b"from the Internet %d" % number, node.relayed)
        assert node.receive_channel(CHANNEL) == b"from the Internet %d" % number
        node.send_channel(CHANNEL, b"from the LAN %d" % number)
        assert caller.receive() == (b"from the LAN %d" % number, node.relayed)
    with site.turn:
        offload = json.loads(ask(turnd, "/status")[2])["offload"]
    assert (offload["packets_to_peers"], offload["packets_to_clients"]) == (10, 10), offload
    site.asked_for_nothing()
