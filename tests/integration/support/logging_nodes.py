"""nginx, HAProxy and nghttpx as nodes that answer everything and note each request that they believe to have got."""

import socket
import subprocess
from pathlib import Path

from daemons import HOST, wait_until

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  log_format seen "$request $status";
  access_log {folder}/seen seen;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  large_client_header_buffers 8 32k;
  keepalive_requests 100000;
  server {{
    listen {host}:{port}{h2};
    location / {{ return 200 "nginx"; }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  log stdout format raw local0
  tune.bufsize 65536
defaults
  mode http
  timeout client 30s
  timeout connect 10s
  timeout server 10s
frontend f
  bind {host}:{port}{h2}
  log global
  log-format "%{{+Q}}r %ST"
  option http-buffer-request
  option dontlognull
  http-request return status 200 content-type text/plain string haproxy
"""

# It passes on what it read to a node of its own, which is how it reads it that counts.
NGHTTPX_NODE = """
daemon off; master_process off; pid {folder}/behind.pid; error_log {folder}/behind.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  large_client_header_buffers 8 32k;
  server {{ listen unix:{folder}/behind; location / {{ return 200 "nghttpx"; }} }}
}}
"""


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        return taken.getsockname()[1]


class LoggingNode:
    """with LoggingNode("nginx", "http/1.1", folder) as node: … node.seen() …"""

    def __init__(self, server: str, protocol: str, folder: Path):
        self._server, self._h2, self._folder = server, protocol == "h2", folder
        self._port = free_port()
        self._processes: list[subprocess.Popen] = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> "LoggingNode":
        (self._folder / "seen").touch()
        getattr(self, f"_start_{self._server}")()
        wait_until(f"{self._server} listens", self._listens)
        return self

    def _start_nginx(self) -> None:
        self._run("nginx", "-c", self._written(NGINX, " http2" if self._h2 else ""))

    def _start_haproxy(self) -> None:
        with (self._folder / "seen").open("a") as seen:
            self._run("haproxy", "-db", "-f", self._written(HAPROXY, " proto h2" if self._h2 else ""), stdout=seen)

    def _start_nghttpx(self) -> None:
        self._run("nginx", "-c", self._written(NGHTTPX_NODE, ""))
        wait_until("the node behind nghttpx", (self._folder / "behind").exists)
        self._run("nghttpx", "--conf=/dev/null", "--single-process", "--workers=1", f"--frontend={HOST},{self._port};no-tls",
                  f"--backend=unix:{self._folder}/behind", f"--accesslog-file={self._folder}/seen", "--accesslog-format=$request $status",
                  f"--errorlog-file={self._folder}/error.log", f"--pid-file={self._folder}/nghttpx.pid")

    def _written(self, text: str, h2: str) -> Path:
        path = self._folder / "server.conf"
        path.write_text(text.format(host=HOST, port=self._port, folder=self._folder, h2=h2))
        return path

    def _run(self, *command, stdout=subprocess.DEVNULL) -> None:
        self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL))

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self._port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def seen(self) -> list[str]:
        """Every request until now: "GET /a HTTP/1.1 200"."""
        text = (self._folder / "seen").read_text(errors="replace")
        return text[:text.rfind("\n") + 1].replace('"', "").splitlines()

    def __exit__(self, *_error) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait()
