"""A program as a person at a terminal sees it."""

import os
import pty
import select
import time

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
        while not self.shown[begin:].rstrip().endswith(prompt):
            assert time.monotonic() < end, f"{prompt!r} did not come:\n{self.shown}"
            if select.select([self._descriptor], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._descriptor, 65536).decode(errors="replace").replace("\r\n", "\n")
                except OSError:
                    break
        return self.shown[begin:]

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
