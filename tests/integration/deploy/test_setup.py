"""deploy/setup at a terminal, with right, wrong and absurd answers, and without one."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/integration/support"), str(ROOT / "deploy")]

from installation import answers_file, checks  # noqa: E402
from installation.session import Left, Session  # noqa: E402
from installation.setting_up import examiner  # noqa: E402
from daemons import run, write_private  # noqa: E402
from terminal import Terminal  # noqa: E402

# The guide's example: single NIC on a public address.
EXAMPLE = {
    "networks": {"nic0": {"ipaddress": "198.51.100.130", "netmask": "255.255.255.128", "gateway": "198.51.100.129"}},
    "managementnetworks": ["10.0.50.0/24"], "hostname": "proxy", "domain": "example.com", "dns": ["8.8.8.8", "8.8.4.4"],
    "ntp": ["0.no.pool.ntp.org", "1.no.pool.ntp.org", "2.no.pool.ntp.org"], "conferencenodes": ["10.40.0.10", "10.40.0.11"],
    "turnserver": {"enabled": True, "username": "pexip", "password": "admin1234"}, "enablecsp": True,
}
TYPED = ["198.51.100.130", "255.255.255.128", "198.51.100.129", "10.0.50.0 255.255.255.0", "", "proxy", "example.com", "8.8.8.8 8.8.4.4",
         "0.no.pool.ntp.org 1.no.pool.ntp.org 2.no.pool.ntp.org", "10.40.0.10", "10.40.0.11", "", "pexip admin1234", "yes"]
DEFAULTS = [""] * 7  # second interface, NAT, TURN for callers, 443, PIN guard, certificate, this machine


def at_a_terminal(folder: Path, *arguments: str) -> Terminal:
    return Terminal([ROOT / "deploy/setup", "--root", folder / "root", *arguments], folder)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path


def unattended(folder: Path, answers: dict, *arguments: str, expect: int = 0) -> str:
    path = write_private(folder / "answers.json", json.dumps(answers))
    done = subprocess.run([ROOT / "deploy/setup", "--answers", path, "--output", folder / "out", "--root", folder / "root", *arguments],
                          capture_output=True, text=True)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stderr


def written(folder: Path, name: str, output: str = "vestibule-setup") -> dict:
    return json.loads((folder / output / name).read_text())


def test_the_guides_example_by_hand(folder):
    terminal = at_a_terminal(folder)
    terminal.until("IP address:")
    review = terminal.type(*TYPED, *DEFAULTS)
    assert "198.51.100.130" in review and "admin1234" not in review and "pexip ********" in review
    terminal.type("write")
    terminal.send("no")
    assert terminal.end() == 0
    assert "Nothing has changed." in terminal.shown and "_pexapp._tcp.example.com." in terminal.shown
    rproxyd, turnd = written(folder, "etc/vestibule/rproxyd.json"), written(folder, "etc/vestibule/turnd.json")
    assert rproxyd["pools"]["conferencing"]["servers"] == ["https://10.40.0.10", "https://10.40.0.11"]
    assert rproxyd["content_security_policy"] == "default" and rproxyd["pin_guard"]["enabled"] is True
    assert turnd["listeners"] == [{"transport": "udp", "address": "198.51.100.130:3478"}]
    assert turnd["clients"]["turn"] == ["10.40.0.10", "10.40.0.11"]
    assert (folder / "vestibule-setup/etc/vestibule/turnd.json").stat().st_mode & 0o777 == 0o600
    assert list((folder / "root").iterdir()) == []


def test_wrong_answers_are_explained_and_asked_again(folder):
    terminal = at_a_terminal(folder)
    terminal.until("IP address:")
    for absurd in ("", "proxy.example.com", "300.1.1.1", "198.51.100.130/25", "127.0.0.1", "\x1b[A", "a" * 3000):
        assert "Subnet mask" not in terminal.type(absurd)
    terminal.type("198.51.100.130", "255.0.255.0", "/25")
    assert "can't be reached" in terminal.type("10.40.0.1")
    assert "own address" in terminal.type("198.51.100.130")
    assert "Step 2" in terminal.type("<")  # back
    assert "Step 3" in terminal.type("")   # what was answered is the default
    terminal.hang_up()
    assert terminal.end() == 1
    assert "nothing has been written" in terminal.shown and not (folder / "vestibule-setup").exists()


def test_a_second_run_starts_from_the_earlier_answers_and_one_is_changed_in_the_review(folder):
    unattended(folder, EXAMPLE)
    (folder / "out").rename(folder / "vestibule-setup")
    terminal = at_a_terminal(folder)
    assert "Starting from the answers" in terminal.until("IP address [198.51.100.130]:")
    lines = [""] * 8 + ["", "", ""]
    review = terminal.type(*lines, *DEFAULTS)
    number = next(line.split()[0] for line in review.splitlines() if "Content Security Policy" in line)
    terminal.type(number, "no", "write")
    terminal.send("no")
    assert terminal.end() == 0
    assert written(folder, "etc/vestibule/rproxyd.json")["content_security_policy"] == "off"
    assert written(folder, "etc/vestibule/turnd.json")["credentials"]["users"] == {"pexip": "admin1234"}


def test_what_is_written_is_accepted_by_the_daemons(folder):
    unattended(folder, EXAMPLE | {"turnserver": EXAMPLE["turnserver"] | {"port443": True, "clientturn": True}})
    out = folder / "out/etc/vestibule"
    rproxyd = json.loads((out / "rproxyd.json").read_text())
    for listener in rproxyd["listeners"]:
        if "tls" in listener:
            listener["tls"]["certificates"] = [str(out / "pexip.pem")]
    for name, configured in (("rproxyd", rproxyd), ("turnd", json.loads((out / "turnd.json").read_text()))):
        done = run(name, "check", "--config", write_private(folder / f"{name}.json", json.dumps(configured)))
        assert done.returncode == 0, done.stdout
    assert len(json.loads((folder / "out/answers.json").read_text())["turnserver"]["sharedsecret"]) > 30


def test_turn_only_and_proxy_only(folder):
    assert "Add TURN server" in unattended(folder, EXAMPLE | {"conferencenodes": ["169.254.0.1"]})
    assert not (folder / "out/etc/vestibule/rproxyd.json").exists()
    assert "clients" not in written(folder, "etc/vestibule/turnd.json", "out")
    said = unattended(folder, EXAMPLE | {"turnserver": {"enabled": False}})
    assert not (folder / "out/etc/vestibule/turnd.json").exists() and "TURN" not in said


def test_answers_of_the_appliance_are_taken(folder):
    networks = {"ens192": {"ipaddress": "10.40.0.2", "netmask": "255.255.255.0", "gateway": "10.40.0.1", "routes": [{"to": "10.0.50.0/24", "via": "10.40.0.1"}]},
                "ens224": {"ipaddress": "198.51.100.130", "netmask": "255.255.255.128", "gateway": "198.51.100.129", "routes": []}}
    unattended(folder, EXAMPLE | {"networks": networks, "internal": "ens192", "external": "ens224", "enablewebloadbalance": True, "preparehost": True})
    turnd = written(folder, "etc/vestibule/turnd.json", "out")
    assert turnd["relay"]["addresses"] == ["198.51.100.130"]
    inner = (folder / "out/etc/systemd/network/10-vestibule-ens192.network").read_text()
    assert "Address=10.40.0.2/24" in inner and "Destination=10.0.50.0/24\nGateway=10.40.0.1" in inner
    assert inner.count("Gateway=") == 1  # the route's: one machine has one default gateway
    assert "Gateway=198.51.100.129" in (folder / "out/etc/systemd/network/10-vestibule-ens224.network").read_text()
    assert "post-up ip route add 10.0.50.0/24 via 10.40.0.1" in (folder / "out/etc/network/interfaces.vestibule").read_text()


def test_what_an_appliance_said_of_its_parts_holds_and_what_means_nothing_here_is_named(folder):
    """Load balancing off, nodes for media, SNMP."""
    said = unattended(folder, EXAMPLE | {"enablewebloadbalance": False, "medianodes": ["10.40.0.12"], "snmp": {"enabled": True}, "domian": "x"})
    assert not (folder / "out/etc/vestibule/rproxyd.json").exists()
    assert written(folder, "etc/vestibule/turnd.json", "out")["clients"]["turn"] == ["10.40.0.10", "10.40.0.11", "10.40.0.12"]
    assert "snmp: has no meaning here" in said and "domian: has no meaning here" in said
    assert "medianodes" in unattended(folder, EXAMPLE | {"medianodes": ["node.example.com"]}, expect=1)


def test_a_turn_server_becomes_a_proxy_too_in_a_second_run(folder):
    unattended(folder, EXAMPLE | {"conferencenodes": ["169.254.0.1"]})
    (folder / "out").rename(folder / "vestibule-setup")
    terminal = at_a_terminal(folder)
    terminal.until("IP address [198.51.100.130]:")
    terminal.type(*[""] * 8, "10.40.0.10", "", "", "")  # the nodes; TURN and Content-Security-Policy as they are
    assert "Reverse proxy" not in terminal.shown
    terminal.type(*DEFAULTS, "write")
    terminal.send("no")
    assert terminal.end() == 0
    assert written(folder, "etc/vestibule/rproxyd.json")["pools"]["conferencing"]["servers"] == ["https://10.40.0.10"]


def test_what_two_interfaces_can_not_reach_is_said(folder):
    networks = {"nic0": {"ipaddress": "10.40.0.2", "netmask": "255.255.255.0", "gateway": "10.40.0.1"},
                "nic1": {"ipaddress": "198.51.100.130", "netmask": "255.255.255.128", "gateway": "198.51.100.129"}}
    said = unattended(folder, EXAMPLE | {"networks": networks, "dualnic": True})
    assert "10.0.50.0/24 is not in the first interface's network" in said and "10.40.0.10 is not" not in said
    networks["nic0"]["routes"] = [{"to": "10.0.0.0/8", "via": "10.40.0.1"}]
    assert "is not in the first" not in unattended(folder, EXAMPLE | {"networks": networks, "dualnic": True})


WRONG = {
    "a missing answer": ({"domain": None}, "domain: is missing"),
    "a gateway elsewhere": ({"networks": {"nic0": {"ipaddress": "198.51.100.130", "netmask": "255.255.255.128", "gateway": "10.0.0.1"}}}, "can't be reached"),
    "a short password": ({"turnserver": {"enabled": True, "username": "pexip", "password": "x"}}, "at least 8 characters"),
    "a node that is none": ({"conferencenodes": ["not a node"]}, "conferencenodes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_in_a_file_are_named_and_nothing_is_written(folder, name):
    change, expected = WRONG[name]
    said = unattended(folder, EXAMPLE | change, expect=1)
    assert expected in said and "Traceback" not in said
    assert not (folder / "out").exists()


def test_another_folder_is_left_alone(folder):
    (folder / "out").mkdir()
    (folder / "out/precious").write_text("")
    assert "holds something else" in unattended(folder, EXAMPLE, expect=1)
    assert list((folder / "out").iterdir()) == [folder / "out/precious"]


def apply(folder: Path, expect: int = 0) -> str:
    done = subprocess.run([ROOT / "deploy/setup", "--apply", "--yes", "--output", folder / "out", "--root", folder / "root"], capture_output=True, text=True)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_applying_shows_the_difference_without_secrets_and_keeps_what_was_there(folder):
    (folder / "root/etc").mkdir()
    (folder / "root/etc/resolv.conf").write_text("nameserver 192.0.2.1\n")
    unattended(folder, EXAMPLE | {"preparehost": True})
    said = apply(folder)
    assert "-nameserver 192.0.2.1" in said and "+nameserver 8.8.8.8" in said
    assert "admin1234" not in said and "PRIVATE KEY" not in said
    assert (folder / "root/etc/resolv.conf.before-vestibule").read_text() == "nameserver 192.0.2.1\n"
    assert (folder / "root/etc/vestibule/pexip.pem").stat().st_mode & 0o777 == 0o600
    assert "nothing to change" in apply(folder)


def test_what_can_not_be_written_leaves_everything_as_it_was(folder):
    (folder / "root/etc/vestibule").mkdir(parents=True)
    (folder / "root/etc/vestibule/rproxyd.json").write_text("former")
    (folder / "root/etc/vestibule/turnd.json").mkdir()  # where a file should go
    unattended(folder, EXAMPLE)
    assert "Traceback" not in apply(folder, expect=1)
    assert (folder / "root/etc/vestibule/rproxyd.json").read_text() == "former"


# What somebody might type, at any question.
TYPES = ["", "", "", "", "<", "back", "?", "yes", "no", "none", "disable", "write", "1", "7", "99", "-1", "198.51.100.130", "10.40.0.10", "10.40.0.11",
         "169.254.0.1", "255.255.255.128", "/25", "/0", "198.51.100.129", "10.0.50.0 255.255.255.0", "10.0.50.0/24", "10.0.0.0/8 via 10.40.0.1", "proxy",
         "example.com", "pexip admin1234", "pexip x", "eth0", "a" * 300, "\x1b[A", "é", "\0", "{}", "$(reboot)", "/etc/vestibule/pexip.pem", "../../x"]


def test_whoever_types_whatever_gets_a_configuration_that_runs_or_none(folder):
    """Random people: the talk never breaks, and when it comes to its end the daemons take what was written."""
    done = 0
    for seed in range(300):
        person = random.Random(seed)
        left = iter(range(400))

        def read(prompt: str) -> str:
            if next(left, None) is None:
                raise EOFError
            if prompt.startswith("The number of one to change"):
                return person.choice(["write", "3", "11", "x"])
            fitting = next((answer for text, answer in FITTING.items() if text in prompt), "")
            return fitting if person.random() < 0.6 else person.choice(TYPES)

        session = Session(read, lambda text: None, {}, examiner(folder / "root"))
        try:
            answers = session.run()
        except Left:
            continue
        done += 1
        if done % 20 != 1:  # of these the daemons are asked
            continue
        again = json.loads(answers_file.kept(answers))
        unattended(folder, again)
        for name in ("rproxyd", "turnd"):
            if (path := folder / f"out/etc/vestibule/{name}.json").exists():
                text = path.read_text().replace(answers.get("certificate", "?"), str(folder / "out" / answers.get("certificate", "?").lstrip("/")))
                checked = run(name, "check", "--config", write_private(folder / f"{name}.json", text))
                assert checked.returncode == 0, f"{seed}: {json.dumps(again)}\n{checked.stdout}"
    assert done > 100


FITTING = {"IP address of the": "10.40.0.10", "IP address": "198.51.100.130", "Subnet mask": "/25", "ateway": "198.51.100.129", "Hostname": "proxy",
           "Domain": "example.com", "DNS servers": "8.8.8.8", "User name": "pexip admin1234", "Certificate": "/etc/vestibule/pexip.pem"}


@pytest.mark.parametrize("text", ["", " ", "-", ";", "\0", "1", "'", "$(reboot)", "../..", "a b c d", "::", "999999999999", "é", "yes\n", "[", "0x10", "1.2.3"])
def test_no_check_does_anything_but_take_or_explain(text):
    for check in (checks.address, checks.netmask, checks.network, checks.hostname, checks.domain, checks.server, checks.node, checks.yes_or_no,
                  checks.credentials, checks.interface, checks.route, checks.several(checks.address)):
        try:
            check(text)
        except checks.Wrong as problem:
            assert str(problem)


CONTAINERS = ROOT / "deploy/containers"


@pytest.mark.parametrize("turnserver", [{}, {"clientturn": True, "port443": True}, {"port443": True}])
def test_the_compose_environment_is_what_the_images_take(folder, turnserver):
    unattended(folder, EXAMPLE | {"turnserver": EXAMPLE["turnserver"] | turnserver, "externalnat": "203.0.113.20"})
    compose = folder / "out/compose"
    variables = dict(line.partition("=")[::2] for line in (compose / ".env").read_text().splitlines() if not line.startswith("#"))
    assert variables["VESTIBULE_NODES"] == "https://10.40.0.10, https://10.40.0.11" and variables["VESTIBULE_DOMAIN"] == "example.com"
    assert "admin1234" not in (compose / ".env").read_text() and (compose / "secrets/turn_password").read_text() == "admin1234\n"
    for name, value in variables.items():
        if value.startswith("/run/secrets/"):
            variables[name] = str(compose / "secrets" / Path(value).name)
            assert Path(variables[name]).stat().st_mode & 0o077 == 0
    for name in ("rproxyd", "turnd"):
        text = (CONTAINERS / f"{name}.json").read_text()
        done = run(name, "check", "--config", write_private(folder / f"{name}.json", text), environment=variables)
        assert done.returncode == 0, done.stdout
    known = "".join((CONTAINERS / f"{name}.json").read_text() for name in ("rproxyd", "turnd"))
    assert [each for each in variables if each not in known] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="files of another user need root")
@pytest.mark.parametrize(("turnserver", "nodes", "services"), [({}, EXAMPLE["conferencenodes"], "rproxyd turnd"), ({"enabled": False}, EXAMPLE["conferencenodes"], "rproxyd"),
                                                              ({}, ["169.254.0.1"], "turnd")])
def test_the_commands_at_its_end_give_the_secrets_to_the_containers_user_alone(folder, turnserver, nodes, services):
    output = folder / "with a blank"
    said = unattended(folder, EXAMPLE | {"turnserver": EXAMPLE["turnserver"] | turnserver, "conferencenodes": nodes}, "--output", output)
    *commands, up = re.findall(r"^  (install .*|docker .*)$", said, re.MULTILINE)
    assert up == f"docker compose up --detach {services}"
    assert all(each in (output / "notes.txt").read_text() for each in (*commands, up))
    compose = folder / "compose"
    compose.mkdir()
    for _ in range(2):  # a second run of the wizard replaces
        subprocess.run("\n".join(commands), shell=True, check=True, cwd=compose)
    assert (compose / ".env").read_bytes() == (output / "compose/.env").read_bytes() and (compose / ".env").stat().st_mode & 0o777 == 0o600
    assert {each.name for each in (compose / "secrets").iterdir()} == {each.name for each in (output / "compose/secrets").iterdir()}
    for each in (compose / "secrets", *(compose / "secrets").iterdir()):
        status = each.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (65532, 65532, 0o750 if each.is_dir() else 0o400)
