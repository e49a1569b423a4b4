"""Arrow types and the frame's type tags, one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import pyarrow as pa

# Deepest nesting of ARRAY, MAP and STRUCT in one column; a plain column has depth 1.
NESTING_MAX = 16
# What marks a text field as JSON.
JSON_METADATA = {b"ceptra.type": b"json"}


class Tag(IntEnum):
    """Number of a type."""

    BOOL = 1
    INT = 2
    BIGINT = 3
    FLOAT = 4
    DOUBLE = 5
    DECIMAL = 6
    STRING = 7
    BYTES = 8
    TIMESTAMP = 9
    DATE = 10
    TIME = 11
    INTERVAL = 12
    ARRAY = 13
    MAP = 14
    STRUCT = 15
    JSON = 16


_PLAIN: dict[Tag, pa.DataType] = {
    Tag.BOOL: pa.bool_(),
    Tag.INT: pa.int32(),
    Tag.BIGINT: pa.int64(),
    Tag.FLOAT: pa.float32(),
    Tag.DOUBLE: pa.float64(),
    Tag.STRING: pa.string(),
    Tag.BYTES: pa.binary(),
    Tag.TIMESTAMP: pa.timestamp("ns"),
    Tag.DATE: pa.date32(),
    Tag.TIME: pa.time64("ns"),
    Tag.INTERVAL: pa.month_day_nano_interval(),
    Tag.JSON: pa.string(),
}
_TAGS: dict[pa.DataType, Tag] = {
    data_type: tag for tag, data_type in _PLAIN.items() if tag != Tag.JSON
}

# Bytes of one value, for types with a fixed width above one bit.
WIDTHS: dict[Tag, int] = {
    Tag.INT: 4,
    Tag.BIGINT: 8,
    Tag.FLOAT: 4,
    Tag.DOUBLE: 8,
    Tag.DECIMAL: 16,
    Tag.TIMESTAMP: 8,
    Tag.DATE: 4,
    Tag.TIME: 8,
    Tag.INTERVAL: 16,
}
# Types that may be dictionary encoded.
CODED = frozenset({Tag.STRING, Tag.BYTES, Tag.JSON})


@dataclass(frozen=True)
class Kind:
    """The scalar type of a column, or the outermost one of a nested column."""

    tag: Tag
    precision: int = 0
    scale: int = 0

    def type_of(self, parts: Sequence[pa.Field]) -> pa.DataType:
        """The Arrow type with these parts. Raises ValueError when there is none."""
        if self.tag == Tag.DECIMAL:
            if not (1 <= self.precision <= 38 and 0 <= self.scale <= self.precision):
                raise ValueError(f"no DECIMAL({self.precision}, {self.scale})")
            return pa.decimal128(self.precision, self.scale)
        if self.tag == Tag.ARRAY and len(parts) == 1:
            return pa.list_(parts[0])
        if self.tag == Tag.MAP and len(parts) == 2:
            return pa.map_(parts[0].with_nullable(False), parts[1])
        if self.tag == Tag.STRUCT and parts:
            return pa.struct(list(parts))
        if self.tag not in _PLAIN:
            raise ValueError(f"{self.tag.name} of {len(parts)} parts")
        return _PLAIN[self.tag]


def is_json(field: pa.Field) -> bool:
    """Whether a field is a JSON column: text with the tag of JSON."""
    metadata = field.metadata or {}
    return bool(metadata.get(b"ceptra.type") == b"json")


def kind_of(field: pa.Field) -> Kind | None:
    """The kind of a field, dictionaries counting as their values; None for any other type."""
    data_type = field.type
    if pa.types.is_dictionary(data_type):
        data_type = data_type.value_type
    if pa.types.is_decimal128(data_type):
        if not 0 <= data_type.scale <= data_type.precision:
            return None
        return Kind(Tag.DECIMAL, data_type.precision, data_type.scale)
    if pa.types.is_list(data_type):
        return Kind(Tag.ARRAY)
    if pa.types.is_map(data_type):
        return Kind(Tag.MAP)
    if pa.types.is_struct(data_type):
        return Kind(Tag.STRUCT) if data_type.num_fields else None
    tag = _TAGS.get(data_type)
    if tag is None:
        return None
    return Kind(Tag.JSON if tag == Tag.STRING and is_json(field) else tag)


def parts_of(data_type: pa.DataType) -> list[pa.Field]:
    """The parts of a nested type."""
    if pa.types.is_list(data_type):
        return [data_type.value_field]
    if pa.types.is_map(data_type):
        return [data_type.key_field, data_type.item_field]
    if pa.types.is_struct(data_type):
        return [data_type.field(at) for at in range(data_type.num_fields)]
    return []
