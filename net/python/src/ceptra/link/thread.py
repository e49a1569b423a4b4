"""The background thread with the asyncio loop that does all I/O."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent import futures
from typing import Any, TypeVar

from ceptra.errors import CeptraError, ClosedError, DeadlineExceeded

T = TypeVar("T")

STOP_SECONDS_MAX = 5.0


class LoopThread:
    """Runs until `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="ceptra", daemon=True)
        self._is_stopped = False
        self._thread.start()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Runs a coroutine on the loop and waits for it. Raises `DeadlineExceeded`."""
        if self._is_stopped:
            work.close()
            raise ClosedError("the client is closed")
        if threading.current_thread() is self._thread:
            work.close()
            raise CeptraError("called from a callback of a future: hand it to another thread")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except futures.CancelledError:
            raise ClosedError("the client was closed meanwhile") from None
        except futures.TimeoutError as error:
            if future.done():
                raise
            future.cancel()
            raise DeadlineExceeded(f"no answer within {timeout} s") from error

    def call(self, work: Callable[[], None]) -> None:
        """Calls something on the loop soon, in the order of these calls."""
        if self._is_stopped:
            raise ClosedError("the client is closed")
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:
            raise ClosedError("the client is closed") from None

    def stop(self) -> None:
        """Ends the thread and everything on the loop."""
        if not self._is_stopped:
            self._is_stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_SECONDS_MAX)
