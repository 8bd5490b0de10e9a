"""A backend that speaks HTTP/2 and whose part the test plays itself: streams and frames, by the h2 package."""

import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from backend import Backend
from http2 import by_name
from wire import Wire


@dataclass
class Request:
    """What has come on a stream so far."""
    number: int
    head: dict[str, list[str]]
    body: bytearray = field(default_factory=bytearray)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    ended: bool = False
    reset: h2.errors.ErrorCodes | None = None
    unacknowledged: int = 0

    def __getitem__(self, name: str) -> str:
        values = self.head.get(name, [])
        assert len(values) == 1, f"{len(values)} fields {name} in {self.head}"
        return values[0]

    def __contains__(self, name: str) -> bool:
        return name in self.head


class Http2Node:
    """One connection of the proxy's, as its server."""

    def __init__(self, wire: Wire, **settings: int):
        self.wire = wire
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_inbound_headers=False,
            validate_outbound_headers=False, normalize_outbound_headers=False))
        self.requests: dict[int, Request] = {}
        self.new: list[Request] = []
        self.ended = False
        self.goaway: h2.errors.ErrorCodes | None = None
        self.acknowledged = False  # our SETTINGS, by the proxy
        self.opens_windows = True
        self.connection.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes[name.upper()]: value for name, value in settings.items()})
        self.connection.initiate_connection()
        self.flush()

    # ---- receiving

    def pump(self) -> None:
        data = self.wire.read()
        if not data:
            self.ended = True
            return
        for event in self.connection.receive_data(data):
            self._take(event)
        self.flush()

    def until(self, condition) -> None:
        while not condition():
            assert not self.ended, f"the connection ended ({self.wire.end}, {self.goaway}) with {self.requests}"
            self.pump()

    def next(self) -> Request:
        """The next request's head."""
        self.until(lambda: self.new)
        return self.new.pop(0)

    def whole(self) -> Request:
        """The next request, to its end."""
        request = self.next()
        self.until(lambda: request.ended)
        return request

    def end(self) -> str:
        while not self.ended:
            self.pump()
        return self.wire.end

    def open_window(self, request: Request) -> None:
        if request.unacknowledged:
            self.connection.acknowledge_received_data(request.unacknowledged, request.number)
            request.unacknowledged = 0
            self.flush()

    def _take(self, event) -> None:
        request = self.requests.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.RequestReceived():
                request = Request(event.stream_id, by_name(event.headers))
                self.requests[event.stream_id] = request
                self.new.append(request)
            case h2.events.DataReceived():
                request.body += event.data
                request.unacknowledged += event.flow_controlled_length
                if self.opens_windows:
                    self.open_window(request)
            case h2.events.TrailersReceived():
                request.trailers = list(event.headers)
            case h2.events.StreamEnded():
                request.ended = True
            case h2.events.StreamReset():
                request.reset = h2.errors.ErrorCodes(event.error_code)
            case h2.events.SettingsAcknowledged():
                self.acknowledged = True
            case h2.events.ConnectionTerminated():
                self.goaway = h2.errors.ErrorCodes(event.error_code)

    # ---- sending

    def head(self, request: Request, status: int = 200, *fields: tuple[str, str], end: bool = False) -> None:
        self.connection.send_headers(request.number, [(":status", str(status)), *fields], end_stream=end)
        self.flush()

    def body(self, request: Request, data: bytes, end: bool = False) -> None:
        """All of it, as the windows allow."""
        rest = memoryview(data)
        while rest:
            room = min(self.connection.local_flow_control_window(request.number), self.connection.max_outbound_frame_size, len(rest))
            if room == 0:
                self.pump()
                assert not self.ended
                continue
            self.connection.send_data(request.number, bytes(rest[:room]))
            rest = rest[room:]
            self.flush()
        if end:
            self.connection.end_stream(request.number)
            self.flush()

    def answer(self, request: Request, status: int = 200, body: bytes = b"", *fields: tuple[str, str]) -> None:
        self.head(request, status, ("content-length", str(len(body))), *fields, end=not body)
        if body:
            self.body(request, body, end=True)

    def trailers(self, request: Request, *fields: tuple[str, str]) -> None:
        self.connection.send_headers(request.number, list(fields), end_stream=True)
        self.flush()

    def reset(self, request: Request, code: h2.errors.ErrorCodes = h2.errors.ErrorCodes.INTERNAL_ERROR) -> None:
        self.connection.reset_stream(request.number, code)
        self.flush()

    def go_away(self, last: int, code: h2.errors.ErrorCodes = h2.errors.ErrorCodes.NO_ERROR) -> None:
        """GOAWAY by hand: the h2 package would end the connection with it."""
        payload = last.to_bytes(4, "big") + int(code).to_bytes(4, "big")
        self.wire.send(len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload)

    def flush(self) -> None:
        if data := self.connection.data_to_send():
            self.wire.send(data)


class Http2Backend(Backend):
    """accept_http2() takes the next connection, with the SETTINGS that the test wants."""

    def accept_http2(self, **settings: int) -> Http2Node:
        wire = self.accept()
        if isinstance(wire.socket, ssl.SSLSocket):
            assert wire.socket.selected_alpn_protocol() == "h2"
        return Http2Node(wire, **settings)
