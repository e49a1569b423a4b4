"""The appends of one producer in one partition, in order, each until it is answered for good.

Invariants:
- Batches are sent in the order in which they were given; after a failure, from the first one that
  is not done.
- A batch keeps its numbers while it may have been applied. Numbers change only when the server said
  that neither it nor anything behind it was taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from dataclasses import dataclass

from ceptra.errors import CeptraError, ClosedError, PermanentError, UnknownStream, error_of
from ceptra.ingest.batch import Batch
from ceptra.ingest.flight import Flight
from ceptra.ingest.outcome import Rejected
from ceptra.link.backoff import Backoff
from ceptra.link.cluster import Cluster
from ceptra.wire.codes import Feature, Reason, Status
from ceptra.wire.values import Failure


def new_producer() -> int:
    """64 random bits, not 0."""
    return secrets.randbits(64) or 1


@dataclass(frozen=True)
class LaneKey:
    """What a lane is for. `producer` None: rows with opaque ids."""

    producer: int | None
    replay: bool
    space: int
    partition: int


class Lane:
    """Runs on the loop. `is_given`: the caller chose the producer, so it is never changed."""

    def __init__(self, cluster: Cluster, key: LaneKey, is_given: bool, next_sequence: int) -> None:
        self.key = key
        self.next_sequence = next_sequence
        self.last_error: CeptraError | None = None
        self._cluster = cluster
        self._producer = key.producer or 0
        self._is_given = is_given
        self._is_renewed = False
        self._waiting: deque[Batch] = deque()
        self._order = 0
        self._flight: Flight | None = None
        self._has_work = asyncio.Event()
        self._backoff = Backoff()
        self._task = asyncio.ensure_future(self._run())

    def add(self, batch: Batch) -> None:
        """One more batch; it gets the next numbers."""
        batch.order, self._order = self._order, self._order + 1
        batch.first_sequence = 0 if batch.event_ids else self.next_sequence
        if not batch.event_ids:
            self.next_sequence += batch.count
        self._waiting.append(batch)
        self._has_work.set()
        if self._flight is not None:
            self._flight.changed.set()

    def close(self) -> None:
        """Ends the lane; what is not answered fails."""
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._has_work.wait()
                await self._once()
                if not self._waiting:
                    self._has_work.clear()
        finally:
            self._fail_all(ClosedError("the client was closed before the server answered"))

    async def _once(self) -> None:
        """One flight and what follows from it."""
        space, partition = self.key.space, self.key.partition
        try:
            connection = await self._cluster.leader(space, partition)
            if not connection.has(self._features()):
                text = f"{connection.address} does not take such appends"
                raise error_of(Failure(Status.PERMANENT_UNSUPPORTED, text))
        except (PermanentError, UnknownStream, ClosedError) as error:
            self._fail_all(error)
            return
        except CeptraError as error:
            await self._missed(error)
            return
        gate = connection.gate(space, partition)
        flight = Flight(connection, gate, partition, self.key.replay, self._waiting)
        self._flight = flight
        try:
            await flight.run(self._producer, self._cluster.routing.epoch)
        finally:
            self._flight = None
            for batch in sorted(flight.returned, key=lambda one: one.order, reverse=True):
                self._waiting.appendleft(batch)
        if flight.made_progress:
            self._backoff.reset()
            self._is_renewed = False
        if self._waiting:
            await self._recover(flight)

    def _features(self) -> Feature:
        features = Feature.APPEND
        if self.key.producer is None:
            features |= Feature.OPAQUE_IDS
        return features | Feature.REPLAY if self.key.replay else features

    async def _missed(self, error: CeptraError) -> None:
        """No connection could be had."""
        self.last_error = error
        self._expire()
        await asyncio.sleep(self._backoff.seconds())
        with contextlib.suppress(CeptraError):
            await self._cluster.refresh()

    async def _recover(self, flight: Flight) -> None:
        """Looks at what stopped a flight, and waits as long as it asks for."""
        head = self._waiting[0]
        failures = [batch.failure for batch in flight.returned if batch.failure is not None]
        for failure in failures:
            if failure.redirect:
                self._cluster.moved(self.key.space, self.key.partition, failure.redirect)
        if flight.lost is not None or any(self._wants_routing(failure) for failure in failures):
            with contextlib.suppress(CeptraError):
                await self._cluster.refresh()
        stopped = head.failure
        if stopped is not None:
            self.last_error = error_of(stopped)
            if not stopped.is_transient:
                if not self._mend(head, stopped):
                    self._fail(head, stopped)
                return
        elif head.is_gapped:
            self._close_gap(head)
            return
        elif flight.lost is not None:
            self.last_error = flight.lost
            self._expire()
        is_first = self._backoff.failures == 0
        wait = self._backoff.seconds(stopped.retry_after_ms if stopped is not None else 0)
        if not (is_first and stopped is not None and stopped.redirect):
            await asyncio.sleep(wait)

    def _wants_routing(self, failure: Failure) -> bool:
        return failure.routing_epoch > self._cluster.routing.epoch or failure.status in (
            Status.PERMANENT_SCHEMA,
            Status.PERMANENT_EPOCH,
        )

    def _mend(self, batch: Batch, failure: Failure) -> bool:
        """Whether a newer routing table makes another try worth while."""
        if failure.status == Status.PERMANENT_EPOCH:
            return self._cluster.routing.epoch > batch.routing_epoch
        if failure.status != Status.PERMANENT_SCHEMA:
            return False
        stream = self._cluster.find(batch.stream.name)
        if stream is None or stream.space != self.key.space:
            return False
        if (stream.id, stream.schema_version) == (batch.stream.id, batch.stream.schema_version):
            return False
        try:
            batch.rewrite(stream)
        except CeptraError:
            return False
        return True

    def _fail(self, batch: Batch, failure: Failure) -> None:
        """The first batch failed for good. Surely not applied, it gives its numbers away."""
        self._waiting.popleft()
        batch.fail(error_of(failure))
        if not batch.was_lost and not batch.event_ids:
            self._renumber(batch.first_sequence)

    def _close_gap(self, batch: Batch) -> None:
        """The server lacks rows that are done here: it took none of what waits.

        It forgot the producer, or a batch failed of which nobody knows whether it was applied.
        """
        if self._is_given or self._is_renewed:
            self._waiting.popleft()
            text = "the server lacks earlier rows of this producer: use a new one"
            batch.give_up(Rejected(Reason.SEQUENCE_GAP, text))
            return
        self._producer = new_producer()
        self._is_renewed = True
        self._renumber(0)

    def _renumber(self, first: int) -> None:
        for batch in self._waiting:
            batch.first_sequence = first
            batch.was_lost = False
            first += batch.count
        self.next_sequence = first

    def _expire(self) -> None:
        """Gives up on batches that no server would take any more."""
        window_ns = self._cluster.retry_window_ms * 1_000_000
        while window_ns and self._waiting and self._waiting[0].first_sent_ns:
            if time.time_ns() - self._waiting[0].first_sent_ns <= window_ns:
                return
            text = "first sent too long ago: whether it was applied is not known"
            self._fail(self._waiting[0], Failure(Status.PERMANENT_RETRY_EXPIRED, text))

    def _fail_all(self, error: CeptraError) -> None:
        first, renumber = 0, False
        while self._waiting:
            batch = self._waiting.popleft()
            if not batch.was_lost and not batch.event_ids and not renumber:
                first, renumber = batch.first_sequence, True
            batch.fail(type(error)(*_arguments(error)))
        if renumber:
            self.next_sequence = first


def _arguments(error: CeptraError) -> tuple[object, ...]:
    """What makes the same error once more: each future has its own."""
    failure = getattr(error, "failure", None)
    return (failure,) if failure is not None else (str(error),)
