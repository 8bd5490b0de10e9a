"""SIGHUP: whatever of the configuration changes, calls go on. Flows carry numbers to a peer and back, and none is lost."""

import json

import pytest

from certificates import Certificate
from daemons import HOST, wait_until
from flows import CHANNEL, Echo, Flow
from turnd import PASSWORD, USER, Peer, Refused, Reloading

OTHER = "127.0.0.2"


@pytest.fixture
def flows(running, client):
    """So many flows over each of these transports, with one peer."""

    def begin(daemon, transports, each=4):
        peer = running.enter_context(Echo()).peer
        begun = [Flow(client(daemon.turnd, transport), peer.address)
                 for transport in transports for _ in range(each)]
        for flow in begun:
            flow.client.socket.settimeout(10)
            flow.start()
        return begun

    return begin


def all_pass(begun):
    """Every flow carries another number."""
    before = [flow.passed for flow in begun]
    wait_until("numbers on every flow",
               lambda: all(flow.passed > was + 1 or flow.wrong for flow, was in zip(begun, before)))


def test_flows_lose_nothing_by_any_change(reloading, flows, client, tmp_path):
    certificate = Certificate(tmp_path, "turn")
    first = str(certificate.file())
    second = str(Certificate(tmp_path, "renewed").file())
    daemon = reloading(listeners=[{"transport": "udp", "address": f"{HOST}:0"},
                                  {"transport": "tcp", "address": f"{HOST}:0"},
                                  {"transport": "tls", "address": f"{HOST}:0", "certificates": [first]},
                                  {"transport": "dtls", "address": f"{HOST}:0", "certificates": [first]}])
    config = daemon.config
    begun = flows(daemon, ("udp", "tcp", "tls", "dtls"))
    kept = list(config["listeners"])

    def certificates():
        for listener in config["listeners"][2:]:
            listener["certificates"] = [second]

    changes = {
        "nothing": lambda: None,
        "certificates": certificates,
        "more listeners": lambda: config["listeners"].extend(
            {"transport": each, "address": f"{OTHER}:0"} for each in ("udp", "tcp", "tls", "dtls")),
        "fewer listeners": lambda: config.update(listeners=config["listeners"][4:]),
        "the former listeners": lambda: config.update(listeners=kept),
        "relay ports": lambda: config["relay"].update(ports=[40000, 40999]),
        "relay addresses": lambda: config["relay"].update(addresses=[OTHER]),
        "external addresses": lambda: config["relay"].update(external_addresses={OTHER: "203.0.113.7"}),
        "tcp relay": lambda: config["relay"].update(tcp=True),
        "peers": lambda: config["peers"].update(allow=[f"{HOST}/32"], deny=["198.51.100.0/24"]),
        "clients": lambda: config.update(clients={"turn": ["10.0.0.0/8"], "stun": ["10.0.0.0/8"], "mobility": True}),
        "limits": lambda: config.update(limits={
            "allocations": 1, "allocations_per_user": 1, "permissions_per_allocation": 1, "channels_per_allocation": 1,
            "bandwidth_per_allocation": "10MiB", "max_lifetime": "600s", "nonce_lifetime": "60s"}),
        "alternate": lambda: config.update(alternate={"servers": ["198.51.100.140:3478"], "when": "always"}),
        "realm and users": lambda: config.update(realm="example.org", credentials={"users": {"alice": "wonder"}}),
        "secrets": lambda: config["credentials"].update(shared_secrets=["north"]),
        "log": lambda: config.update(log={"level": "debug"}),
        "drain time-out": lambda: config.update(drain_timeout="7s"),
    }
    for name, change in changes.items():
        change()
        daemon.reload()
        all_pass(begun)
        assert not [flow.wrong for flow in begun if flow.wrong], name
    assert "reload.incomplete" not in daemon.turnd.log
    for flow in begun:
        flow.end()
        flow.client.refresh(600)


