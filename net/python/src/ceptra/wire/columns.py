"""Columns of streams and results: ids, names, types, with Arrow as the carrier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ceptra.frame.kinds import JSON_METADATA, NESTING_MAX, Kind, Tag, kind_of, parts_of
from ceptra.generated import wire as g
from ceptra.wire.flat import Builder, Malformed, count_of, offset_list, text_of

# Most columns of one message, nested ones included.
COLUMNS_MAX = 1 << 17


@dataclass(frozen=True)
class Column:
    """A column: its id, by which frames name it, and name, type and nullability."""

    id: int
    field: pa.Field


class _Reader:
    """Reads columns and counts them: parts that are shared count each time."""

    def __init__(self) -> None:
        self.left = COLUMNS_MAX

    def field(self, table: Any, depth_left: int) -> pa.Field:
        self.left -= 1
        name = text_of(table.Name())
        if depth_left == 0 or self.left < 0:
            raise Malformed(f"column {name} is nested too deep, or there are too many")
        parts = [
            self.field(table.Children(at), depth_left - 1)
            for at in count_of(table, table.ChildrenLength())
        ]
        tag = table.Type()
        try:
            data_type = Kind(Tag(tag), table.Precision(), table.Scale()).type_of(parts)
        except ValueError as error:
            raise Malformed(f"column {name}: {error}") from None
        metadata = JSON_METADATA if tag == Tag.JSON else None
        return pa.field(name, data_type, table.Nullable(), metadata)


def read_columns(table: Any, length: int) -> tuple[Column, ...]:
    """The columns of a table that has a field `columns`."""
    reader = _Reader()
    columns = []
    for at in count_of(table, length):
        column = table.Columns(at)
        columns.append(Column(column.Id(), reader.field(column, NESTING_MAX)))
    return tuple(columns)


def write_columns(builder: Builder, columns: tuple[Column, ...]) -> int:
    """Writes a list of columns; 0 when there are none."""
    return offset_list(builder, [_write(builder, one.id, one.field) for one in columns])


def _write(builder: Builder, number: int, field: pa.Field) -> int:
    kind = kind_of(field)
    if kind is None:
        raise ValueError(f"column {field.name}: {field.type} is no type of a stream")
    parts = [_write(builder, at, part) for at, part in enumerate(parts_of(field.type))]
    children = offset_list(builder, parts)
    name = builder.CreateString(field.name)
    g.ColumnStart(builder)
    g.ColumnAddChildren(builder, children)
    g.ColumnAddName(builder, name)
    g.ColumnAddId(builder, number)
    g.ColumnAddNullable(builder, field.nullable)
    g.ColumnAddScale(builder, kind.scale)
    g.ColumnAddPrecision(builder, kind.precision)
    g.ColumnAddType(builder, kind.tag)
    offset: int = g.ColumnEnd(builder)
    return offset
