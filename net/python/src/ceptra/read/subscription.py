"""A subscription, as its reader holds it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ceptra.errors import CeptraError, ClosedError, DeadlineExceeded
from ceptra.link.cluster import Cluster
from ceptra.link.thread import LoopThread
from ceptra.read.delivered import Delivered
from ceptra.read.feed import Feed
from ceptra.wire.codes import Start
from ceptra.wire.values import Position, Window


class Subscription(Iterator[Delivered]):
    """Batches of rows as they come; in order within each partition.

    Rows count as handled, and make room for more, when the next batch is asked for. After a lost
    connection it goes on by itself after the last row that came.
    """

    def __init__(
        self,
        thread: LoopThread,
        cluster: Cluster,
        stream: str,
        partitions: Sequence[int],
        start: Start | Position | Mapping[int, Position],
        window: Window,
        timeout: float | None,
    ) -> None:
        self._thread = thread
        self._timeout = timeout
        self._changed = threading.Condition()
        self._queue: deque[tuple[Feed, Delivered, int]] = deque()
        self._error: CeptraError | None = None
        self._is_closed = False
        self._given: tuple[Feed, int, int] | None = None
        self._feeds: list[Feed] = []

        async def begin() -> None:
            for partition in partitions:
                self._feeds.append(self._feed(cluster, stream, partition, start, window))

        thread.run(begin())

    def _feed(
        self,
        cluster: Cluster,
        stream: str,
        partition: int,
        start: Start | Position | Mapping[int, Position],
        window: Window,
    ) -> Feed:
        def deliver(batch: Delivered, taken: int) -> None:
            with self._changed:
                self._queue.append((feed, batch, taken))
                self._changed.notify()

        own = start.get(partition, Start.EARLIEST) if isinstance(start, Mapping) else start
        feed = Feed(cluster, stream, partition, own, window, deliver, self._fail)
        return feed

    def _fail(self, error: CeptraError) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    def __next__(self) -> Delivered:
        self._handled()
        with self._changed:
            ready = self._changed.wait_for(self._is_ready, self._timeout)
            if not self._queue:
                if self._is_closed:
                    raise StopIteration
                if self._error is not None:
                    raise self._error
                if not ready:
                    raise DeadlineExceeded(f"no rows within {self._timeout} s; ask again")
            feed, batch, taken = self._queue.popleft()
        self._given = (feed, batch.rows.num_rows, taken)
        return batch

    def _is_ready(self) -> bool:
        return bool(self._queue or self._error or self._is_closed)

    def _handled(self) -> None:
        """The batch before makes room for more."""
        if self._given is not None:
            feed, rows, taken = self._given
            self._given = None
            try:
                self._thread.call(lambda: feed.handled(rows, taken))
            except ClosedError:
                self.close()

    @property
    def watermarks(self) -> dict[int, int | None]:
        """For each partition: no earlier event time will come, late ones apart; None if unknown."""
        return {feed.partition: feed.watermark_ns for feed in self._feeds}

    def close(self) -> None:
        """Ends the subscription; the iteration stops after what has come."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()

        def on_loop() -> None:
            for feed in self._feeds:
                feed.close()

        try:
            self._thread.call(on_loop)
        except ClosedError:
            return

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.close()
