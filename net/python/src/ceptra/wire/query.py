"""Questions: Query, QueryRows, QueryEnd."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import ClassVar

from ceptra.generated import wire as g
from ceptra.wire.codes import NOTHING, Kind
from ceptra.wire.columns import Column, read_columns, write_columns
from ceptra.wire.flat import Builder, Malformed, list_bytes, struct_list, text_of
from ceptra.wire.values import Failure

_READ_AT = struct.Struct("<QIxxxx")


@dataclass(frozen=True)
class Query:
    """A bounded SELECT; `rows` is the frame with its parameters. `partition` None asks all."""

    KIND: ClassVar[Kind] = Kind.QUERY
    sql: str
    space: str = ""
    partition: int | None = None
    rows_max: int = 0
    timeout_ms: int = 0
    rows: bytes = field(default=b"", repr=False)

    @staticmethod
    def read(meta: bytes, rows: bytes) -> Query:
        """Of the FlatBuffers part and the event frame."""
        table = g.Query.GetRootAs(meta)
        sql = text_of(table.Sql())
        if not sql:
            raise Malformed("no statement")
        partition = table.Partition()
        return Query(
            sql=sql,
            space=text_of(table.Space()),
            partition=None if partition == NOTHING else partition,
            rows_max=table.RowsMax(),
            timeout_ms=table.TimeoutMs(),
            rows=rows,
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        sql, space = builder.CreateString(self.sql), builder.CreateString(self.space)
        g.QueryStart(builder)
        g.QueryAddTimeoutMs(builder, self.timeout_ms)
        g.QueryAddRowsMax(builder, self.rows_max)
        g.QueryAddPartition(builder, NOTHING if self.partition is None else self.partition)
        g.QueryAddSpace(builder, space)
        g.QueryAddSql(builder, sql)
        # The generated function is hidden by the class of the message QueryEnd.
        offset: int = builder.EndObject()
        return offset


@dataclass(frozen=True)
class QueryRows:
    """Some rows of a result; `columns` in part 0 only."""

    KIND: ClassVar[Kind] = Kind.QUERY_ROWS
    part: int
    columns: tuple[Column, ...] = ()
    rows: bytes = field(default=b"", repr=False)

    @staticmethod
    def read(meta: bytes, rows: bytes) -> QueryRows:
        """Of the FlatBuffers part and the event frame."""
        table = g.QueryRows.GetRootAs(meta)
        return QueryRows(table.Part(), read_columns(table, table.ColumnsLength()), rows)

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        columns = write_columns(builder, self.columns)
        g.QueryRowsStart(builder)
        g.QueryRowsAddColumns(builder, columns)
        g.QueryRowsAddPart(builder, self.part)
        offset: int = g.QueryRowsEnd(builder)
        return offset


@dataclass(frozen=True)
class ReadAt:
    """Up to which log index a partition had been applied."""

    partition: int
    index: int


@dataclass(frozen=True)
class QueryEnd:
    """The result is complete, or the query failed."""

    KIND: ClassVar[Kind] = Kind.QUERY_END
    failure: Failure | None = None
    count: int = 0
    parts: int = 0
    is_truncated: bool = False
    read_at: tuple[ReadAt, ...] = ()

    @staticmethod
    def read(meta: bytes, _rows: bytes) -> QueryEnd:
        """Of the FlatBuffers part."""
        table = g.QueryEnd.GetRootAs(meta)
        failure = Failure.maybe(table.Failure())
        if failure is not None and failure.is_ok:
            raise Malformed("a failure without a status")
        read_at = _READ_AT.iter_unpack(list_bytes(table, 4, _READ_AT.size))
        return QueryEnd(
            failure=failure,
            count=table.Rows(),
            parts=table.Parts(),
            is_truncated=table.IsTruncated(),
            read_at=tuple(ReadAt(partition, index) for index, partition in read_at),
        )

    def write(self, builder: Builder) -> int:
        """Writes the root table."""
        content = b"".join(_READ_AT.pack(at.index, at.partition) for at in self.read_at)
        read_at = struct_list(builder, _READ_AT.size, 8, content)
        failure = self.failure.write(builder) if self.failure is not None else 0
        g.QueryEndStart(builder)
        g.QueryEndAddRows(builder, self.count)
        g.QueryEndAddReadAt(builder, read_at)
        g.QueryEndAddParts(builder, self.parts)
        g.QueryEndAddFailure(builder, failure)
        g.QueryEndAddIsTruncated(builder, self.is_truncated)
        offset: int = g.QueryEndEnd(builder)
        return offset
