"""Numbers that go to a peer and come back, for as long as something is done to turnd: none may be lost."""

import threading

from turnd import Peer

CHANNEL = 0x4000


class Echo(threading.Thread):
    """A peer that sends everything back."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peer = Peer()
        self.peer.socket.settimeout(0.1)
        self._ends = threading.Event()

    def run(self):
        while not self._ends.is_set():
            try:
                self.peer.send(*self.peer.receive())
            except TimeoutError:
                pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self._ends.set()
        self.join()
        self.peer.socket.close()


class Flow(threading.Thread):
    """Numbers from a client to its peer and back; the next one goes when one has come, so that nothing is lost but by us."""

    def __init__(self, client, peer):
        super().__init__(daemon=True)
        self.client, self.passed, self.wrong = client, 0, None
        client.allocate()
        client.bind(CHANNEL, peer)
        self._ends = threading.Event()

    def run(self):
        while not self._ends.is_set() and self.wrong is None:
            number = self.passed.to_bytes(8, "big")
            self.client.send_channel(CHANNEL, number)
            try:
                came = self.client.receive_channel(CHANNEL)
            except (OSError, AssertionError) as error:
                self.wrong = f"{self.client.socket} number {self.passed}: {error!r}"
                return
            if came != number:
                self.wrong = f"number {self.passed}: {came!r} came"
            self.passed += 1

    def end(self):
        self._ends.set()
        self.join()
        assert self.wrong is None, self.wrong
