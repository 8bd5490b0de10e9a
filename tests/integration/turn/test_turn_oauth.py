"""Third-party authorization (RFC 7635): coturn's client with tokens that it makes itself, and coturn's token
tool, against turnd's switch."""

import base64
import re
import subprocess

import pytest

import turn_client
from daemons import HOST
from turnd import PASSWORD, USER

# The keys that turnutils_uclient -J has built in.
KEYS = [
    {"kid": "north", "key": base64.b64encode(b"12345678901234567890123456789012").decode()},
    {"kid": "union", "key": base64.b64encode(b"1234567890123456").decode(), "algorithm": "A128GCM"},
    {"kid": "oldempire", "key": base64.b64encode(b"12345678901234567890123456789012").decode()},
]
OAUTH = {"server_name": "blackdow.carleon.gov", "keys": KEYS}
THIRD_PARTY_AUTHORIZATION = 0x802E


@pytest.mark.parametrize("options", [[], ["-t"], ["-s"]])
def test_uclient_with_tokens(start, options):
    turnd = start(workers=2, clients={"rfc5766_channels": True}, credentials={"oauth": OAUTH})
    done = subprocess.run(
        ["turnutils_uclient", "-J", "-p", str(turnd.port("tcp" if "-t" in options else "udp")), "-m", "2", "-n", "40",
         "-l", "171", "-z", "5", "-u", "nobody", "-y", "-c", *options, HOST], capture_output=True, text=True, timeout=120)
    assert "Total lost packets 0 " in done.stdout, done.stdout + done.stderr
    sent, received = re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", done.stdout)[-1]
    assert sent == received != "0"


def test_users_log_in_beside(start, client):
    turnd = start(credentials={"oauth": OAUTH})
    assert client(turnd, user=USER, password=PASSWORD).allocate()


@pytest.mark.parametrize("switch", [OAUTH, None])
def test_the_third_party_is_named_only_where_it_is_switched_on(start, client, switch):
    link = client(start(credentials={"oauth": switch}))
    link.send(turn_client.encode(turn_client.ALLOCATE, bytes(12), [(turn_client.REQUESTED_TRANSPORT, bytes([17, 0, 0, 0]))]))
    named = turn_client.Message(link.receive()).attribute(THIRD_PARTY_AUTHORIZATION, None)
    assert named == (b"blackdow.carleon.gov" if switch else None)


def test_uclient_is_refused_where_it_is_not_switched_on(start):
    turnd = start()
    done = subprocess.run(["turnutils_uclient", "-J", "-p", str(turnd.port("udp")), "-n", "1", "-u", "nobody", "-y", HOST],
                          capture_output=True, text=True, timeout=120)
    assert "Total lost packets 0 " not in done.stdout
