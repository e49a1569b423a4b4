"""The checks at the door: each column is built only from buffers that were found good.

Place, length and padding of every buffer, unused bits and the first and last offset are checked
here; Arrow's full validation checks the rest (offsets, UTF-8, null counts, dictionary indices,
DECIMAL, TIME).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from ceptra.frame.kinds import CODED, JSON_METADATA, WIDTHS, Kind, Tag
from ceptra.frame.layout import aligned
from ceptra.generated import frame as g
from ceptra.wire.flat import Malformed, count_of

_DAY_NS = 86_400_000_000_000
# Columns and parts of one frame.
_COLUMNS_MAX = 1 << 16

Built: TypeAlias = tuple[pa.Field, pa.Array]


class Body:
    """The column bytes of a frame, handed out in their one order."""

    def __init__(self, content: bytes, start: int) -> None:
        size = len(content) - start
        # Memory of the pool begins at a multiple of 64.
        self._memory = pa.allocate_buffer(size)
        if size:
            memoryview(self._memory).cast("B")[:] = memoryview(content)[start:]
        self._view = memoryview(content)[start:]
        self._size = size
        self._next = 0
        self._end = 0
        self._left = _COLUMNS_MAX

    def take(self, span: Any, wanted: int | None) -> pa.Buffer:
        """The buffer at `span`, which must be the next one and have `wanted` bytes if given."""
        offset, length = span.Offset(), span.Length()
        if wanted is not None and wanted != length:
            raise Malformed(f"a buffer has {length} bytes where {wanted} belong")
        if offset != (self._next if length else 0):
            raise Malformed(f"a buffer begins at {offset} where {self._next} belongs")
        if length == 0:
            return self._memory.slice(0, 0)
        if length > self._size - self._next:
            raise Malformed(f"a buffer of {length} bytes goes beyond the frame")
        self._check_padding()
        buffer = self._memory.slice(offset, length)
        self._end = offset + length
        self._next = aligned(self._end)
        return buffer

    def _check_padding(self) -> None:
        if any(self._view[self._end : self._next]):
            raise Malformed("padding is not zero")

    def finish(self) -> None:
        """Nothing follows the last buffer but its padding."""
        if self._next != self._size:
            raise Malformed(f"{self._size - self._next} bytes are not accounted for")
        self._check_padding()

    def column(self, table: Any, name: str, rows: int, depth_left: int) -> Built:
        """Builds one column or part that must have `rows` rows."""
        self._left -= 1
        if depth_left == 0 or self._left < 0:
            raise Malformed("nested too deep, or too many parts")
        if table.Rows() != rows:
            raise Malformed(f"{table.Rows()} rows where {rows} belong")
        try:
            kind = Kind(Tag(table.Type()), table.Precision(), table.Scale())
        except ValueError:
            raise Malformed(f"unknown type tag {table.Type()}") from None
        if kind.tag != Tag.DECIMAL and (kind.precision or kind.scale):
            raise Malformed(f"{kind.tag.name} with precision or scale")
        part = _Part(self, table, kind, rows, depth_left)
        array, data_type = part.built()
        array.validate(full=True)
        metadata = JSON_METADATA if kind.tag == Tag.JSON else None
        return pa.field(name, data_type, True, metadata), array


class _Part:
    """One column while it is being built."""

    def __init__(self, body: Body, table: Any, kind: Kind, rows: int, depth_left: int) -> None:
        self.body, self.table, self.kind = body, table, kind
        self.rows, self.depth_left = rows, depth_left
        self.nulls = table.Nulls()
        bitmap = self.take(0, -(-rows // 8) if self.nulls else 0)
        if self.nulls:
            _check_bits(bitmap, rows)
        self.bitmap = bitmap if self.nulls else None

    def take(self, index: int, wanted: int | None) -> pa.Buffer:
        if index >= self.table.SpansLength():
            raise Malformed(f"{self.table.SpansLength()} buffers, too few")
        return self.body.take(self.table.Spans(index), wanted)

    def shape(self, spans: int, children: int) -> None:
        found = (self.table.SpansLength(), self.table.ChildrenLength())
        if found != (spans, children):
            raise Malformed(f"{found} buffers and parts where {(spans, children)} belong")

    def built(self) -> tuple[pa.Array, pa.DataType]:
        encoding = self.table.Encoding()
        if encoding == g.Encoding.Dictionary:
            return self.coded()
        if encoding != g.Encoding.Plain or self.table.Dictionary() is not None:
            raise Malformed("an unknown encoding, or a dictionary that nothing refers to")
        tag = self.kind.tag
        if tag == Tag.BOOL:
            self.shape(2, 0)
            bits = self.take(1, -(-self.rows // 8))
            _check_bits(bits, self.rows)
            return self.array(self.kind_type(), [bits])
        if tag in WIDTHS:
            return self.fixed()
        if tag in CODED:
            self.shape(3, 0)
            offsets, last = self.offsets()
            return self.array(self.kind_type(), [offsets, self.take(2, last)])
        if tag == Tag.STRUCT:
            return self.record()
        return self.listed()

    def kind_type(self, parts: tuple[pa.Field, ...] = ()) -> pa.DataType:
        try:
            return self.kind.type_of(parts)
        except ValueError as error:
            raise Malformed(str(error)) from None

    def array(
        self,
        data_type: pa.DataType,
        buffers: list[pa.Buffer],
        children: list[pa.Array] | None = None,
    ) -> tuple[pa.Array, pa.DataType]:
        whole = [self.bitmap, *buffers]
        array = pa.Array.from_buffers(
            data_type, self.rows, whole, self.nulls, 0, children=children or None
        )
        return array, data_type

    def fixed(self) -> tuple[pa.Array, pa.DataType]:
        self.shape(2, 0)
        values = self.take(1, self.rows * WIDTHS[self.kind.tag])
        array, data_type = self.array(self.kind_type(), [values])
        if self.kind.tag == Tag.TIME:
            _check_times(array)
        return array, data_type

    def offsets(self) -> tuple[pa.Buffer, int]:
        """The second buffer as offsets: they begin at 0. Returns the last one, too."""
        buffer = self.take(1, (self.rows + 1) * 4)
        view = memoryview(buffer).cast("B").cast("i")
        if view[0] != 0 or view[self.rows] < 0:
            raise Malformed(f"offsets begin at {view[0]} and end at {view[self.rows]}")
        return buffer, view[self.rows]

    def child(self, index: int, name: str, rows: int) -> Built:
        table = self.table.Children(index)
        if table.Id() != index:
            raise Malformed(f"part {index} has id {table.Id()}")
        return self.body.column(table, name, rows, self.depth_left - 1)

    def listed(self) -> tuple[pa.Array, pa.DataType]:
        is_map = self.kind.tag == Tag.MAP
        self.shape(2, 2 if is_map else 1)
        offsets, last = self.offsets()
        if not is_map:
            item, values = self.child(0, "item", last)
            return self.array(self.kind_type((item,)), [offsets], [values])
        key, keys = self.child(0, "key", last)
        if keys.null_count:
            raise Malformed("a map key is NULL")
        value, values = self.child(1, "value", last)
        data_type = self.kind_type((key, value))
        entries_type = pa.struct([data_type.key_field, data_type.item_field])
        entries = pa.Array.from_buffers(entries_type, last, [None], 0, 0, children=[keys, values])
        return self.array(data_type, [offsets], [entries])

    def record(self) -> tuple[pa.Array, pa.DataType]:
        count = self.table.ChildrenLength()
        if count == 0:
            raise Malformed("a STRUCT without fields")
        self.shape(1, count)
        built = [self.child(at, str(at), self.rows) for at in count_of(self.table, count)]
        fields = tuple(field for field, _ in built)
        return self.array(self.kind_type(fields), [], [array for _, array in built])

    def coded(self) -> tuple[pa.Array, pa.DataType]:
        if self.kind.tag not in CODED:
            raise Malformed(f"{self.kind.tag.name} cannot be a dictionary")
        self.shape(2, 0)
        indices = self.take(1, self.rows * 4)
        values = self.table.Dictionary()
        if values is None:
            raise Malformed("dictionary indices without a dictionary")
        found = (values.Type(), values.Encoding(), values.Nulls(), values.Id())
        if found != (self.kind.tag, g.Encoding.Plain, 0, 0):
            raise Malformed("a dictionary of another type, or with nulls")
        count = values.Rows()
        if count > self.rows:
            raise Malformed(f"a dictionary of {count} values for {self.rows} rows")
        _, dictionary = self.body.column(values, "", count, 1)
        whole = [self.bitmap, indices]
        data_type = pa.dictionary(pa.int32(), dictionary.type)
        # The indices are checked before anything follows them.
        plain = pa.Array.from_buffers(pa.int32(), self.rows, whole, self.nulls)
        plain.validate(full=True)
        return pa.DictionaryArray.from_arrays(plain, dictionary, safe=True), data_type


def _check_bits(buffer: pa.Buffer, rows: int) -> None:
    used = rows % 8
    if used and memoryview(buffer).cast("B")[-1] >> used:
        raise Malformed("bits beyond the last row are set")


def _check_times(array: pa.Array) -> None:
    ends = pc.min_max(array.view(pa.int64())).as_py()
    if len(array) > array.null_count and not 0 <= ends["min"] <= ends["max"] < _DAY_NS:
        raise Malformed(f"{ends['min']} or {ends['max']} ns is not a time of day")
