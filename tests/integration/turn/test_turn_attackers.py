"""What somebody with bad intentions gets out of turnd: docs/threat-model.md names these."""

import hashlib
import socket
import time

import pytest
from aioice import stun

import tls_probe
from daemons import HOST
from turnd import PASSWORD, REALM, TCP_TRANSPORT, UDP_TRANSPORT, USER, Peer, Refused, TurnClient

IPV6 = {"listeners": [{"transport": each, "address": "[::1]:0"} for each in ("udp", "tcp")],
        "relay": {"addresses": ["::1"], "tcp": True}, "peers": {"allow": []}}
# How 127.0.0.1 and 10.0.0.1 can be written by somebody who hopes that nobody looks inside. (::1 itself is the relay address here, whose
# relay ports are for other clients of the server.)
INSIDE = ["::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1",
          "64:ff9b::10.0.0.1", "64:ff9b:1::127.0.0.1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "2001::80ff:fffe", "fe80::1", "fec0::1",
          "fc00::1", "fd00:ec2::254", "ff02::1", "100::1"]


def refusal(call, *arguments) -> int:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.code


def silent(client) -> bool:
    """Nothing is on its way to this client: what comes next, and after that, is the answer to what it asks now."""
    for _ in range(2):
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        client.send(bytes(message))
        if client.receive()[8:20] != message.transaction_id:
            return False
    return True


# ---- SSRF: rules 23 and 33

@pytest.mark.parametrize("peer", INSIDE)
def test_no_form_of_an_inside_address_is_a_peer(start, client, peer):
    """CVE-2020-26262, CVE-2026-27624."""
    turnd = start(**{**IPV6, "peers": {"allow": ["any"]}})  # which opens no private network
    with Peer("::1") as victim, Peer(HOST) as other:
        mallory = client(("::1", turnd.port("udp")))
        mallory.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP_TRANSPORT, **{"REQUESTED-ADDRESS-FAMILY": 2 << 24})
        for port in (victim.address[1], other.address[1]):
            assert refusal(mallory.permit, (peer, port)) == 403
            assert refusal(mallory.bind, 0x4000, (peer, port)) == 403
            mallory.send_indication((peer, port), b"let me in")
        assert silent(mallory)
        for each in (victim, other):
            each.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                each.receive()


@pytest.mark.parametrize("peer", ["::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::"])
def test_no_form_of_an_inside_address_is_connected_to(start, client, peer):
    """RFC 6062's Connect asks the same list."""
    turnd = start(**IPV6)
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as victim:
        mallory = client(("::1", turnd.port("tcp")), "tcp")
        mallory.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=TCP_TRANSPORT, **{"REQUESTED-ADDRESS-FAMILY": 2 << 24})
        assert refusal(lambda: mallory.request(stun.Method.CONNECT, XOR_PEER_ADDRESS=(peer, victim.getsockname()[1]))) == 403
        victim.setblocking(False)
        with pytest.raises(BlockingIOError):
            victim.accept()


# ---- port scanning

def test_of_a_forbidden_peer_a_scan_learns_nothing(start, client):
    """Whether somebody listens there makes no difference, and no packet leaves."""
    turnd = start(peers={"allow": ["127.0.0.2"]})
    mallory = client(turnd)
    mallory.allocate()
    mallory.permit(("127.0.0.2", 1))
    with Peer("127.0.0.3") as there, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.3", 0))
        closed = gone.getsockname()
        gone.close()
        answers = set()
        for peer in (there.address, closed):
            for call in (lambda: mallory.permit(peer), lambda: mallory.bind(0x4000, peer)):
                answers.add(refusal(call))
            mallory.send_indication(peer, b"anybody?")
        assert answers == {403}
        assert silent(mallory), "and no ICMP error"
        there.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            there.receive()


def test_of_a_permitted_peer_a_scan_learns_a_few_ports_a_second(start, client):
    """ICMP errors are told (RFC 8656 11.5), ten a second of an allocation, so that calls learn that nobody is there; a scan
    that is told of ten closed ports a second is no use."""
    turnd = start()
    mallory = client(turnd)
    mallory.allocate()
    mallory.permit((HOST, 1))
    begin = time.monotonic()
    for port in range(1, 1001):
        mallory.send_indication((HOST, port), b"anybody?")
    mallory.socket.settimeout(1)
    told = 0
    with pytest.raises(TimeoutError):
        while mallory.receive():
            told += 1
    seconds = int(time.monotonic() - begin) + 1
    assert 1 <= told <= 10 * (seconds + 1)


def test_the_ports_of_the_server_itself_are_not_scanned(start, client):
    """Beside its relay ports nothing of a relay address is a peer, though it is a public one."""
    turnd = start(peers={"allow": []})
    with Peer(HOST, 0) as service:  # something else that runs on this machine, outside of the range of relay ports
        if service.address[1] >= 49152:
            service.socket.close()
            service = next(found for found in (try_to_bind(port) for port in range(20000, 30000)) if found)
        mallory = client(turnd)
        mallory.allocate()
        mallory.permit((HOST, 50000))  # its own relay address, for other clients of this server
        mallory.send_indication(service.address, b"anybody?")
        assert refusal(mallory.bind, 0x4000, service.address) == 403
        assert refusal(mallory.bind, 0x4000, turnd.address("udp")) == 403
        assert silent(mallory)
        service.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.receive()
        service.socket.close()


