"""One partition of a subscription, on the loop: subscribes, delivers, comes back after a loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ceptra.errors import (
    CeptraError,
    ClosedError,
    ConnectionLost,
    FrameError,
    PermanentError,
    ProtocolError,
    UnknownStream,
    error_of,
)
from ceptra.frame import open_frame
from ceptra.link.backoff import Backoff
from ceptra.link.cluster import Cluster
from ceptra.link.connection import Connection
from ceptra.read.conform import conform
from ceptra.read.delivered import Delivered
from ceptra.wire.codec import Message
from ceptra.wire.codes import Feature, Start, Status
from ceptra.wire.columns import Column
from ceptra.wire.session import Cancel, Error
from ceptra.wire.subscribe import Allow, Delivery, Subscribe, Subscribed, SubscriptionEnd
from ceptra.wire.values import ORIGIN, Failure, Position, Window

# So often in a row the server may send something malformed, or refuse an epoch.
MALFORMED_MAX = 5
SUBSCRIBED_SECONDS_MAX = 30.0


class Feed:
    """Hands rows to `deliver(rows, bytes)`, and its end to `fail`: the first call counts."""

    def __init__(
        self,
        cluster: Cluster,
        stream: str,
        partition: int,
        start: Start | Position,
        window: Window,
        deliver: Callable[[Delivered, int], None],
        fail: Callable[[CeptraError], None],
    ) -> None:
        self.partition = partition
        self.watermark_ns: int | None = None
        # The last row that came, or the place after which the first one comes.
        self.last: Position | None = start if isinstance(start, Position) else None
        self._start = Start.AFTER if isinstance(start, Position) else start
        self._cluster, self._stream = cluster, stream
        self._window = window
        self._deliver, self._fail = deliver, fail
        self._held = Window()
        self._session: _Session | None = None
        self._backoff = Backoff()
        self._malformed = 0
        self._task = asyncio.ensure_future(self._run())

    def room(self) -> Window:
        """How much more may be held for the reader."""
        return Window(
            max(self._window.events - self._held.events, 0),
            max(self._window.bytes - self._held.bytes, 0),
        )

    def handled(self, rows: int, taken: int) -> None:
        """The reader has done with some rows."""
        self._held = Window(self._held.events - rows, self._held.bytes - taken)
        if self._session is not None:
            self._session.allow()

    def close(self) -> None:
        """Ends it."""
        self._task.cancel()
        if self._session is not None:
            self._session.cancel()

    async def _run(self) -> None:
        try:
            await self._until_refused()
        finally:
            self._fail(ClosedError("the client is closed"))

    async def _until_refused(self) -> None:
        while True:
            try:
                await self._once()
            except ClosedError:
                return
            except (PermanentError, UnknownStream) as error:
                if not await self._mend(error):
                    self._fail(error)
                    return
            except ProtocolError as error:
                self._malformed += 1
                if self._malformed >= MALFORMED_MAX:
                    self._fail(error)
                    return
            except CeptraError as error:
                await self._missed(error)
            await asyncio.sleep(self._backoff.seconds())

    async def _once(self) -> None:
        """Subscribes once, until that ends; raises why."""
        stream = await self._cluster.stream(self._stream)
        connection = await self._cluster.leader(stream.space, self.partition)
        if not connection.has(Feature.SUBSCRIBE):
            text = f"{connection.address} offers no subscriptions"
            raise error_of(Failure(Status.PERMANENT_UNSUPPORTED, text))
        session = _Session(self, connection)
        session.request = connection.request(
            Subscribe(
                stream=stream.id,
                partition=self.partition,
                routing_epoch=self._cluster.routing.epoch,
                start=self._start if self.last is None else Start.AFTER,
                after=self.last,
                allowed=session.allowed,
            ),
            session,
        )
        self._session = session
        try:
            await session.wait()
        except CeptraError as error:
            failure: Failure | None = getattr(error, "failure", None)
            if failure is not None and failure.redirect:
                self._cluster.moved(stream.space, self.partition, failure.redirect)
            raise
        finally:
            self._session = None

    async def _mend(self, error: CeptraError) -> bool:
        """Whether a newer routing table makes another try worth while."""
        failure: Failure | None = getattr(error, "failure", None)
        if failure is None or failure.status != Status.PERMANENT_EPOCH:
            return False
        known = self._cluster.routing.epoch
        with contextlib.suppress(CeptraError):
            await self._cluster.refresh()
        return self._cluster.routing.epoch > known

    async def _missed(self, error: CeptraError) -> None:
        failure: Failure | None = getattr(error, "failure", None)
        if failure is not None:
            await asyncio.sleep(failure.retry_after_ms / 1000)
        if failure is None or failure.routing_epoch > self._cluster.routing.epoch:
            with contextlib.suppress(CeptraError):
                await self._cluster.refresh()

    def subscribed(self, after: Position) -> None:
        """The server told where it begins: not behind what was asked for."""
        if self.last is None:
            self.last = after
        elif after > self.last:
            raise ProtocolError(f"a subscription begins after {after}, not {self.last}")

    def _check_order(self, delivery: Delivery) -> None:
        """Rows come in order of position, and none twice."""
        last = self.last
        for run in delivery.positions:
            first = Position(run.index, run.ordinal)
            if last is not None and first <= last and last != ORIGIN:
                raise ProtocolError(f"the row at {first} comes after that at {last}")
            last = Position(run.index, run.ordinal + run.count - 1)

    def delivered(self, delivery: Delivery, columns: tuple[Column, ...]) -> None:
        """Rows came, or news of the watermark."""
        if delivery.watermark_ns is not None:
            self.watermark_ns = delivery.watermark_ns
        if not delivery.rows:
            return
        try:
            frame = open_frame(delivery.rows)
            if frame.rows != delivery.count:
                raise FrameError(f"a frame of {frame.rows} rows for {delivery.count} positions")
            rows = conform(frame, columns)
        except FrameError as error:
            raise ProtocolError(f"rows of a subscription: {error}") from error
        batch = Delivered.of(self.partition, rows, delivery)
        self._check_order(delivery)
        taken = len(delivery.rows)
        self._held = Window(self._held.events + frame.rows, self._held.bytes + taken)
        self.last = batch.last
        self._backoff.reset()
        self._malformed = 0
        self._deliver(batch, taken)


class _Session:
    """One subscription on one connection."""

    def __init__(self, feed: Feed, connection: Connection) -> None:
        self.request = 0
        self.allowed = feed.room()
        self._feed, self._connection = feed, connection
        self._sent = Window()
        self._columns: tuple[Column, ...] | None = None
        self._subscribed = asyncio.Event()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Until the end; raises why."""
        try:
            await asyncio.wait_for(self._subscribed.wait(), SUBSCRIBED_SECONDS_MAX)
        except asyncio.TimeoutError:
            self.cancel()
            raise ConnectionLost(f"{self._connection.address} did not answer Subscribe") from None
        await self._end

    def allow(self) -> None:
        """Lets the server send more, when half of what it may has been used."""
        room, window = self._feed.room(), self._feed._window
        allowed = Window(self._sent.events + room.events, self._sent.bytes + room.bytes)
        used_rows = 2 * (self.allowed.events - self._sent.events) <= window.events
        used_bytes = 2 * (self.allowed.bytes - self._sent.bytes) <= window.bytes
        if (used_rows or used_bytes) and allowed != self.allowed and self._columns is not None:
            self.allowed = allowed
            self._connection.send(self.request, Allow(allowed))

    def cancel(self) -> None:
        """Tells the server that nobody listens any more."""
        self._connection.forget(self.request)
        self._connection.send(self.request, Cancel())

    def receive(self, message: Message) -> bool:
        if isinstance(message, Subscribed):
            self._columns = message.columns
            self._feed.subscribed(message.after)
            self._subscribed.set()
            self.allow()
            return False
        if isinstance(message, Delivery) and self._columns is not None:
            self._sent = Window(
                self._sent.events + message.count, self._sent.bytes + len(message.rows)
            )
            if self._sent.events > self.allowed.events:
                raise ProtocolError("a subscription sent more rows than it was allowed")
            self._feed.delivered(message, self._columns)
            return False
        if not isinstance(message, SubscriptionEnd | Error):
            raise ProtocolError(f"{message.KIND.name} answers a subscription")
        if message.failure.is_ok:
            self.lost(ConnectionLost("the server ended the subscription"))
        else:
            self.lost(error_of(message.failure))
        return True

    def lost(self, error: CeptraError) -> None:
        self._subscribed.set()
        if not self._end.done():
            self._end.set_exception(error)
            self._end.exception()
