"""turnd user: the file that it writes, and those whom the daemon then lets in."""

import base64
import fcntl
import hashlib
import hmac
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

import turn_client
from daemons import program, run, wait_until, write_private
from turnd import REALM, Refused

PASSWORD_ALGORITHMS, PASSWORD_ALGORITHM, USERHASH, INTEGRITY_SHA256 = 0x8002, 0x001D, 0x001E, 0x001C
SHA256 = bytes([0, 2, 0, 0])


@pytest.fixture
def users(tmp_path):
    return tmp_path / "users.json"


def user(*arguments, password=""):
    return run("turnd", "user", *arguments, stdin=password)


def add(path, name, password):
    done = user("add", name, "--realm", REALM, "--file", path, password=password + "\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def keys(name, password):
    text = f"{name}:{REALM}:{password}".encode()
    return {"md5": hashlib.md5(text).hexdigest(), "sha256": hashlib.sha256(text).hexdigest()}


def test_the_file_holds_keys_and_no_passwords(users):
    assert add(users, "alice", "wonder") == "added alice\n"
    assert add(users, "bob", "builder") == "added bob\n"
    assert json.loads(users.read_text()) == {
        "realm": REALM, "users": {"alice": keys("alice", "wonder"), "bob": keys("bob", "builder")}}
    assert users.stat().st_mode & 0o777 == 0o600

    assert add(users, "alice", "another") == "changed alice\n"
    assert json.loads(users.read_text())["users"]["alice"] == keys("alice", "another")
    assert user("list", "--realm", REALM, "--file", users).stdout == "alice\nbob\n"
    assert user("--file", users).stdout == "alice\nbob\n"

    removed = user("remove", "alice", "--realm", REALM, "--file", users)
    assert (removed.returncode, removed.stdout) == (0, "removed alice\n")
    assert user("list", "--file", users).stdout == "bob\n"


def test_mode_and_owner_stay_and_a_link_stays_a_link(users, tmp_path):
    add(users, "alice", "wonder")
    users.chmod(0o640)
    os.chown(users, 0, 33)
    link = tmp_path / "link.json"
    link.symlink_to(users)
    add(link, "bob", "builder")
    assert link.is_symlink()
    status = users.stat()
    assert (status.st_mode & 0o777, status.st_uid, status.st_gid) == (0o640, 0, 33)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.json", "users.json"], "nothing is left behind"


@pytest.mark.parametrize("arguments, code, says", [
    (["add", "alice", "--realm", "example.org"], 1, r'is for the realm "example.com"'),
    (["remove", "nobody"], 1, r'has no user "nobody"'),
    (["remove", "carol", "--realm", "example.org"], 1, r'is for the realm "example.com"'),
    (["add", "alice"], 2, r"--realm REALM is needed"),
    (["add", "a\x01b", "--realm", REALM], 2, r"expected 1 to 508 bytes"),
    (["add", "a" * 509, "--realm", REALM], 2, r"expected 1 to 508 bytes"),
    (["add", "--realm", REALM], 2, r"name is required"),
    (["rename", "carol"], 2, r""),
])
def test_what_is_refused_changes_nothing(users, arguments, code, says):
    add(users, "carol", "sing")
    before = users.read_bytes()
    done = user(*arguments, "--file", users, password="x\n")
    assert done.returncode == code
    assert re.search(says, done.stderr), done.stderr
    assert users.read_bytes() == before


@pytest.mark.parametrize("password, says", [
    ("", "is empty"), ("\n", "is empty"), ("x" * 5000 + "\n", "longer than 4096"), ("a\x07b\n", "no client can send")])
def test_a_password_that_can_not_be_one_is_refused(users, password, says):
    done = user("add", "alice", "--realm", REALM, "--file", users, password=password)
    assert done.returncode == 1
    assert says in done.stderr
    assert not users.exists()


def test_a_broken_file_is_refused_with_its_line_and_left_as_it_is(users):
    add(users, "alice", "wonder")
    broken = users.read_text().replace(keys("alice", "wonder")["md5"], "xyz")
    users.write_text(broken)
    done = user("add", "bob", "--realm", REALM, "--file", users, password="builder\n")
    assert done.returncode == 1
    assert f"{users}:4: /users/alice/md5: the key has 3 characters; expected 32 hex digits" in done.stderr
    assert users.read_text() == broken


def test_a_file_that_everybody_may_read_is_refused(users):
    add(users, "alice", "wonder")
    users.chmod(0o644)
    done = user("list", "--file", users)
    assert done.returncode == 1
    assert "can be read by everybody" in done.stderr


def test_editors_wait_for_each_other(users):
    """Nobody's change gets lost, however many come at once."""
    adding = [subprocess.Popen([program("turnd"), "user", "add", f"user{i}", "--realm", REALM, "--file", users],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) for i in range(12)]
    for process in adding:
        process.stdin.write("secret\n")
        process.stdin.close()
    assert all(process.wait(60) == 0 for process in adding)
    assert len(user("list", "--file", users).stdout.splitlines()) == 12


def test_an_editor_waits_for_the_lock(users):
    add(users, "alice", "wonder")
    folder = os.open(users.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with subprocess.Popen([program("turnd"), "user", "remove", "alice", "--file", users], stdout=subprocess.DEVNULL) as remove:
        wait_until("it waits in flock()", lambda: f"{remove.pid}" in os.popen("cat /proc/locks | grep -- '->'").read())
        assert user("list", "--file", users).stdout == "alice\n"
        os.close(folder)
        assert remove.wait(60) == 0
    assert user("list", "--file", users).stdout == ""


def test_a_person_is_asked_twice_and_sees_nothing(users):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program("turnd"), ["turnd", "user", "add", "alice", "--realm", REALM, "--file", str(users)])
    seen = b""

    def until(text):
        nonlocal seen
        end = time.monotonic() + 30
        while text not in seen:
            assert select.select([terminal], [], [], max(0, end - time.monotonic()))[0], seen
            seen += os.read(terminal, 1024)

    until(b"Password: ")
    os.write(terminal, b"wonder\n")
    until(b"Again: ")
    os.write(terminal, b"wonder\n")
    until(b"added alice")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert b"wonder" not in seen
    assert json.loads(users.read_text())["users"]["alice"] == keys("alice", "wonder")


# ---- whom the daemon lets in

def test_a_user_of_the_file_allocates(users, start, client):
    add(users, "alice", "wonder")
    turnd = start(credentials={"users_file": str(users)})
    assert client(turnd, user="alice", password="wonder").allocate()
    with pytest.raises(Refused, match="401"):
        client(turnd, user="alice", password="wander").allocate()


def test_prepared_names_and_passwords(users, start, client):
    """RFC 8265 and RFC 4013: each client's own way of preparing them leads in."""
    add(users, "A\u030Ake", "\uFB01ve")  # A and RING ABOVE; LATIN SMALL LIGATURE FI
    turnd = start(credentials={"users_file": str(users)})
    assert client(turnd, user="\u00C5ke", password="\uFB01ve").allocate()  # OpaqueString
    assert client(turnd, user="\u00C5ke", password="five").allocate()  # SASLprep


def test_a_user_with_an_md5_key_alone_allocates_and_is_told_apart(users, start, client):
    """Taken over from a server that kept nothing else; SHA-256 is offered to nobody until the password came once more."""
    add(users, "alice", "wonder")
    file = json.loads(users.read_text())
    file["users"]["carol"] = {"md5": keys("carol", "sing")["md5"]}
    write_private(users, json.dumps(file))
    assert user("list", "--file", users).stdout == "alice\ncarol (MD5 key alone: add the password once more for SHA-256)\n"
    turnd = start(credentials={"users_file": str(users)})
    turnd.wait_for_log("1 of 2 users")
    for name, password in (("alice", "wonder"), ("carol", "sing")):
        assert client(turnd, user=name, password=password).allocate()
    with pytest.raises(Refused, match="401"):
        client(turnd, user="carol", password="song").allocate()
    assert offered_algorithms(client(turnd)) is None

    assert add(users, "bob", "builder") == "added bob\n"
    assert json.loads(users.read_text())["users"]["carol"] == {"md5": keys("carol", "sing")["md5"]}, "another's edit leaves it"
    assert add(users, "carol", "sing") == "changed carol\n"
    turnd.signal(signal.SIGHUP)
    turnd.wait_for_log("reload.done")
    assert offered_algorithms(client(turnd)) == bytes([0, 2, 0, 0, 0, 1, 0, 0])


def offered_algorithms(link):
    link.send(turn_client.encode(turn_client.ALLOCATE, bytes(12), []))
    return turn_client.Message(link.receive()).attribute(PASSWORD_ALGORITHMS, None)


@pytest.mark.parametrize("options", [[], ["--sha256"]])
def test_a_minted_credential_allocates(start, client, tmp_path, options):
    turnd = start(credentials={"shared_secrets": ["another", "a secret"]})
    secret = write_private(tmp_path / "secret", "a secret\n")
    done = run("turnd", "credential", "--secret-file", secret, "--user", "carol", "--ttl", "1h", *options)
    name, password = [line.split(": ", 1)[1] for line in done.stdout.splitlines()]
    made = hmac.new(b"a secret", name.encode(), hashlib.sha256 if options else hashlib.sha1).digest()
    assert password == base64.b64encode(made).decode()
    assert client(turnd, user=name, password=password).allocate()


def sha256_request(transaction, attributes, key):
    """A request as RFC 8489 signs it; written here again, for the test to share nothing with the server."""
    body = b"".join(turn_client.attribute(name, value) for name, value in attributes)
    head = (turn_client.ALLOCATE).to_bytes(2, "big") + (len(body) + 36).to_bytes(2, "big") + bytes.fromhex("2112a442") + transaction
    return head + body + turn_client.attribute(INTEGRITY_SHA256, hmac.new(key, head + body, hashlib.sha256).digest())


@pytest.mark.parametrize("by_hash", [False, True])
def test_a_client_of_rfc_8489_allocates_with_sha_256(users, start, client, by_hash):
    add(users, "alice", "wonder")
    turnd = start(credentials={"users_file": str(users)})
    link = client(turnd, user="alice", password="wonder")
    udp = (turn_client.REQUESTED_TRANSPORT, bytes([17, 0, 0, 0]))
    link.send(turn_client.encode(turn_client.ALLOCATE, bytes(12), [udp]))
    challenge = turn_client.Message(link.receive())
    nonce, offered = challenge.attribute(turn_client.NONCE), challenge.attribute(PASSWORD_ALGORITHMS)
    assert nonce.startswith(b"obMatJos2")
    assert offered == bytes([0, 2, 0, 0, 0, 1, 0, 0])

    name = (USERHASH, hashlib.sha256(f"alice:{REALM}".encode()).digest()) if by_hash else (turn_client.USERNAME, b"alice")
    key = hashlib.sha256(f"alice:{REALM}:wonder".encode()).digest()
    link.send(sha256_request(bytes(range(12)), [udp, name, (turn_client.REALM, REALM.encode()), (turn_client.NONCE, nonce),
                                                (PASSWORD_ALGORITHMS, offered), (PASSWORD_ALGORITHM, SHA256)], key))
    packet = link.receive()
    answer = turn_client.Message(packet)
    assert answer.kind == turn_client.ALLOCATE | turn_client.SUCCESS
    integrity = answer.attribute(INTEGRITY_SHA256)
    assert packet[-36:-32] == bytes([0, 0x1C, 0, 32]), "the last attribute"
    assert integrity == hmac.new(key, packet[:-36], hashlib.sha256).digest()
