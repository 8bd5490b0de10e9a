"""The processes of the quickstart: started, watched, and ended by their ids."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 15
END_SECONDS = 5


class DidNotStart(Exception):
    pass


class Programs:
    def __init__(self, folder, logs):
        self.folder = folder  # of rproxyd and turnd
        self.logs = logs
        self.logs.mkdir(exist_ok=True)
        self._running = {}  # name -> Popen

    def start_node(self, layout, number):
        """On the port that it had before, if there was one: a node comes back where it was."""
        name = f"node{number}"
        state = layout.state / name
        state.mkdir(exist_ok=True)
        port_file = state / "port"
        port_file.unlink(missing_ok=True)
        turn = [flag for url in (f"turn:{{host}}:{layout.turn}?transport=udp", f"turn:{{host}}:{layout.turn}?transport=tcp",
                                 f"turns:{{host}}:{layout.turns}?transport=tcp") for flag in ("--turn", url)]
        self._start(name, "/usr/bin/python3", ROOT / "tests/support/demo_node", "--name", name, "--state", state,
                    "--listen", f"127.0.0.1:{layout.nodes.get(name, 0)}", "--port-file", port_file,
                    "--room", layout.ROOM, "--pin", layout.PIN, *turn, "--turn-user", layout.USER, "--turn-password-file", layout.password_file)
        self._wait(name, port_file.exists)
        layout.nodes[name] = int(port_file.read_text())

    def start_daemon(self, name, configuration, listens):
        self._start(name, self.folder / name, "run", "--config", configuration)
        self._wait(name, lambda: all(accepts(address) for address in listens))

    def kill_node(self, name):
        """SIGKILL: what a crash looks like."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end(self, name):
        """SIGTERM; the exit code. After END_SECONDS, SIGKILL."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def log_of(self, name):
        return self._log(name).read_text(errors="replace")

    def wait_for_an_end(self):
        """Returns when a program ends by itself, which none should."""
        while True:
            time.sleep(1)
            for name, process in self._running.items():
                if process.poll() is not None:
                    print(f"✗ {name} ended by itself, with {process.returncode}; its log is {self._log(name)}")
                    return 1

    def end_all(self):
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        end = time.monotonic() + END_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def _start(self, name, *argv):
        with self._log(name).open("w") as log:
            # In a process group of its own, so that Ctrl-C reaches it through us alone; ended by the
            # kernel should we be killed.
            self._running[name] = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *map(str, argv)], stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True, env=os.environ)

    def _wait(self, name, ready):
        end = time.monotonic() + START_SECONDS
        while not ready():
            if self._running[name].poll() is not None:
                raise DidNotStart(f"{name} did not start (exit code {self._running[name].returncode}):\n{self.log_of(name)}")
            if time.monotonic() > end:
                raise DidNotStart(f"{name} was not ready within {START_SECONDS} s:\n{self.log_of(name)}")
            time.sleep(0.02)

    def _log(self, name):
        return self.logs / f"{name}.log"


def accepts(address):
    try:
        socket.create_connection(address, 1).close()
        return True
    except OSError:
        return False
