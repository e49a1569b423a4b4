"""Appends of one lane on one connection, in order, until something stops it.

A stop is a failure of any append, a gap, or the end of the connection. Then nothing more is sent,
and the flight is over when the last append under way was answered or lost. So what follows a
failure never overtakes it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from ceptra.errors import CeptraError, ConnectionLost, ProtocolError
from ceptra.ingest.batch import Batch
from ceptra.link.connection import Connection
from ceptra.link.credits import Gate
from ceptra.wire.append import Ack, Append
from ceptra.wire.codec import Message
from ceptra.wire.session import Error
from ceptra.wire.values import Window

# The server gives up after the first, this side closes the connection after the second.
LOG_MS_MAX = 30_000
ANSWER_SECONDS_MAX = 60.0


class Flight:
    """One run of a lane."""

    def __init__(
        self,
        connection: Connection,
        gate: Gate,
        partition: int,
        replay: bool,
        waiting: deque[Batch],
    ) -> None:
        self.changed = asyncio.Event()
        self.made_progress = False
        # Batches that must be sent again.
        self.returned: list[Batch] = []
        self.lost: CeptraError | None = None
        self._connection, self._gate = connection, gate
        self._partition, self._replay = partition, replay
        self._waiting = waiting
        self._under_way: dict[_Sent, None] = {}
        self._loop = asyncio.get_running_loop()

    async def run(self, producer: int, routing_epoch: int) -> None:
        """Sends what waits, until the flight is over."""
        self._gate.watch(self.changed)
        try:
            while True:
                self.changed.clear()
                if self.returned or not self._connection.takes_requests:
                    if not self._under_way:
                        if not self._connection.takes_requests:
                            going = ConnectionLost(f"{self._connection.address} is going away")
                            self.lost = self.lost or self._connection.error or going
                        return
                else:
                    self._send(producer, routing_epoch)
                await self._wait()
        finally:
            self._gate.unwatch(self.changed)

    def _send(self, producer: int, routing_epoch: int) -> None:
        """Sends as much as the window admits."""
        while self._waiting and self._connection.takes_requests:
            batch = self._waiting[0]
            if not self._gate.admits(batch.size, self._loop.time()):
                return
            self._waiting.popleft()
            batch.first_sent_ns = batch.first_sent_ns or time.time_ns()
            batch.routing_epoch = routing_epoch
            batch.failure, batch.is_gapped = None, False
            message = Append(
                stream=batch.stream.id,
                schema_version=batch.stream.schema_version,
                partition=self._partition,
                routing_epoch=routing_epoch,
                producer=0 if batch.event_ids else producer,
                first_sequence=batch.first_sequence,
                event_ids=batch.event_ids,
                first_sent_ns=batch.first_sent_ns,
                replay=self._replay,
                timeout_ms=LOG_MS_MAX,
                rows=batch.frame,
            )
            sent = _Sent(self, batch, self._loop.time())
            self._gate.sent(sent.size)
            self._under_way[sent] = None
            self._connection.request(message, sent)

    async def _wait(self) -> None:
        """Until something changes, a shut window may be tried, or an answer is overdue."""
        now = self._loop.time()
        waits = [] if not self._waiting or self._under_way else [self._gate.probe_in(now)]
        oldest = next(iter(self._under_way), None)
        if oldest is not None:
            waits.append(oldest.sent_at + ANSWER_SECONDS_MAX - now)
        timeout = min((wait for wait in waits if wait is not None), default=None)
        try:
            await asyncio.wait_for(self.changed.wait(), timeout)
        except asyncio.TimeoutError:
            if oldest is not None and self._loop.time() >= oldest.sent_at + ANSWER_SECONDS_MAX:
                text = f"{self._connection.address} did not answer an append"
                self._connection.close(ConnectionLost(text))

    def answered(self, sent: _Sent, message: Message) -> None:
        """An append was answered."""
        batch = sent.batch
        if isinstance(message, Ack):
            failure = message.failure
            if failure is None and sum(run.count for run in message.runs) != batch.count:
                raise ProtocolError(f"an ack of other rows than the {batch.count} that were sent")
        elif isinstance(message, Error):
            failure = message.failure
        else:
            raise ProtocolError(f"{message.KIND.name} answers an append")
        del self._under_way[sent]
        self._gate.answered(sent.size)
        if isinstance(message, Ack):
            after = 0 if failure is None else failure.retry_after_ms
            self._gate.update(message.credits, self._loop.time(), after)
        batch.failure = failure
        if failure is not None or not batch.settle(
            message.runs if isinstance(message, Ack) else ()
        ):
            self.returned.append(batch)
        else:
            self.made_progress = True
        self.changed.set()

    def forsaken(self, sent: _Sent, error: CeptraError) -> None:
        """The connection ended before the answer."""
        del self._under_way[sent]
        sent.batch.was_lost = True
        self.lost = error
        self.returned.append(sent.batch)
        self.changed.set()


class _Sent:
    """One append under way."""

    def __init__(self, flight: Flight, batch: Batch, sent_at: float) -> None:
        self.flight, self.batch, self.sent_at = flight, batch, sent_at
        self.size: Window = batch.size

    def receive(self, message: Message) -> bool:
        self.flight.answered(self, message)
        return True

    def lost(self, error: CeptraError) -> None:
        self.flight.forsaken(self, error)
