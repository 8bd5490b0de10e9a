"""coturn's configuration (and its ancestor's, rfc5766-turn-server): turnserver.conf, and the user database beside it."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from installation.read_userdb import Database, add_user
from installation.report import Report
from installation.site import Certificate, Turn

PORT, TLS_PORT = 3478, 5349
LEAST_LIFETIME, LEAST_NONCE_LIFETIME, LONGEST = 600, 10, 86400  # seconds; turnd's own

# Options that need nothing here, and why.
BUILT_IN = {
    "lt-cred-mech": "long-term credentials are the only ones", "fingerprint": "is sent where a request has one",
    "no-multicast-peers": "multicast peers are always denied", "no-loopback-peers": "loopback peers are denied unless peers.allow has them",
    "no-stdout-log": "the log goes to stderr, and so to the journal", "syslog": "the journal has it", "syslog-facility": "the journal has it",
    "simple-log": "the log goes to stderr, and so to the journal", "new-log-timestamp": "the journal has the time, and so has log.format \"json\"",
    "new-log-timestamp-format": "the journal has the time, and so has log.format \"json\"",
    "no-new-log-timestamp": "the journal has the time", "log-file": "the log goes to stderr, and so to the journal",
    "log-min-level": "log.level", "pidfile": "systemd knows the process", "proc-user": "the unit names the user", "proc-group": "the unit names the group",
    "daemon": "systemd runs it", "no-cli": "commands use a Unix socket of their own, and need no password",
    "cli-ip": "commands use a Unix socket of their own", "cli-port": "commands use a Unix socket of their own",
    "cli-password": "commands use a Unix socket of their own", "cli-max-output-sessions": "turnd sessions shows all", "cli": "commands use a Unix socket of their own",
    "relay-threads": "workers: one a core", "cpus": "workers: one a core", "cipher-list": "the built-in modern suites",
    "dh-file": "no suites with finite-field groups are spoken", "dh566": "no suites with finite-field groups are spoken",
    "dh1066": "no suites with finite-field groups are spoken", "dh2066": "no suites with finite-field groups are spoken",
    "ec-curve-name": "X25519 and P-256", "no-tlsv1": "TLS 1.2 is the oldest", "no-tlsv1_1": "TLS 1.2 is the oldest", "tlsv1": "TLS 1.2 is the oldest",
    "tlsv1_1": "TLS 1.2 is the oldest", "no-sslv3": "TLS 1.2 is the oldest", "no-sslv2": "TLS 1.2 is the oldest",
    "no-software-attribute": "none is sent", "prod": "no SOFTWARE is sent", "no-rfc5780": "RFC 5780 needs UDP listeners on two addresses and two ports",
    "response-origin-only-with-rfc5780": "so it is", "prometheus": "admin.address has /metrics", "prometheus-address": "admin.address has /metrics",
    "prometheus-port": "admin.address has /metrics", "prometheus-path": "admin.address has /metrics",
    "prometheus-username-labels": "metrics have no labels that clients make; turnd sessions names users",
    "no-stun-backward-compatibility": "RFC 3489 is not spoken", "no-auth-pings": "there is no database to ask",
    "no-dynamic-ip-list": "peers stand in the configuration, which SIGHUP reads again", "no-dynamic-realms": "there is one realm",
    "ne": "the loop is chosen for the machine", "version": "", "help": "",
}
# What turnd does otherwise, or not at all, and what there is instead.
OTHERWISE = {
    "no-tlsv1_2": "TLS 1.2 is always spoken beside 1.3", "web-admin": "the status page is at admin.address", "web-admin-ip": "admin.address",
    "web-admin-port": "admin.address", "web-admin-listen-on-workers": "the status page has an address of its own, admin.address",
    "permission-lifetime": "300 seconds, as RFC 8656 section 9 has it", "channel-lifetime": "600 seconds, as RFC 8656 section 12 has it",
    "server-name": "credentials.oauth.server_name", "secure-stun": "Binding requests need no credentials: clients.stun says whom they may come from",
    "check-origin-consistency": "ORIGIN is not looked at: there is one realm", "CA-file": "clients are asked for no certificate",
    "bps-capacity": "there is a limit for each allocation and one for each user, and none for all",
    "no-udp-relay": "UDP is always relayed", "acme-redirect": "rproxyd answers on port 80", "respond-http-unsupported": "HTTP is not answered here: rproxyd is for that",
    "udp-self-balance": "the kernel deals clients out to the workers", "keep-address-family": "IPv4 unless the client asks for IPv6, as RFC 8656 has it",
    "allocation-default-address-family": "IPv4 unless the client asks for IPv6, as RFC 8656 has it", "log-binding": "Binding requests are counted, not logged",
    "max-allocate-timeout": "timeouts are built in", "redis-statsdb": "/metrics and turnd sessions tell it", "server-relay": "peers always need a permission",
    "sock-buf-size": "the kernel's own, net.core.rmem_max and wmem_max", "stun-backward-compatibility": "RFC 3489 is not spoken",
    "software-attribute": "no SOFTWARE is sent", "drain": "SIGTERM drains (drain_timeout)", "multiplex-peer": "each allocation has a port of its own",
    "federation-listening-ip": "", "raw-public-keys": "", "rfc5780": "RFC 5780 needs UDP listeners on two addresses and two ports",
}
# What can't stay as it was before somebody has done something.
NEEDS_A_PERSON = {
    "no-auth": "everybody could relay; turnd always asks for credentials: make some (turnd user add, or a shared secret)",
    "oauth": "credentials.oauth needs its keys, which coturn has in its database",
    "pkey-pwd": "the key is encrypted; turnd wants it in the clear, in a file that its user alone can read: openssl pkey -in OLD -out NEW",
    "tcp-proxy-port": "a TCP listener with proxy_protocol_from does this, which must name the balancers; coturn believed everybody",
    "listening-device": "name its address in a listener", "relay-device": "name its address in relay.addresses",
    "redis-userdb": "its users and secrets have not been read: turnd user add, or shared_secrets", "psql-userdb": "its users and secrets have not been read: turnd user add, or shared_secrets",
    "sql-userdb": "its users and secrets have not been read: turnd user add, or shared_secrets", "mysql-userdb": "its users and secrets have not been read: turnd user add, or shared_secrets",
    "mongo-userdb": "its users and secrets have not been read: turnd user add, or shared_secrets", "secret-key-file": "the database that it opens has not been read",
}
CARRIED = {"realm", "listening-ip", "listening-port", "tls-listening-port", "alt-listening-port", "alt-tls-listening-port", "no-udp", "no-tcp", "no-tls",
           "no-dtls", "cert", "pkey", "relay-ip", "external-ip", "min-port", "max-port", "no-tcp-relay", "user", "static-auth-secret", "use-auth-secret",
           "userdb", "db", "allowed-peer-ip", "denied-peer-ip", "allow-loopback-peers", "user-quota", "total-quota", "max-bps", "max-allocate-lifetime",
           "stale-nonce", "mobility", "alternate-server", "tls-alternate-server", "aux-server", "stun-only", "no-stun", "verbose", "Verbose",
           "rest-api-separator"}
SECRETS = re.compile("password|pwd|secret|userdb|^user$")


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
        self._peers_of_database: list[tuple[str, str, str]] = []

    def read(self) -> Turn:
        realm = self._one("realm") or ""
        turn = Turn(realm=realm)
        if not realm:
            self._report.ask(f"{self._path} has no realm: turnd.json needs one, the domain of the deployment")
        self._listeners(turn)
        self._relay(turn)
        self._limits(turn)
        self._credentials(turn)
        self._peers(turn)
        self._clients(turn)
        self._rest()
        return turn

    def _all(self, *names: str) -> list[Option]:
        return [each for each in self._options if each.name in names]

    def _one(self, name: str) -> str | None:
        found = self._all(name)
        for each in found:
            self._report.carry(each.where, f"{name}={each.value}")
        return found[-1].value if found else None

    def _number(self, name: str, default: int) -> int:
        """Raises ValueError."""
        value = self._one(name)
        if not value:
            return default
        if not value.isdigit():
            raise ValueError(f"{self._all(name)[-1].where}: {name}={value}: expected a number")
        return int(value)

    def _on(self, name: str) -> bool:
        return any(each.value not in ("0", "no", "false") for each in self._all(name))

    def _listeners(self, turn: Turn) -> None:
        addresses = [each.value for each in self._all("listening-ip")] or ["0.0.0.0"]
        if not self._all("listening-ip"):
            self._report.change(str(self._path), "no listening-ip: one listener for all IPv4 addresses, 0.0.0.0")
        ports = [self._number("listening-port", PORT)]
        secure = [self._number("tls-listening-port", TLS_PORT)]
        for name, into in (("alt-listening-port", ports), ("alt-tls-listening-port", secure)):
            if value := self._number(name, 0):
                into.append(value)
        plain = [each for each in ("udp", "tcp") if not self._on(f"no-{each}")]
        cert, key = self._one("cert"), self._one("pkey")
        sealed = [each for each in ("tls", "dtls") if not self._on(f"no-{each}")] if cert else []
        if cert:
            turn.certificate = Certificate(cert, None if key in (None, cert) else key)
        for address in addresses:
            where = f"[{address}]" if ":" in address else address
            turn.listeners += [(transport, f"{where}:{port}") for port in ports for transport in plain]
            turn.listeners += [(transport, f"{where}:{port}") for port in secure for transport in sealed]
        if not turn.listeners:
            self._report.ask("no-udp, no-tcp, no-tls and no-dtls leave nothing to listen to: listeners needs one")
        for each in self._all("aux-server"):
            turn.listeners += [(transport, each.value) for transport in plain]
            self._report.carry(each.where, f"aux-server={each.value}, as further listeners")
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
        turn.ports = (self._number("min-port", 49152), self._number("max-port", 65535))
        turn.tcp_relay = not self._on("no-tcp-relay")
        for each in self._all("no-tcp-relay"):
            self._report.carry(each.where, "no-tcp-relay")

    def _credentials(self, turn: Turn) -> None:
        for each in self._all("user"):
            name, _, password = each.value.partition(":")
            add_user(turn, name, password, each.where, self._report)
        shared = self._all("static-auth-secret")
        turn.secrets = [each.value for each in shared]
        for each in [*shared, *self._all("use-auth-secret")]:
            self._report.carry(each.where, each.name)
        database = self._database or next((Path(each.value) for each in self._all("userdb")), None)
        for each in self._all("userdb"):
            self._report.carry(each.where, f"the users of {database}")
        if database:
            try:
                self._peers_of_database = Database(database, turn, self._report).read()
            except OSError as error:
                self._report.ask(f"the users of {database} could not be read ({error.strerror})")
        if not (turn.users or turn.keys or turn.secrets):
            self._report.ask("nobody has credentials: add a user (turnd user add) or a shared secret")
        for name in turn.keys.keys() & turn.users.keys():
            del turn.keys[name]  # its password is known as well
        if turn.keys and not turn.realm:
            self._report.ask(f"keys are of use in their realm alone, and none is known: {', '.join(sorted(turn.keys))} could not be carried over")
        elif turn.keys:
            self._report.change(str(self._path), f"{len(turn.keys)} users with MD5 keys alone: SHA-256 is offered to nobody until their passwords came once more (turnd user add)")

    def _peers(self, turn: Turn) -> None:
        for name, into in (("allowed-peer-ip", turn.peers_allow), ("denied-peer-ip", turn.peers_deny)):
            stored = [Option(*each) for each in self._peers_of_database if each[0] == name]
            for each in self._all(name) + stored:
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
        for name, key in (("user-quota", "allocations_per_user"), ("total-quota", "allocations"), ("max-bps", "bandwidth_per_allocation")):
            if value := self._number(name, 0):
                turn.limits[key] = value
        for name, key, least in (("max-allocate-lifetime", "max_lifetime", LEAST_LIFETIME), ("stale-nonce", "nonce_lifetime", LEAST_NONCE_LIFETIME)):
            given = self._all(name)
            if given and not given[-1].value:
                self._report.leave(given[-1].where, f"{name}: nonces always age (limits.nonce_lifetime)")
            elif value := self._number(name, 0):
                turn.limits[key] = f"{min(max(value, least), LONGEST)}s"
                if not least <= value <= LONGEST:
                    self._report.change(given[-1].where, f"{name}={value}: {turn.limits[key]} is the {'least' if value < least else 'most'} that turnd takes")
        if self._on("mobility"):
            turn.mobility = True
            self._report.carry(self._all("mobility")[0].where, "mobility")
        turn.alternates = [each.value if ":" in each.value else f"{each.value}:{PORT}" for each in self._all("alternate-server", "tls-alternate-server")]
        for each in self._all("alternate-server", "tls-alternate-server"):
            self._report.change(each.where, f"{each.name}={each.value}: only when there is no room here (alternate.when)")

    def _clients(self, turn: Turn) -> None:
        """Who may ask for what, and how much is said of it."""
        for name, of in (("stun-only", "nobody relays: clients.turn is empty"), ("no-stun", "nobody learns its address: clients.stun is empty")):
            if not self._on(name):
                continue
            if name == "stun-only":
                turn.clients = []
            else:
                turn.stun_clients = []
            self._report.carry(self._all(name)[0].where, f"{name}: {of}")
        for each in self._all("verbose", "Verbose"):
            turn.log_level = "debug"
            self._report.carry(each.where, f'{each.name}: log.level is "debug"')
        for each in self._all("rest-api-separator"):
            if each.value == ":":
                self._report.carry(each.where, "rest-api-separator=:")
            else:
                self._report.leave(each.where, f"rest-api-separator={each.value}: in a time-limited name a colon stands behind the expiry")
                self._report.ask(f"{each.where}: whoever makes time-limited credentials has to put a colon behind the expiry")

    def _rest(self) -> None:
        """What nobody has asked for; and what was asked for, and is off."""
        for each in self._options:
            shown = each.name if SECRETS.search(each.name) else f"{each.name}{'=' + each.value if each.value else ''}"
            if each.name in CARRIED:
                self._report.otherwise_carry(each.where, shown)
            elif each.name in BUILT_IN:
                why = BUILT_IN[each.name]
                self._report.leave(each.where, f"{shown}: needs no setting" + (f", {why}" if why else ""))
            elif each.name in OTHERWISE:
                why = OTHERWISE[each.name]
                self._report.leave(each.where, shown + (f": {why}" if why else ""))
            elif each.name in NEEDS_A_PERSON:
                self._report.leave(each.where, f"{shown}: {NEEDS_A_PERSON[each.name]}")
                self._report.ask(f"{each.where}: {each.name}: {NEEDS_A_PERSON[each.name]}")
            else:
                self._report.leave(each.where, f"{shown}: is not known here")


def networks_of(value: str) -> list[str]:
    """Of an address, a network, or a range FIRST-LAST. Raises ValueError."""
    first, _, last = value.partition("-")
    if last:
        return [str(each) for each in ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last))]
    return [str(ipaddress.ip_network(first, strict=False))]
