"""What a line of the benchmark is, and who can serve it. The lines stand in lines_turn.py and lines_http.py."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from machine import Core, Window
from processes import BUILD, Processes


class Server:
    """A server under test, for one run: started on the servers' core, ended with the run."""

    name = ""
    of = ""  # whose variant it is, in a line that grows
    units: int | None = None  # of what grows there
    load: tuple = ()  # for the generator, there
    workers = 1
    core = Core.SERVER

    def __init__(self, folder: Path, processes: Processes):
        self.folder, self.processes = folder, processes

    @classmethod
    def version(cls) -> str:
        raise NotImplementedError

    def start(self, line: "Line") -> None:
        """Returns when it serves."""
        raise NotImplementedError

    def pids(self) -> list[int]:
        """Whose CPU time and memory count."""
        raise NotImplementedError

    def end(self) -> None:
        """What makes its end short."""

    def run(self, *argv) -> subprocess.Popen:
        return self.processes.start(*self.core.prefix(), *argv)

    def window(self, generator: list[int] | None = None) -> Window:
        return Window(self.pids(), self.core, generator)


def grown(server: type[Server], units: int, **attributes) -> type[Server]:
    """The same server, with so many of what grows."""
    return type(f"{server.__name__}{units}", (server,), {"name": f"{server.name}, {units:,}", "of": server.name, "units": units, **attributes})


@dataclass
class Sample:
    """What one run gave."""

    value: float  # in the line's unit
    beside: dict = field(default_factory=dict)  # throughput, latency, memory
    elsewhere: float = 0.0  # the part of the time in which others had the servers' core


@dataclass
class Line:
    name: str  # on the command line
    title: str
    unit: str  # of the figure: "µs a packet"
    servers: Sequence[type[Server]]  # ours first
    measure: Callable[[Server, float], Sample]  # with seconds
    goal: float  # of our figure, as a part of the best rival's
    floor: type[Server] | None = None  # is no rival
    more_is_better: bool = False
    most: float | None = None  # the goal is this figure, whatever the rivals have
    p50_goal: float | None = None  # µs, beside the goal of the figure
    grows: str = ""  # what there is more and more of, from server to server; the goal is how much the cost may grow
    options: dict = field(default_factory=dict)  # that the servers look at
    builds: tuple[str, ...] = ()  # targets of ours

    def all_servers(self) -> list[type[Server]]:
        return [*self.servers, *([self.floor] if self.floor else [])]


class Generator:
    """A program of tests/bench/load, on the generators' core: says "begin" and "end", then what it saw as JSON."""

    def __init__(self, server: Server, program: str, *arguments):
        self._log = (server.folder / f"{program}.log").open("w+")
        self._process = subprocess.Popen([*Core.GENERATOR.prefix(), str(BUILD / "bin" / program), *map(str, arguments)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1)

    def pids(self) -> list[int]:
        return [self._process.pid]

    def wait_for(self, word: str) -> None:
        for said in self._process.stdout:
            if said.strip() == word:
                return
        self._fail()

    def result(self) -> dict:
        if self._process.stdin:
            self._process.stdin.close()
        said = self._process.stdout.read()
        if self._process.wait() != 0 or not said:
            self._fail()
        return json.loads(said)

    def _fail(self):
        self._process.kill()
        self._process.wait()
        self._log.seek(0)
        raise RuntimeError(f"{self._process.args}: {self._log.read()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()


def cost_of_load(server: Server, program: str, *arguments, stretches: int = 1) -> tuple[list[Window], dict]:
    """The servers' CPU time in each stretch between a generator's "begin" and "end", and what that saw."""
    windows = []
    with Generator(server, program, *arguments) as load:
        for _stretch in range(stretches):
            load.wait_for("begin")
            with server.window(load.pids()) as window:
                load.wait_for("end")
            windows.append(window)
        return windows, load.result()


def beside(window: Window, **more) -> dict:
    """Beside the figure; throughput and latency have the names that the report looks for."""
    return {"load": window.load, "memory MB": window.memory / 1e6, **more}
