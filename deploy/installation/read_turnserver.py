"""coturn's configuration (and its ancestor's, rfc5766-turn-server): turnserver.conf, and the user database beside it."""

import ipaddress
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from installation.report import Report
from installation.site import Certificate, Turn

PORT, TLS_PORT = 3478, 5349
KEY = re.compile(r"0x([0-9a-fA-F]{32})$")

# Options that need nothing here, and why.
BUILT_IN = {
    "lt-cred-mech": "long-term credentials are the only ones", "fingerprint": "is sent where a request has one", "stun-only": "",
    "no-multicast-peers": "multicast peers are always denied", "no-loopback-peers": "loopback peers are denied unless peers.allow has them",
    "secure-stun": "", "no-stdout-log": "the log goes to stderr, and so to the journal", "syslog": "the journal has it", "simple-log": "",
    "new-log-timestamp": "", "log-file": "the log goes to stderr, and so to the journal", "verbose": "log.level \"debug\"", "Verbose": "log.level \"debug\"",
    "pidfile": "systemd knows the process", "proc-user": "the unit names the user", "proc-group": "the unit names the group", "daemon": "systemd runs it",
    "no-cli": "commands use a Unix socket of their own", "cli-ip": "commands use a Unix socket of their own",
    "cli-port": "commands use a Unix socket of their own", "cli-password": "commands use a Unix socket of their own",
    "relay-threads": "workers", "cipher-list": "the built-in modern suites", "dh-file": "no suites with finite-field groups are spoken",
    "dh566": "", "dh1066": "", "dh2066": "", "ec-curve-name": "X25519 and P-256", "no-tlsv1": "TLS 1.2 is the oldest", "no-tlsv1_1": "TLS 1.2 is the oldest",
    "no-sslv3": "", "no-sslv2": "", "no-software-attribute": "none is sent", "no-rfc5780": "RFC 5780 needs two addresses and two ports",
    "response-origin-only-with-rfc5780": "", "prometheus": "admin.address has /metrics", "server-name": "", "keep-address-family": "",
    "no-stun-backward-compatibility": "RFC 3489 is not spoken", "listening-device": "an address says the same", "relay-device": "an address says the same",
}
MEANS_LESS = {
    "no-auth": "everybody could relay: turnd always asks for credentials",
    "bps-capacity": "there is a limit for each allocation and each user, and none for all",
    "no-tlsv1_2": "TLS 1.2 is always spoken beside 1.3", "mobility": "",
    "redis-userdb": "users come from this file or users_file", "psql-userdb": "users come from this file or users_file",
    "mysql-userdb": "users come from this file or users_file", "mongo-userdb": "users come from this file or users_file",
    "web-admin": "the status page is at admin.address", "permission-lifetime": "300 seconds (RFC 8656 section 9)",
    "channel-lifetime": "600 seconds (RFC 8656 section 12)", "oauth": "credentials.oauth has keys of its own",
    "pkey-pwd": "keys are not encrypted: decrypt it with openssl, and guard the file by its permissions",
    "no-udp-relay": "UDP is always relayed", "tcp-proxy-port": "listeners[].proxy_protocol_from", "cli-max-output-sessions": "",
    "acme-redirect": "rproxyd answers on port 80", "alternate-server": "", "tls-alternate-server": "", "udp-self-balance": "",
    "aux-server": "another listener", "rest-api-separator": "a colon separates expiry and name",
}


@dataclass
class Option:
    name: str
    value: str
    where: str


def options_of(path: Path) -> list[Option]:
    found = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            if not value:
                name, _, value = line.partition(" ")
            found.append(Option(name.strip(), value.strip().strip('"'), f"{path}:{number}"))
    return found


