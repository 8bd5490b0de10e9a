"""The control endpoints, on a plain HTTP listener of their own that no client can reach.

    GET    /_demo/state                      everything below in one answer
    POST   /_demo/maintenance                {"on": true}
    POST   /_demo/wrong_pin                  {"answer": "challenge" | "invalid"}
    POST   /_demo/listener                   {"mode": "open" | "refuse" | "reset" | "silent"}
    POST   /_demo/connections/reset          resets every established connection
    GET    /_demo/faults   POST   DELETE     see faults.py: {"kind": "hang", "path": "/api", …}
    GET    /_demo/requests        DELETE     the last requests, as they arrived
    POST   /_demo/events                     {"room": "demo", "event": "…", "data": …}
    POST   /_demo/tokens/expire              as if nobody had refreshed
"""

from dataclasses import dataclass

from aiohttp import web

from demo_node.api import Mode, json_fields
from demo_node.events import Hub
from demo_node.faults import Table
from demo_node.listener import MODES, Listener
from demo_node.rooms import Rooms
from demo_node.seen import Record


@dataclass
class Controls:
    name: str
    rooms: Rooms
    hub: Hub
    mode: Mode
    faults: Table
    record: Record
    listener: Listener

    async def state(self, _request: web.Request) -> web.Response:
        return web.json_response({
            "name": self.name,
            "maintenance": self.mode.maintenance,
            "listener": self.listener.mode,
            "connections": {
                "accepted": self.listener.accepted,
                "open": self.listener.open_connections(),
                "failed_handshakes": self.listener.failed_handshakes},
            "requests": {
                "total": self.record.total,
                "in_progress": self.record.in_progress,
                "by_path": self.record.by_path,
                "by_status": self.record.by_status},
            "tokens": self.rooms.tokens_held(),
            "event_streams": self.hub.open_streams(),
            "faults": self.faults.all(),
        })

    async def set_maintenance(self, request: web.Request) -> web.Response:
        self.mode.maintenance = bool((await fields_of(request)).get("on", True))
        return done()

    async def set_wrong_pin(self, request: web.Request) -> web.Response:
        answer = (await fields_of(request)).get("answer")
        if answer not in ("challenge", "invalid"):
            raise web.HTTPBadRequest(text="answer must be challenge or invalid")
        self.rooms.wrong_pin_answer = answer
        return done()

    async def set_listener(self, request: web.Request) -> web.Response:
        mode = (await fields_of(request)).get("mode")
        if mode not in MODES:
            raise web.HTTPBadRequest(text=f"mode must be one of {', '.join(MODES)}")
        await self.listener.set_mode(mode)
        return done()

    async def reset_connections(self, _request: web.Request) -> web.Response:
        return web.json_response({"reset": self.listener.reset_connections()})

    async def list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self.faults.all())

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(vars(self.faults.add(await fields_of(request))))
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return done()

    async def list_requests(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.record.last))

    async def clear_requests(self, _request: web.Request) -> web.Response:
        self.record.clear()
        return done()

    async def push_event(self, request: web.Request) -> web.Response:
        fields = await fields_of(request)
        room = self.rooms.room(str(fields.get("room")))
        if room is None or not isinstance(fields.get("event"), str):
            raise web.HTTPBadRequest(text="room and event are needed")
        self.hub.publish(room, fields["event"], fields.get("data"))
        return done()

    async def expire_tokens(self, _request: web.Request) -> web.Response:
        return web.json_response({"expired": self.rooms.expire_all()})


def application(controls: Controls) -> web.Application:
    app = web.Application()
    app.add_routes([
        web.get("/_demo/state", controls.state),
        web.post("/_demo/maintenance", controls.set_maintenance),
        web.post("/_demo/wrong_pin", controls.set_wrong_pin),
        web.post("/_demo/listener", controls.set_listener),
        web.post("/_demo/connections/reset", controls.reset_connections),
        web.get("/_demo/faults", controls.list_faults),
        web.post("/_demo/faults", controls.add_fault),
        web.delete("/_demo/faults", controls.clear_faults),
        web.get("/_demo/requests", controls.list_requests),
        web.delete("/_demo/requests", controls.clear_requests),
        web.post("/_demo/events", controls.push_event),
        web.post("/_demo/tokens/expire", controls.expire_tokens),
    ])
    return app


async def fields_of(request: web.Request) -> dict:
    fields = await json_fields(request)
    if fields is None:
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return fields


def done() -> web.Response:
    return web.json_response({"done": True})
