"""SIGHUP: users, shared secrets and certificates change at once, and no session notices."""

import socket
import ssl
import subprocess
import time

import pytest

from certificates import Certificate
from daemons import HOST, run, write_private
from turnd import PASSWORD, REALM, USER, Refused, configuration, served_certificate

COUNT = 150


def allocates(client, turnd, user, password):
    """Once with each worker, as far as the kernel's choice of one goes."""
    for _ in range(4):
        try:
            client(turnd, user=user, password=password).allocate()
        except Refused as refused:
            assert refused.code == 401
            return False
    return True


def test_users_change_and_sessions_stay(reloading, client, peer):
    daemon = reloading()
    caller = client(daemon.turnd)
    relayed = caller.allocate()
    caller.bind(0x4000, peer.address)

    daemon.config["credentials"]["users"] = {"alice": "wonder"}
    daemon.reload()
    assert allocates(client, daemon.turnd, "alice", "wonder")
    assert not allocates(client, daemon.turnd, USER, PASSWORD)

    caller.refresh(600)  # with the key of a user who is gone
    caller.bind(0x4001, ("127.0.0.1", 9))
    caller.send_channel(0x4000, b"still here")
    assert peer.receive() == (b"still here", relayed)


def test_a_password_changes_and_its_owner_keeps_the_session(reloading, client):
    daemon = reloading()
    caller = client(daemon.turnd)
    caller.allocate()
    daemon.config["credentials"]["users"] = {USER: "another"}
    daemon.reload()
    assert allocates(client, daemon.turnd, USER, "another")
    assert not allocates(client, daemon.turnd, USER, PASSWORD)
    caller.refresh(600)


