"""Rows of a frame with the columns that the reader was told of.

Columns are matched by id. One that the frame lacks is NULL, one that the reader does not know is left
out. A type may be wider at the reader; anything else is malformed.
"""

from __future__ import annotations

import pyarrow as pa

from ceptra.errors import FrameError
from ceptra.frame import Frame
from ceptra.wire.columns import Column


def schema_of(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema of columns."""
    return pa.schema([column.field for column in columns])


def conform(frame: Frame, columns: tuple[Column, ...]) -> pa.RecordBatch:
    """The frame's rows as `columns`. Dictionaries stay what they are."""
    found = {column.id: column.array for column in frame.columns}
    fields, arrays = [], []
    for column in columns:
        field = column.field
        array = found.get(column.id)
        if array is None:
            array = pa.nulls(frame.rows, field.type)
        if array.null_count and not field.nullable:
            raise FrameError(f"column {field.name} is NULL, which it may not be")
        if pa.types.is_dictionary(array.type):
            if array.type.value_type != field.type:
                raise FrameError(f"column {field.name} is {array.type}, not {field.type}")
            field = field.with_type(array.type)
        elif array.type != field.type:
            array = _widened(array, field)
        fields.append(field)
        arrays.append(array)
    if not arrays:
        return pa.RecordBatch.from_pylist([{}] * frame.rows, schema=pa.schema([]))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _widened(array: pa.Array, field: pa.Field) -> pa.Array:
    """The values in a wider type; types that differ in names of parts only are the same."""
    try:
        return array.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise FrameError(f"column {field.name} is {array.type}, not {field.type}: {reason}") from None
