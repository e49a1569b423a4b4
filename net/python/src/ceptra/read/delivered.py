"""Rows of a subscription, as the reader gets them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from ceptra.wire.codes import Op
from ceptra.wire.subscribe import Delivery, PositionRun
from ceptra.wire.values import Position


@dataclass(frozen=True)
class Delivered:
    """Some rows of one partition, in order."""

    partition: int
    rows: pa.RecordBatch
    # Id of each row, the same whenever the row is derived again.
    derived_ids: tuple[int, ...]
    # No row with an earlier event time will come, late ones apart; None while unknown.
    watermark_ns: int | None
    _runs: tuple[PositionRun, ...]
    _ops: bytes

    @staticmethod
    def of(partition: int, rows: pa.RecordBatch, delivery: Delivery) -> Delivered:
        """Of the message and its rows."""
        return Delivered(
            partition,
            rows,
            delivery.derived_ids,
            delivery.watermark_ns,
            delivery.positions,
            delivery.ops,
        )

    @property
    def ops(self) -> list[Op]:
        """Operation of each row; all `Op.INSERT` where the stream only adds rows."""
        return [Op(op) for op in self._ops] or [Op.INSERT] * self.rows.num_rows

    @property
    def positions(self) -> list[Position]:
        """Position of each row."""
        return [
            Position(run.index, run.ordinal + at) for run in self._runs for at in range(run.count)
        ]

    @property
    def last(self) -> Position:
        """Position of the last row: store it, and subscribe after it later."""
        run = self._runs[-1]
        return Position(run.index, run.ordinal + run.count - 1)
