"""Acks that come when the test says so."""

from __future__ import annotations

import time

from ceptra.wire.append import Ack, Append
from ceptra.wire.codec import Message
from fake.server import FakeServer, Peer


class Held:
    """Acks that are held back."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.waiting: list[tuple[Peer, int, Append, Ack]] = []

    def __call__(self, peer: Peer, request: int, message: Message) -> None:
        assert isinstance(message, Append)
        with self.server.model.lock:
            self.waiting.append((peer, request, message, self.server.model.apply(message)))

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.waiting) < count:
            assert time.monotonic() < deadline, f"{len(self.waiting)} of {count} came"
            time.sleep(0.005)

    def release(self) -> None:
        with self.server.model.lock:
            for peer, request, append, ack in self.waiting:
                peer.ack(request, append, ack)
            self.waiting.clear()