def try_to_bind(port: int) -> Peer | None:
    try:
        return Peer(HOST, port)
    except OSError:
        return None


# ---- relay loops

def test_a_relay_that_is_its_own_peer_gets_each_packet_once(start, client):
    turnd = start()
    alice = client(turnd)
    relayed = alice.allocate()
    alice.bind(0x4000, relayed)
    for number in range(20):
        alice.send_channel(0x4000, b"%d" % number)
        assert alice.receive_channel(0x4000) == b"%d" % number
    assert silent(alice)


def test_two_relays_that_are_each_others_peers_make_no_packet_of_their_own(start, client):
    turnd = start(workers=2)
    alice, bob = client(turnd), client(turnd)
    of_alice, of_bob = alice.allocate(), bob.allocate()
    alice.bind(0x4000, of_bob)
    bob.bind(0x4000, of_alice)
    alice.send_channel(0x4000, b"once")
    assert bob.receive_channel(0x4000) == b"once"
    assert silent(alice) and silent(bob)


# ---- credentials

class Guesser:
    """Signed requests on one connection, one after the other, without waiting for answers."""

    def __init__(self, server: tuple[str, int], transport: str, source: str):
        self.client = TurnClient(server, transport, source=source)
        with pytest.raises(Refused):
            self.client._transaction(stun.Method.ALLOCATE, {"REQUESTED_TRANSPORT": UDP_TRANSPORT})
        self._nonce = self.client._last.attributes["NONCE"]

    def guess(self, password: str) -> None:
        message = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
        message.attributes |= {"REQUESTED-TRANSPORT": UDP_TRANSPORT, "USERNAME": USER, "REALM": REALM, "NONCE": self._nonce}
        message.add_message_integrity(hashlib.md5(f"{USER}:{REALM}:{password}".encode()).digest())
        self.client.send(bytes(message))

    def answered(self) -> list[int | None]:
        """The codes of all answers; None: a success."""
        self.client.socket.settimeout(1)
        codes = []
        try:
            while True:
                answer = stun.parse_message(self.client.receive())
                codes.append(answer.attributes["ERROR-CODE"][0] if "ERROR-CODE" in answer.attributes else None)
        except TimeoutError:
            return codes


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_passwords_are_guessed_no_faster_than_the_limit_and_others_log_in(start, client, transport):
    """Rule 35. What is over the limit isn't answered, right or wrong; others notice nothing."""
    turnd = start(limits={"unauthenticated_answers_per_source": 10})
    guesser = Guesser(turnd.address(transport), transport, "127.0.0.66")
    begin = time.monotonic()
    for number in range(500):
        guesser.guess(f"password{number}")
    guesser.guess(PASSWORD)
    client(turnd, transport, source="127.0.0.67").allocate()
    codes = guesser.answered()
    most = 110 + 10 * (time.monotonic() - begin)
    assert set(codes) == {401} and 90 <= len(codes) <= most, "ten a second, ten times as many at once"
    turnd.wait_for_log("limit=unauthenticated_answers_per_source subject=127.0.0.66")
    guesser.client.close()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_was_overheard_is_worth_nothing_elsewhere(start, client, transport):
    """A nonce is its client's address's: the same signed bytes from another one are 438, and allocate nothing."""
    turnd = start(limits={"allocations": 2})
    alice = client(turnd, transport)
    sent = []
    really_send = alice.send
    alice.send = lambda message: (sent.append(message), really_send(message))
    relayed = alice.allocate()
    with TurnClient(turnd.address(transport), transport, source="127.0.0.9") as mallory:
        for message in sent:
            mallory.send(message)
            answer = stun.parse_message(mallory.receive())
            assert answer.message_class == stun.Class.ERROR and answer.attributes["ERROR-CODE"][0] in (401, 438)
            assert "XOR-RELAYED-ADDRESS" not in answer.attributes
    really_send(sent[-1])  # from her own address it is a copy of hers
    assert stun.parse_message(alice.receive()).attributes["XOR-RELAYED-ADDRESS"] == relayed
    client(turnd, transport).allocate()  # the second of two: nobody else has one


# ---- TLS

def test_nobody_in_between_makes_tls_worse(start):
    turnd = start()
    server = turnd.address("tls")
    assert tls_probe.refuses_old_versions(server)
    assert tls_probe.tells_of_a_downgrade(server)
    assert tls_probe.refuses_renegotiation(server)
    assert tls_probe.compresses_nothing(server)
    with TurnClient(server, "tls") as alice:
        alice.allocate()
        assert alice.socket.version() == "TLSv1.3"
