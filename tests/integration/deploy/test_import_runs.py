"""An appliance of each generation, taken over by one command on its disk: both daemons run on what deploy/import wrote, as it stands, in
the appliance's own network; a page comes and a call is relayed, with the users and keys that it had."""

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from appliance import NODES, TURN, TURN_ON_THE_LAN, Site
from certificates import Certificate
from daemons import write_private
from machine import ROOT
from test_deployment import Deployed

KEY = hashlib.md5(b"pexip:example.com:admin123").hexdigest()
PLACE = {"pexapp": "etc/nginx/sites-available/pexapp", "turnserver.conf": "etc/turnserver.conf", "turnuserdb.conf": "etc/turnuserdb.conf",
         "jail.local": "etc/fail2ban/jail.local", "pexip.pem": "etc/nginx/ssl/pexip.pem", ".reverseproxy-config.json": "home/pexip/.reverseproxy-config.json"}

# 2014 to 2017: versions 3 to 5, with rfc5766-turn-server.
NGINX_5 = f"""
upstream pexip {{
  server {NODES[0]}:443 max_fails=3 fail_timeout=10s;
  server {NODES[1]}:443 max_fails=3 fail_timeout=10s;
}}
server {{ listen 80; server_name proxy.example.com; rewrite ^(.*) https://$host$1 permanent; }}
server {{
  listen 443;
  server_name proxy.example.com;
  ssl on;
  ssl_certificate /etc/nginx/ssl/pexip.pem;
  ssl_certificate_key /etc/nginx/ssl/pexip.pem;
  location / {{ rewrite ^/$ /webapp permanent; }}
  location /webapp {{ proxy_pass https://pexip; }}
  location /static {{ proxy_pass https://pexip; }}
  location /api {{ proxy_pass https://pexip; proxy_connect_timeout 5s; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }}
}}
"""
TURN_5 = f"""listening-ip={TURN}
listening-port=3478
relay-ip={TURN}
realm=example.com
lt-cred-mech
userdb=/etc/turnuserdb.conf
fingerprint
no-tls
no-dtls
no-tcp
no-loopback-peers
no-multicast-peers
stale-nonce
"""
# 2018 to 2021: coturn and its database.
TURN_6 = TURN_5.replace("userdb=/etc/turnuserdb.conf", "userdb=/var/lib/turn/turndb").replace("stale-nonce", "stale-nonce=600\nno-cli\nno-tcp-relay")
# From version 7 on (2024).
NGINX_7 = NGINX_5.replace("  ssl on;\n", "").replace("listen 443;", "listen 443 ssl;").replace("max_fails=3 fail_timeout=10s", "weight=1 max_fails=0") \
    .replace("upstream pexip {", "upstream pexip {\n  ip_hash;\n  keepalive 1024;") \
    .replace("location / { rewrite ^/$ /webapp permanent; }", "location / { return 301 /webapp$is_args$args; }") \
    .replace("rewrite ^(.*) https://$host$1 permanent;", "return 301 https://$host$request_uri;")
ANSWERS_7 = {
    "networks": {"nic0": {"ipaddress": TURN_ON_THE_LAN, "netmask": "255.255.255.0", "gateway": None, "routes": [{"to": "10.0.50.0/24", "via": "10.40.0.1"}]},
                 "nic1": {"ipaddress": TURN, "netmask": "255.255.255.128", "gateway": "198.51.100.129", "routes": []}},
    "internal": "nic0", "external": "nic1", "hostname": "proxy", "domain": "example.com", "dns": ["8.8.8.8"], "ntp": ["0.pool.ntp.org"],
    "enablewebloadbalance": True, "conferencenodes": NODES, "enablecsp": True,
    "turnserver": {"enabled": True, "clientturn": False, "port443": False, "username": "pexip", "password": "admin123"},
    "managementnetworks": ["10.0.50.0/24"], "enablefail2ban": True, "snmp": {"enabled": False}, "generate-certs": {"ssl": False, "ssh": False},
}
JAIL = "[DEFAULT]\nbantime = 300\nfindtime = 300\n[pexiprp]\nenabled = true\nmaxretry = 10\nfilter = pexiprp\n"


