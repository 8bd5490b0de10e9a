"""Whether somebody else has a port that a daemon is to have: said before anything is changed, with who it is."""

import errno
import re
import socket
import subprocess

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
OURS = ("rproxyd", "turnd")


def in_use(rproxyd: dict | None, turnd: dict | None) -> list[str]:
    """A sentence for each. What can't be tried, such as an address that isn't there yet, is none."""
    wanted = [("rproxyd", "tcp", each["address"]) for each in (rproxyd or {}).get("listeners", [])]
    wanted += [("turnd", "udp" if each["transport"] in ("udp", "dtls") else "tcp", each["address"]) for each in (turnd or {}).get("listeners", [])]
    found = []
    for daemon, kind, address in wanted:
        host, _, port = address.rpartition(":")
        if is_taken(kind, host.strip("[]"), int(port)) and not (holder := holder_of(kind, int(port))).startswith(OURS):
            found.append(f"{kind.upper()} {address} is in use{f' by {holder}' if holder else ''}: stop it before {daemon} starts")
    return found


def is_taken(kind: str, host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, KINDS[kind]) as one:
        if kind == "tcp":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are over don't matter
        try:
            one.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def holder_of(kind: str, port: int) -> str:
    """Its name and process, where they can be seen."""
    try:
        listed = subprocess.run(["ss", "-Hlnp", f"--{kind}", f"sport = :{port}"], capture_output=True, text=True).stdout
    except OSError:
        return ""
    found = re.search(r'users:\(\("([^"]+)",pid=(\d+)', listed)
    return f"{found[1]} (process {found[2]})" if found else ""
