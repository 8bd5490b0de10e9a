"""A conferencing node as a process of its own, so that it can be killed with -9 in the midst of everything.

What it is asked at a path of `begin_…` it begins and never ends; a healthy one answers everything with its name.
"""

import http.server
import socket
import subprocess
import sys
import time
from pathlib import Path

from websocket import switching

EVENT = b"data: first\n\n"


class MortalNode:
    """with MortalNode("node1") as node: … node.kill()"""

    def __init__(self, name: str, *, healthy: bool = False):
        self.name = name
        self._healthy = healthy

    def __enter__(self) -> "MortalNode":
        self._process = subprocess.Popen(["/usr/bin/python3", Path(__file__), self.name, "healthy" if self._healthy else "mortal"],
                                         stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def wait_for(self, *requests: str) -> None:
        """Until the node has begun with all of them: "GET /events"."""
        missing = set(requests)
        while missing:
            missing.discard(self._process.stdout.readline().strip())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_error) -> None:
        self.kill()
        self._process.stdout.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.say_begun()
        begin = getattr(self, f"begin_{self.path.strip('/')}", None)
        if begin and not self.server.healthy:
            begin()
            time.sleep(3600)
        body = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        if self.path == "/upload":
            self.rfile.read(10)
        self.say_begun()
        time.sleep(3600)

    def say_begun(self) -> None:
        sys.stdout.write(f"{self.command} {self.path}\n")
        sys.stdout.flush()

    def begin_silent(self) -> None:
        pass

    def begin_half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"12345")

    def begin_events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))

    def begin_ws(self) -> None:
        self.wfile.write(switching(self.headers["Sec-WebSocket-Key"]) + b"\x81\x02hi")

    def log_message(self, *_words) -> None:
        pass


def main() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.request_queue_size = socket.SOMAXCONN
    server.server_bind()
    server.server_activate()
    server.name, server.healthy = sys.argv[1], sys.argv[2] == "healthy"
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
