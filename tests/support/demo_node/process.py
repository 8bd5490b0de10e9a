"""Runs demo nodes as processes, for tests: start, steer, end. Standard library only."""

import json
import subprocess
import tempfile
import urllib.request
from pathlib import Path

PROGRAM = Path(__file__).parent
START_LINE = "demo-node "
END_SECONDS = 10


class DemoNode:
    """with DemoNode("--pin", "99", name="node2") as node: … node.url … node.fault(kind="hang")"""

    def __init__(self, *flags: str, name: str = "node1", listen: str = "127.0.0.1:0"):
        self.name = name
        self._flags = flags
        self._listen = listen
        self._process: subprocess.Popen | None = None
        self._state = tempfile.TemporaryDirectory(prefix="demo-node-")
        self.url = ""
        self.control_url = ""

    def start(self) -> "DemoNode":
        self._process = subprocess.Popen(
            ["/usr/bin/python3", str(PROGRAM), "--name", self.name, "--listen", self._listen,
             "--control", "127.0.0.1:0", "--state", self._state.name, *self._flags],
            stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line.startswith(START_LINE):
            self.kill()
            raise RuntimeError(f"the demo node {self.name} did not start")
        values = dict(word.split("=", 1) for word in line.split()[1:])
        self.url, self.control_url = values["url"], values["control"]
        return self

    @property
    def host(self) -> str:
        return self.url.removeprefix("https://").rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        return self._wait()

    def kill(self) -> int:
        """SIGKILL: what a crashed node looks like."""
        self._process.kill()
        return self._wait()

    def restart(self) -> "DemoNode":
        """Starts again on the same port, without any memory of tokens."""
        self._listen = self.url.removeprefix("https://")
        return self.start()

    def state(self) -> dict:
        return self.control("GET", "state")

    def requests(self) -> list[dict]:
        return self.control("GET", "requests")

    def maintenance(self, on: bool = True) -> None:
        self.control("POST", "maintenance", {"on": on})

    def listener(self, mode: str) -> None:
        self.control("POST", "listener", {"mode": mode})

    def fault(self, **fields) -> None:
        self.control("POST", "faults", fields)

    def control(self, method: str, path: str, fields: dict | None = None):
        request = urllib.request.Request(
            f"{self.control_url}/_demo/{path}", method=method,
            data=None if fields is None else json.dumps(fields).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def _wait(self) -> int:
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process.stdout.close()
        return code

    def __enter__(self) -> "DemoNode":
        return self.start()

    def __exit__(self, *_error) -> None:
        if self._process and self._process.returncode is None:
            self.stop()
