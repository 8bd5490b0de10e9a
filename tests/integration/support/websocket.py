"""WebSocket as a test speaks it by hand: handshakes and frames (RFC 6455)."""

import asyncio
import base64
import hashlib
import ssl
import threading

import websockets

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def accept_value(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def handshake(target: str = "/ws", *fields: str, key: str = KEY) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: proxy.example.com", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def switching(key: str = KEY, *fields: str) -> bytes:
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Accept: {accept_value(key)}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


class EchoServer:
    """A real WebSocket server that sends back what it gets."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self.seen: list[websockets.Headers] = []

    def __enter__(self) -> "EchoServer":
        started = threading.Event()

        async def echo(connection) -> None:
            self.seen.append(connection.request_headers)
            async for message in connection:
                await connection.send(message)

        async def serve() -> None:
            self._server = await websockets.serve(echo, "127.0.0.1", 0, ssl=self._tls, subprotocols=["chat"], max_size=None)
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        self._loop.create_task(serve())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        assert started.wait(30)
        return self

    def __exit__(self, *_error) -> None:
        async def close() -> None:
            self._server.close()
            await self._server.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
