"""What an administrator may type, and what is said when it can't be meant: text in, value out."""

import ipaddress
import re

LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)$")


class Wrong(ValueError):
    """With a sentence that helps: what was wrong, and what was expected."""


def address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        if re.fullmatch(r"[\d.]+/\d+", text):
            raise Wrong(f"{text} is an address with a mask; the mask is asked for next") from None
        raise Wrong(f"{text!r} is not an IPv4 address; expected four numbers from 0 to 255, such as 198.51.100.130") from None


def is_address(host: str) -> bool:
    """And not a name."""
    return re.fullmatch(r"[\d.]+", host) is not None


def host_address(text: str) -> str:
    found = ipaddress.IPv4Address(address(text))
    if found.is_loopback or found.is_multicast or found.is_unspecified or found == ipaddress.IPv4Address("255.255.255.255"):
        raise Wrong(f"{found} can't be the address of an interface")
    return str(found)


def netmask(text: str) -> str:
    """Also as a length: 25, /25."""
    length = text.removeprefix("/")
    try:
        network = ipaddress.IPv4Network(f"0.0.0.0/{length}")
    except ValueError:
        raise Wrong(f"{text!r} is not a subnet mask; expected one such as 255.255.255.128, or its length, /25") from None
    if not 1 <= network.prefixlen <= 32:
        raise Wrong(f"a mask of length {network.prefixlen} leaves no network; expected 1 to 32")
    return str(network.netmask)


def in_same_network(gateway: str, own: str, mask: str) -> str:
    found = address(gateway)
    network = ipaddress.IPv4Network(f"{own}/{mask}", strict=False)
    if ipaddress.IPv4Address(found) not in network:
        raise Wrong(f"{found} can't be reached from {own} with the mask {mask}: {network} is that network")
    if found == own:
        raise Wrong(f"{found} is this machine's own address; the gateway is another machine's")
    return found


def network(text: str) -> str:
    """10.0.50.0 255.255.255.0, or 10.0.50.0/24; a single address is a host."""
    parts = text.split()
    written = "/".join(parts) if len(parts) == 2 else text
    try:
        return str(ipaddress.IPv4Network(written))
    except ValueError as error:
        if "host bits" in str(error):
            whole = ipaddress.IPv4Network(written, strict=False)
            raise Wrong(f"{text} is an address within a network; the network is {whole.network_address} {whole.netmask}") from None
        raise Wrong(f"{text!r} is not a network; expected an address and a mask, such as 10.0.50.0 255.255.255.0") from None


def hostname(text: str) -> str:
    if "." in text:
        raise Wrong(f"{text!r} has a dot; the host's name is asked for here, its domain next")
    if not LABEL.match(text):
        raise Wrong(f"{text!r} is not a host name; expected letters, digits and hyphens, such as proxy")
    return text.lower()


def domain(text: str) -> str:
    labels = text.rstrip(".").split(".")
    if len(labels) < 2 or not all(LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise Wrong(f"{text!r} is not a domain; expected one such as example.com")
    return ".".join(labels).lower()


def server(text: str) -> str:
    """A name or an address."""
    if re.fullmatch(r"[\d.]+", text):
        return address(text)
    if not all(LABEL.match(label) for label in text.rstrip(".").split(".")):
        raise Wrong(f"{text!r} is neither a host name nor an address")
    return text.rstrip(".").lower()


def several(one):
    """A check for values that are separated by spaces or commas; at least one."""

    def check(text: str) -> list[str]:
        values = [one(each) for each in text.replace(",", " ").split()]
        for index, value in enumerate(values):
            if value in values[:index]:
                raise Wrong(f"{value} is there twice")
        return values

    return check


def node(text: str) -> str:
    """An address or a name, perhaps with a port."""
    host, colon, port = text.partition(":")
    if colon and not (port.isdigit() and 1 <= int(port) <= 65535):
        raise Wrong(f"{text!r} has no port that is one; expected 1 to 65535 behind the colon")
    return server(host) + colon + port


def yes_or_no(text: str) -> bool:
    answers = {"yes": True, "y": True, "no": False, "n": False}
    if text.lower() not in answers:
        raise Wrong(f"{text!r} is neither yes nor no")
    return answers[text.lower()]


def one_of(*choices: str):
    def check(text: str) -> str:
        found = [each for each in choices if each.startswith(text.lower())]
        if len(found) != 1:
            raise Wrong(f"{text!r} is not one of {', '.join(choices)}")
        return found[0]

    return check


def credentials(text: str) -> dict | None:
    """A name and a password, or `disable`; None: disabled."""
    if text.lower() == "disable":
        return None
    parts = text.split()
    if len(parts) != 2:
        raise Wrong("a user name and a password, with a space between them, were expected; or 'disable'")
    if ":" in parts[0]:
        raise Wrong("a user name with a colon would be taken for a time-limited one; choose another")
    if len(parts[1]) < 8:
        raise Wrong("this password can be guessed: at least 8 characters were expected")
    return {"username": parts[0], "password": parts[1]}


def interface(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", text) or text == "lo":
        raise Wrong(f"{text!r} is not the name of an interface, such as eth0 or ens192")
    return text


def route(text: str) -> dict:
    """10.0.50.0 255.255.255.0 via 10.40.0.1"""
    to, via, gateway = text.partition(" via ")
    if not via:
        raise Wrong("a network and its next hop were expected, such as 10.0.50.0 255.255.255.0 via 10.40.0.1")
    return {"to": network(to.strip()), "via": address(gateway.strip())}
