"""A subscription on the server's side: sends what is allowed, when there is something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ceptra.frame import encode_frame
from ceptra.wire.codes import Start
from ceptra.wire.subscribe import Delivery, PositionRun, Subscribe, Subscribed, SubscriptionEnd
from ceptra.wire.values import Position, Window

if TYPE_CHECKING:
    from fake.model import Logged, Model
    from fake.server import Peer

DELIVERY_ROWS_MAX = 7


class Feeder:
    """Runs in the thread that appends or allows."""

    def __init__(self, model: Model, peer: Peer, request: int, subscribe: Subscribe) -> None:
        self.model, self.peer, self.request = model, peer, request
        self.stream = model.stream(subscribe.stream)
        self.partition = subscribe.partition
        self.allowed, self.sent = subscribe.allowed, Window()
        self.is_closed = False
        with model.lock:
            log = self._log()
            if subscribe.start == Start.EARLIEST:
                self.after = Position(0, 0)
            elif subscribe.start == Start.LATEST:
                self.after = Position(log[-1].index, log[-1].row) if log else Position(0, 0)
            else:
                assert subscribe.after is not None
                self.after = subscribe.after
            stream = self.stream
            peer.send(
                request,
                Subscribed(stream.schema_version, stream.changelog, stream.columns, self.after),
            )
            model.watchers.append(self.pump)
        self.pump()

    def _log(self) -> list[Logged]:
        log = self.model.logs.get(self.partition, [])
        return [logged for logged in log if logged.stream == self.stream.id]

    def allow(self, allowed: Window) -> None:
        """The client allows more."""
        self.allowed = Window(
            max(self.allowed.events, allowed.events), max(self.allowed.bytes, allowed.bytes)
        )
        self.pump()

    def pump(self) -> None:
        """Sends what may be sent."""
        with self.model.lock:
            while not self.is_closed:
                room = min(self.allowed.events - self.sent.events, DELIVERY_ROWS_MAX)
                due = [one for one in self._log() if Position(one.index, one.row) > self.after]
                if room <= 0 or self.allowed.bytes <= self.sent.bytes or not due:
                    return
                self._deliver(due[:room])

    def _deliver(self, rows: list[Logged]) -> None:
        batch = pa.Table.from_batches([one.values for one in rows]).combine_chunks().to_batches()[0]
        ids = [column.id for column in self.stream.columns]
        frame = encode_frame(self.stream.id, self.stream.schema_version, ids, batch)
        self.after = Position(rows[-1].index, rows[-1].row)
        self.sent = Window(self.sent.events + len(rows), self.sent.bytes + len(frame))
        self.peer.send(
            self.request,
            Delivery(
                positions=tuple(PositionRun(one.index, one.row, 1) for one in rows),
                derived_ids=tuple(one.index << 32 | one.row for one in rows),
                watermark_ns=rows[-1].index,
                rows=frame,
            ),
        )

    def close(self) -> None:
        """After Cancel, or with the connection."""
        with self.model.lock:
            if not self.is_closed:
                self.is_closed = True
                self.model.watchers.remove(self.pump)
                self.peer.send(self.request, SubscriptionEnd(last=self.after))
