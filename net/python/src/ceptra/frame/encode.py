"""Rows to frames: describe each column, place its buffers, write metadata and bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pyarrow as pa

from ceptra.errors import FrameError
from ceptra.frame import pieces
from ceptra.frame.kinds import CODED, JSON_METADATA, NESTING_MAX, WIDTHS, Kind, Tag, kind_of
from ceptra.frame.kinds import parts_of as fields_of
from ceptra.frame.layout import FRAME_COLUMNS_MAX, FRAME_ROWS_MAX, aligned, seal
from ceptra.generated import frame as g
from ceptra.wire.flat import Builder, new_builder, offset_list, struct_list

_SPAN = struct.Struct("<QQ")


def encode_frame(
    stream: int, schema_version: int, ids: Sequence[int], rows: pa.RecordBatch
) -> bytes:
    """One frame of `rows`; `ids[i]` is the id of column i, in any order.

    A dictionary of text with i32 indices stays one unless it has more values than the frame has
    rows, or nulls among its values: then the column is written plain.
    """
    if len(ids) != rows.num_columns or len(set(ids)) != len(ids):
        raise FrameError(f"{len(set(ids))} ids for {rows.num_columns} columns")
    if rows.num_rows > FRAME_ROWS_MAX or len(ids) > FRAME_COLUMNS_MAX:
        raise FrameError(f"{rows.num_rows} rows of {len(ids)} columns are too many: split them")
    nodes = []
    for number, at in sorted((number, at) for at, number in enumerate(ids)):
        try:
            nodes.append(_Node(number, rows.schema.field(at), rows.column(at), 1))
        except ValueError as error:
            raise FrameError(f"column {rows.schema.field(at).name}: {error}") from None
    body = bytearray()
    for node in nodes:
        node.place(body)
    builder = new_builder()
    columns = offset_list(builder, [node.write(builder) for node in nodes], keep_empty=True)
    g.MetadataStart(builder)
    g.MetadataAddRows(builder, rows.num_rows)
    g.MetadataAddColumns(builder, columns)
    g.MetadataAddSchemaVersion(builder, schema_version)
    g.MetadataAddStream(builder, stream)
    builder.Finish(g.MetadataEnd(builder), file_identifier=b"CEPM")
    return seal(bytes(builder.Output()), bytes(body))


class _Node:
    """One column, or part of a nested one."""

    def __init__(self, number: int, field: pa.Field, array: pa.Array, depth: int) -> None:
        if depth > NESTING_MAX:
            raise ValueError(f"nested more than {NESTING_MAX} deep")
        kind = kind_of(field)
        if kind is None:
            raise ValueError(f"type {field.type} has no place in a stream; cast it")
        if pa.types.is_dictionary(field.type) and not _stays_coded(kind, array):
            array = array.dictionary_decode()
        self.id, self.kind = number, kind
        self.rows, self.nulls = len(array), array.null_count
        self.buffers = [pieces.validity(array)]
        self.spans: list[tuple[int, int]] = []
        self.children: list[_Node] = []
        self.dictionary: _Node | None = None
        if pa.types.is_dictionary(array.type):
            self.buffers.append(pieces.values(array.indices, 4))
            values = array.dictionary
            inner = pa.field("", values.type, True, field.metadata)
            self.dictionary = _Node(0, inner, values, depth)
        else:
            self._describe(field, array, depth)

    def _describe(self, field: pa.Field, array: pa.Array, depth: int) -> None:
        tag = self.kind.tag
        if tag == Tag.BOOL:
            self.buffers.append(pieces.bits(array.buffers()[1], array.offset, self.rows))
        elif tag in WIDTHS:
            self.buffers.append(pieces.values(array, WIDTHS[tag]))
        elif tag in CODED:
            offsets, first, count = pieces.offsets(array)
            content = array.buffers()[2] if count else b""
            self.buffers += [offsets, bytes(memoryview(content)[first : first + count])]
        elif tag == Tag.ARRAY:
            offsets, first, count = pieces.offsets(array)
            self.buffers.append(offsets)
            self._child(field.type.value_field, array.values.slice(first, count), depth)
        elif tag == Tag.MAP:
            offsets, first, count = pieces.offsets(array)
            self.buffers.append(offsets)
            entries = array.values.slice(first, count)
            if entries.null_count or entries.field(0).null_count:
                raise ValueError("a map has a NULL key")
            for at, part in enumerate(fields_of(field.type)):
                self._child(part, entries.field(at), depth)
        else:
            for at, part in enumerate(fields_of(field.type)):
                self._child(part, array.field(at), depth)

    def _child(self, field: pa.Field, array: pa.Array, depth: int) -> None:
        self.children.append(_Node(len(self.children), field, array, depth + 1))

    def place(self, body: bytearray) -> None:
        """Appends every buffer, each padded: its own, its children's, its dictionary's."""
        for buffer in self.buffers:
            self.spans.append((len(body) if buffer else 0, len(buffer)))
            body += buffer.ljust(aligned(len(buffer)), b"\0")
        for child in self.children:
            child.place(body)
        if self.dictionary is not None:
            self.dictionary.place(body)

    def write(self, builder: Builder) -> int:
        """Writes the metadata."""
        children = offset_list(builder, [child.write(builder) for child in self.children])
        dictionary = 0 if self.dictionary is None else self.dictionary.write(builder)
        content = b"".join(_SPAN.pack(*span) for span in self.spans)
        spans = struct_list(builder, _SPAN.size, 8, content)
        g.ColumnStart(builder)
        g.ColumnAddNulls(builder, self.nulls)
        g.ColumnAddRows(builder, self.rows)
        g.ColumnAddDictionary(builder, dictionary)
        g.ColumnAddChildren(builder, children)
        g.ColumnAddSpans(builder, spans)
        g.ColumnAddId(builder, self.id)
        g.ColumnAddScale(builder, self.kind.scale)
        g.ColumnAddPrecision(builder, self.kind.precision)
        g.ColumnAddEncoding(builder, int(self.dictionary is not None))
        g.ColumnAddType(builder, self.kind.tag)
        offset: int = g.ColumnEnd(builder)
        return offset


def _stays_coded(kind: Kind, array: pa.DictionaryArray) -> bool:
    return bool(
        kind.tag in CODED
        and array.type.index_type == pa.int32()
        and len(array.dictionary) <= len(array)
        and array.dictionary.null_count == 0
    )


def json_field(name: str, nullable: bool = True) -> pa.Field:
    """A JSON column: text with the tag of JSON."""
    return pa.field(name, pa.string(), nullable, JSON_METADATA)
