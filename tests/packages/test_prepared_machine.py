"""A dedicated machine that the wizard has prepared: its own services take what was written. (Its interfaces and its firewall have tests
of their own, in tests/integration/deploy.)"""

import json
import socket
import subprocess

import pytest

from daemons import WAIT_SECONDS, wait_until
from debian_machine import Machine, base
from namespaces import Network

ADDRESS, MANAGER, STRANGER, NAMES, CLOCK = "10.40.0.2", "10.0.50.9", "10.40.0.99", "10.40.0.53", "10.40.0.123"
ANSWERS = {
    "networks": {"nic0": {"ipaddress": ADDRESS, "netmask": "255.255.255.0", "gateway": "10.40.0.1"}}, "managementnetworks": ["10.0.50.0/24"],
    "hostname": "proxy", "domain": "example.com", "dns": [NAMES], "ntp": [CLOCK], "conferencenodes": ["10.40.0.10"],
    "turnserver": {"enabled": True, "username": "pexip", "password": "admin1234"}, "enablecsp": True,
    "preparehost": True, "interfaces": {"nic0": "lan"},
}


@pytest.fixture(scope="module")
def lan():
    """The machine's network, and everybody else's."""
    with Network() as network:
        machine, others = network.host("machine"), network.host("others")
        network.link(machine, "lan", [f"{ADDRESS}/24"], others, "eth0", ["10.40.0.1/24", f"{MANAGER}/24", *(f"{each}/24" for each in (STRANGER, NAMES, CLOCK))])
        machine.route("default via 10.40.0.1")
        yield machine, others


@pytest.fixture(scope="module")
def machine(lan, packages, tmp_path_factory):
    base()
    with lan[0]:
        made = Machine(tmp_path_factory.mktemp("prepared"))
    try:
        setup = next(each for each in packages if "setup" in each.name)
        made.path("/root/setup.deb").write_bytes(setup.read_bytes())
        made.run("dpkg", "--install", "/root/setup.deb")
        made.path("/root/answers.json").write_text(json.dumps(ANSWERS))
        made.run("vestibule-setup", "--answers", "/root/answers.json", "--output", "/root/setup")
        made.run("vestibule-setup", "--output", "/root/setup", "--apply", "--yes")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def key(machine, tmp_path_factory):
    """An administrator's."""
    file = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    machine.path("/root/.ssh").mkdir(mode=0o700, exist_ok=True)
    machine.path("/root/.ssh/authorized_keys").write_text(file.with_suffix(".pub").read_text())
    return file


def signs_in(others, key, source: str) -> bool:
    with others:
        done = subprocess.run(["ssh", "-F", "none", "-i", key, "-b", source, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                               "-o", f"UserKnownHostsFile={key.parent / 'known'}", "-o", "ConnectTimeout=10", f"root@{ADDRESS}", "echo", "signed in"],
                              capture_output=True, text=True, timeout=WAIT_SECONDS)
    return done.stdout == "signed in\n"


def test_ssh_is_for_the_management_networks_alone(machine, lan, key):
    machine.run("sshd", "-t")
    machine.run("systemctl", "restart", "ssh")
    assert signs_in(lan[1], key, MANAGER)
    assert not signs_in(lan[1], key, STRANGER)


def test_names_are_looked_up_where_it_was_said(machine, lan):
    with lan[1]:
        server = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", f"--listen-address={NAMES}",
                                   "--bind-interfaces", "--pid-file=", "--host-record=node.example.com,10.40.0.10"])
    try:
        wait_until("an answer", lambda: machine.run("getent", "hosts", "node", check=False).returncode == 0)
        assert machine.says("getent", "hosts", "node").split() == ["10.40.0.10", "node.example.com"]  # by the domain that is searched
        assert machine.says("getent", "hosts", "proxy").split()[0] == ADDRESS
    finally:
        server.terminate()
        server.wait(timeout=WAIT_SECONDS)


def test_the_time_is_asked_for_where_it_was_said(machine, lan):
    """It is not told: this machine's clock is everybody's here, which is also why the unit itself doesn't start in a container."""
    with lan[1]:
        clock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with clock:
        clock.bind((CLOCK, 123))
        clock.settimeout(WAIT_SECONDS)
        machine.run("systemd-run", "--unit=asks-for-the-time", "--property=RuntimeDirectory=systemd/timesync", "/lib/systemd/systemd-timesyncd")
        try:
            question, sender = clock.recvfrom(1500)
        finally:
            machine.run("systemctl", "stop", "asks-for-the-time")
    assert len(question) >= 48 and question[0] & 7 == 3  # RFC 5905: a client's
    assert sender[0] == ADDRESS


def test_its_firewall_loads(machine):
    machine.run("nft", "--check", "--file", "/etc/nftables.conf")
    assert machine.path("/etc/nftables.conf").read_text().startswith("#!/usr/sbin/nft -f")
