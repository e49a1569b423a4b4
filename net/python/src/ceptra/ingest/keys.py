"""Normalised forms of keys, and the partition that owns one (R-PART-1).

Two keys have the same form exactly when they are equal: INT, BIGINT and whole DECIMALs of the same
number are one key, so are FLOAT and DOUBLE. docs/formats.md specifies the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa

from ceptra.errors import RowError
from ceptra.frame import pieces
from ceptra.frame.kinds import Kind, Tag, kind_of
from ceptra.ingest.siphash import siphash24
from ceptra.wire.routing import Space

NULL = b"\0"
_BIGINT = range(-(1 << 63), 1 << 63)
_NAN = struct.pack("<BQ", 4, 0x7FF8_0000_0000_0000)

# Keys whose partition is remembered, for each space.
REMEMBERED_MAX = 1 << 16


def integer_form(value: int) -> bytes:
    """INT and BIGINT."""
    return struct.pack("<Bq", 2, value)


def decimal_form(unscaled: int, scale: int) -> bytes:
    """DECIMAL, without trailing zeros."""
    while scale > 0 and unscaled % 10 == 0:
        unscaled //= 10
        scale -= 1
    if scale == 0 and unscaled in _BIGINT:
        return integer_form(unscaled)
    return struct.pack("<Bh", 3, scale) + unscaled.to_bytes(16, "little", signed=True)


def float_form(value: float) -> bytes:
    """FLOAT and DOUBLE: -0 is 0, and all NaNs are one key."""
    if value != value:
        return _NAN
    return struct.pack("<Bd", 4, value or 0.0)


def sized_form(tag: int, content: bytes) -> bytes:
    """STRING and JSON with tag 5, BYTES with tag 6."""
    return struct.pack("<BQ", tag, len(content)) + content


def forms(field: pa.Field, array: pa.Array) -> Iterator[bytes]:
    """The form of each value of a key column."""
    kind = kind_of(field)
    if kind is None or kind.tag in (Tag.ARRAY, Tag.MAP, Tag.STRUCT):
        raise RowError(f"{field.name}: {field.type} cannot be part of a key")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    valid = array.is_valid().to_pylist() if array.null_count else [True] * len(array)
    for form, is_valid in zip(_forms(kind, array), valid, strict=True):
        yield form if is_valid else NULL


def _forms(kind: Kind, array: pa.Array) -> Iterator[bytes]:
    tag = kind.tag
    if tag == Tag.BOOL:
        return (bytes((1, bool(value))) for value in array.to_pylist())
    if tag in (Tag.STRING, Tag.JSON):
        return (sized_form(5, (value or "").encode()) for value in array.to_pylist())
    if tag == Tag.BYTES:
        return (sized_form(6, value or b"") for value in array.to_pylist())
    if tag in (Tag.INT, Tag.BIGINT):
        return (integer_form(value or 0) for value in array.to_pylist())
    if tag in (Tag.FLOAT, Tag.DOUBLE):
        return (float_form(value or 0.0) for value in array.to_pylist())
    if tag == Tag.DECIMAL:
        content = pieces.values(array, 16)
        numbers = (content[at : at + 16] for at in range(0, len(content), 16))
        return (
            decimal_form(int.from_bytes(one, "little", signed=True), kind.scale) for one in numbers
        )
    number, width = {
        Tag.TIMESTAMP: (7, 8),
        Tag.DATE: (8, 4),
        Tag.TIME: (9, 8),
        Tag.INTERVAL: (10, 16),
    }[tag]
    content = pieces.values(array, width)
    mark = bytes([number])
    return (mark + content[at : at + width] for at in range(0, len(content), width))


class Partitioner:
    """Tells the partition of keys of one space; remembers the latest."""

    def __init__(self, space: Space) -> None:
        self._seed = space.seed.to_bytes(16, "little")
        self._count = len(space.leaders)
        self._known: dict[bytes, int] = {}

    def partition(self, form: bytes) -> int:
        """The partition that owns the key with this form."""
        known = self._known.get(form)
        if known is None:
            known = siphash24(self._seed, form) % self._count
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[form] = known
        return known

    def partitions(self, fields: list[pa.Field], arrays: list[pa.Array]) -> list[int]:
        """The partition of each row, by its key columns in the stream's order."""
        if len(arrays) == 1:
            return [self.partition(form) for form in forms(fields[0], arrays[0])]
        columns = [forms(field, array) for field, array in zip(fields, arrays, strict=True)]
        return [self.partition(b"".join(parts)) for parts in zip(*columns, strict=True)]
