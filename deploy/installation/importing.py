"""deploy/import, from its arguments to the output folder."""

import argparse
import configparser
import json
import sqlite3
import sys
from pathlib import Path

from installation import daemon_files, read_answers, read_certificate, read_jail, read_nginx, read_turnserver
from installation.nginx_syntax import NotNginx
from installation.output import NotWritten, write
from installation.read_answers import NotAnswers
from installation.read_certificate import NotACertificate
from installation.report import Report
from installation.site import Certificate, Site

REFUSED, USAGE = 1, 2
PEM, USERS = "pexip.pem", "turnusers.json"
# Where an appliance keeps what can be imported, from its root folder.
IN_AN_APPLIANCE = [".reverseproxy-config.json", "root/.reverseproxy-config.json", "home/*/.reverseproxy-config.json", "opt/*/.reverseproxy-config.json",
                   "etc/nginx/sites-available/pexapp", "etc/turnserver.conf", "etc/turnuserdb.conf", "etc/fail2ban/jail.local", "etc/nginx/ssl/pexip.pem"]


class Unreadable(Exception):
    """With the file and the reason."""


def main(arguments: list[str], description: str) -> int:
    parser = argparse.ArgumentParser(prog="deploy/import", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE",
                        help=".reverseproxy-config.json, pexapp, turnserver.conf, turnuserdb.conf, jail.local, pexip.pem; or a folder: the root of an appliance")
    parser.add_argument("--output", type=Path, default=Path("imported"), metavar="DIR", help="a folder that is made (imported)")
    parser.add_argument("--state", default="/var/lib/vestibule", metavar="DIR", help="where rproxyd keeps bans (/var/lib/vestibule)")
    parser.add_argument("--configuration", default="/etc/vestibule", metavar="DIR", help="where certificate and users will be (/etc/vestibule)")
    options = parser.parse_args(arguments)
    report = Report()
    try:
        site, certificate = read_all(files_of(options.files), report)
        files = made_of(site, certificate, report, options)
        write(options.output, files)
    except (Unreadable, NotWritten) as problem:
        print(f"deploy/import: {problem}", file=sys.stderr)
        return REFUSED
    print(report.text())
    print(f"Written: {', '.join(str(options.output / name) for name in files)}")
    return 0


def files_of(named: list[Path]) -> list[Path]:
    """A folder is an appliance's root, or one of its files' own."""
    found = []
    for path in named:
        if not path.is_dir():
            found.append(path)
            continue
        inside = [file for pattern in IN_AN_APPLIANCE for file in sorted({*path.glob(pattern), *path.glob(pattern.rpartition("/")[2])}) if file.is_file()]
        if not inside:
            raise Unreadable(f"{path}: holds none of an appliance's files: {', '.join(IN_AN_APPLIANCE)}")
        found += dict.fromkeys(inside)
    return found


def kind_of(path: Path) -> str:
    """By what is in it."""
    begin = path.read_bytes()[:1 << 20]
    if begin.startswith(b"SQLite format 3"):
        return "users"
    text = begin.decode(errors="replace")
    if "-----BEGIN CERTIFICATE-----" in text or "PRIVATE KEY-----" in text:
        return "certificate"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if text.lstrip().startswith("{"):
        return "answers"
    if any(line.startswith("[") and line.endswith("]") for line in lines):
        return "jail"
    if any(line.startswith(("server {", "server{", "upstream ", "http {", "map ")) for line in lines):
        return "nginx"
    if lines and all(":" in line and "=" not in line.split(":")[0] and " " not in line.split(":")[0] for line in lines):
        return "users"
    if any(line.partition("=")[0].strip() in TURNSERVER_MARKS for line in lines):
        return "turnserver"
    raise Unreadable(f"{path}: is none of the files that can be imported: .reverseproxy-config.json, nginx's pexapp, turnserver.conf, turnuserdb.conf, jail.local, pexip.pem")


TURNSERVER_MARKS = {"realm", "listening-ip", "listening-port", "relay-ip", "lt-cred-mech", "use-auth-secret", "user", "userdb", "min-port", "external-ip"}


def read_all(files: list[Path], report: Report) -> tuple[Site, Path | None]:
    """And the certificate's file, which goes where it is looked for."""
    by_kind: dict[str, Path] = {}
    for file in files:
        try:
            kind = kind_of(file)
        except OSError as error:
            raise Unreadable(f"{file}: {error.strerror}") from None
        if kind in by_kind:
            raise Unreadable(f"{file}: is a file of the same kind as {by_kind[kind]}; give one")
        by_kind[kind] = file
    if "users" in by_kind and "turnserver" not in by_kind:
        raise Unreadable(f"{by_kind['users']}: holds users; their turnserver.conf is needed, too")
    try:
        site = read_answers.Reader(by_kind["answers"], report).read() if "answers" in by_kind else Site()
        if "nginx" in by_kind:
            site.web = read_nginx.Reader(by_kind["nginx"], report).read()
        if "jail" in by_kind:
            site.guard = read_jail.read(by_kind["jail"], report)
        if "turnserver" in by_kind:
            site.turn = read_turnserver.Reader(by_kind["turnserver"], report, by_kind.get("users")).read()
    except (NotNginx, NotAnswers, ValueError) as problem:
        raise Unreadable(str(problem)) from None
    except (configparser.Error, sqlite3.Error) as problem:
        raise Unreadable(f"{by_kind.get('jail') if isinstance(problem, configparser.Error) else by_kind.get('users')}: {problem}") from None
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}") from None
    if site.web is None and site.turn is None:
        raise Unreadable(f"{', '.join(map(str, files))}: neither a reverse proxy nor a TURN server is configured there")
    return site, by_kind.get("certificate")


def carry_certificate(site: Site, path: Path, report: Report, options: argparse.Namespace) -> str:
    """Its text; where it was referred to by the same name, the new place is. Raises Unreadable."""
    try:
        text, remarks = read_certificate.read(path)
    except (NotACertificate, OSError) as problem:
        raise Unreadable(str(problem) if isinstance(problem, NotACertificate) else f"{path}: {problem.strerror}") from None
    place = Certificate(f"{options.configuration}/{PEM}")

    def moved(one: Certificate) -> Certificate:
        return place if Path(one.file).name == path.name else one

    if site.web:
        site.web.certificates = [moved(each) for each in site.web.certificates] or [place]
    if site.turn and site.turn.certificate:
        site.turn.certificate = moved(site.turn.certificate)
    report.carry(str(path), f"certificate, key and intermediates, as {place.file}")
    for remark in remarks:
        report.ask(remark)
    return text


def made_of(site: Site, certificate: Path | None, report: Report, options: argparse.Namespace) -> dict[str, str]:
    files = {}
    if certificate:
        files[PEM] = carry_certificate(site, certificate, report, options)
    if site.turn and site.turn.keys and site.turn.realm:
        files[USERS] = as_text(daemon_files.users(site.turn))
        site.turn.users_file = f"{options.configuration}/{USERS}"
    if site.web:
        files["rproxyd.json"] = as_text(daemon_files.rproxyd(site, options.state))
    if site.turn:
        files["turnd.json"] = as_text(daemon_files.turnd(site))
    files["report.txt"] = report.text()
    return files


def as_text(configured: dict) -> str:
    return json.dumps(configured, indent=2, ensure_ascii=False) + "\n"
