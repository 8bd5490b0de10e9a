"""The client REST API, version 2, as far as conferencing apps use it to join and stay."""

import json
import time
from dataclasses import dataclass

from aiohttp import web

from demo_node.events import Hub
from demo_node.ice import Servers
from demo_node.rooms import Refusal, Rooms, Token

PREFIX = "/api/client/v2"
ROOM = PREFIX + "/conferences/{alias}"
VERSION = {"version_id": "demo", "pseudo_version": "1.0"}


@dataclass
class Mode:
    maintenance: bool = False


def add_routes(app: web.Application, rooms: Rooms, hub: Hub, servers: Servers, mode: Mode) -> None:
    api = Api(rooms, hub, servers, mode)
    add = app.router.add_route
    add("GET", PREFIX + "/status", api.status)
    add("*", PREFIX + "/msexchange_schedulers/{rest:.*}", api.exchange_scheduler)
    add("POST", ROOM + "/request_token", api.request_token)
    add("POST", ROOM + "/refresh_token", api.with_token(api.refresh_token))
    add("POST", ROOM + "/release_token", api.with_token(api.release_token))
    add("GET", ROOM + "/participants", api.with_token(api.participants))
    add("GET", ROOM + "/events", api.with_token(api.events))
    add("POST", ROOM + "/message", api.with_token(api.message))
    add("POST", ROOM + "/participants/{uuid}/take_floor", api.with_token(api.take_floor))
    add("POST", ROOM + "/participants/{uuid}/release_floor", api.with_token(api.release_floor))


class Api:
    def __init__(self, rooms: Rooms, hub: Hub, servers: Servers, mode: Mode):
        self._rooms = rooms
        self._hub = hub
        self._servers = servers
        self._mode = mode

    async def status(self, _request: web.Request) -> web.Response:
        if self._mode.maintenance:
            return answer("Maintenance mode", http_status=503, status="failed")
        return answer("OK")

    async def exchange_scheduler(self, request: web.Request) -> web.Response:
        body = await request.read()
        return answer({"method": request.method, "path": request.path, "bytes": len(body)})

    async def request_token(self, request: web.Request) -> web.Response:
        if self._mode.maintenance:
            return answer("Maintenance mode", http_status=503, status="failed")
        fields = await json_fields(request)
        if fields is None:
            return answer("Bad Request", http_status=400, status="failure")
        joined = self._rooms.join(
            alias=request.match_info["alias"],
            pin=text(fields.get("pin")) or request.headers.get("pin"),
            display_name=text(fields.get("display_name")) or "",
            extension=text(fields.get("conference_extension")),
            now=time.monotonic(), wall_time=time.time())
        if isinstance(joined, Refusal):
            return refuse(joined)
        participant = joined.participant
        return answer({
            **self._lease(joined),
            "participant_uuid": participant.uuid,
            "display_name": participant.display_name,
            "role": participant.role,
            "conference_name": joined.room.alias,
            "service_type": "conference",
            "current_service_type": "conference",
            "call_type": "video",
            "chat_enabled": True,
            "direct_media": False,
            "version": VERSION,
            **self._servers.for_client(request.headers.get("X-Forwarded-Host", request.host)),
        })

    async def refresh_token(self, _request: web.Request, token: Token) -> web.Response:
        return answer(self._lease(self._rooms.refresh(token, time.monotonic())))

    async def release_token(self, _request: web.Request, token: Token) -> web.Response:
        self._rooms.release(token)
        return answer(True)

    async def participants(self, _request: web.Request, token: Token) -> web.Response:
        return answer([each.public() for each in token.room.participants.values()])

    async def events(self, request: web.Request, token: Token) -> web.StreamResponse:
        return await self._hub.serve(request, token)

    async def message(self, request: web.Request, token: Token) -> web.Response:
        fields = await json_fields(request) or {}
        payload = text(fields.get("payload"))
        if payload is None:
            return answer("Bad Request", http_status=400, status="failure")
        self._rooms.message(token, text(fields.get("type")) or "text/plain", payload)
        return answer(True)

    async def take_floor(self, _request: web.Request, token: Token) -> web.Response:
        self._rooms.present(token, True)
        return answer(None)

    async def release_floor(self, _request: web.Request, token: Token) -> web.Response:
        self._rooms.present(token, False)
        return answer(None)

    def with_token(self, handler):
        """A handler that runs only with a live token, from the header or the query."""
        async def checked(request: web.Request) -> web.StreamResponse:
            value = request.headers.get("token") or request.query.get("token")
            found = self._rooms.find(request.match_info["alias"], value, time.monotonic())
            return refuse(found) if isinstance(found, Refusal) else await handler(request, found)

        return checked

    def _lease(self, token: Token) -> dict:
        return {"token": token.value, "expires": f"{self._rooms.token_life:g}"}


def answer(result: object, http_status: int = 200, status: str = "success") -> web.Response:
    return web.json_response({"status": status, "result": result}, status=http_status,
                             headers={"Cache-Control": "no-store"})


def refuse(refusal: Refusal) -> web.Response:
    return answer(refusal.result, refusal.http_status, refusal.status)


async def json_fields(request: web.Request) -> dict | None:
    """The body's fields, whatever its media type says; None if it is no JSON object."""
    body = await request.read()
    try:
        fields = json.loads(body) if body.strip() else {}
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def text(value: object) -> str | None:
    """PINs come as numbers from some clients."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value)
