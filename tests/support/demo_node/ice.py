"""The STUN and TURN servers that a token answer tells the client to use."""

from pathlib import Path


class Servers:
    def __init__(self, turn: list[str], stun: list[str], user: str, password_file: Path | None):
        self._turn = turn
        self._stun = stun
        self._user = user
        self._password = password_file.read_text().strip() if password_file else ""

    def for_client(self, page_host: str) -> dict:
        """`page_host` is the host that the client reached us by: {host} in the URLs."""
        host = without_port(page_host)
        lists = {"stun": [{"url": url.replace("{host}", host)} for url in self._stun]}
        if self._turn:
            lists["turn"] = [{"urls": [url.replace("{host}", host) for url in self._turn],
                              "username": self._user, "credential": self._password}]
        return lists


def without_port(host: str) -> str:
    """'example.com:443' -> 'example.com', '[::1]:443' -> '[::1]'."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
