"""The site file of the appliance's nginx, /etc/nginx/sites-available/pexapp, of its generations so far."""

import re
from pathlib import Path

from installation import nginx_syntax
from installation.nginx_syntax import Directive
from installation.report import Report
from installation.site import ACCESS_LOG, TURN_ONLY, Certificate, Node, Web

CONFERENCING = {"/api", "/webapp", "/static", "/teams"}
BRANDING = re.compile(r"/([A-Za-z0-9_-]+)/?$")
RETRY = {"http_500": "500", "http_502": "502", "http_503": "503", "http_504": "504", "error": "connect", "timeout": "timeout"}
SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

# What needs no setting here, and why.
BUILT_IN = {
    "ssl_session_timeout": "sessions are resumed by tickets that rotate", "ssl_session_cache": "sessions are resumed by tickets that rotate",
    "ssl_session_tickets": "sessions are resumed by tickets that rotate", "ssl_dhparam": "no suites with finite-field groups are spoken",
    "ssl_prefer_server_ciphers": "the proxy's order counts", "proxy_http_version": "HTTP/1.1 it is", "proxy_redirect": "Location passes as it is",
    "keepalive": "connections to nodes are kept", "ssl": "by the port", "proxy_ssl_server_name": "the node's name is sent where it has one",
    "proxy_buffering": "answers are never gathered before they are sent", "access_log": "", "error_log": "the log goes to stderr or the journal",
    "sendfile": "", "tcp_nodelay": "always", "keepalive_timeout": "timeouts.keep_alive", "internal": "", "etag": "static files have them",
    "gzip_types": "text has its types built in", "gzip_proxied": "answers of nodes are what is compressed", "gzip_vary": "always", "gzip_comp_level": "",
    "gzip_disable": "", "charset": "", "default_type": "", "server_tokens": "the proxy does not name itself", "ssl_stapling": "PATH.ocsp beside the certificate",
}


