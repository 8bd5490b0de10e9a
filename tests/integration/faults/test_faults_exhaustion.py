"""What a machine has only so much of is used up: descriptors, relay ports. Who has something keeps it, who wants something more is
told, and gets it when there is some again. (rproxyd's descriptors: test_proxy_limits.py; disks: test_faults_files.py.)"""

import socket

import pytest

from daemons import HOST, wait_until
from flows import Echo, Flow
from turnd import Refused

DESCRIPTORS = 60
MANY = {"allocations": 1000, "allocations_per_user": 1000}  # by default there are no more than descriptors and ports for them


@pytest.fixture
def flow(client, running):
    """Numbers that go on to come back while the daemon is short of something."""

    def begin(turnd) -> Flow:
        started = Flow(client(turnd), running.enter_context(Echo()).peer.address)
        started.start()
        return started

    return begin


def goes_on(flow: Flow) -> None:
    before = flow.passed
    wait_until("numbers that come back", lambda: flow.passed > before + 20 or flow.wrong)


def test_without_descriptors_allocations_live_and_new_ones_are_told_508(start_turnd, client, flow):
    turnd = start_turnd(descriptors=DESCRIPTORS, limits=MANY)
    living = flow(turnd)
    held = []
    with pytest.raises(Refused) as refused:
        for _ in range(DESCRIPTORS):
            held.append(client(turnd))
            held[-1].allocate()
    assert refused.value.code == 508
    late = socket.create_connection((HOST, turnd.port("tcp")))  # the kernel accepts; turnd can't
    turnd.wait_for_log("accept.failed")
    goes_on(living)
    for each in held[:-1]:
        each.refresh(0)
    late.sendall(bytes.fromhex("000100002112a442") + bytes(12))
    late.settimeout(30)
    assert late.recv(2) == b"\x01\x01", "who waited is served"
    held[-1].allocate()
    goes_on(living)
    living.end()
    assert turnd.log.count("accept.failed") < 100


def test_without_relay_ports_allocations_live_and_new_ones_are_told_508(start_turnd, client, flow):
    """Of eight ports others may hold some."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((HOST, 0))
        first = min(free.getsockname()[1], 65000)
    turnd = start_turnd(relay={"ports": [first, first + 7]}, limits=MANY)
    living = flow(turnd)
    held = []
    with pytest.raises(Refused) as refused:
        for _ in range(9):
            held.append(client(turnd))
            held[-1].allocate()
    assert refused.value.code == 508 and held
    goes_on(living)
    if len(held) > 1:
        held[0].refresh(0)
        wait_until("its port is given again", lambda: allocates(held[-1]))
    goes_on(living)
    living.end()


def allocates(client) -> bool:
    try:
        client.allocate()
        return True
    except Refused:
        return False