def test_a_new_listener_serves_at_once_and_a_former_one_only_what_it_has(reloading, flows, client):
    daemon = reloading(listeners=[{"transport": "udp", "address": f"{HOST}:0"}])
    former = daemon.turnd.address("udp")
    begun = flows(daemon, ("udp",))
    daemon.config["listeners"] = [{"transport": "udp", "address": f"{OTHER}:0"}]
    daemon.reload()
    bound = daemon.turnd.listeners
    assert [each["address"].partition(":")[0] for each in bound] == [OTHER]
    client((OTHER, daemon.turnd.port("udp"))).allocate()

    stranger = client(former)
    stranger.socket.settimeout(0.5)
    with pytest.raises((TimeoutError, ConnectionRefusedError)):
        stranger.allocate()
    all_pass(begun)
    for flow in begun:
        flow.end()
        flow.client.refresh(0)
    # Nobody is there any more: its sockets go, and the port is free.
    wait_until("the former sockets to be closed", lambda: bindable(former), 30)


def bindable(address):
    try:
        Peer(*address).socket.close()
    except OSError:
        return False
    return True


def test_a_listener_that_comes_back_is_the_one_it_was(reloading, flows, client):
    daemon = reloading(listeners=[{"transport": each, "address": f"{HOST}:0"} for each in ("udp", "dtls")])
    before = daemon.turnd.listeners
    begun = flows(daemon, ("udp", "dtls"))
    kept = daemon.config["listeners"]
    daemon.config["listeners"] = [{"transport": "tcp", "address": f"{HOST}:0"}]
    daemon.reload()
    daemon.config["listeners"] = kept
    daemon.reload()
    assert daemon.turnd.listeners == before
    for transport in ("udp", "dtls"):
        client(daemon.turnd, transport).allocate()
    for flow in begun:
        flow.end()


def test_one_address_in_place_of_all_and_back_over_tcp(reloading, flows, client):
    transports = ("tcp", "tls")
    daemon = reloading(listeners=[{"transport": each, "address": "0.0.0.0:0"} for each in transports])
    ports = {each: daemon.turnd.port(each) for each in transports}
    begun = flows(daemon, transports)
    everywhere = [{"transport": each, "address": f"0.0.0.0:{ports[each]}"} for each in transports]
    here = [{"transport": each, "address": f"{HOST}:{ports[each]}"} for each in transports]
    for listeners in (here, everywhere, here + everywhere, everywhere, here):
        daemon.config["listeners"] = listeners
        daemon.reload()
        all_pass(begun)
        for transport in transports:
            for _ in range(3):
                client((HOST, ports[transport]), transport).allocate()
    for flow in begun:
        flow.end()


def test_one_address_is_not_opened_beside_all_of_them_under_their_clients(reloading, flows, client):
    transports = ("udp", "dtls")
    daemon = reloading(listeners=[{"transport": each, "address": "0.0.0.0:0"} for each in transports])
    begun = flows(daemon, transports)
    for transport in transports:
        daemon.config["listeners"][0] = {"transport": transport,
                                         "address": f"{HOST}:{daemon.turnd.port(transport)}"}
        daemon.reload("reload.refused")
        daemon.turnd.wait_for_log("while clients may have allocations on")
        all_pass(begun)
    for flow in begun:
        flow.end()


def test_one_address_beside_all_of_them_may_be_taken_away(running, start, flows, client):
    probe = Peer()
    port = probe.address[1]
    probe.socket.close()
    everywhere, here = ({"transport": "udp", "address": f"{each}:{port}"} for each in ("0.0.0.0", HOST))
    daemon = Reloading(start(workers=2, listeners=[here, everywhere]))
    begun = flows(daemon, ("udp",))
    for listeners in ([everywhere], [here, everywhere], [here], [here]):
        daemon.config["listeners"] = listeners
        daemon.reload()
        newcomers = [client((HOST, port)) for _ in range(4)]
        for newcomer in newcomers:
            newcomer.allocate()
            newcomer.refresh(600)
        all_pass(begun)
    for flow in begun:
        flow.end()


def test_tcp_becomes_tls_on_the_same_port(reloading, flows, client):
    daemon = reloading(listeners=[{"transport": "tcp", "address": f"{HOST}:0"}])
    address = daemon.turnd.address("tcp")
    begun = flows(daemon, ("tcp",))
    daemon.config["listeners"][0]["transport"] = "tls"
    daemon.reload()
    assert daemon.turnd.address("tls") == address
    client(address, "tls").allocate()
    for flow in begun:
        flow.end()


