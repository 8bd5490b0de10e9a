"""A program as a person at a terminal sees it."""

import os
import pty
import select
import time
from pathlib import Path

GUARD_SECONDS = 60


class Terminal:
    def __init__(self, command: list, folder: str | os.PathLike | None = None):
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            if folder is not None:
                os.chdir(folder)
            os.execvp(command[0], [str(each) for each in command])
        self.shown = ""

    def until(self, prompt: str) -> str:
        """What came since the last time."""
        end, begin = time.monotonic() + GUARD_SECONDS, len(self.shown)
        while True:
            waits = self._waits()  # before what it wrote is looked for: nothing comes after that
            if select.select([self._descriptor], [], [], 0)[0]:
                try:
                    self.shown += os.read(self._descriptor, 65536).decode(errors="replace").replace("\r\n", "\n")
                except OSError:
                    break
            elif waits and self.shown[begin:].rstrip().endswith(prompt):
                break
            else:
                time.sleep(0.01)
            assert time.monotonic() < end, f"{prompt!r} did not come:\n{self.shown}"
        return self.shown[begin:]

    def _waits(self) -> bool:
        """Whether the program sleeps, as at a prompt: a line in the midst of its output may look like one."""
        process = os.tcgetpgrp(self._descriptor)
        try:
            while below := Path(f"/proc/{process}/task/{process}/children").read_text().split():
                process = int(below[-1])
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "S"
        except OSError:
            return True  # it is gone: the descriptor tells

    def send(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())

    def type(self, *lines: str) -> str:
        """Each at a prompt of its own; what came after the last."""
        said = ""
        for line in lines:
            self.send(line)
            said = self.until(":")
        return said

    def hang_up(self) -> None:
        os.write(self._descriptor, b"\x04")

    def end(self) -> int:
        """The exit code."""
        while True:
            try:
                more = os.read(self._descriptor, 65536)
            except OSError:
                break
            if not more:
                break
            self.shown += more.decode(errors="replace").replace("\r\n", "\n")
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