class Reader:
    def __init__(self, path: Path, report: Report):
        self._report = report
        self._root = nginx_syntax.read(path)
        self.web = Web(listen=[], http_port=None, redirect_root=None)

    def read(self) -> Web:
        """Raises nginx_syntax.NotNginx for a file that isn't of this kind."""
        https = next((server for server in self._servers() if self._listens(server, tls=True)), None)
        if https is None:
            raise nginx_syntax.NotNginx(f"{self._root.where}: has no server with TLS; the appliance's site file was expected")
        for server in self._servers():
            self._server(server, server is https)
        self._policy()
        self._left_over(self._root.block)
        if not self.web.nodes:
            self._report.ask("no conferencing node was found: pools.conferencing.servers needs at least one")
        return self.web

    def _servers(self) -> list[Directive]:
        inside = [http for http in self._root.all("http")]
        return [server for block in [self._root, *inside] for server in block.all("server")]

    @staticmethod
    def _listens(server: Directive, tls: bool) -> bool:
        ports = [each.values for each in server.all("listen")]
        whole = any(each.values == ["on"] for each in server.all("ssl"))
        return any(("ssl" in values or whole or values[0].endswith("443")) == tls for values in ports)

    # ---- servers

    def _server(self, server: Directive, https: bool) -> None:
        for listen in server.all("listen"):
            address, port = split_address(listen.values[0])
            if https:
                self.web.https_port = port
                if address not in self.web.listen:
                    self.web.listen.append(address)
            elif self._redirects(server):
                self.web.http_port = port
            else:
                self._report.change(listen.where, f"port {port} answers with a redirect to https alone")
                self.web.http_port = port
            self._report.carry(listen.where, str(listen))
        for name in server.all("server_name"):
            self._report.leave(name.where, f"{name}: every name is served, and certificates are chosen by theirs")
        if https:
            self._tls(server)
            self._locations(server)
        self._shared(server)

    def _redirects(self, server: Directive) -> bool:
        found = [each for each in server.all("return") + server.all("rewrite") if any("https://" in value for value in each.values)]
        for each in found:
            self._report.carry(each.where, str(each))
        return bool(found)

    def _tls(self, server: Directive) -> None:
        files = [each.values[0] for each in server.all("ssl_certificate")]
        keys = [each.values[0] for each in server.all("ssl_certificate_key")]
        for file, key in zip(files, keys or files):
            self.web.certificates.append(Certificate(in_etc_nginx(file), None if key == file else in_etc_nginx(key)))
            self._report.carry(server.where, f"the certificate {in_etc_nginx(file)}")
        for protocols in server.all("ssl_protocols"):
            if set(protocols.values) - {"TLSv1.2", "TLSv1.3"}:
                self._report.change(protocols.where, f"{protocols}: TLS 1.2 and 1.3 are spoken, nothing older")
            else:
                self.web.min_version = "1.2" if "TLSv1.2" in protocols.values else "1.3"
                self._report.carry(protocols.where, str(protocols))
        for suites in server.all("ssl_ciphers") + server.all("ssl_ecdh_curve"):
            self._report.change(suites.where, f"{suites.name}: suites and groups are the built-in modern ones (listeners[].tls.suites knows \"compatible\")")

    def _locations(self, server: Directive) -> None:
        for rule in server.all("rewrite"):
            if re.search(r"/webapp", rule.values[1]):
                self.web.redirect_root = "/webapp/"
                self._report.carry(rule.where, str(rule))
            else:
                self._report.leave(rule.where, f"{rule}: write a route with \"redirect\" or \"rewrite\"")
        for location in server.all("location"):
            self._location(location)
        for page in server.all("error_page"):
            self._error_page(page, server)

    def _location(self, location: Directive) -> None:
        path = location.values[-1]
        root, alias = location.first("root"), location.first("alias")
        proxied = location.first("proxy_pass")
        moved = location.first("return")
        if moved and proxied is None:
            self.web.strict_paths = self.web.strict_paths or path == "/"
            self.web.redirect_root = "/webapp/" if path == "/" else self.web.redirect_root
            self._report.change(location.where, f"location {path}: the root is redirected to /webapp/; other unknown paths get 404 and not a redirect")
        elif proxied:
            self._proxied(location, path, proxied)
        elif location.all("allow") or location.all("deny"):
            self._report.leave(location.where, f"location {path}: a page for administrators; the daemon's own is at admin.address")
            mark(location)
        elif root or alias:
            folder = alias.values[0] if alias else root.values[0].rstrip("/") + path
            if not re.search(r"(404|50x)\.html$", path):
                self.web.folders[path] = folder
                self._report.carry(location.where, f"location {path}: files of {folder}")
                self._report.ask(f"the folder {folder} has to be on this machine, readable by rproxyd")
        else:
            self._report.leave(location.where, f"location {' '.join(location.values)}")
            mark(location)
        for page in location.all("error_page"):
            page.used = True
        for inner in location.all("location"):
            mark(inner)
        self._shared(location)

    def _proxied(self, location: Directive, path: str, proxied: Directive) -> None:
        scheme, _, name = proxied.values[0].partition("://")
        self.web.node_scheme = scheme
        self._upstream(name.rstrip("/"))
        branding = BRANDING.match(path)
        if "~" in location.values[0] or (branding is None and path != "/"):
            self._report.leave(location.where, f"location {' '.join(location.values)}: expressions are not known; pools serve all paths, or with paths: \"conferencing\" those of clients")
        elif path in CONFERENCING:
            self.web.strict_paths = True
            self._report.carry(location.where, f"location {path}")
        elif path == "/":
            self.web.strict_paths = False
            self._report.carry(location.where, "location /: every path goes to the nodes")
        else:
            self.web.branding[branding[1]] = None
            self._report.carry(location.where, f"location {path}, as branding_paths")
        for header in location.all("proxy_set_header"):
            if header.values[0] in ("X-Forwarded-For", "X-Real-IP"):
                if "proxy_add_x_forwarded_for" in header.values[-1]:
                    self._report.change(header.where, "X-Forwarded-For: what a client claims is removed, unless it is among trusted_proxies")
            elif header.values[0] not in ("Host", "Connection", "Upgrade", "X-Forwarded-Proto"):
                self._report.leave(header.where, str(header))
        for timeout in location.all("proxy_connect_timeout"):
            self._connect_timeout(timeout)
        for again in location.all("proxy_next_upstream"):
            self._retries(again)

    def _connect_timeout(self, timeout: Directive) -> None:
        seconds = seconds_of(timeout.values[0])
        least = min(seconds, self.web.connect_seconds or seconds)
        if self.web.connect_seconds not in (None, seconds):
            self._report.change(timeout.where, f"{timeout}: one value for all paths, {least}s; another node is asked after that")
        self.web.connect_seconds = least

    def _retries(self, again: Directive) -> None:
        wanted = [RETRY[each] for each in again.values if each in RETRY]
        self.web.retry_on = [] if "off" in again.values else sorted(set(self.web.retry_on or []) | set(wanted))
        if "non_idempotent" in again.values:
            self._report.change(again.where, "non_idempotent: a POST that may have been carried out is not repeated (pools.*.retry.non_idempotent is the switch)")
        self._report.carry(again.where, str(again))

    # ---- what they refer to

    def _upstream(self, name: str) -> None:
        for upstream in self._root.all("upstream"):
            if upstream.values == [name]:
                return self._pool(upstream)
        if not any(node.address == name for node in self.web.nodes):
            self.web.nodes.append(Node(name))

    def _pool(self, upstream: Directive) -> None:
        if self.web.nodes:
            return
        for server in upstream.all("server"):
            options = dict(each.partition("=")[::2] for each in server.values[1:])
            address = server.values[0]
            if address.partition(":")[0] == TURN_ONLY:
                self._report.leave(server.where, f"{TURN_ONLY} stands for no conferencing node")
                continue
            if "down" in options:
                self._report.leave(server.where, f"{server}: is down, and left out")
                continue
            if not (weight := options.get("weight", "1")).isdigit():
                raise nginx_syntax.NotNginx(f"{server.where}: weight={weight}: a number was expected")
            self.web.nodes.append(Node(address, int(weight), "backup" in options))
            self._report.carry(server.where, f"the conferencing node {address}")
            if {"max_fails", "fail_timeout"} & options.keys():
                self._report.change(server.where, "max_fails, fail_timeout: nodes are checked actively, and left alone for a while when they fail")
        if upstream.first("least_conn"):
            self.web.policy = "least_connections"
        elif one := upstream.first("ip_hash"):
            self._report.change(one.where, "ip_hash: new clients go round, and a client stays on its node (policy \"client_hash\" is the hash)")
        else:
            self._report.change(upstream.where, "round robin: of new clients, each of which stays on its node, as its token needs (affinity \"none\": of requests)")

    def _policy(self) -> None:
        """Content-Security-Policy: off, the appliance's, or another."""
        for added in self._root.all("add_header"):
            self._header(added)
        for mapping in self._root.all("map"):
            values = [each for each in mapping.block if each.values]
            if "content_security_policy" in mapping.values[0] and values:
                self._set_policy(values[0].values[0], mapping.where)
            else:
                self._report.leave(mapping.where, str(mapping))
            mark(mapping)

    def _header(self, added: Directive) -> None:
        name, value = added.values[0], added.values[1]
        if name.lower() == "content-security-policy":
            if value.startswith("$"):
                self._report.carry(added.where, str(added))
            else:
                self._set_policy(value, added.where)
        elif name.lower() == "strict-transport-security":
            self.web.hsts = value
            self._report.carry(added.where, str(added))
        else:
            self._report.leave(added.where, str(added))

    def _set_policy(self, value: str, where: str) -> None:
        default = "telemetryservice.firstpartyapps.oaspapps.com" in value and "https://example.com;" in value
        self.web.content_security_policy = "default" if default else value
        self._report.carry(where, "Content-Security-Policy, where a node sent none: " + ("the appliance's" if default else value))

    def _error_page(self, page: Directive, server: Directive) -> None:
        uri = page.values[-1]
        for location in server.all("location"):
            if location.values[-1] == uri and (root := location.first("root")):
                file = root.values[0].rstrip("/") + uri
                for status in ["404"] if "404" in page.values else ["50x"]:
                    self.web.error_pages[status] = file
                self._report.carry(page.where, f"the page {file}")
                self._report.ask(f"the page {file} has to be on this machine, readable by rproxyd")

    def _shared(self, block: Directive) -> None:
        """What may stand in a server as in a location."""
        for size in block.all("client_max_body_size"):
            found = re.fullmatch(r"(\d+)([kKmMgG]?)", size.values[0])
            self.web.body_bytes = int(found[1]) * SIZES[found[2].lower()] if found else None
            self._report.carry(size.where, str(size))
        for zip_ in block.all("gzip"):
            self.web.compression = zip_.values == ["on"]
            self._report.change(zip_.where, "gzip: brotli as well, and never beside credentials")
        for log in block.all("access_log"):
            self._report.change(log.where, f"{log}: there is one access log, {ACCESS_LOG}, and its lines have the form that they had")
        for added in block.all("add_header"):
            self._header(added)
        for other in block.all("include"):
            self._report.leave(other.where, f"{other}: has not been read")

    def _left_over(self, block: list[Directive]) -> None:
        for each in block:
            if not each.used:
                if each.name in BUILT_IN:
                    why = BUILT_IN[each.name]
                    self._report.leave(each.where, f"{each.name}: needs no setting" + (f", {why}" if why else ""))
                else:
                    self._report.leave(each.where, str(each))
            elif each.block:
                self._left_over(each.block)


def mark(directive: Directive) -> None:
    """Said once, for all that is in it."""
    directive.used = True
    for each in directive.block or []:
        mark(each)


def split_address(listen: str) -> tuple[str, int]:
    if listen.isdigit():
        return "0.0.0.0", int(listen)
    found = re.fullmatch(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:\]]+))(?::(?P<port>\d+))?", listen)
    if not found:
        raise nginx_syntax.NotNginx(f"listen {listen}: an address with a port was expected")
    address = found["six"] or found["four"]
    return "0.0.0.0" if address == "*" else address, int(found["port"] or 80)


def in_etc_nginx(file: str) -> str:
    return file if file.startswith("/") else f"/etc/nginx/{file}"


def seconds_of(text: str) -> int:
    found = re.fullmatch(r"(\d+)(ms|s|m|h)?", text)
    scale = {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600}
    return max(1, round(int(found[1]) * scale[found[2]])) if found else 3
