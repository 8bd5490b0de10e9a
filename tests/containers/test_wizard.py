"""From answers to a stack that serves: what deploy/setup writes, put in place by the commands that it ends with."""

import json
import os
import re
import subprocess

from clients import LOGIN, page
from conftest import INSIDE, NODES, PASSWORD
from daemons import ROOT, write_private
from turn_client import TurnClient

ANSWERS = {
    "networks": {"nic0": {"ipaddress": INSIDE, "netmask": "255.255.255.0", "gateway": "192.0.2.254"}}, "managementnetworks": [], "hostname": "proxy", "domain": "example.com",
    "dns": ["192.0.2.53"], "ntp": ["192.0.2.53"], "conferencenodes": NODES, "enablecsp": False, "turnserver": {"enabled": True, "clientturn": True, "username": LOGIN["user"], "password": PASSWORD.replace(" ", "-")},
}


def test_the_wizards_answers_are_enough_for_the_stack(stack, machine, certificate, nodes, tmp_path):
    root = tmp_path / "root"
    (root / "etc/vestibule").mkdir(parents=True)
    write_private(root / "etc/vestibule/pexip.pem", certificate.file().read_text())
    answers = write_private(tmp_path / "answers.json", json.dumps(ANSWERS))
    said = subprocess.run([ROOT / "deploy/setup", "--answers", answers, "--output", tmp_path / "out", "--root", root], check=True, capture_output=True, text=True).stdout
    for each in (tmp_path / "secrets").iterdir():
        each.unlink()
    for command in re.findall(r"^  (install .*)$", said, re.MULTILINE):
        subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    [up] = re.findall(r"^  docker compose (.*)$", said, re.MULTILINE)
    stack.compose(*up.split(), VESTIBULE_ENV=str(tmp_path / ".env"))
    stack.wait_until_ready("rproxyd")
    stack.wait_until_ready("turnd")
    assert page(machine, certificate)[0] == 200
    with machine[1], TurnClient("udp", (INSIDE, 3478), user=LOGIN["user"], password=ANSWERS["turnserver"]["password"]) as client:
        client.allocate()
    assert os.stat(tmp_path / "secrets/turn_password").st_mode & 0o077 == 0
