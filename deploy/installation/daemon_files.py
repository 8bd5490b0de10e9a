"""A Site as the daemons' configuration."""

from installation.site import ACCESS_LOG, Certificate, Node, Site, Turn, Web

POOL = "conferencing"
HTTPS = 443


def with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def certificate(one: Certificate) -> str | dict:
    return {"certificate": one.file, "key": one.key} if one.key else one.file


def rproxyd(site: Site, state: str = "/var/lib/vestibule") -> dict:
    web = site.web
    tls = {"certificates": [certificate(each) for each in web.certificates]}
    if web.min_version:
        tls["min_version"] = web.min_version
    listeners = []
    for address in web.listen:
        https = {"address": with_port(address, web.https_port), "tls": tls}
        if site.turn_on_443 and site.turn:
            https["turn"] = next(where for transport, where in site.turn.listeners if transport == "tcp")
        listeners.append(https)
        if web.http_port:
            listeners.append({"address": with_port(address, web.http_port), "redirect_https": True})
    configured = {
        "listeners": listeners,
        "pools": {POOL: pool(web)},
        "routes": routes(web),
        "paths": "conferencing" if web.strict_paths else "open",
        "content_security_policy": web.content_security_policy,
        "hsts": web.hsts,
        "pin_guard": guard(site, state),
        "log": {"access": ACCESS_LOG},
    }
    if web.strict_paths and (names := [name for name, folder in web.branding.items() if folder is None]):
        configured["branding_paths"] = names
    if web.error_pages:
        configured["error_pages"] = web.error_pages
    if web.compression:
        configured["compression"] = {"enabled": True}
    if web.body_bytes:
        configured["limits"] = {"body_bytes": web.body_bytes}
    if web.connect_seconds:
        configured["timeouts"] = {"connect": f"{web.connect_seconds}s"}
    return configured


def pool(web: Web) -> dict:
    made = {"servers": [server(web.node_scheme, node) for node in web.nodes], "policy": web.policy, "affinity": web.affinity,
            "tls": {"verify": False}, "health": {"path": "/api/client/v2/status"}}
    if web.retry_on is not None:
        made["retry"] = {"on": web.retry_on}
    return made


def server(scheme: str, node: Node) -> str | dict:
    url = f"{scheme}://{node.address.removesuffix(f':{HTTPS}') if scheme == 'https' else node.address}"
    if node.weight == 1 and not node.backup:
        return url
    return {"url": url} | ({"weight": node.weight} if node.weight != 1 else {}) | ({"backup": True} if node.backup else {})


def routes(web: Web) -> list[dict]:
    made = [{"path": path, "static": folder} for path, folder in web.folders.items()]
    made += [{"path": f"/{name}", "static": folder} for name, folder in web.branding.items() if folder]
    if web.redirect_root:
        made.append({"path": "/", "exact": True, "redirect": web.redirect_root})
    made.append({"path": "/", "pool": POOL, "websocket": True})
    return made


def guard(site: Site, state: str) -> dict:
    one = site.guard
    return {"enabled": one.enabled, "max_failures": one.max_failures, "find_time": f"{one.find_seconds}s", "ban_time": f"{one.ban_seconds}s",
            "ignore": one.ignore, "state": f"{state}/bans.json"}


def turnd(site: Site) -> dict:
    turn = site.turn
    configured = {
        "realm": turn.realm,
        "listeners": [listener(turn, transport, where, site) for transport, where in turn.listeners],
        "relay": {"addresses": turn.relay_addresses, "ports": list(turn.ports)},
        "credentials": credentials(turn),
    }
    if turn.external_addresses:
        configured["relay"]["external_addresses"] = turn.external_addresses
    if turn.tcp_relay:
        configured["relay"]["tcp"] = True
    if turn.peers_allow or turn.peers_deny:
        configured["peers"] = {"allow": turn.peers_allow, "deny": turn.peers_deny}
    if turn.clients != ["any"] or turn.stun_clients != ["any"]:
        configured["clients"] = {"stun": turn.stun_clients, "turn": turn.clients}
    if turn.mobility:
        configured.setdefault("clients", {})["mobility"] = True
    if turn.limits:
        configured["limits"] = turn.limits
    if turn.alternates:
        configured["alternate"] = {"servers": turn.alternates, "when": "full"}
    if turn.log_level:
        configured["log"] = {"level": turn.log_level}
    return configured


def listener(turn: Turn, transport: str, where: str, site: Site) -> dict:
    made = {"transport": transport, "address": where}
    if transport in ("tls", "dtls") and turn.certificate:
        made["certificates"] = [certificate(turn.certificate)]
    if transport == "tcp" and site.turn_on_443:
        made["proxy_protocol_from"] = ["127.0.0.0/8", *site.web.listen] if site.web else ["127.0.0.0/8"]
    return made


def credentials(turn: Turn) -> dict:
    made: dict = {}
    if turn.users:
        made["users"] = turn.users
    if turn.secrets:
        made["shared_secrets"] = turn.secrets
    if turn.users_file:
        made["users_file"] = turn.users_file
    return made


def users(turn: Turn) -> dict:
    """The users file, of those whose password nobody knows."""
    return {"realm": turn.realm, "users": {name: {"md5": key} for name, key in sorted(turn.keys.items())}}

