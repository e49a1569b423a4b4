"""The credit window of one partition on one connection.

A level, not a sum: the newest number holds. What is under way is what was sent and is not answered.
"""

from __future__ import annotations

from asyncio import Event

from ceptra.wire.values import Window

# After a window of 0, a single append may be tried when so much time has gone by.
PROBE_SECONDS = 1.0


class Gate:
    """Lets appends through as the window allows. `now` is in seconds of the loop's clock."""

    def __init__(self, window: Window, now: float) -> None:
        self.window = window
        self.under_way = Window()
        self._probe_at = now + PROBE_SECONDS
        self._watchers: set[Event] = set()

    def admits(self, following: Window, now: float) -> bool:
        """Whether an append may be sent now."""
        if self.window.admits(self.under_way, following):
            return True
        is_shut = self.window.events == 0 or self.window.bytes == 0
        return is_shut and self.under_way == Window() and now >= self._probe_at

    def probe_in(self, now: float) -> float | None:
        """Seconds until a shut window may be tried; None when it is open."""
        if self.window.events and self.window.bytes:
            return None
        return max(self._probe_at - now, 0.001)

    def update(self, window: Window, now: float, retry_after_ms: int = 0) -> None:
        """The server gave a new window."""
        self.window = window
        self._probe_at = now + (retry_after_ms / 1000 or PROBE_SECONDS)
        self.tell()

    def sent(self, append: Window) -> None:
        """An append is under way."""
        events, taken = self.under_way.events + append.events, self.under_way.bytes + append.bytes
        self.under_way = Window(events, taken)

    def answered(self, append: Window) -> None:
        """It is no more."""
        events, taken = self.under_way.events - append.events, self.under_way.bytes - append.bytes
        self.under_way = Window(events, taken)
        self.tell()

    def watch(self, event: Event) -> None:
        """`event` is set whenever the gate may let more through."""
        self._watchers.add(event)

    def unwatch(self, event: Event) -> None:
        """No longer."""
        self._watchers.discard(event)

    def tell(self) -> None:
        """Wakes who watches."""
        for event in self._watchers:
            event.set()
