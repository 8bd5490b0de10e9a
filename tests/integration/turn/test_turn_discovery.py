"""NAT behaviour discovery (RFC 5780) over four UDP listeners: two addresses times two ports."""

import re
import select
import socket
import subprocess

import pytest
from aioice import stun

from daemons import HOST
from turnd import Peer

OTHER_HOST = "127.0.0.2"
GUARD_SECONDS = 30
CHANGE_IP, CHANGE_PORT = 4, 2

for _attribute in ((0x0003, "CHANGE-REQUEST", stun.pack_unsigned, stun.unpack_unsigned),
                   (0x0026, "PADDING", stun.pack_bytes, stun.unpack_bytes),
                   (0x0027, "RESPONSE-PORT", stun.pack_unsigned, stun.unpack_unsigned),
                   (0x802B, "RESPONSE-ORIGIN", stun.pack_address, stun.unpack_address),
                   (0x802C, "OTHER-ADDRESS", stun.pack_address, stun.unpack_address)):
    stun.ATTRIBUTES_BY_TYPE[_attribute[0]] = stun.ATTRIBUTES_BY_NAME[_attribute[1]] = _attribute


def free_ports(count: int) -> list[int]:
    """Free on both addresses just now."""
    ports = []
    while len(ports) < count:
        with Peer(HOST) as probe, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            try:
                other.bind((OTHER_HOST, probe.address[1]))
            except OSError:
                continue
            if probe.address[1] not in ports:
                ports.append(probe.address[1])
    return ports


@pytest.fixture
def corners(start):
    """The four addresses of a turnd with two workers: [address][port]."""
    ports = free_ports(2)
    start(workers=2, listeners=[{"transport": "udp", "address": f"{host}:{port}"}
                                for host in (HOST, OTHER_HOST) for port in ports])
    return [[(host, port) for port in ports] for host in (HOST, OTHER_HOST)]


class Asking:
    """A socket that takes answers from anywhere."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.settimeout(GUARD_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.socket.close()

    def send(self, server, **attributes) -> bytes:
        message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        for name, value in attributes.items():
            message.attributes[name.replace("_", "-")] = value
        self.socket.sendto(bytes(message), server)
        return bytes(message)

    def receive(self) -> tuple[stun.Message, tuple[str, int]]:
        data, sender = self.socket.recvfrom(65536)
        return stun.parse_message(data), sender

    def ask(self, server, **attributes):
        self.send(server, **attributes)
        return self.receive()


def test_every_corner_says_where_it_is_and_where_the_other_one_is(corners):
    with Asking() as asking:
        for address in (0, 1):
            for port in (0, 1):
                answer, sender = asking.ask(corners[address][port])
                assert sender == corners[address][port] == answer.attributes["RESPONSE-ORIGIN"]
                assert answer.attributes["OTHER-ADDRESS"] == corners[1 - address][1 - port]
                assert answer.attributes["XOR-MAPPED-ADDRESS"] == asking.socket.getsockname()


def test_change_request_makes_the_answer_leave_from_another_corner(corners):
    with Asking() as asking:
        for flags, expected in ((CHANGE_IP, corners[1][0]), (CHANGE_PORT, corners[0][1]),
                                (CHANGE_IP | CHANGE_PORT, corners[1][1]), (0, corners[0][0])):
            answer, sender = asking.ask(corners[0][0], CHANGE_REQUEST=flags)
            assert sender == expected == answer.attributes["RESPONSE-ORIGIN"]
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == asking.socket.getsockname()


def test_response_port_sends_the_answer_to_another_port_of_the_same_address(corners):
    with Asking() as asking, Asking() as other:
        asking.send(corners[0][0], RESPONSE_PORT=other.socket.getsockname()[1] << 16)
        answer, _ = other.receive()
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == asking.socket.getsockname()
        assert not select.select([asking.socket], [], [], 0.1)[0]


def test_padding_comes_back_and_makes_no_answer_longer_than_its_request(corners):
    with Asking() as asking:
        request = asking.send(corners[0][0], PADDING=bytes(1400))
        answer, _ = asking.receive()
        assert len(answer.attributes["PADDING"]) > 1300
        assert len(bytes(answer)) <= len(request)
        refused, _ = asking.ask(corners[0][0], PADDING=bytes(100), RESPONSE_PORT=9 << 16)
        assert refused.attributes["ERROR-CODE"][0] == 400


def test_without_such_listeners_change_request_is_420(start):
    turnd = start()
    with Asking() as asking:
        refused, _ = asking.ask(turnd.address("udp"), CHANGE_REQUEST=0)
        assert refused.attributes["ERROR-CODE"][0] == 420
        answer, _ = asking.ask(turnd.address("udp"))
        assert "OTHER-ADDRESS" not in answer.attributes


@pytest.mark.parametrize("option, expected", [("-m", "NAT with Endpoint Independent Mapping|No NAT"),
                                              ("-f", "NAT with Endpoint Independent Filtering|No NAT")])
def test_coturns_discovery(corners, option, expected):
    done = subprocess.run(["turnutils_natdiscovery", option, "-p", str(corners[0][0][1]), HOST],
                          capture_output=True, text=True, timeout=60)
    assert re.search(expected, done.stdout + done.stderr), done.stdout + done.stderr


def test_coturns_discovery_with_padding(corners):
    done = subprocess.run(["turnutils_natdiscovery", "-m", "-f", "-P", "-p", str(corners[0][0][1]), HOST],
                          capture_output=True, text=True, timeout=60)
    report = done.stdout + done.stderr
    assert "ERROR" not in report, report