def test_udp_does_not_become_dtls_under_its_clients(reloading, flows, client):
    daemon = reloading(listeners=[{"transport": "udp", "address": f"{HOST}:0"}])
    port = daemon.turnd.port("udp")
    daemon.config["listeners"] = [{"transport": "udp", "address": f"{HOST}:0"},
                                  {"transport": "udp", "address": f"{OTHER}:{port}"}]
    daemon.reload()
    daemon.config["listeners"][1]["transport"] = "dtls"
    daemon.config["realm"] = "example.org"
    daemon.reload("reload.refused")
    daemon.turnd.wait_for_log("while clients may have allocations on udp")
    newcomer = client(daemon.turnd)
    newcomer.allocate()
    assert newcomer._realm == "example.com"


def test_a_listener_that_cant_be_opened_leaves_everything_as_it_was(reloading, flows, client, running):
    daemon = reloading()
    begun = flows(daemon, ("udp",))
    taken = running.enter_context(Peer())
    daemon.config["listeners"] = [{"transport": "udp", "address": f"{OTHER}:0"},
                                  {"transport": "udp", "address": f"{HOST}:{taken.address[1]}"}]
    daemon.config["credentials"]["users"] = {"alice": "wonder"}
    daemon.config["relay"]["ports"] = [40000, 40000]
    before = daemon.turnd.listeners
    daemon.reload("reload.refused")
    daemon.turnd.wait_for_log(f"can't bind udp {HOST}:{taken.address[1]}")
    assert daemon.turnd.listeners == before
    for _ in range(4):
        client(daemon.turnd, user=USER, password=PASSWORD).allocate()
    for flow in begun:
        flow.end()


def test_an_address_that_isnt_ours_is_no_relay_address(reloading, client):
    daemon = reloading()
    daemon.config["relay"]["addresses"] = [HOST, "203.0.113.7"]
    daemon.reload("reload.refused")
    daemon.turnd.wait_for_log("203.0.113.7")
    client(daemon.turnd).allocate()


def test_new_allocations_are_where_the_new_relay_addresses_and_ports_are(reloading, client):
    daemon = reloading()
    daemon.config["relay"] = {"addresses": [OTHER], "ports": [41000, 41999]}
    daemon.reload()
    for _ in range(4):
        host, port = client(daemon.turnd).allocate()
        assert host == OTHER and 41000 <= port <= 41999


def test_a_peer_that_is_forbidden_now_is_cut_off(reloading, client, running):
    daemon = reloading()
    allowed, forbidden = Peer(OTHER), Peer(HOST)
    running.enter_context(allowed)
    running.enter_context(forbidden)
    caller = client(daemon.turnd)
    relayed = caller.allocate()
    for channel, peer in ((CHANNEL, allowed), (CHANNEL + 1, forbidden)):
        caller.bind(channel, peer.address)
        caller.send_channel(channel, b"hello")
        assert peer.receive() == (b"hello", relayed)
    daemon.config["peers"]["deny"] = [f"{HOST}/32"]
    daemon.reload()
    caller.send_channel(CHANNEL + 1, b"nobody hears")
    forbidden.send(b"nor this", relayed)
    caller.send_channel(CHANNEL, b"still")
    assert allowed.receive() == (b"still", relayed)
    allowed.send(b"back", relayed)
    assert caller.receive_channel(CHANNEL) == b"back"
    forbidden.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        forbidden.receive()
    with pytest.raises(Refused) as refused:
        caller.permit(forbidden.address)
    assert refused.value.code == 403


def test_bandwidth_is_the_new_one_for_those_who_are_there(reloading, client, peer):
    daemon = reloading()
    caller = client(daemon.turnd)
    caller.allocate()
    caller.bind(CHANNEL, peer.address)
    daemon.config["limits"] = {"bandwidth_per_allocation": "1KiB"}
    daemon.reload()
    caller.send_channel(CHANNEL, bytes(1000))
    assert len(peer.receive()[0]) == 1000
    for _ in range(5):
        caller.send_channel(CHANNEL, bytes(1000))
    peer.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        peer.receive()


def test_the_announced_listeners_are_those_in_force(reloading):
    daemon = reloading()
    daemon.config["listeners"] = [{"transport": "tcp", "address": f"{OTHER}:0"}]
    daemon.reload()
    text = json.dumps(daemon.turnd.listeners)
    assert OTHER in text and "udp" not in text
