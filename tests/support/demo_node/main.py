"""The demo conferencing node as a program: flags, wiring, start and end."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web

from demo_node import api, control, events, faults, ice, seen, tls, webapp
from demo_node.listener import Listener, parse_address
from demo_node.rooms import Room, Rooms

HEADER_LIMIT = 64 * 1024
JSON_LIMIT = 1024 * 1024
EXPIRY_SWEEP_SECONDS = 0.5
CLOSE_SECONDS = 1  # for answers under way when the node is told to end


def main() -> int:
    options = parse_flags()
    try:
        if options.state:
            options.state.mkdir(parents=True, exist_ok=True)
            asyncio.run(serve(options, options.state))
        else:
            with tempfile.TemporaryDirectory(prefix="demo-node-") as scratch:
                asyncio.run(serve(options, Path(scratch)))
    except OSError as error:
        print(f"demo node: {error}", file=sys.stderr)
        return 1
    return 0


def parse_flags() -> argparse.Namespace:
    flags = argparse.ArgumentParser(
        prog="demo_node", description="A stand-in for a Pexip Infinity conferencing node.")
    add = flags.add_argument

    add("--listen", type=parse_address, default="127.0.0.1:0", metavar="ADDRESS:PORT",
        help="HTTPS address; port 0 takes a free one")
    add("--control", type=parse_address, metavar="ADDRESS:PORT",
        help="plain HTTP address of the control endpoints (faults, maintenance); off by default")
    add("--port-file", type=Path, help="write the HTTPS port here once it listens")
    add("--control-port-file", type=Path, help="write the control port here")
    add("--name", default="node1", help="shown on the page and in X-Demo-Node")
    add("--state", type=Path, help="folder that keeps the certificate; a temporary one by default")
    add("--certificate", type=Path, help="PEM file with certificate and key")

    add("--room", default="demo", help="alias of the room with a PIN")
    add("--pin", default="1234", help="PIN of the hosts; '' for none")
    add("--guest-pin", help="PIN of the guests; '' lets them in without one; "
        "left out, there is one PIN for all")
    add("--open-room", default="open", help="alias of a room without a PIN")
    add("--reception", default="reception", help="alias of a virtual reception")
    add("--wrong-pin-answer", choices=("challenge", "invalid"), default="challenge",
        help="how a wrong PIN is refused: the challenge again, or 'Invalid PIN'")
    add("--pin-lock", type=int, default=20, metavar="N",
        help="more than N wrong PINs within ten minutes lock the room, 0: never")
    add("--token-life", type=float, default=120, metavar="SECONDS")
    add("--heartbeat", type=float, default=0, metavar="SECONDS",
        help="comment lines on the event streams; none by default, as on the real thing")
    add("--content-security-policy", metavar="VALUE", help="send this header with every answer")

    add("--turn", action="append", default=[], metavar="URL",
        help="turn:, turns: URL for the page's calls; {host} becomes the host that the page came from")
    add("--stun", action="append", default=[], metavar="URL")
    add("--turn-user", default="")
    add("--turn-password-file", type=Path)
    return flags.parse_args()


async def serve(options: argparse.Namespace, state: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asyncio.get_running_loop().set_exception_handler(ignore_broken_connections)

    hub = events.Hub(options.heartbeat)
    rooms = Rooms(
        rooms=[Room(options.room, pin=options.pin or None, guest_pin=options.guest_pin),
               Room(options.open_room)],
        receptions={options.reception},
        publish=hub.publish,
        token_life=options.token_life,
        pin_lock=options.pin_lock,
        wrong_pin_answer=options.wrong_pin_answer)
    servers = ice.Servers(options.turn, options.stun, options.turn_user,
                          options.turn_password_file)
    mode = api.Mode()
    table = faults.Table()
    record = seen.Record()

    app = web.Application(client_max_size=JSON_LIMIT,
                          middlewares=[record.middleware, table.middleware])
    api.add_routes(app, rooms, hub, servers, mode)
    webapp.add_routes(app)
    app.on_response_prepare.append(stamp(options.name, options.content_security_policy))

    runner = web.AppRunner(app, access_log=None, max_line_size=HEADER_LIMIT,
                           max_field_size=HEADER_LIMIT)
    await runner.setup()
    certificate = options.certificate or tls.self_signed(state, options.listen.host)
    listener = Listener(options.listen, runner.server, tls.server_context(certificate))
    listener.start()

    line = f"demo-node name={options.name} url=https://{listener.address}"
    control_runner = None
    if options.control:
        control_app = control.application(
            control.Controls(options.name, rooms, hub, mode, table, record, listener))
        control_runner = web.AppRunner(control_app, access_log=None)
        await control_runner.setup()
        site = web.TCPSite(control_runner, options.control.host, options.control.port)
        await site.start()
        control_port = control_runner.addresses[0][1]
        line += f" control=http://{options.control.with_port(control_port)}"
        write_port(options.control_port_file, control_port)
    write_port(options.port_file, listener.address.port)
    print(line, flush=True)

    sweep = asyncio.create_task(expire_tokens(rooms))
    await stop.wait()
    sweep.cancel()
    await listener.stop()
    hub.close()
    if control_runner:
        await control_runner.cleanup()
    await runner.server.shutdown(CLOSE_SECONDS)
    await runner.cleanup()


async def expire_tokens(rooms: Rooms) -> None:
    while True:
        await asyncio.sleep(EXPIRY_SWEEP_SECONDS)
        rooms.expire(time.monotonic())


def stamp(name: str, policy: str | None):
    async def on_prepare(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Demo-Node"] = name
        if policy:
            response.headers["Content-Security-Policy"] = policy

    return on_prepare


def ignore_broken_connections(loop: asyncio.AbstractEventLoop, context: dict) -> None:
    """Clients that reset or speak no TLS are everyday life here."""
    if not isinstance(context.get("exception"), (OSError, asyncio.TimeoutError)):
        loop.default_exception_handler(context)


def write_port(path: Path | None, port: int) -> None:
    """Readers that poll for the file never see half of it."""
    if path is None:
        return
    partial = path.with_name(path.name + ".new")
    partial.write_text(f"{port}\n")
    os.replace(partial, path)
