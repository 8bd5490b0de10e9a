"""For deploy/compose.yaml: its .env, and the secrets that containers see as /run/secrets. The variables are those of deploy/containers."""

import shlex
from pathlib import Path

from installation.from_answers import TURN_PORT
from installation.host_files import HEAD
from installation.site import Guard, Site, Turn, Web

SECRETS = "/run/secrets"
USER = 65532  # the containers'
CERTIFICATE, PASSWORD, SHARED_SECRETS = "certificate.pem", "turn_password", "turn_shared_secrets"


def compose_files(site: Site, certificate: str | None) -> dict[str, str]:
    """`certificate`: the PEM text, if there is one yet."""
    variables: dict[str, str] = {}
    files: dict[str, str] = {}
    if site.web:
        variables |= of_web(site.web, site.guard)
    if site.turn:
        variables |= of_turn(site.turn, site.turn_on_443)
        files |= {f"secrets/{PASSWORD}": f"{password}\n" for password in site.turn.users.values()}
        if site.turn.secrets:
            files[f"secrets/{SHARED_SECRETS}"] = "".join(f"{each}\n" for each in site.turn.secrets)
    if certificate:
        files[f"secrets/{CERTIFICATE}"] = certificate
    files[".env"] = HEAD + "".join(f"{name}={value}\n" for name, value in variables.items())
    return {f"compose/{name}": text for name, text in files.items()}


def commands(output: Path, services: list[str]) -> list[str]:
    """In the folder of compose.yaml, as root: the containers' user must be able to read the secrets, and nobody else."""
    folder = shlex.quote(str(output.absolute() / "compose"))
    return [f"install -m 0600 {folder}/.env .env",
            f"install -d -m 0750 -o {USER} -g {USER} secrets files",
            f"install -m 0400 -o {USER} -g {USER} {folder}/secrets/* secrets/",
            f"docker compose up --detach {' '.join(services)}"]


def of_web(web: Web, guard: Guard) -> dict[str, str]:
    return {
        "VESTIBULE_NODES": ", ".join(f"https://{node.address}" for node in web.nodes),
        "VESTIBULE_CERTIFICATES": f"{SECRETS}/{CERTIFICATE}",
        "VESTIBULE_PATHS": "conferencing" if web.strict_paths else "open",
        "VESTIBULE_CONTENT_SECURITY_POLICY": web.content_security_policy,
        "VESTIBULE_PIN_GUARD": "on" if guard.enabled else "off",
    }


def of_turn(turn: Turn, shares_443: bool) -> dict[str, str]:
    """Whoever is not the web's neighbour has its own address for TURN over TLS."""
    made = {"VESTIBULE_DOMAIN": turn.realm, "VESTIBULE_TURN_ADDRESS": f"0.0.0.0:{TURN_PORT}", "VESTIBULE_TURN_RELAY_ADDRESSES": ", ".join(turn.relay_addresses)}
    for name in turn.users:
        made |= {"VESTIBULE_TURN_USER": name, "VESTIBULE_TURN_PASSWORD_FILE": f"{SECRETS}/{PASSWORD}"}
    if turn.secrets:
        made["VESTIBULE_TURN_SHARED_SECRETS_FILE"] = f"{SECRETS}/{SHARED_SECRETS}"
    if turn.external_addresses:
        made["VESTIBULE_TURN_EXTERNAL_ADDRESS"] = ", ".join(turn.external_addresses.values())
    for name, networks in (("CLIENTS", turn.clients if turn.clients != ["any"] else []), ("PEERS_ALLOW", turn.peers_allow), ("PEERS_DENY", turn.peers_deny)):
        if networks:
            made[f"VESTIBULE_TURN_{name}"] = ", ".join(networks)
    if shares_443:
        made |= {"VESTIBULE_TURN_ON_443": f"127.0.0.1:{TURN_PORT}", "VESTIBULE_TURN_PROXY_PROTOCOL_FROM": "127.0.0.0/8"}
    elif secure := next((where for transport, where in turn.listeners if transport == "tls"), None):
        made |= {"VESTIBULE_TURNS_ADDRESS": secure, "VESTIBULE_TURN_CERTIFICATES": f"{SECRETS}/{CERTIFICATE}"}
    return made
