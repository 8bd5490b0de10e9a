"""reload.watch: files that the configuration names take effect when they change, however that is done."""

import os

from certificates import Certificate
from daemons import HOST, run, wait_until, write_private
from turnd import PASSWORD, REALM, Refused, served_certificate


def replace_link(link, target):
    new = link.with_name(link.name + ".new")
    new.symlink_to(target)
    new.rename(link)


def test_a_certificate_behind_links_as_certbot_has_it(start, tmp_path):
    archive, live = tmp_path / "archive", tmp_path / "live"
    archive.mkdir()
    live.mkdir()
    made = [Certificate(tmp_path, f"number{number}") for number in (1, 2)]
    for number, each in enumerate(made, 1):
        write_private(archive / f"fullchain{number}.pem", each.certificate)
        write_private(archive / f"privkey{number}.pem", each.key)

    def renew(number):
        for name in ("fullchain", "privkey"):
            replace_link(live / f"{name}.pem", f"../archive/{name}{number}.pem")

    renew(1)
    turnd = start(reload={"watch": True}, listeners=[
        {"transport": "tls", "address": f"{HOST}:0",
         "certificates": [{"certificate": str(live / "fullchain.pem"), "key": str(live / "privkey.pem")}]}])
    port = turnd.port("tls")
    assert served_certificate(port).strip() == made[0].certificate.strip()
    renew(2)
    wait_until("the renewed certificate", lambda: served_certificate(port).strip() == made[1].certificate.strip())
    turnd.wait_for_log("reload.files_changed")


def test_a_mounted_secret_as_kubernetes_exchanges_it(start, client, tmp_path):
    def release(name, password):
        folder = tmp_path / "mount" / name
        folder.mkdir(parents=True)
        done = run("turnd", "user", "add", "alice", "--realm", REALM, "--file", folder / "users.json", stdin=password + "\n")
        assert done.returncode == 0, done.stderr

    def allocates(password):
        try:
            client(turnd, user="alice", password=password).allocate()
        except Refused:
            return False
        return True

    mount = tmp_path / "mount"
    release("..first", PASSWORD)
    (mount / "..data").symlink_to("..first")
    (mount / "users.json").symlink_to("..data/users.json")
    turnd = start(reload={"watch": True}, credentials={"users_file": str(mount / "users.json")})
    assert allocates(PASSWORD)
    release("..second", "another")
    replace_link(mount / "..data", "..second")
    wait_until("the new password", lambda: allocates("another"))
    assert not allocates(PASSWORD)


def test_a_file_that_is_wrong_changes_nothing_until_it_is_right(start, client, tmp_path):
    secrets = write_private(tmp_path / "secrets", "north\n")
    turnd = start(reload={"watch": True}, credentials={"shared_secrets_file": str(secrets)})
    os.truncate(secrets, 0)
    wait_until("the refusal", lambda: "reload.refused" in turnd.log)
    client(turnd).allocate()
    write_private(secrets, "south\n")
    wait_until("the reload", lambda: "reload.done" in turnd.log)


def test_nothing_is_watched_unless_configured(reloading, tmp_path):
    secrets = write_private(tmp_path / "secrets", "north\n")
    daemon = reloading(reload={"watch": True}, credentials={"shared_secrets_file": str(secrets)})
    del daemon.config["reload"]
    daemon.reload()
    assert not [each for each in os.listdir(f"/proc/{daemon.turnd.pid}/fdinfo")
                if "inotify wd" in open(f"/proc/{daemon.turnd.pid}/fdinfo/{each}").read()]