class Reader:
    def __init__(self, path: Path, report: Report, database: Path | None = None):
        self._path, self._report, self._database = path, report, database
        self._options = options_of(path)

    def read(self) -> Turn:
        realm = self._one("realm") or ""
        turn = Turn(realm=realm)
        if not realm:
            self._report.ask(f"{self._path} has no realm: turnd.json needs one, the domain of the deployment")
        self._listeners(turn)
        self._relay(turn)
        self._credentials(turn)
        self._peers(turn)
        self._limits(turn)
        self._rest()
        return turn

    def _all(self, *names: str) -> list[Option]:
        return [each for each in self._options if each.name in names]

    def _one(self, name: str) -> str | None:
        found = self._all(name)
        for each in found:
            self._report.carry(each.where, f"{name}={each.value}")
        return found[-1].value if found else None

    def _on(self, name: str) -> bool:
        return any(each.value not in ("0", "no", "false") for each in self._all(name))

    def _listeners(self, turn: Turn) -> None:
        addresses = [each.value for each in self._all("listening-ip")] or ["0.0.0.0"]
        if not self._all("listening-ip"):
            self._report.change(str(self._path), "no listening-ip: one listener for all IPv4 addresses, 0.0.0.0")
        ports = [int(self._one("listening-port") or PORT)]
        secure = [int(self._one("tls-listening-port") or TLS_PORT)]
        for name, into in (("alt-listening-port", ports), ("alt-tls-listening-port", secure)):
            if (value := self._one(name)) and value != "0":
                into.append(int(value))
        plain = [each for each in ("udp", "tcp") if not self._on(f"no-{each}")]
        cert, key = self._one("cert"), self._one("pkey")
        sealed = [each for each in ("tls", "dtls") if not self._on(f"no-{each}")] if cert else []
        if cert:
            turn.certificate = Certificate(cert, None if key in (None, cert) else key)
        for address in addresses:
            where = f"[{address}]" if ":" in address else address
            turn.listeners += [(transport, f"{where}:{port}") for port in ports for transport in plain]
            turn.listeners += [(transport, f"{where}:{port}") for port in secure for transport in sealed]
        for each in self._all("listening-ip", "no-udp", "no-tcp", "no-tls", "no-dtls"):
            self._report.carry(each.where, f"{each.name}{'=' + each.value if each.value else ''}")

    def _relay(self, turn: Turn) -> None:
        turn.relay_addresses = [each.value for each in self._all("relay-ip")]
        if not turn.relay_addresses:
            turn.relay_addresses = [each.value for each in self._all("listening-ip")]
            self._report.change(str(self._path), "no relay-ip: the listening addresses relay as well")
        if not turn.relay_addresses:
            self._report.ask("neither relay-ip nor listening-ip is set: relay.addresses needs this machine's address")
        for each in self._all("relay-ip"):
            self._report.carry(each.where, f"relay-ip={each.value}")
        for each in self._all("external-ip"):
            public, _, private = each.value.partition("/")
            if not private and len(turn.relay_addresses) != 1:
                self._report.ask(f"{each.where}: external-ip={public} does not say for which relay address: see relay.external_addresses")
                continue
            turn.external_addresses[private or turn.relay_addresses[0]] = public
            self._report.carry(each.where, f"external-ip={each.value}")
        turn.ports = (int(self._one("min-port") or 49152), int(self._one("max-port") or 65535))
        turn.tcp_relay = not self._on("no-tcp-relay")
        for each in self._all("no-tcp-relay"):
            self._report.carry(each.where, "no-tcp-relay")

    def _credentials(self, turn: Turn) -> None:
        for each in self._all("user"):
            name, _, password = each.value.partition(":")
            self._user(turn, name, password, each.where)
        shared = self._all("static-auth-secret")
        turn.secrets = [each.value for each in shared]
        for each in [*shared, *self._all("use-auth-secret")]:
            self._report.carry(each.where, each.name)
        database = self._database or next((Path(each.value) for each in self._all("userdb")), None)
        for each in self._all("userdb"):
            self._report.carry(each.where, f"the users of {database}")
        if database:
            self._read_database(turn, database)
        if not (turn.users or turn.keys or turn.secrets):
            self._report.ask("nobody has credentials: add a user (turnd user add) or a shared secret")
        for name in turn.keys:
            self._report.ask(f"the password of {name!r} can't be read back from its key: give it once more (turnd user add {name} --realm {turn.realm or 'REALM'} --file FILE)")

    def _user(self, turn: Turn, name: str, password: str, where: str) -> None:
        if found := KEY.match(password):
            turn.keys[name] = found[1].lower()
        else:
            turn.users[name] = password
        self._report.carry(where, f"the user {name}")

    def _read_database(self, turn: Turn, path: Path) -> None:
        """SQLite since coturn 4.5, lines of NAME:0xKEY before."""
        try:
            begin = path.read_bytes()[:16]
        except OSError as error:
            self._report.ask(f"the users of {path} could not be read ({error.strerror})")
            return
        if begin.startswith(b"SQLite format 3"):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                for realm, name, key in database.execute("select realm, name, hmackey from turnusers_lt"):
                    if turn.realm and realm != turn.realm:
                        self._report.leave(f"{path}: {name}", f"a user of another realm, {realm}")
                        continue
                    self._user(turn, name, "0x" + key.removeprefix("0x"), str(path))
                secrets = [value for realm, value in database.execute("select realm, value from turn_secret") if realm in ("", turn.realm)]
                turn.secrets += [value for value in secrets if value not in turn.secrets]
                if secrets:
                    self._report.carry(str(path), f"{len(secrets)} shared secret{'s' if len(secrets) > 1 else ''}")
            return
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                name, _, password = line.strip().partition(":")
                self._user(turn, name, password, f"{path}:{number}")

    def _peers(self, turn: Turn) -> None:
        for name, into in (("allowed-peer-ip", turn.peers_allow), ("denied-peer-ip", turn.peers_deny)):
            for each in self._all(name):
                try:
                    into += networks_of(each.value)
                except ValueError:
                    self._report.ask(f"{each.where}: {name}={each.value} is neither an address nor a range")
                    continue
                self._report.carry(each.where, f"{name}={each.value}")
        if self._on("allow-loopback-peers"):
            turn.peers_allow += ["127.0.0.0/8", "::1/128"]
            self._report.carry(self._all("allow-loopback-peers")[0].where, "allow-loopback-peers")
        if turn.peers_allow and not turn.peers_deny:
            self._report.change(str(self._path), "allowed-peer-ip alone: such peers are allowed beside all others, which the built-in list doesn't deny")
        private = "private, shared and link-local networks are denied as peers unless peers.allow has them; coturn allowed them"
        self._report.change(str(self._path), private)

    def _limits(self, turn: Turn) -> None:
        for name, key, made in (("user-quota", "allocations_per_user", int), ("total-quota", "allocations", int),
                                ("max-bps", "bandwidth_per_allocation", int), ("max-allocate-lifetime", "max_lifetime", "{}s".format),
                                ("stale-nonce", "nonce_lifetime", "{}s".format)):
            value = self._one(name) if any(each.value for each in self._all(name)) else None
            if value and value != "0":
                turn.limits[key] = made(value)
            elif self._all(name) and not value:
                self._report.leave(self._all(name)[0].where, f"{name}: nonces always age (limits.nonce_lifetime)")
        if self._on("mobility"):
            turn.mobility = True
            self._report.carry(self._all("mobility")[0].where, "mobility")
        turn.alternates = [each.value if ":" in each.value else f"{each.value}:{PORT}" for each in self._all("alternate-server", "tls-alternate-server")]
        for each in self._all("alternate-server", "tls-alternate-server"):
            self._report.change(each.where, f"{each.name}={each.value}: only when there is no room here (alternate.when)")

    def _rest(self) -> None:
        known = {"realm", "listening-ip", "listening-port", "tls-listening-port", "alt-listening-port", "alt-tls-listening-port", "no-udp", "no-tcp",
                 "no-tls", "no-dtls", "cert", "pkey", "relay-ip", "external-ip", "min-port", "max-port", "no-tcp-relay", "user", "static-auth-secret",
                 "use-auth-secret", "userdb", "db", "allowed-peer-ip", "denied-peer-ip", "allow-loopback-peers", "user-quota", "total-quota", "max-bps",
                 "max-allocate-lifetime", "stale-nonce", "mobility", "alternate-server", "tls-alternate-server"}
        for each in self._options:
            shown = each.name if re.search("password|pwd|secret|userdb", each.name) else f"{each.name}{'=' + each.value if each.value else ''}"
            if each.name in known:
                continue
            why = BUILT_IN.get(each.name, MEANS_LESS.get(each.name))
            if why is None:
                self._report.leave(each.where, f"{shown}: is not known here")
            elif each.name in BUILT_IN:
                self._report.leave(each.where, f"{shown}: needs no setting" + (f", {why}" if why else ""))
            else:
                self._report.leave(each.where, f"{shown}: {why}")


def networks_of(value: str) -> list[str]:
    """Of an address, a network, or a range FIRST-LAST. Raises ValueError."""
    first, _, last = value.partition("-")
    if last:
        return [str(each) for each in ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last))]
    return [str(ipaddress.ip_network(first, strict=False))]
