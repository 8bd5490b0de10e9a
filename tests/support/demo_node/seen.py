"""What the node was asked: counters, and the last requests for tests to look at."""

from collections import Counter, deque

from aiohttp import web

from demo_node.webapp import as_seen

MAX_KEPT = 1000
MAX_COUNTED_PATHS = 1000


class Record:
    def __init__(self):
        self.clear()

    def clear(self) -> None:
        self.total = 0
        self.in_progress = 0
        self.by_path: Counter = Counter()
        self.by_status: Counter = Counter()
        self.last: deque[dict] = deque(maxlen=MAX_KEPT)

    @property
    def middleware(self):
        @web.middleware
        async def record(request: web.Request, handler) -> web.StreamResponse:
            self.total += 1
            if request.path in self.by_path or len(self.by_path) < MAX_COUNTED_PATHS:
                self.by_path[request.path] += 1
            entry = as_seen(request) | {"path": request.path, "status": None}
            self.last.append(entry)
            self.in_progress += 1
            status = 500
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as answer:
                status = answer.status
                raise
            finally:
                self.in_progress -= 1
                entry["status"] = status
                self.by_status[str(status)] += 1

        return record
