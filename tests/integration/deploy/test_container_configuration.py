"""The images' configuration files, with nothing but variables and secrets around them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "tests/support")]

from certificates import Certificate  # noqa: E402
from daemons import run  # noqa: E402

FILES = {name: ROOT / f"deploy/containers/{name}.json" for name in ("rproxyd", "turnd")}
LEAST = {"VESTIBULE_NODES": "https://10.40.0.10", "VESTIBULE_DOMAIN": "example.com", "VESTIBULE_TURN_RELAY_ADDRESSES": "198.51.100.130"}
MENTIONED = re.compile(r"\$\{(\w+)[:}]")


def check(name: str, **variables: str):
    return run(name, "check", "--config", FILES[name], environment=LEAST | variables)


@pytest.mark.parametrize("name", FILES)
def test_the_least_that_must_be_given_is_enough(name):
    done = check(name)
    assert done.returncode == 0, done.stdout


def test_everything_can_be_given(tmp_path):
    certificate = Certificate(tmp_path, "proxy", "DNS:proxy.example.com").file()
    for each in ("password", "secrets", "token"):
        (tmp_path / each).write_text("0123456789abcdef\n")
        (tmp_path / each).chmod(0o600)
    done = check("rproxyd", VESTIBULE_NODES="https://10.40.0.10,https://10.40.0.11:8443 https://10.40.0.12", VESTIBULE_CERTIFICATES=str(certificate),
                 VESTIBULE_HTTPS_ADDRESS_2="[::]:443", VESTIBULE_TURN_ON_443="127.0.0.1:3478", VESTIBULE_PROXY_PROTOCOL="on",
                 VESTIBULE_TRUSTED_PROXIES="192.0.2.10, 192.0.2.11", VESTIBULE_PIN_GUARD="yes", VESTIBULE_PIN_GUARD_IGNORE="10.0.0.0/8",
                 VESTIBULE_BRANDING=str(tmp_path), VESTIBULE_HSTS="max-age=31536000", VESTIBULE_WORKERS="2", VESTIBULE_VERIFY_NODES="yes",
                 VESTIBULE_NODES_NAME="node.example.com", VESTIBULE_NODES_CA_FILE=str(certificate), VESTIBULE_BRANDING_PATHS="ours",
                 VESTIBULE_ADMIN_TOKEN_FILE=str(tmp_path / "token"), VESTIBULE_DNS_SERVERS="192.0.2.53",
                 VESTIBULE_ICE_SERVERS="turn:turn1.example.com:3478?transport=udp, turns:turn1.example.com:443?transport=tcp",
                 VESTIBULE_ICE_SERVERS_2="turn:turn2.example.com", VESTIBULE_ICE_SERVERS_SECRET_FILE=str(tmp_path / "password"))
    assert done.returncode == 0 and "warning" not in done.stdout, done.stdout
    done = check("turnd", VESTIBULE_TURN_CERTIFICATES=str(certificate), VESTIBULE_TURN_USER="pexip",
                 VESTIBULE_TURN_PASSWORD_FILE=str(tmp_path / "password"), VESTIBULE_TURN_SHARED_SECRETS_FILE=str(tmp_path / "secrets"),
                 VESTIBULE_TURN_EXTERNAL_ADDRESS="203.0.113.20", VESTIBULE_TURN_FIRST_PORT="50000", VESTIBULE_TURN_LAST_PORT="50999",
                 VESTIBULE_TURN_PEERS_ALLOW="10.40.0.0/24", VESTIBULE_TURN_PEERS_DENY="any", VESTIBULE_TURN_CLIENTS="10.40.0.10 10.40.0.11",
                 VESTIBULE_TURN_PROXY_PROTOCOL_FROM="127.0.0.0/8", VESTIBULE_TURN_TCP_RELAY="1", VESTIBULE_TURN_ALLOCATIONS="100")
    assert done.returncode == 0 and "warning" not in done.stdout, done.stdout


def test_what_is_missing_is_said():
    done = run("rproxyd", "check", "--config", FILES["rproxyd"])
    assert done.returncode == 1
    assert "/pools/conferencing/servers: the environment variable VESTIBULE_NODES is not set; expected the conferencing nodes" in done.stdout


def test_turn_servers_for_clients_take_a_secret():
    done = check("rproxyd", VESTIBULE_ICE_SERVERS="turn:turn1.example.com")
    assert done.returncode == 1 and 'no "secret" and no "secret_file"' in done.stdout, done.stdout


def test_a_secret_that_everybody_may_read_is_refused_outside_of_run_secrets(tmp_path):
    (tmp_path / "password").write_text("not a secret\n")
    (tmp_path / "password").chmod(0o644)
    done = check("turnd", VESTIBULE_TURN_USER="pexip", VESTIBULE_TURN_PASSWORD_FILE=str(tmp_path / "password"))
    assert done.returncode == 1 and "can be read by everybody" in done.stdout


def test_the_page_has_every_variable_and_no_other():
    files = {name for file in FILES.values() for name in MENTIONED.findall(file.read_text())}
    page = (ROOT / "docs/containers.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `VESTIBULE_")]
    documented = {name for row in rows for name in re.findall(r"`(VESTIBULE_\w+)`", row)}
    assert documented == files


def test_the_example_has_variables_that_are_there():
    files = {name for file in FILES.values() for name in MENTIONED.findall(file.read_text())}
    for example in ("example.env", "demo.env"):
        given = re.findall(r"^#?(VESTIBULE_\w+)=", (ROOT / "deploy/containers" / example).read_text(), re.MULTILINE)
        assert given and set(given) <= files, example


def test_the_image_is_built_of_what_its_build_stage_copies(tmp_path):
    """Configured, and nothing missing that the build would ask for; building it all takes half an hour (tests/containers/from_source)."""
    stage = (ROOT / "deploy/containers/Containerfile").read_text().partition("\nFROM scratch")[0]
    before, commands = re.fullmatch(r"(.*?)\nRUN (cmake [^\n]*)\n.*", stage, re.DOTALL).groups()
    taken = set()
    for *sources, to in (line.split() for line in re.findall(r"^COPY (.*)$", before, re.MULTILINE)):
        assert to in ("./", *sources), "each lies where it did"
        taken.update(sources)
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert taken <= kept
    for each in taken:
        (shutil.copytree if (ROOT / each).is_dir() else shutil.copy)(ROOT / each, made_folder(tmp_path / each))
    configure, build = commands.split(" && ")
    environment = os.environ | {"VESTIBULE_DEPENDENCIES": os.environ.get("VESTIBULE_DEPENDENCIES", str(ROOT / "build/dependencies"))}
    for command in (configure.split(), [*build.split(), "--", "-n"]):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr


def made_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
