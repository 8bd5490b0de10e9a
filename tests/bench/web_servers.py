"""Our proxy and its rivals, with the same duties: HTTPS to clients (TLS 1.2 and 1.3, the same ECDSA P-256 key, tickets, ALPN of both
versions), HTTP/1.1 to one origin over kept connections, bodies passed on as they come, the client's address in X-Forwarded-For,
an access log, one worker."""

import json
import subprocess
from pathlib import Path

from certificates import Certificate
from line import Server
from machine import Core
from processes import BUILD, HOST, wait_until
from rival import HAPROXY, NGHTTPX, NGINX, Rival
from webs import answers, free_port

KEPT_CONNECTIONS = 1024
MAX_CONNECTIONS = 8000  # of clients; as many to the origin
IDLE_SECONDS = 600


class WebServer(Server):
    port: int

    def start(self, line) -> None:
        self._origin = self.processes.start(*Core.GENERATOR.prefix(), BUILD / "bin/web_origin", *line.options.get("origin", ()))
        origin = int(wait_until("the origin serves", lambda: self._origin.log.read_text()))
        self._process = self.serve(Certificate(self.folder, "proxy", "DNS:proxy.example.com").file(), origin)
        wait_until(f"{self.name} serves", lambda: self.processes.check() or answers(self.port))

    def serve(self, pem: Path, origin: int) -> subprocess.Popen:
        """Sets `port`."""
        raise NotImplementedError

    def pids(self) -> list[int]:
        return with_children(self._process.pid)


def with_children(pid: int) -> list[int]:
    """nginx has its worker in one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in with_children(int(child)))]


class RivalProxy(WebServer):
    rival: Rival

    @classmethod
    def version(cls) -> str:
        return cls.rival.version()

    def config(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


class Rproxyd(WebServer):
    name = "rproxyd"
    program = BUILD / "bin/rproxyd"

    @classmethod
    def version(cls) -> str:
        return subprocess.run([cls.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def serve(self, pem: Path, origin: int) -> subprocess.Popen:
        self.port = free_port()
        config = self.folder / "rproxyd.json"
        config.write_text(json.dumps({
            "workers": self.workers, "drain_timeout": "0s",
            "listeners": [{"address": f"{HOST}:{self.port}", "tls": {"certificates": [str(pem)]}}],
            "pools": {"origin": {"servers": [f"http://{HOST}:{origin}"]}},
            "routes": [{"path": "/", "pool": "origin"}],
            "content_security_policy": "off", "request_id": "off",  # what the rivals don't do
            "timeouts": {"keep_alive": f"{IDLE_SECONDS}s"},
            "log": {"level": "info", "access": str(self.folder / "access.log"), "access_format": "combined"},
            "admin": {"address": None, "socket": str(self.folder / "rproxyd.sock")},
        }))
        return self.run(self.program, "run", "--config", config)


class Nginx(RivalProxy):
    name = "nginx"
    rival = NGINX

    def serve(self, pem: Path, origin: int) -> subprocess.Popen:
        self.port = free_port()
        paths = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        has_directive = [int(part) for part in self.version().split(".")] >= [1, 25, 1]  # `http2`, and not only a flag
        config = self.config("nginx.conf", f"""
            daemon off; user root; worker_processes 1; worker_rlimit_nofile 20000;
            pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;
            events {{ worker_connections {2 * MAX_CONNECTIONS}; }}
            http {{
              {paths}
              access_log {self.folder}/access.log combined;
              keepalive_timeout {IDLE_SECONDS}s; keepalive_requests 1000000000; client_max_body_size 0;
              upstream origin {{ server {HOST}:{origin}; keepalive {KEPT_CONNECTIONS}; keepalive_requests 1000000000; }}
              server {{
                listen {HOST}:{self.port} ssl {"" if has_directive else "http2"} backlog=4096; {"http2 on;" if has_directive else ""}
                ssl_certificate {pem}; ssl_certificate_key {pem}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on;
                proxy_http_version 1.1; proxy_read_timeout {IDLE_SECONDS}s; proxy_request_buffering off;
                proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                # Passed on as they come, with buffers that suit; off, it would read a page at a time.
                proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
                location / {{ proxy_pass http://origin; }}
                location /events {{ proxy_pass http://origin; proxy_buffering off; proxy_buffer_size 4k; }}
              }}
            }}""")
        return self.run(*NGINX.command(), "-e", self.folder / "error.log", "-p", self.folder, "-c", config)


class Haproxy(RivalProxy):
    name = "haproxy"
    rival = HAPROXY

    def serve(self, pem: Path, origin: int) -> subprocess.Popen:
        self.port = free_port()
        config = self.config("haproxy.cfg", f"""
global
  nbthread 1
  maxconn {MAX_CONNECTIONS}
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client {IDLE_SECONDS}s
  timeout server {IDLE_SECONDS}s
  timeout http-keep-alive {IDLE_SECONDS}s
frontend clients
  bind {HOST}:{self.port} ssl crt {pem} alpn h2,http/1.1 ssl-min-ver TLSv1.2 backlog 4096
  use_backend events if {{ path_beg /events }}
  default_backend origin
backend origin
  server one {HOST}:{origin} pool-max-conn {KEPT_CONNECTIONS}
backend events
  # Without it an event waits up to 200 ms for the next one.
  option http-no-delay
  server one {HOST}:{origin} pool-max-conn {KEPT_CONNECTIONS}
""")
        return self.run(*HAPROXY.command(), "-db", "-f", config)


class Nghttpx(RivalProxy):
    name = "nghttpx"
    rival = NGHTTPX

    def serve(self, pem: Path, origin: int) -> subprocess.Popen:
        self.port = free_port()
        seconds = f"{IDLE_SECONDS}s"
        return self.run(
            *NGHTTPX.command(), f"--conf={self.config('nghttpx.conf', '')}", "--single-process", "--workers=1", "--backlog=4096",
            f"--frontend={HOST},{self.port}", f"--backend={HOST},{origin}", f"--accesslog-file={self.folder}/access.log",
            f"--errorlog-file={self.folder}/error.log", "--add-x-forwarded-for", "--tls-min-proto-version=TLSv1.2",
            f"--worker-frontend-connections={MAX_CONNECTIONS}", f"--backend-connections-per-host={MAX_CONNECTIONS}",
            f"--frontend-keep-alive-timeout={seconds}", f"--frontend-http2-idle-timeout={seconds}", f"--backend-read-timeout={seconds}",
            f"--backend-keep-alive-timeout={seconds}", pem, pem)
