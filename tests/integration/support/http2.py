"""An HTTP/2 client in a test's hands: streams, windows and frames at will, by the h2 package."""

from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from wire import Wire

AUTHORITY = "proxy.example.com"


@dataclass
class Stream:
    """What has come for a stream so far."""
    head: dict[str, list[str]] | None = None
    body: bytearray = field(default_factory=bytearray)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    informational: list[dict[str, list[str]]] = field(default_factory=list)
    ended: bool = False
    reset: h2.errors.ErrorCodes | None = None
    unacknowledged: int = 0

    @property
    def status(self) -> int | None:
        return int(self.head[":status"][0]) if self.head else None

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None


class Http2Client:
    """with Http2Client(proxy.connect(tls=client_tls("h2"))) as client: … client.get("/") …"""

    def __init__(self, wire: Wire):
        self.wire = wire
        # What a test sends is what goes out, right or wrong.
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self.streams: dict[int, Stream] = {}
        self.goaway: h2.errors.ErrorCodes | None = None
        self.ended = False
        self.opens_windows = True
        self.settled = False  # the server's SETTINGS have come
        self.connection.initiate_connection()
        self.flush()
        self.until(lambda: self.settled)

    # ---- sending

    def request(self, method: str = "GET", target: str = "/", *fields: tuple[str, str], end: bool = True) -> int:
        """Opens a stream; its number."""
        return self.send_head([(":method", method), (":scheme", "https"), (":authority", AUTHORITY), (":path", target), *fields], end)

    def send_head(self, fields: list[tuple[str, str]], end: bool = True) -> int:
        number = self.connection.get_next_available_stream_id()
        self.streams[number] = Stream()
        self.connection.send_headers(number, fields, end_stream=end)
        self.flush()
        return number

    def send_body(self, number: int, data: bytes, end: bool = True) -> None:
        """All of it, as the windows allow."""
        rest = memoryview(data)
        while rest:
            room = min(self.connection.local_flow_control_window(number), self.connection.max_outbound_frame_size, len(rest))
            if room == 0:
                self.pump()
                continue
            self.connection.send_data(number, bytes(rest[:room]))
            rest = rest[room:]
            self.flush()
        if end:
            self.connection.end_stream(number)
            self.flush()

    def send_trailers(self, number: int, *fields: tuple[str, str]) -> None:
        self.connection.send_headers(number, list(fields), end_stream=True)
        self.flush()

    def reset(self, number: int) -> None:
        self.connection.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    def flush(self) -> None:
        if data := self.connection.data_to_send():
            self.wire.send(data)

    # ---- receiving

    def pump(self) -> None:
        """Takes what there is, or what comes next."""
        data = self.wire.read()
        if not data:
            self.ended = True
            return
        for event in self.connection.receive_data(data):
            self._take(event)
        self.flush()

    def until(self, condition) -> None:
        while not condition():
            assert not self.ended, f"the connection ended ({self.wire.end}, GOAWAY {self.goaway}) with {self.streams}"
            self.pump()

    def end(self) -> str:
        """Waits for the connection's end, and says which."""
        while not self.ended:
            self.pump()
        return self.wire.end

    def answer(self, number: int) -> Stream:
        stream = self.streams[number]
        self.until(lambda: stream.over)
        return stream

    def get(self, target: str = "/", *fields: tuple[str, str]) -> Stream:
        return self.answer(self.request("GET", target, *fields))

    def open_window(self, number: int) -> None:
        """Gives back what the stream has taken while `opens_windows` was off."""
        stream = self.streams[number]
        if stream.unacknowledged:
            self.connection.acknowledge_received_data(stream.unacknowledged, number)
            stream.unacknowledged = 0
            self.flush()

    def _take(self, event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.ResponseReceived():
                stream.head = by_name(event.headers)
            case h2.events.InformationalResponseReceived():
                stream.informational.append(by_name(event.headers))
            case h2.events.DataReceived():
                stream.body += event.data
                stream.unacknowledged += event.flow_controlled_length
                if self.opens_windows:
                    self.open_window(event.stream_id)
            case h2.events.TrailersReceived():
                stream.trailers = list(event.headers)
            case h2.events.StreamEnded():
                stream.ended = True
            case h2.events.StreamReset():
                if stream:
                    stream.reset = h2.errors.ErrorCodes(event.error_code)
            case h2.events.ConnectionTerminated():
                self.goaway = h2.errors.ErrorCodes(event.error_code)
            case h2.events.RemoteSettingsChanged():
                self.settled = True

    def close(self) -> None:
        self.wire.close()

    def __enter__(self) -> "Http2Client":
        return self

    def __exit__(self, *_error) -> None:
        self.close()


def by_name(fields) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    return values
