"""What an installation is, whichever files it was read from: what rproxyd.json and turnd.json are made of."""

from dataclasses import dataclass, field

TURN_ONLY = "169.254.0.1"  # the guide's address of no conferencing node
ACCESS_LOG = "/var/log/vestibule/access.log"


@dataclass
class Node:
    address: str  # HOST or HOST:PORT
    weight: int = 1
    backup: bool = False


@dataclass
class Certificate:
    file: str
    key: str | None = None  # in a file of its own


@dataclass
class Web:
    listen: list[str] = field(default_factory=lambda: ["0.0.0.0"])
    http_port: int | None = 80
    https_port: int = 443
    certificates: list[Certificate] = field(default_factory=list)
    min_version: str | None = None
    nodes: list[Node] = field(default_factory=list)
    node_scheme: str = "https"
    policy: str = "round_robin"
    affinity: str = "client_address"
    strict_paths: bool = False
    branding: dict[str, str | None] = field(default_factory=dict)  # first segment of the path -> folder, or None: the nodes'
    folders: dict[str, str] = field(default_factory=dict)          # path -> folder
    redirect_root: str | None = "/webapp/"
    content_security_policy: str = "off"
    hsts: str = "off"
    error_pages: dict[str, str] = field(default_factory=dict)
    retry_on: list[str] | None = None
    connect_seconds: int | None = None
    body_bytes: int | None = None
    compression: bool = False


@dataclass
class Guard:
    enabled: bool = False
    max_failures: int = 5
    find_seconds: int = 300
    ban_seconds: int = 300
    ignore: list[str] = field(default_factory=list)


@dataclass
class Turn:
    realm: str
    listeners: list[tuple[str, str]] = field(default_factory=list)  # transport, IP:PORT
    certificate: Certificate | None = None
    relay_addresses: list[str] = field(default_factory=list)
    external_addresses: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, int] = (49152, 65535)
    tcp_relay: bool = False
    peers_allow: list[str] = field(default_factory=list)
    peers_deny: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=lambda: ["any"])  # who may relay
    stun_clients: list[str] = field(default_factory=lambda: ["any"])
    mobility: bool = False
    users: dict[str, str] = field(default_factory=dict)  # passwords
    keys: dict[str, str] = field(default_factory=dict)   # MD5 keys in hex, of others
    users_file: str | None = None                        # where the keys will be
    secrets: list[str] = field(default_factory=list)
    limits: dict[str, int | str] = field(default_factory=dict)
    alternates: list[str] = field(default_factory=list)
    log_level: str | None = None


@dataclass
class Site:
    web: Web | None = None
    guard: Guard = field(default_factory=Guard)
    turn: Turn | None = None
    turn_on_443: bool = False
