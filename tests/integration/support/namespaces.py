"""Networks for a test: hosts, links between them, routes, firewalls.

A host is a network namespace without a name, held by a descriptor of this process: when the test
ends, or the process dies, the kernel takes it away with every link and rule. Tests that run beside
each other never meet.

    with Network() as network:
        left, right = network.host("left"), network.host("right")
        network.link(left, "eth0", ["10.0.0.1/24"], right, "eth0", ["10.0.0.2/24"])
        with left:                        # sockets made and programs started here are the host's
            peer = Peer("10.0.0.1")
"""

import ctypes
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x40000000
_CAP_BPF = 1 << 39
_OWN = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """`with host:` moves the calling thread there and back. A socket stays where it was made."""

    def __init__(self, name: str):
        self.name = name
        self._left: list[int] = []
        here = os.open(_OWN, os.O_RDONLY)
        try:
            if _libc.unshare(_CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            self._descriptor = os.open(_OWN, os.O_RDONLY)
        finally:
            _enter(here)
            os.close(here)
        self._set("net/ipv6/conf/default/accept_dad", "0")  # addresses may be used at once, link-local ones too
        self._set("net/ipv6/conf/all/accept_dad", "0")
        self.ip("link set lo up")

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> "Host":
        self._left.append(os.open(_OWN, os.O_RDONLY))
        _enter(self._descriptor)
        return self

    def __exit__(self, *_error) -> None:
        back = self._left.pop()
        _enter(back)
        os.close(back)

    @property
    def path(self) -> str:
        """What `ip` takes for the name of a namespace."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def run(self, *command: str, stdin: str = "") -> str:
        with self:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, f"{self.name}: {' '.join(command)}\n{stdin}\n{done.stderr}"
        return done.stdout

    def ip(self, *lines: str) -> None:
        """Lines as `ip` takes them, without the `ip`."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def forwards(self) -> None:
        """From now on it is a router."""
        self._set("net/ipv4/ip_forward", "1")
        self._set("net/ipv6/conf/all/forwarding", "1")

    def _set(self, key: str, value: str) -> None:
        with self:
            Path("/proc/sys", key).write_text(value)

    def interfaces(self) -> list[str]:
        """All but the loopback one."""
        return [each["ifname"] for each in json.loads(self.run("ip", "-json", "link")) if each["ifname"] != "lo"]

    def like_hardware(self) -> None:
        """What it sends has its checksums, and what a program at XDP sends it arrives: veth does neither by itself."""
        for each in self.interfaces():
            self.run("ethtool", "--offload", each, "tx", "off", "gro", "on")

    def route(self, *routes: str) -> None:
        """"default via 10.0.0.1", "2001:db8::/64 dev eth0", …"""
        self.ip(*(f"route add {route}" for route in routes))

    def firewall(self, rules: str) -> None:
        """All tables at once, in the language of nft."""
        self.run("nft", "-f", "-", stdin=f"flush ruleset\n{rules}\n")

    def counted(self, name: str) -> int:
        """Packets that a named counter of the firewall has seen."""
        listed = json.loads(self.run("nft", "--json", "list", "counters"))["nftables"]
        found = [each["counter"]["packets"] for each in listed if each.get("counter", {}).get("name") == name]
        assert found, f"{self.name} has no counter {name}"
        return sum(found)


class Network:
    """with Network() as network: …"""

    def __init__(self):
        if os.geteuid() != 0:
            pytest.skip("network namespaces need root")
        self._hosts: list[Host] = []

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_error) -> None:
        while self._hosts:
            self._hosts.pop().close()

    def host(self, name: str) -> Host:
        self._hosts.append(Host(name))
        return self._hosts[-1]

    def like_hardware(self) -> None:
        """All that is plugged in by now, for programs at XDP."""
        if not Path("/proc/sys/kernel/unprivileged_bpf_disabled").exists():
            pytest.skip("the kernel has no BPF")
        effective = re.search(r"^CapEff:\t(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)[1]
        if int(effective, 16) & _CAP_BPF == 0:
            pytest.skip("programs at XDP need CAP_BPF")
        for host in self._hosts:
            host.like_hardware()

    def router(self, name: str) -> Host:
        host = self.host(name)
        host.forwards()
        return host

    def link(self, one: Host, one_interface: str, one_addresses: list[str],
             other: Host, other_interface: str, other_addresses: list[str]) -> None:
        """A cable."""
        one.ip(f"link add {one_interface} type veth peer name {other_interface} netns {other.path}")
        for host, interface, addresses in ((one, one_interface, one_addresses), (other, other_interface, other_addresses)):
            host.ip(*(f"address add {each} dev {interface}" for each in addresses),
                    f"link set {interface} up")

    def segment(self, name: str, *ends: tuple[Host, str, list[str]]) -> None:
        """An Ethernet that several hosts are plugged into: (host, interface, addresses)."""
        switch = self.host(f"{name} switch")
        switch.ip("link add bridge type bridge", "link set bridge up")
        for number, (host, interface, addresses) in enumerate(ends):
            self.link(switch, f"port{number}", [], host, interface, addresses)
            switch.ip(f"link set port{number} master bridge")
