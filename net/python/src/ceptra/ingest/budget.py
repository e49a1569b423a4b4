"""How much may wait in this process: bytes of frames that were given and have no outcome yet."""

from __future__ import annotations

import threading

from ceptra.errors import DeadlineExceeded


class Budget:
    """Blocks callers while too much waits. One that alone is too large goes when nothing waits."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = 0
        self._changed = threading.Condition()

    def take(self, count: int, timeout: float | None) -> None:
        """Waits for room. Raises `DeadlineExceeded`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(count), timeout):
                text = f"{self._held} bytes of rows wait for the server; nothing was sent"
                raise DeadlineExceeded(text)
            self._held += count

    def _has_room(self, count: int) -> bool:
        return self._held == 0 or self._held + count <= self._bytes_max

    def release(self, count: int) -> None:
        """Gives room back."""
        with self._changed:
            self._held -= count
            self._changed.notify_all()
