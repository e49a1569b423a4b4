"""Rows in: Append, Ack, Credits."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import ClassVar

from ceptra.generated import wire as g
from ceptra.wire.codes import Kind, OutcomeCode
from ceptra.wire.flat import (
    Builder,
    Malformed,
    count_of,
    list_bytes,
    offset_list,
    struct_list,
    text_of,
)
from ceptra.wire.values import Failure, Window

_RUN = struct.Struct("<QIIHHBxxx")
_ID_BYTES = 16


@dataclass(frozen=True)
class Append:
    """Rows for one stream and one partition.

    Either `producer` and `first_sequence`, or `event_ids`: 16 bytes a row, little-endian.
    """

    KIND: ClassVar[Kind] = Kind.APPEND
    stream: int
    schema_version: int
    partition: int
    routing_epoch: int
    producer: int = 0
    first_sequence: int = 0
    event_ids: bytes = b""
    first_sent_ns: int = 0
    replay: bool = False
    timeout_ms: int = 0
    rows: bytes = field(default=b"", repr=False)

    @staticmethod
    def read(meta: bytes, rows: bytes) -> Append:
        """Of the FlatBuffers part and the event frame."""
        table = g.Append.GetRootAs(meta)
        ids = list_bytes(table, 6, _ID_BYTES)
        if (table.Producer() == 0) == (not ids):
            raise Malformed("either a producer or event ids")
        if not rows:
            raise Malformed("no rows follow it")
        return Append(
            stream=table.Stream(),
            schema_version=table.SchemaVersion(),
            partition=table.Partition(),
            routing_epoch=table.RoutingEpoch(),
            producer=table.Producer(),
            first_sequence=table.FirstSequence(),
            event_ids=ids,
            first_sent_ns=table.FirstSentNs(),
            replay=table.Replay(),
            timeout_ms=table.TimeoutMs(),
            rows=rows,
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        ids = struct_list(builder, _ID_BYTES, 8, self.event_ids)
        g.AppendStart(builder)
        g.AppendAddFirstSentNs(builder, self.first_sent_ns)
        g.AppendAddFirstSequence(builder, self.first_sequence)
        g.AppendAddProducer(builder, self.producer)
        g.AppendAddRoutingEpoch(builder, self.routing_epoch)
        g.AppendAddTimeoutMs(builder, self.timeout_ms)
        g.AppendAddEventIds(builder, ids)
        g.AppendAddPartition(builder, self.partition)
        g.AppendAddSchemaVersion(builder, self.schema_version)
        g.AppendAddStream(builder, self.stream)
        g.AppendAddReplay(builder, self.replay)
        offset: int = g.AppendEnd(builder)
        return offset


@dataclass(frozen=True)
class Run:
    """Rows of an append that fared alike. `index` is 0 when they are not in the log."""

    count: int
    outcome: OutcomeCode
    index: int = 0
    row: int = 0
    reason: int = 0
    text: str = ""


@dataclass(frozen=True)
class Ack:
    """Answers Append, after commit and apply."""

    KIND: ClassVar[Kind] = Kind.ACK
    runs: tuple[Run, ...] = ()
    credits: Window = field(default_factory=Window)
    failure: Failure | None = None

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Ack:
        """Of the FlatBuffers part."""
        table = g.Ack.GetRootAs(meta)
        details = [text_of(table.Details(at)) for at in count_of(table, table.DetailsLength())]
        runs = []
        for index, row, count, reason, detail, outcome in _RUN.iter_unpack(
            list_bytes(table, 0, _RUN.size)
        ):
            if count == 0:
                raise Malformed("a run of no rows")
            if detail > len(details):
                raise Malformed(f"detail {detail} of {len(details)}")
            try:
                code = OutcomeCode(outcome)
            except ValueError:
                raise Malformed(f"unknown outcome {outcome}") from None
            text = details[detail - 1] if detail and code == OutcomeCode.REJECTED else ""
            runs.append(Run(count, code, index, row, reason, text))
        failure = Failure.maybe(table.Failure())
        if failure is not None and (runs or failure.is_ok):
            raise Malformed("both runs and a failure, or a failure without a status")
        return Ack(tuple(runs), Window.read(table.Credits()), failure)

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        details = list(dict.fromkeys(run.text for run in self.runs if run.text))
        runs = struct_list(
            builder,
            _RUN.size,
            8,
            b"".join(
                _RUN.pack(
                    run.index,
                    run.row,
                    run.count,
                    run.reason,
                    details.index(run.text) + 1 if run.text else 0,
                    run.outcome,
                )
                for run in self.runs
            ),
        )
        texts = offset_list(builder, [builder.CreateString(text) for text in details])
        failure = self.failure.write(builder) if self.failure is not None else 0
        g.AckStart(builder)
        g.AckAddFailure(builder, failure)
        g.AckAddCredits(builder, self.credits.write(builder))
        g.AckAddDetails(builder, texts)
        g.AckAddRuns(builder, runs)
        offset: int = g.AckEnd(builder)
        return offset


@dataclass(frozen=True)
class Credits:
    """A new credit window for one partition, without an ack."""

    KIND: ClassVar[Kind] = Kind.CREDITS
    space: int
    partition: int
    credits: Window

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> Credits:
        """Of the FlatBuffers part."""
        table = g.Credits.GetRootAs(meta)
        return Credits(table.Space(), table.Partition(), Window.read(table.Credits()))

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        g.CreditsStart(builder)
        g.CreditsAddCredits(builder, self.credits.write(builder))
        g.CreditsAddPartition(builder, self.partition)
        g.CreditsAddSpace(builder, self.space)
        offset: int = g.CreditsEnd(builder)
        return offset