def test_a_running_call_of_coturns_client_notices_nothing(reloading):
    daemon = reloading(clients={"rfc5766_channels": True})
    uclient = subprocess.Popen(
        ["turnutils_uclient", "-p", str(daemon.turnd.port("udp")), "-m", "2", "-n", str(COUNT), "-z", "10", "-l", "171",
         "-u", USER, "-w", PASSWORD, "-y", "-c", HOST], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for turn in range(5):  # while it allocates, binds and relays
        daemon.config["credentials"]["users"] = {USER: PASSWORD, f"user{turn}": "secret"}
        daemon.reload()
        time.sleep(0.2)
    assert uclient.poll() is None
    report = uclient.communicate(timeout=120)[0]
    assert "Total lost packets 0 " in report, report


def test_the_users_file_is_read_again(reloading, client, tmp_path):
    users = tmp_path / "users.json"

    def command(*arguments, password=""):
        done = run("turnd", "user", *arguments, "--file", users, stdin=password)
        assert done.returncode == 0, done.stderr

    command("add", "alice", "--realm", REALM, password="wonder\n")
    daemon = reloading(credentials={"users_file": str(users)})
    assert allocates(client, daemon.turnd, "alice", "wonder")
    command("add", "bob", "--realm", REALM, password="builder\n")
    command("remove", "alice")
    assert not allocates(client, daemon.turnd, "bob", "builder")
    daemon.reload()
    assert allocates(client, daemon.turnd, "bob", "builder")
    assert not allocates(client, daemon.turnd, "alice", "wonder")


def test_shared_secrets_are_exchanged_one_after_the_other(reloading, client, tmp_path):
    def credential(secret):
        file = write_private(tmp_path / "secret", secret + "\n")
        done = run("turnd", "credential", "--secret-file", file, "--user", "carol", "--ttl", "1h")
        return [line.split(": ", 1)[1] for line in done.stdout.splitlines()]

    daemon = reloading(credentials={"shared_secrets": ["old"]})
    old, new = credential("old"), credential("new")
    assert allocates(client, daemon.turnd, *old) and not allocates(client, daemon.turnd, *new)
    daemon.config["credentials"]["shared_secrets"] = ["new", "old"]
    daemon.reload()
    assert allocates(client, daemon.turnd, *old) and allocates(client, daemon.turnd, *new)
    daemon.config["credentials"]["shared_secrets"] = ["new"]
    daemon.reload()
    assert not allocates(client, daemon.turnd, *old) and allocates(client, daemon.turnd, *new)


@pytest.mark.parametrize("spoil, says", [
    (lambda config: config["credentials"].update(userz={}), "/credentials/userz: unknown key"),
    (lambda config: config["credentials"].update(users={USER: ""}), "the secret is empty"),
    (lambda config: config["credentials"].update(users_file="/none"), "/none: cannot be read"),
    (lambda config: config["listeners"][2].update(certificates=["/none.pem"]), "/none.pem"),
])
def test_a_bad_file_changes_nothing_and_says_why(reloading, client, spoil, says):
    daemon = reloading()
    daemon.config["credentials"]["users"] = {"alice": "wonder"}
    spoil(daemon.config)
    daemon.reload("reload.refused")
    daemon.turnd.wait_for_log(says)
    assert allocates(client, daemon.turnd, USER, PASSWORD)
    assert not allocates(client, daemon.turnd, "alice", "wonder")

    daemon.config = configuration(workers=2, credentials={"users": {"bob": "builder"}})
    daemon.reload()
    assert allocates(client, daemon.turnd, "bob", "builder")


def test_what_takes_a_restart_is_named_in_one_line(reloading, client):
    daemon = reloading()
    daemon.reload()
    assert "reload.incomplete" not in daemon.turnd.log
    daemon.config["workers"] = 3
    daemon.config["credentials"]["users"] = {"alice": "wonder"}
    daemon.reload()
    warnings = [line for line in daemon.turnd.log.splitlines() if "reload.incomplete" in line]
    assert len(warnings) == 1 and "changed=workers" in warnings[0], warnings
    assert allocates(client, daemon.turnd, "alice", "wonder")


def test_the_realm_changes_with_its_users(reloading, client):
    daemon = reloading()
    caller = client(daemon.turnd)
    caller.allocate()
    daemon.config["realm"] = "example.org"
    daemon.reload()
    newcomer = client(daemon.turnd)
    newcomer.allocate()
    assert newcomer._realm == "example.org"
    caller.refresh(600)


def test_a_renewed_certificate_is_served_to_new_connections(reloading, tmp_path):
    first, second = Certificate(tmp_path, "first"), Certificate(tmp_path, "second")
    served = write_private(tmp_path / "served.pem", first.certificate + first.key)
    daemon = reloading(listeners=[{"transport": "tls", "address": f"{HOST}:0", "certificates": [str(served)]},
                                  {"transport": "udp", "address": f"{HOST}:0"}])
    port = daemon.turnd.port("tls")
    assert served_certificate(port).strip() == first.certificate.strip()
    context = ssl.create_default_context(cafile=first.path)
    context.check_hostname = False
    with context.wrap_socket(socket.create_connection((HOST, port))) as link:
        write_private(served, second.certificate + second.key)
        daemon.reload()
        for _ in range(4):
            assert served_certificate(port).strip() == second.certificate.strip()
        link.sendall(bytes.fromhex("000100002112a442") + bytes(12))  # a Binding on the old connection
        assert link.recv(100)[:2] == b"\x01\x01"


def test_with_other_listeners_the_open_ones_keep_their_tls(reloading):
    daemon = reloading()
    before = served_certificate(daemon.turnd.port("tls"))
    all_three = daemon.config["listeners"]
    for listeners in (all_three[2:], all_three[::-1]):
        daemon.config["listeners"] = listeners
        daemon.reload()
        assert served_certificate(daemon.turnd.port("tls")) == before


def test_a_certificate_that_was_made_stays(reloading):
    daemon = reloading()
    port = daemon.turnd.port("tls")
    made = served_certificate(port)
    daemon.reload()
    assert served_certificate(port) == made