@pytest.fixture
def taken_over(running, tmp_path):
    """`files`: of the appliance's disk."""

    def take_over(site: Site, addresses: dict[str, str], files: dict[str, str], database: bool = False) -> Deployed:
        here = Deployed(running, tmp_path, site)
        disk = here.machine.root / "mnt"
        for name, text in files.items():
            (disk / PLACE[name]).parent.mkdir(parents=True, exist_ok=True)
            write_private(disk / PLACE[name], text)
        certificate = Certificate(tmp_path, "proxy", "DNS:proxy.example.com")
        (disk / "etc/nginx/ssl").mkdir(parents=True, exist_ok=True)
        shutil.copy(certificate.file(), disk / PLACE["pexip.pem"])
        if database:
            make_database(disk / "turndb")
        for card, address in addresses.items():
            site.turn.ip(f"address add {address} dev {card}")
        site.turn.route("default via 198.51.100.129")
        here.said = here.machine.run(ROOT / "deploy/import", "--output", "/root/imported", "/mnt", *(["/mnt/turndb"] if database else []))
        begin(here)
        served = here.site.internet.run("sh", "-c", f"openssl s_client -connect {TURN}:443 </dev/null 2>/dev/null | openssl x509")
        assert served == certificate.certificate, "the appliance's own certificate"
        return here

    return take_over


def make_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table turnusers_lt (realm varchar(127) default '', name varchar(512), hmackey char(128), primary key (realm, name))")
        database.execute("create table turn_secret (realm varchar(127) default '', value varchar(256), primary key (realm, value))")
        database.execute("insert into turnusers_lt values ('example.com', 'pexip', ?)", (KEY,))


def begin(here: Deployed) -> None:
    """As the packages do: users, folders, units; then what was imported goes where the report says."""
    root = here.machine.root
    for source, folder in (("vestibule-rproxyd.sysusers.conf", "sysusers.d"), ("vestibule-turnd.sysusers.conf", "sysusers.d"),
                           ("vestibule.tmpfiles.conf", "tmpfiles.d"), ("rproxyd.service", "systemd/system"), ("turnd.service", "systemd/system")):
        (root / "etc" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "deploy/systemd" / source, root / "etc" / folder)
    here.machine.run("sh", "-c", "systemd-sysusers && systemd-tmpfiles --create vestibule.tmpfiles.conf && "
                                 "install -m 640 /root/imported/*.json $(ls /root/imported/*.pem) /etc/vestibule/")
    for daemon in ("rproxyd", "turnd"):
        here.machine.run(daemon, "check", "--config", f"/etc/vestibule/{daemon}.json")
        here.machine.start(daemon)


def test_version_5_with_keys_in_a_file(taken_over, running):
    here = taken_over(Site.single_nic(running), {"dmz": f"{TURN}/25"},
                      {"pexapp": NGINX_5, "turnserver.conf": TURN_5, "turnuserdb.conf": f"pexip:0x{KEY}\n", "jail.local": JAIL})
    here.joins_a_conference()
    here.call_is_relayed(NODES[0])
    assert "the user pexip" in here.said and "5 wrong PINs" in here.said
    assert json.loads((here.machine.root / "etc/vestibule/turnusers.json").read_text())["users"] == {"pexip": {"md5": KEY}}
    here.site.asked_for_nothing()


def test_version_6_with_keys_in_a_database(taken_over, running):
    here = taken_over(Site.single_nic(running), {"dmz": f"{TURN}/25"}, {"pexapp": NGINX_5, "turnserver.conf": TURN_6}, database=True)
    here.joins_a_conference()
    here.call_is_relayed(NODES[1])


def test_version_7_with_its_answers_and_two_interfaces(taken_over, running):
    here = taken_over(Site.dual_nic(running), {"lan": f"{TURN_ON_THE_LAN}/24", "dmz": f"{TURN}/25"},
                      {".reverseproxy-config.json": json.dumps(ANSWERS_7), "pexapp": NGINX_7, "jail.local": JAIL})
    here.joins_a_conference()
    here.call_is_relayed(NODES[0], TURN_ON_THE_LAN)
    assert "managementnetworks: is about the machine" in here.said
    here.site.asked_for_nothing()


def test_version_7_permissive_on_443_with_one_interface(taken_over, running):
    """From its answers alone: callers with credentials made from its shared secret, over TLS beside the web and over UDP."""
    networks = {"ens192": {"ipaddress": TURN, "netmask": "255.255.255.128", "gateway": "198.51.100.129", "routes": []}}
    turnserver = {"enabled": True, "clientturn": True, "port443": True, "username": "pexip", "password": "admin123", "sharedsecret": "north"}
    more = f'iifname "wan" ip daddr {TURN} udp dport 443 accept\n' \
           f'iifname "dmz" oifname "lan" ip saddr {TURN} ip daddr {{ {", ".join(NODES)} }} udp dport 40000-49999 accept'
    here = taken_over(Site.single_nic(running, more), {"dmz": f"{TURN}/25"},
                      {".reverseproxy-config.json": json.dumps(ANSWERS_7 | {"networks": networks, "internal": "ens192", "external": "ens192", "turnserver": turnserver})})
    here.joins_a_conference()
    here.callers_relay_to(NODES[1], "north", ("udp", 443), ("tls", 443))
    here.call_is_relayed(NODES[0])
    here.site.asked_for_nothing()
