"""A backend that answers by itself, with its name: for tests of which backend is asked."""

import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from daemons import HOST, in_background


class Responder:
    """Plain HTTP/1.1 with kept connections. stop() frees the port, start() takes it again."""

    def __init__(self, name: str, host: str = HOST, port: int = 0):
        self.name = name
        self.host = host
        self.status = 200
        self.asked: list[tuple[str, str, str]] = []  # client, method, target
        self.hosts: list[str] = []  # the Host of each request
        self._port = port
        self._connections: list[socket.socket] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> "Responder":
        self._server = ThreadingHTTPServer((self.host, self._port), self._handler(), bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.request_queue_size = 512
        self._server.server_bind()
        self._server.server_activate()
        self._port = self._server.server_port
        in_background(lambda server=self._server: server.serve_forever(poll_interval=0.02))
        return self

    def stop(self) -> None:
        """Everything ends, and new connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for each in self._connections:
            with suppress(OSError):  # it has ended by itself
                each.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def reply(self, target: str) -> tuple[int, bytes] | None:
        """Status and body; None: the connection is closed instead."""
        return self.status, self.name.encode()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def address(self) -> str:
        return f"{self.host}:{self._port}"

    def _handler(self):
        responder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                responder._connections.append(self.connection)

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                responder.asked.append((self.headers["X-Real-IP"], self.command, self.path))
                responder.hosts.append(self.headers["Host"])
                reply = responder.reply(self.path)
                if reply is None:
                    self.close_connection = True
                    return
                status, body = reply
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_arguments) -> None:
                pass

        return Handler

    def __enter__(self) -> "Responder":
        return self.start()

    def __exit__(self, *_error) -> None:
        if self._server:
            self.stop()
