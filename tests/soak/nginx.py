"""The node of the web requests: nginx, which is quicker than what is before it."""

import socket
import subprocess
from pathlib import Path

from daemons import HOST, wait_until

ANSWER_BYTES = 1024
CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; default_type text/plain;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen {host}:{port}; location / {{ return 200 "{answer}"; }} }}
}}
"""


class Nginx:
    """It takes no port 0, and others may be quicker at a port that was free a moment ago."""

    def __init__(self, folder: Path):
        self._file = folder / "nginx.conf"

    def __enter__(self) -> "Nginx":
        while True:
            with socket.create_server((HOST, 0)) as free:
                port = free.getsockname()[1]
            self._file.write_text(CONFIGURATION.format(folder=self._file.parent, host=HOST, port=port, answer="x" * ANSWER_BYTES))
            self._process = subprocess.Popen(["/usr/sbin/nginx", "-c", self._file])
            wait_until("nginx, or its end", lambda: answers(port) or self._process.poll() is not None)
            if self._process.poll() is None:
                self.url = f"http://{HOST}:{port}"
                return self

    def __exit__(self, *_error) -> None:
        self._process.terminate()
        self._process.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False
