"""The page, and the endpoints that only tests of a proxy need: echo, headers, blobs."""

import asyncio
import hashlib
from pathlib import Path

from aiohttp import web

PAGE = Path(__file__).parent / "webapp"
BLOCK_BYTES = 64 * 1024
MAX_BLOB_BYTES = 64 * 1024**3

# A prime period, so that a block out of place is noticed.
PATTERN = bytes(range(251)) * (2 * BLOCK_BYTES // 251 + 2)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/", to_page)
    app.router.add_get("/webapp", to_page)
    app.router.add_get("/webapp/", page)
    app.router.add_get("/webapp/{file}", page)
    app.router.add_get("/static/blob", blob)
    app.router.add_route("*", "/echo", echo)
    app.router.add_route("*", "/headers", headers)


async def to_page(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/webapp/"})


async def page(request: web.Request) -> web.StreamResponse:
    """A file of the page with ETag, ranges and conditional requests as aiohttp does them."""
    path = PAGE / request.match_info.get("file", "index.html")
    if path.parent != PAGE or not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


async def blob(request: web.Request) -> web.StreamResponse:
    """?bytes=N of PATTERN, at ?rate= bytes a second; chunked with ?chunked=1."""
    total = number(request, "bytes", 1024 * 1024)
    if total > MAX_BLOB_BYTES:
        raise web.HTTPBadRequest
    rate = number(request, "rate", 0)
    tag = f'"blob-{total}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    response = web.StreamResponse(headers={"ETag": tag})
    response.content_type = "application/octet-stream"
    if request.query.get("chunked"):
        response.enable_chunked_encoding()
    else:
        response.content_length = total
    try:
        await response.prepare(request)
        for offset in range(0, total, BLOCK_BYTES):
            size = min(BLOCK_BYTES, total - offset)
            await response.write(pattern(offset, size))
            if rate:
                await asyncio.sleep(size / rate)
        await response.write_eof()
    except ConnectionError:
        pass
    return response


def pattern(offset: int, size: int) -> bytes:
    """Bytes `offset` to `offset + size` of every blob; at most BLOCK_BYTES of them."""
    start = offset % 251
    return PATTERN[start:start + size]


async def echo(request: web.Request) -> web.Response:
    """What arrived, counted and hashed; read at ?rate= bytes a second to see back-pressure."""
    rate = number(request, "rate", 0)
    digest, count = hashlib.sha256(), 0
    async for piece in request.content.iter_any():
        digest.update(piece)
        count += len(piece)
        if rate:
            await asyncio.sleep(len(piece) / rate)
    return web.json_response({**as_seen(request), "bytes": count, "sha256": digest.hexdigest()})


async def headers(request: web.Request) -> web.Response:
    return web.json_response(as_seen(request))


def as_seen(request: web.Request) -> dict:
    """The request line and the headers, in order and in their own spelling."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return {
        "method": request.method,
        "target": request.raw_path,
        "version": f"{request.version.major}.{request.version.minor}",
        "client": f"{peer[0]}:{peer[1]}" if peer else "",
        "headers": [[name.decode("latin-1"), value.decode("latin-1")]
                    for name, value in request.raw_headers],
    }


def number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise web.HTTPBadRequest
    return int(value)
