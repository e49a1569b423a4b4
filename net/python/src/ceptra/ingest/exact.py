"""Finds Python values that Arrow would silently cut to fit: 1.5 as INT, a time of day as DATE."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import pyarrow as pa

# Values from here on become infinite as FLOAT.
_FLOAT_END = 2.0**128 - 2.0**103

Check: TypeAlias = Callable[[Any], bool]


def cut_check(data_type: pa.DataType) -> Check | None:
    """Tells whether a value would be cut; None when no value of that type is."""
    if pa.types.is_integer(data_type) or pa.types.is_timestamp(data_type):
        return _is_fraction
    if pa.types.is_date(data_type):
        return lambda value: isinstance(value, dt.datetime) or _is_fraction(value)
    if pa.types.is_float32(data_type):
        return _is_beyond_float
    if pa.types.is_map(data_type):
        key, item = cut_check(data_type.key_type), cut_check(data_type.item_type)
        return None if key is None and item is None else _of_pairs(key, item)
    if pa.types.is_list(data_type):
        item = cut_check(data_type.value_type)
        return None if item is None else _of_items(item)
    if pa.types.is_struct(data_type):
        fields = [data_type.field(at) for at in range(data_type.num_fields)]
        checks = {field.name: cut_check(field.type) for field in fields}
        known = {name: check for name, check in checks.items() if check is not None}
        return _of_fields(known) if known else None
    return None


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float | Decimal) and not (math.isfinite(value) and value % 1 == 0)


def _is_beyond_float(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) >= _FLOAT_END


def _of_items(item: Check) -> Check:
    return lambda value: value is not None and any(item(one) for one in value)


def _of_pairs(key: Check | None, item: Check | None) -> Check:
    def check(value: Any) -> bool:
        if value is None:
            return False
        pairs = value.items() if isinstance(value, Mapping) else value
        return any((key and key(one)) or (item and item(other)) for one, other in pairs)

    return check


def _of_fields(checks: dict[str, Check]) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        return any(one(value.get(name)) for name, one in checks.items())

    return check
