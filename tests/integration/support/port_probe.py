"""Which of all 65535 ports a firewall lets through: a packet to each is sent, and those that pass are noted by a chain that comes
after the firewall's own, on the same machine. Nothing has to listen, and nothing has to time out."""

import json
import socket
import struct

from namespaces import Host

PORTS = range(1, 65536)
ROUNDS = 3  # at most: a queue of the kernel's may be full; what is dropped by a rule stays so
TABLE = """
table inet probe {
  set udp_ports { type inet_service; flags dynamic; size 65536; }
  set tcp_ports { type inet_service; flags dynamic; size 65536; }
  chain after { type filter hook %s priority 10; policy accept;
    %s
    meta l4proto udp add @udp_ports { udp dport }
    tcp flags & (syn | ack) == syn add @tcp_ports { tcp dport }
  }
}
"""


def into(machine: Host, sender: Host, source: str, destination: str, at_least: dict[str, set[int]]) -> dict[str, set[int]]:
    """What of the sender's gets into the machine. `at_least`: it is tried again until these are among them."""
    return probed(machine, sender, source, destination, "input", f"ip saddr != {source} return", at_least)


def out_of(machine: Host, source: str, destination: str, at_least: dict[str, set[int]], source_port: int = 40000) -> dict[str, set[int]]:
    """What of the machine's gets out, from that port of its own."""
    return probed(machine, machine, source, destination, "output", f"ip daddr != {destination} return", at_least, source_port)


def probed(machine: Host, sender: Host, source: str, destination: str, hook: str, only: str, at_least: dict[str, set[int]],
           source_port: int = 40000) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {"udp": set(), "tcp": set()}
    for _ in range(ROUNDS):
        machine.run("nft", "-f", "-", stdin=TABLE % (hook, only))
        with sender:
            send_udp(source, destination, source_port)
            send_syn(source, destination, source_port)
        for kind, ports in found.items():
            listed = json.loads(machine.run("nft", "--json", "list", "set", "inet", "probe", f"{kind}_ports"))["nftables"]
            ports |= {int(each) for entry in listed if "set" in entry for each in entry["set"].get("elem", [])}
        machine.run("nft", "delete", "table", "inet", "probe")
        if all(found[kind] >= ports for kind, ports in at_least.items()):
            break
    return found


def send_udp(source: str, destination: str, source_port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((source, source_port))
        for port in PORTS:
            try:
                one.sendto(b"?", (destination, port))
            except (PermissionError, ConnectionRefusedError):
                pass  # a rule of the machine's own; the answer to an earlier one


def send_syn(source: str, destination: str, source_port: int) -> None:
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    pseudo = addresses + struct.pack("!HH", socket.IPPROTO_TCP, 20)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as one:
        one.bind((source, 0))
        for port in PORTS:
            head = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, 2, 1024, 0, 0)
            try:
                one.sendto(head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:], (destination, 0))
            except PermissionError:
                pass


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
