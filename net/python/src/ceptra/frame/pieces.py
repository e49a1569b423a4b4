"""Buffers of Arrow arrays, cut to the rows of the array: what a frame holds."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def bits(buffer: Any, first: int, rows: int) -> bytes:
    """`rows` bits from bit `first` on; those beyond the last row are zero."""
    if rows == 0:
        return b""
    count = -(-rows // 8)
    content = bytes(memoryview(buffer)[first // 8 : -(-(first + rows) // 8)])
    if first % 8:
        number = int.from_bytes(content, "little") >> first % 8
        content = (number & (1 << rows) - 1).to_bytes(count, "little")
    if rows % 8:
        content = content[:-1] + bytes([content[-1] & (1 << rows % 8) - 1])
    return content


def values(array: pa.Array, width: int) -> bytes:
    """The values of an array of fixed width."""
    if len(array) == 0:
        return b""
    view = memoryview(array.buffers()[1])
    return bytes(view[array.offset * width : (array.offset + len(array)) * width])


def offsets(array: pa.Array) -> tuple[bytes, int, int]:
    """Offsets from 0 on, and the first and the count of what they cover."""
    rows = len(array)
    if rows == 0:
        return bytes(4), 0, 0
    view = memoryview(array.buffers()[1])
    content = bytes(view[array.offset * 4 : (array.offset + rows + 1) * 4])
    (first,) = struct.unpack_from("<i", content, 0)
    (last,) = struct.unpack_from("<i", content, rows * 4)
    if first:
        shifted = pa.Array.from_buffers(pa.int32(), rows + 1, [None, pa.py_buffer(content)])
        content = values(pc.subtract(shifted, pa.scalar(first, pa.int32())), 4)
    return content, first, last - first


def validity(array: pa.Array) -> bytes:
    """The validity bitmap; empty when there is no NULL."""
    if array.null_count == 0:
        return b""
    return bits(array.buffers()[0], array.offset, len(array))
