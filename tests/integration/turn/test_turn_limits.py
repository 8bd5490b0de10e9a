"""Every limit of turnd.json: what is refused or dropped, the line in the log, the count at the end."""

import re
import signal
import socket

import pytest
from aioice import stun

from daemons import HOST, wait_until
from turnd import Refused, Turnd


SO_RCVBUFFORCE = 33  # socket has no name for it


def code_of(call, *arguments) -> int:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.code


def told(turnd, limit: str) -> list[str]:
    return re.findall(rf"limit\.reached: .* limit={limit} subject=(\S+) held_back=\d+", turnd.log)


def wait_until_told(turnd, limit: str, subject: str) -> None:
    wait_until(f"a line about {limit}", lambda: told(turnd, limit))
    assert told(turnd, limit) == [subject]


def test_allocations_in_all(start, client):
    """Rule 9: 508, and the place is free again when an allocation ends."""
    turnd = start(limits={"allocations": 2})
    one, two, three = client(turnd), client(turnd), client(turnd, "tcp")
    one.allocate(), two.allocate()
    assert code_of(three.allocate) == 508
    assert code_of(three.allocate) == 508
    wait_until_told(turnd, "allocations", "several")
    two.refresh(0)
    three.allocate()
    turnd.stop()
    assert re.search(r'stopped: .* refused="?401=3 508=2"? .* limited="?allocations=2"?', turnd.log), turnd.log


def test_allocations_of_a_user(start, client):
    """Rule 9: 486 for who has enough, while others are served."""
    turnd = start(workers=2, limits={"allocations_per_user": 1}, credentials={"users": {"alice": "wonder", "bob": "builder"}})
    of_alice = [client(turnd, user="alice", password="wonder") for _ in range(4)]
    of_alice[0].allocate()
    assert [code_of(each.allocate) for each in of_alice[1:]] == [486] * 3
    client(turnd, user="bob", password="builder").allocate()
    wait_until_told(turnd, "allocations_per_user", "alice")


def test_by_default_the_ports_are_the_limit(start, client):
    first = 21000
    turnd = start(relay={"ports": [first, first + 1]})
    clients = [client(turnd) for _ in range(3)]
    clients[0].allocate(), clients[1].allocate()
    assert code_of(clients[2].allocate) == 508
    wait_until_told(turnd, "allocations", "several")


def test_bandwidth_of_an_allocation(start, client, peer):
    turnd = start(limits={"bandwidth_per_allocation": "10KiB"})
    alice = client(turnd)
    relayed = alice.allocate()
    alice.bind(0x4000, peer.address)
    for _ in range(20):
        alice.send_channel(0x4000, bytes(1000))
    wait_until_told(turnd, "bandwidth_per_allocation", "pexip")
    peer.socket.settimeout(0.2)
    arrived = 0
    with pytest.raises(TimeoutError):
        while peer.receive()[1] == relayed:
            arrived += 1
    assert 10 <= arrived <= 15, "a second's worth, and what came in while it was sent"


def test_bandwidth_of_a_user_is_shared_by_all_workers(start, client, peer):
    turnd = start(workers=2, limits={"bandwidth_per_user": "10KiB"})
    clients = [client(turnd) for _ in range(8)]
    for channel, each in enumerate(clients, 0x4000):
        each.allocate()
        each.bind(channel, peer.address)
    assert {port // 2 % 2 for _, port in (each.relayed for each in clients)} == {0, 1}
    for _ in range(5):
        for channel, each in enumerate(clients, 0x4000):
            each.send_channel(channel, bytes(1000))
    wait_until_told(turnd, "bandwidth_per_user", "pexip")
    peer.socket.settimeout(0.2)
    arrived = 0
    with pytest.raises(TimeoutError):
        while peer.receive():
            arrived += 1
    assert 10 <= arrived <= 15


def test_permissions_and_channels_of_an_allocation(start, client):
    turnd = start(limits={"permissions_per_allocation": 2, "channels_per_allocation": 1})
    alice = client(turnd)
    alice.allocate()
    alice.bind(0x4000, (HOST, 5000))
    assert code_of(alice.bind, 0x4001, (HOST, 5001)) == 508
    alice.bind(0x4000, (HOST, 5000))
    alice.permit(("127.0.0.2", 1))
    assert code_of(alice.permit, ("127.0.0.3", 1)) == 508
    alice.permit(("127.0.0.2", 2))
    wait_until_told(turnd, "channels_per_allocation", "pexip")
    wait_until_told(turnd, "permissions_per_allocation", "pexip")


def test_the_longest_lifetime(start, client):
    alice = client(start(limits={"max_lifetime": "700s"}))
    answer = alice.request(stun.Method.ALLOCATE, LIFETIME=3600, REQUESTED_TRANSPORT=17 << 24)
    assert answer.attributes["LIFETIME"] == 700
    assert alice.request(stun.Method.REFRESH, LIFETIME=3600).attributes["LIFETIME"] == 700


def flood(turnd, requests: int) -> int:
    """How many of so many Bindings of one source are answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        source.connect(turnd.address("udp"))
        for number in range(requests):
            source.send(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + number.to_bytes(12, "big"))
        source.settimeout(0.5)
        answered = 0
        with pytest.raises(TimeoutError):
            while source.recv(2048):
                answered += 1
        return answered


def test_unauthenticated_answers_of_a_source(start, client):
    """Rule 35; connections are none of its business."""
    turnd = start(limits={"unauthenticated_answers_per_source": 10})
    assert 100 <= flood(turnd, 2000) < 150
    wait_until_told(turnd, "unauthenticated_answers_per_source", HOST)
    client(turnd, "tcp").request(stun.Method.BINDING)  # whose address is proven


def test_unauthenticated_answers_without_a_limit(start):
    assert flood(start(limits={"unauthenticated_answers_per_source": 0}), 2000) == 2000


def test_a_limit_is_one_line_and_not_one_a_packet(start, client):
    turnd = start(limits={"allocations": 1})
    client(turnd).allocate()
    refused = client(turnd)
    for _ in range(50):
        assert code_of(refused.allocate) == 508
    turnd.stop()
    held_back = [int(count) for count in re.findall(r"limit=allocations .* held_back=(\d+)", turnd.log)]
    assert sum(held_back) == 50
    assert len(held_back) <= 3, "at once, perhaps once more, and what was left at the end"


def test_a_full_server_sends_to_another_one(start, client, running, tmp_path):
    """Rule 10, to the end: the client is served where it was sent."""
    folder = tmp_path / "other"
    folder.mkdir()
    other = running.enter_context(Turnd(folder))
    turnd = start(limits={"allocations": 1}, alternate={"servers": ["{}:{}".format(*other.address("udp"))]})
    client(turnd).allocate()
    there = client(turnd).sent_elsewhere()
    assert there == other.address("udp")
    client(there).allocate()


def test_a_draining_server_sends_to_another_one(start, client):
    """Rule 10: what is there goes on."""
    turnd = start(drain_timeout="60s", alternate={"servers": ["192.0.2.7:3478"], "when": "draining"})
    alice, bob = client(turnd), client(turnd)
    alice.allocate()
    turnd.signal(signal.SIGTERM)
    turnd.wait_for_log("drain")
    wait_until("it drains", bob.sent_elsewhere)
    alice.refresh(0)
    turnd.wait()
