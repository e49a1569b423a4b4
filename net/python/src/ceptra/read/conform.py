"""Rows of a frame with the columns that the reader was told of.

Columns are matched by id. One that the frame lacks is NULL, one that the reader does not know is
left out. A type may be wider at the reader; anything else is malformed.
"""

from __future__ import annotations

import pyarrow as pa

from ceptra.errors import FrameError
from ceptra.frame import Frame
from ceptra.frame.kinds import parts_of
from ceptra.wire.columns import Column

_WIDER = {
    (pa.int32(), pa.int64()),
    (pa.int32(), pa.float64()),
    (pa.float32(), pa.float64()),
}


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
        else:
            array = _fitted(array, field)
        fields.append(field)
        arrays.append(array)
    if not arrays:
        return pa.RecordBatch.from_pylist([{}] * frame.rows, schema=pa.schema([]))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _fitted(array: pa.Array, field: pa.Field) -> pa.Array:
    """The values in the reader's type: parts by position, with the reader's names."""
    wanted = field.type
    if array.type == wanted and not pa.types.is_nested(wanted):
        return array
    given = parts_of(array.type)
    parts = parts_of(wanted)
    is_struct = pa.types.is_struct(wanted) and pa.types.is_struct(array.type)
    same = (pa.types.is_list(wanted) and pa.types.is_list(array.type)) or (
        pa.types.is_map(wanted) and pa.types.is_map(array.type)
    )
    if is_struct and len(given) <= len(parts):
        children = [_fitted(array.field(at), part) for at, part in enumerate(parts[: len(given)])]
        children += [pa.nulls(len(array), part.type) for part in parts[len(given) :]]
        return _rebuilt(array, wanted, 1, children)
    if same:
        entries = array.values
        if pa.types.is_map(wanted):
            fitted = [_fitted(entries.field(at), part) for at, part in enumerate(parts)]
            return _rebuilt(array, wanted, 2, [pa.StructArray.from_arrays(fitted, fields=parts)])
        return _rebuilt(array, wanted, 2, [_fitted(entries, parts[0])])
    if pa.types.is_dictionary(array.type) and array.type.value_type == wanted:
        return array.dictionary_decode()
    if (array.type, wanted) not in _WIDER and not _is_decimal(array.type, wanted):
        raise FrameError(f"column {field.name} is {array.type}, not {wanted}")
    try:
        return array.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise FrameError(f"column {field.name} as {wanted}: {reason}") from None


def _is_decimal(found: pa.DataType, wanted: pa.DataType) -> bool:
    numbers = (pa.int32(), pa.int64())
    return pa.types.is_decimal128(wanted) and (pa.types.is_decimal128(found) or found in numbers)


def _rebuilt(array: pa.Array, wanted: pa.DataType, own: int, children: list[pa.Array]) -> pa.Array:
    """A nested array of the same shape with other parts; arrays of frames have no offset."""
    buffers = array.buffers()[:own]
    return pa.Array.from_buffers(
        wanted, len(array), buffers, array.null_count, array.offset, children=children
    )
