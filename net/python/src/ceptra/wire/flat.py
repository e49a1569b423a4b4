"""FlatBuffers, as far as the generated code leaves work.

Lists of structs and numbers are read and written whole, as bytes. Reading checks every length
against what is there, and gives up with `Malformed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
from flatbuffers.number_types import UOffsetTFlags

Builder = Any

# What reading foreign bytes by generated code may raise, besides `Malformed`: struct.error and
# UnicodeDecodeError are ValueErrors or come with one of these.
MIN_ELEMENT_BYTES = 4


class Malformed(Exception):
    """Bytes are not what their kind says."""


def new_builder() -> Builder:
    """A builder for one message."""
    return flatbuffers.Builder(256)


def text_of(raw: bytes | None) -> str:
    """A string field; absent is empty."""
    return "" if raw is None else raw.decode("utf-8")


def struct_list(builder: Builder, element_bytes: int, alignment: int, content: bytes) -> int:
    """Writes a list of structs or numbers whose bytes are `content`; 0 when it is empty."""
    if not content:
        return 0
    builder.StartVector(element_bytes, len(content) // element_bytes, alignment)
    builder.head = UOffsetTFlags.py_type(builder.head - len(content))
    builder.Bytes[builder.head : builder.head + len(content)] = content
    offset: int = builder.EndVector()
    return offset


def offset_list(builder: Builder, offsets: Sequence[int], *, keep_empty: bool = False) -> int:
    """Writes a list of tables or strings that were written before; 0 when it is empty."""
    if not offsets and not keep_empty:
        return 0
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    written: int = builder.EndVector()
    return written


def list_bytes(table: Any, field: int, element_bytes: int) -> bytes:
    """The bytes of a list of structs or numbers, the field's number counting from 0."""
    tab = table._tab
    slot = tab.Offset(4 + 2 * field)
    if slot == 0:
        return b""
    start, count = tab.Vector(slot), tab.VectorLen(slot)
    end = start + count * element_bytes
    if start < 0 or end > len(tab.Bytes):
        raise Malformed(f"a list of {count} goes beyond the message")
    return bytes(tab.Bytes[start:end])


def count_of(table: Any, length: int) -> range:
    """Indices of a list of tables or strings, after its length was checked."""
    if length * MIN_ELEMENT_BYTES > len(table._tab.Bytes):
        raise Malformed(f"a list of {length} goes beyond the message")
    return range(length)
