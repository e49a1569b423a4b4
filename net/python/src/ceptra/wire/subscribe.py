"""Rows out: Subscribe, Subscribed, Delivery, Allow, SubscriptionEnd."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import ClassVar

from ceptra.generated import wire as g
from ceptra.wire.codes import WATERMARK_UNKNOWN, Changelog, Kind, Op, Start
from ceptra.wire.columns import Column, read_columns, write_columns
from ceptra.wire.flat import Builder, Malformed, list_bytes, struct_list
from ceptra.wire.routing import changelog_of
from ceptra.wire.values import NO_FAILURE, ORIGIN, Failure, Position, Window

_RUN = struct.Struct("<QII")


@dataclass(frozen=True)
class Subscribe:
    """Asks for the rows of one stream and one partition; `after` belongs to `Start.AFTER`."""

    KIND: ClassVar[Kind] = Kind.SUBSCRIBE
    stream: int
    partition: int
    routing_epoch: int
    start: Start
    after: Position | None = None
    allowed: Window = field(default_factory=Window)

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Subscribe:
        """Of the FlatBuffers part."""
        table = g.Subscribe.GetRootAs(meta)
        try:
            start = Start(table.Start())
        except ValueError:
            raise Malformed(f"unknown start {table.Start()}") from None
        after = table.After()
        if start == Start.AFTER and after is None:
            raise Malformed("a start without a position")
        return Subscribe(
            stream=table.Stream(),
            partition=table.Partition(),
            routing_epoch=table.RoutingEpoch(),
            start=start,
            after=Position.read(after) if start == Start.AFTER else None,
            allowed=Window.read(table.Allowed()),
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        g.SubscribeStart(builder)
        g.SubscribeAddRoutingEpoch(builder, self.routing_epoch)
        g.SubscribeAddAllowed(builder, self.allowed.write(builder))
        if self.after is not None:
            g.SubscribeAddAfter(builder, self.after.write(builder))
        g.SubscribeAddPartition(builder, self.partition)
        g.SubscribeAddStream(builder, self.stream)
        g.SubscribeAddStart(builder, self.start)
        offset: int = g.SubscribeEnd(builder)
        return offset


@dataclass(frozen=True)
class Subscribed:
    """Answers Subscribe; the first delivered row comes after `after`."""

    KIND: ClassVar[Kind] = Kind.SUBSCRIBED
    schema_version: int
    changelog: Changelog
    columns: tuple[Column, ...]
    after: Position

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Subscribed:
        """Of the FlatBuffers part."""
        table = g.Subscribed.GetRootAs(meta)
        return Subscribed(
            schema_version=table.SchemaVersion(),
            changelog=changelog_of(table.Changelog()),
            columns=read_columns(table, table.ColumnsLength()),
            after=Position.read(table.After()),
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        columns = write_columns(builder, self.columns)
        g.SubscribedStart(builder)
        g.SubscribedAddAfter(builder, self.after.write(builder))
        g.SubscribedAddColumns(builder, columns)
        g.SubscribedAddSchemaVersion(builder, self.schema_version)
        g.SubscribedAddChangelog(builder, self.changelog)
        offset: int = g.SubscribedEnd(builder)
        return offset


@dataclass(frozen=True)
class PositionRun:
    """Rows with consecutive ordinals."""

    index: int
    ordinal: int
    count: int


@dataclass(frozen=True)
class Delivery:
    """Rows of a subscription, or without rows news of the watermark."""

    KIND: ClassVar[Kind] = Kind.DELIVERY
    positions: tuple[PositionRun, ...] = ()
    derived_ids: tuple[int, ...] = ()
    ops: bytes = b""
    watermark_ns: int | None = None
    rows: bytes = field(default=b"", repr=False)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.derived_ids)

    @staticmethod
    def read(meta: bytes, rows: bytes) -> Delivery:
        """Of the FlatBuffers part and the event frame."""
        table = g.Delivery.GetRootAs(meta)
        runs = tuple(PositionRun(*run) for run in _RUN.iter_unpack(list_bytes(table, 0, _RUN.size)))
        ids = list_bytes(table, 1, 8)
        ops = list_bytes(table, 2, 1)
        count = sum(run.count for run in runs)
        if any(run.count == 0 or run.ordinal + run.count > 0xFFFF_FFFF for run in runs):
            raise Malformed("a run of positions is empty or has no end")
        if len(ids) != 8 * count or len(ops) not in (0, count) or (count == 0) != (not rows):
            raise Malformed(f"positions, ids, operations and rows are not all of {count} rows")
        if any(op > Op.DELETE for op in ops):
            raise Malformed("an unknown operation")
        watermark_ns = table.WatermarkNs()
        return Delivery(
            positions=runs,
            derived_ids=struct.unpack(f"<{count}Q", ids),
            ops=ops,
            watermark_ns=None if watermark_ns == WATERMARK_UNKNOWN else watermark_ns,
            rows=rows,
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        runs = b"".join(_RUN.pack(run.index, run.ordinal, run.count) for run in self.positions)
        positions = struct_list(builder, _RUN.size, 8, runs)
        ids = struct.pack(f"<{len(self.derived_ids)}Q", *self.derived_ids)
        derived_ids = struct_list(builder, 8, 8, ids)
        ops = struct_list(builder, 1, 1, self.ops)
        watermark_ns = WATERMARK_UNKNOWN if self.watermark_ns is None else self.watermark_ns
        g.DeliveryStart(builder)
        g.DeliveryAddWatermarkNs(builder, watermark_ns)
        g.DeliveryAddOps(builder, ops)
        g.DeliveryAddDerivedIds(builder, derived_ids)
        g.DeliveryAddPositions(builder, positions)
        offset: int = g.DeliveryEnd(builder)
        return offset


@dataclass(frozen=True)
class Allow:
    """Raises what a subscription may send, counted from its beginning."""

    KIND: ClassVar[Kind] = Kind.ALLOW
    allowed: Window

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Allow:
        """Of the FlatBuffers part."""
        return Allow(Window.read(g.Allow.GetRootAs(meta).Allowed()))

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        g.AllowStart(builder)
        g.AllowAddAllowed(builder, self.allowed.write(builder))
        offset: int = g.AllowEnd(builder)
        return offset


@dataclass(frozen=True)
class SubscriptionEnd:
    """Ends a subscription; `last` is the last row delivered, or where it began."""

    KIND: ClassVar[Kind] = Kind.SUBSCRIPTION_END
    failure: Failure = NO_FAILURE
    last: Position = ORIGIN

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> SubscriptionEnd:
        """Of the FlatBuffers part."""
        table = g.SubscriptionEnd.GetRootAs(meta)
        failure = Failure.maybe(table.Failure()) or NO_FAILURE
        return SubscriptionEnd(failure, Position.read(table.Last()))

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        failure = self.failure.write(builder)
        g.SubscriptionEndStart(builder)
        g.SubscriptionEndAddLast(builder, self.last.write(builder))
        g.SubscriptionEndAddFailure(builder, failure)
        offset: int = g.SubscriptionEndEnd(builder)
        return offset
