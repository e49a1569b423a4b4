"""Rows as callers have them, as one Arrow batch of the stream's columns.

Nothing is guessed: an unknown column, a value that does not fit and a NULL that may not be are
errors that name the column, before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from ceptra.errors import RowError
from ceptra.frame.kinds import is_json
from ceptra.ingest.exact import cut_check
from ceptra.wire.columns import Column
from ceptra.wire.routing import Stream, same_name

Rows: TypeAlias = "Sequence[Mapping[str, Any]] | pa.Table | pa.RecordBatch"


def by_name(stream: Stream, name: str) -> Column:
    """The column of that name; an exact match first, else without regard to ASCII case."""
    for column in stream.columns:
        if column.field.name == name:
            return column
    for column in stream.columns:
        if same_name(column.field.name, name):
            return column
    known = ", ".join(column.field.name for column in stream.columns)
    raise RowError(f"{stream.name} has no column {name!r}; it has {known}")


def batch_of(stream: Stream, rows: Rows) -> pa.RecordBatch:
    """The rows with the stream's types; columns that no row has are left out."""
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    cells = _of_table(rows) if isinstance(rows, pa.Table) else _of_dicts(rows)
    count = len(rows)
    found: dict[int, pa.Array] = {}
    for name, values in cells.items():
        column = by_name(stream, name)
        if column.id in found:
            raise RowError(f"column {column.field.name} is there twice")
        found[column.id] = _array(column.field, values)
    fields, arrays = [], []
    for column in stream.columns:
        array = found.get(column.id)
        if array is None and column.field.nullable and column.id not in stream.key:
            continue
        if array is None:
            array = pa.nulls(count, column.field.type)
        if array.null_count and not column.field.nullable:
            at = array.is_null().to_pylist().index(True)
            raise RowError(f"row {at}: {column.field.name} is NULL, which it may not be")
        fields.append(column.field)
        arrays.append(array)
    if not arrays and stream.columns:
        # A batch without columns would not know its rows.
        fields, arrays = [stream.columns[0].field], [pa.nulls(count, stream.columns[0].field.type)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _of_table(table: pa.Table) -> dict[str, Any]:
    names = table.column_names
    if len(set(names)) != len(names):
        raise RowError("two columns have the same name")
    return {name: table.column(at) for at, name in enumerate(names)}


def _of_dicts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names: dict[str, None] = {}
    for at, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise RowError(f"row {at} is no dict but {type(row).__name__}")
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


def _array(field: pa.Field, values: Any) -> pa.Array:
    """One array of the field's type."""
    if is_json(field) and isinstance(values, list):
        values = [_json_text(value) for value in values]
    try:
        if isinstance(values, list):
            check = cut_check(field.type)
            for at, value in enumerate(values if check is not None else ()):
                if check is not None and check(value):
                    raise ValueError(f"row {at}: {value!r} would lose a part of it; round it")
            array = pa.array(values, field.type)
        else:
            array = _cast(values, field)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.nulls(0, field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise RowError(f"column {field.name} ({field.type}): {reason}") from None
    return array


def _cast(values: Any, field: pa.Field) -> Any:
    """A column of a table as the field's type; dictionaries of text stay as they are."""
    data_type = values.type
    is_coded = pa.types.is_dictionary(data_type) and data_type.value_type == field.type
    if is_coded and data_type.index_type == pa.int32():
        return values.unify_dictionaries() if isinstance(values, pa.ChunkedArray) else values
    return values if data_type == field.type else values.cast(field.type)


def _json_text(value: Any) -> Any:
    """JSON text as it is; anything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
