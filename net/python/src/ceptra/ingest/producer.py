"""Appends with pipelining: what callers hold."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ceptra.errors import DeadlineExceeded, RowError
from ceptra.ingest.batch import ID_BYTES, Batch, Collector
from ceptra.ingest.lane import LaneKey, new_producer
from ceptra.ingest.outcome import AppendResult
from ceptra.ingest.rows import Rows, batch_of
from ceptra.ingest.split import Piece, by_partition, pieces_of

if TYPE_CHECKING:
    from ceptra.ingest.lanes import Lanes

EventId = uuid.UUID | int | bytes


class Producer:
    """Sends rows to one stream, in order within each partition.

    Every row gets a number of this producer, so a row that is sent again is applied once. A
    producer that outlives its process needs `producer_id` and `resume`: what `sequences` told when
    its last rows were answered.
    """

    def __init__(
        self,
        lanes: Lanes,
        stream: str,
        producer_id: int | None,
        replay: bool,
        resume: Mapping[int, int] | None,
        timeout: float | None,
    ) -> None:
        if producer_id is not None and not 0 < producer_id < 1 << 64:
            raise ValueError("a producer id has 64 bits and is not 0")
        self.id = new_producer() if producer_id is None else producer_id
        self.stream = stream
        self.replay = replay
        self._is_given = producer_id is not None
        self._resume = dict(resume or {})
        self._lanes = lanes
        self._timeout = timeout
        self._turn = itertools.count()
        self._changed = threading.Condition()
        self._open = 0
        self._error: BaseException | None = None

    def append(
        self,
        rows: Rows,
        *,
        ids: Sequence[EventId] | None = None,
        timeout: float | None = None,
    ) -> Future[AppendResult]:
        """Takes rows; the future has one outcome a row, in their order.

        Blocks while too much waits for the server, at most `timeout` seconds. `ids` are opaque
        event ids, one a row, instead of numbers of the producer: UUIDs, numbers of 128 bits, or
        their 16 bytes in the order of a UUID.
        """
        stream, space, partitioner = self._lanes.target(self.stream)
        batch = batch_of(stream, rows)
        collector = Collector(batch.num_rows)
        given = None if ids is None else _id_bytes(ids, batch.num_rows)
        split = by_partition(stream, space, partitioner, batch, next(self._turn))
        pieces = list(pieces_of(stream, batch, split, self._lanes.message_bytes_max))
        held = sum(len(piece.frame) for piece in pieces)
        self._lanes.budget.take(held, self._timeout if timeout is None else timeout)
        with self._changed:
            self._open += 1
        collector.future.add_done_callback(self._answered)
        for piece in pieces:
            own = b"" if given is None else b"".join(given[at] for at in piece.at)
            batched = Batch(stream, piece, own, collector, self._lanes.budget.release)
            self._lanes.add(self._key(piece, space.id, given is None), batched, *self._begin(piece))
        return collector.future

    def _key(self, piece: Piece, space: int, is_numbered: bool) -> LaneKey:
        return LaneKey(self.id if is_numbered else None, self.replay, space, piece.partition)

    def _begin(self, piece: Piece) -> tuple[bool, int]:
        return self._is_given, self._resume.get(piece.partition, 0)

    def _answered(self, future: Future[AppendResult]) -> None:
        with self._changed:
            self._open -= 1
            self._error = self._error or future.exception()
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> None:
        """Waits until all rows are answered. Raises the first error since the last flush."""
        wait = self._timeout if timeout is None else timeout
        deadline = None if wait is None else time.monotonic() + wait
        with self._changed:
            while self._open:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise DeadlineExceeded(f"{self._open} appends are not answered yet")
                self._changed.wait(left)
            error, self._error = self._error, None
        if error is not None:
            raise error

    def sequences(self) -> dict[int, int]:
        """For each partition the number of the next row."""
        known = self._lanes.sequences(self.id, self.replay, self.stream)
        return {**self._resume, **known}

    def close(self, timeout: float | None = None) -> None:
        """Flushes, and forgets the producer: for those that live shorter than the client."""
        try:
            self.flush(timeout)
        finally:
            self._lanes.drop(self.id, self.replay)

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self.close()


def _id_bytes(ids: Sequence[EventId], count: int) -> list[bytes]:
    """Each id as 16 bytes, little-endian."""
    if len(ids) != count:
        raise RowError(f"{len(ids)} ids for {count} rows")
    return [_id(one) for one in ids]


def _id(event_id: EventId) -> bytes:
    if isinstance(event_id, bytes):
        if len(event_id) != ID_BYTES:
            raise RowError(f"an id of {len(event_id)} bytes; 16 are needed")
        return event_id[::-1]
    number = event_id.int if isinstance(event_id, uuid.UUID) else event_id
    if not 0 <= number < 1 << 128:
        raise RowError(f"id {number} does not have 128 bits")
    return number.to_bytes(ID_BYTES, "little")


def result_of(future: Future[AppendResult], timeout: float | None) -> AppendResult:
    """The outcomes, or `DeadlineExceeded` with the future, which goes on."""
    try:
        return future.result(timeout)
    except futures.TimeoutError as error:
        if future.done():
            raise
        raise _late(future) from error


def _late(future: Future[AppendResult]) -> DeadlineExceeded:
    text = "the server did not answer in time; the rows may still be applied, see `pending`"
    return DeadlineExceeded(text, future)
