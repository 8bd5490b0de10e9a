"""Event streams: what the client API calls server-sent events (GET …/events?token=…).

Each connect replays the whole roster between participant_sync_begin and participant_sync_end;
there is no resuming by Last-Event-ID. Nothing is sent while nothing happens, unless a heartbeat
is configured.
"""

import asyncio
import itertools
import json

from aiohttp import web

from demo_node.rooms import Room, Token

MAX_QUEUED = 1000             # a reader that falls this far behind is cut off
MAX_STREAMS_PER_PARTICIPANT = 4
DISCONNECT_POLL_SECONDS = 0.2

END = object()


class Stream:
    def __init__(self, room: Room, participant: str):
        self.room = room
        self.participant = participant
        self.queue: asyncio.Queue = asyncio.Queue()

    def push(self, event: str, data: object) -> None:
        if self.queue.qsize() < MAX_QUEUED:
            self.queue.put_nowait((event, data))
        else:
            self.end()

    def end(self) -> None:
        self.queue.put_nowait(END)


class Hub:
    def __init__(self, heartbeat: float):
        self._heartbeat = heartbeat
        self._streams: list[Stream] = []

    def publish(self, room: Room, event: str, data: object, but_not: str | None = None) -> None:
        for stream in self._streams:
            if stream.room is room and stream.participant != but_not:
                stream.push(event, data)
        if event == "participant_delete":
            for stream in self._streams:
                if stream.participant == data["uuid"]:
                    stream.end()

    def open_streams(self) -> int:
        return len(self._streams)

    def close(self) -> None:
        for stream in self._streams:
            stream.end()

    async def serve(self, request: web.Request, token: Token) -> web.StreamResponse:
        """Answers a request for events; returns when the stream has ended."""
        stream = self._open(token)
        response = web.StreamResponse(headers={
            "Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        numbers = itertools.count(1)
        try:
            await response.prepare(request)
            while True:
                item = await self._next(stream, request)
                if item is END:
                    break
                block = b": heartbeat\n\n" if item is None else encode(next(numbers), *item)
                await response.write(block)
            await response.write_eof()
        except ConnectionError:
            pass
        finally:
            self._streams.remove(stream)
        return response

    def _open(self, token: Token) -> Stream:
        mine = [each for each in self._streams if each.participant == token.participant.uuid]
        if len(mine) >= MAX_STREAMS_PER_PARTICIPANT:
            mine[0].end()
        stream = Stream(token.room, token.participant.uuid)
        stream.push("participant_sync_begin", None)
        for participant in token.room.participants.values():
            stream.push("participant_create", participant.public())
        stream.push("participant_sync_end", None)
        stream.push("conference_update", {"locked": False, "guests_muted": False, "started": True})
        self._streams.append(stream)
        return stream

    async def _next(self, stream: Stream, request: web.Request):
        """The next item, END when the client has gone, or None when a heartbeat is due."""
        idle = 0.0
        while True:
            try:
                return await asyncio.wait_for(stream.queue.get(), DISCONNECT_POLL_SECONDS)
            except asyncio.TimeoutError:
                idle += DISCONNECT_POLL_SECONDS
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError
            if 0 < self._heartbeat <= idle:
                return None


def encode(number: int, event: str, data: object) -> bytes:
    text = "" if data is None else json.dumps(data)
    return f"id: {number}\nevent: {event}\ndata: {text}\n\n".encode()
