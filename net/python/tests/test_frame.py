"""Event frames: the golden file, every type, every damage."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import golden
import pyarrow as pa
import pytest
from google_crc32c import extend, value

from ceptra import FrameError
from ceptra.frame import Frame, encode_frame, open_frame
from ceptra.frame.encode import json_field
from ceptra.frame.kinds import Tag, kind_of

GOLDEN = golden.undump(golden.FRAME)


def batch_of(frame: Frame) -> pa.RecordBatch:
    """The columns of a frame under their ids."""
    fields = [column.field.with_name(str(column.id)) for column in frame.columns]
    arrays = [column.array for column in frame.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def resealed(content: bytearray) -> bytes:
    """The frame with a checksum that fits."""
    content[20:24] = extend(value(bytes(content[:20])), bytes(content[24:])).to_bytes(4, "little")
    return bytes(content)


def test_version_1_is_read_as_ever() -> None:
    frame = open_frame(GOLDEN)
    assert (frame.stream, frame.schema_version, frame.rows) == (7, 3, 4)
    assert [column.id for column in frame.columns] == list(range(10, 180, 10))
    kinds = [kind_of(column.field) for column in frame.columns]
    assert [kind.tag for kind in kinds if kind is not None] == [*Tag, Tag.STRING]
    columns = {column.id: column.array for column in frame.columns}
    assert columns[10].to_pylist() == [True, None, False, True]
    assert columns[20].to_pylist() == [1, -2, 2**31 - 1, -(2**31)]
    assert columns[30].to_pylist() == [1, None, 2**63 - 1, -(2**63)]
    assert columns[50].to_pylist() == [0.1, -1e300, None, 0.0]
    assert columns[60].to_pylist() == [Decimal("123.45"), None, Decimal("-0.01"), Decimal(0)]
    assert columns[70].to_pylist() == ["a", None, "größer", ""]
    assert columns[80].to_pylist() == [b"\0\xff", b"", None, b"x"]
    assert columns[90].cast(pa.int64()).to_pylist() == [0, -1, 1_700_000_000_000_000_000, 1]
    assert columns[100].cast(pa.int32()).to_pylist() == [19_000, None, -719_528, 0]
    assert columns[110].cast(pa.int64()).to_pylist() == [0, 86_399_999_999_999, None, 1]
    assert columns[120][0].as_py() == pa.MonthDayNano([14, -3, 5])
    assert columns[130].to_pylist() == [[1, None], None, [3], []]
    assert columns[140].to_pylist() == [[("x", 0.5)], [], [], [("y", None)]]
    assert columns[150].to_pylist()[2] is None
    assert columns[160].to_pylist() == ['{"a":1}', None, "[]", "null"]
    assert columns[170].to_pylist() == ["blue", None, "red", "blue"]


def test_version_1_is_written_as_ever() -> None:
    frame = open_frame(GOLDEN)
    ids = [column.id for column in frame.columns]
    assert encode_frame(7, 3, ids, batch_of(frame)) == GOLDEN


def every_type(rows: int, seed: int) -> pa.RecordBatch:
    """Random rows of every type, with nulls."""
    dice = random.Random(seed)

    def cells(make: object) -> list[object]:
        return [None if dice.random() < 0.3 else make() for _ in range(rows)]  # type: ignore[operator]

    def text() -> str:
        return dice.choice(["", "a", "größe", "事件", "\0", "x" * 40])

    entry = pa.struct([("x", pa.float64()), ("y", pa.list_(pa.string()))])
    fields = [
        pa.field("bool", pa.bool_()),
        pa.field("int", pa.int32()),
        pa.field("bigint", pa.int64()),
        pa.field("float", pa.float32()),
        pa.field("double", pa.float64()),
        pa.field("decimal", pa.decimal128(38, 6)),
        pa.field("string", pa.string()),
        pa.field("bytes", pa.binary()),
        pa.field("timestamp", pa.timestamp("ns")),
        pa.field("date", pa.date32()),
        pa.field("time", pa.time64("ns")),
        pa.field("interval", pa.month_day_nano_interval()),
        pa.field("list", pa.list_(pa.int64())),
        pa.field("map", pa.map_(pa.string(), pa.int32())),
        pa.field("struct", entry),
        json_field("json"),
        pa.field("lists", pa.list_(pa.map_(pa.int64(), pa.struct([("b", pa.bool_())])))),
    ]
    big = 10**37
    columns = [
        cells(lambda: dice.random() < 0.5),
        cells(lambda: dice.randrange(-(2**31), 2**31)),
        cells(lambda: dice.randrange(-(2**63), 2**63)),
        cells(lambda: float(dice.randrange(1000)) / 8),
        cells(lambda: dice.gauss(0, 1e9)),
        cells(lambda: Decimal(dice.randrange(-big, big)).scaleb(-6)),
        cells(text),
        cells(lambda: text().encode()),
        cells(lambda: dice.randrange(-(2**62), 2**62)),
        cells(lambda: dt.date(1970, 1, 1) + dt.timedelta(dice.randrange(-9999, 9999))),
        cells(lambda: dice.randrange(86_400_000_000_000)),
        cells(lambda: pa.MonthDayNano([dice.randrange(-9, 9), dice.randrange(9), -5])),
        cells(lambda: [dice.choice([None, 5]) for _ in range(dice.randrange(3))]),
        cells(lambda: [(text() + str(at), at or None) for at in range(dice.randrange(3))]),
        cells(lambda: {"x": dice.random(), "y": [text()] * dice.randrange(3)}),
        cells(lambda: '{"a":[1]}'),
        cells(lambda: [[(1, {"b": True}), (2, None)]] * dice.randrange(3)),
    ]
    arrays = [pa.array(cells, field.type) for cells, field in zip(columns, fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


@pytest.mark.parametrize("seed", range(40))
def test_rows_of_every_type_come_back_whole_and_sliced(seed: int) -> None:
    dice = random.Random(seed)
    rows = every_type(dice.randrange(40), seed)
    first = dice.randrange(rows.num_rows + 1)
    for batch in (rows, rows.slice(first), rows.slice(first, 3)):
        frame = open_frame(encode_frame(1, 2, range(batch.num_columns), batch))
        assert frame.rows == batch.num_rows
        for column, array in zip(frame.columns, batch.columns, strict=True):
            if pa.types.is_nested(array.type):
                same = [str(one) for one in column.array] == [str(one) for one in array]
                same = _renamed(column.array.to_pylist()) == _renamed(array.to_pylist())
            else:
                same = column.array.equals(array)
            assert same, array.type
        again = encode_frame(1, 2, range(batch.num_columns), batch_of(frame))
        assert len(again) % 64 == 0
        assert open_frame(again).rows == batch.num_rows


def _renamed(cell: object) -> object:
    """Without the names of struct fields: frames know positions only."""
    if isinstance(cell, dict):
        return [_renamed(one) for one in cell.values()]
    if isinstance(cell, list | tuple):
        return [_renamed(one) for one in cell]
    return cell


def test_dictionaries_stay_when_they_are_small_and_without_null() -> None:
    coded = pa.array(["b", None, "a", "b"]).dictionary_encode()
    large = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(["a", "b"]))
    frame = open_frame(encode_frame(1, 1, [5], pa.RecordBatch.from_arrays([coded], ["x"])))
    assert pa.types.is_dictionary(frame.columns[0].array.type)
    assert frame.columns[0].array.to_pylist() == ["b", None, "a", "b"]
    sliced = pa.RecordBatch.from_arrays([coded.slice(1, 2)], ["x"])
    assert open_frame(encode_frame(1, 1, [5], sliced)).columns[0].array.to_pylist() == [None, "a"]
    frame = open_frame(encode_frame(1, 1, [5], pa.RecordBatch.from_arrays([large], ["x"])))
    assert frame.columns[0].array.type == pa.string()


def test_columns_are_ordered_by_id() -> None:
    batch = pa.RecordBatch.from_pydict({"a": [1], "b": ["x"]})
    frame = open_frame(encode_frame(1, 1, [9, 2], batch))
    assert [(column.id, column.array.to_pylist()) for column in frame.columns] == [
        (2, ["x"]),
        (9, [1]),
    ]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (pa.array([1], pa.uint8()), "no place in a stream"),
        (pa.array([1], pa.timestamp("us")), "no place in a stream"),
        (pa.array([Decimal("1e2")], pa.decimal128(5, -2)), "no place in a stream"),
        (pa.array([{}], pa.struct([])), "no place in a stream"),
        (pa.array([[[[1]]]], pa.list_(pa.list_(pa.list_(pa.uint64())))), "no place"),
    ],
)
def test_what_no_frame_can_hold_is_refused(array: pa.Array, reason: str) -> None:
    with pytest.raises(FrameError, match=reason):
        encode_frame(1, 1, [1], pa.RecordBatch.from_arrays([array], ["x"]))


def test_ids_must_fit_and_nesting_has_an_end() -> None:
    batch = pa.RecordBatch.from_pydict({"a": [1], "b": [2]})
    for ids in ([1], [1, 1]):
        with pytest.raises(FrameError, match="ids"):
            encode_frame(1, 1, ids, batch)
    deep = pa.int64()
    for depth in range(1, 17):
        batch = pa.RecordBatch.from_arrays([pa.array([None], deep)], ["x"])
        if depth <= 16:
            assert open_frame(encode_frame(1, 1, [1], batch)).rows == 1
        deep = pa.list_(deep)
    with pytest.raises(FrameError, match="deep"):
        encode_frame(1, 1, [1], pa.RecordBatch.from_arrays([pa.array([None], deep)], ["x"]))


def test_every_changed_byte_is_found_by_the_checksum() -> None:
    for at in range(0, len(GOLDEN), 7):
        content = bytearray(GOLDEN)
        content[at] ^= 0x10
        with pytest.raises(FrameError):
            open_frame(bytes(content))
    for length in (0, 3, 31, 32, 64, len(GOLDEN) - 64):
        with pytest.raises(FrameError):
            open_frame(GOLDEN[:length])
    with pytest.raises(FrameError):
        open_frame(GOLDEN + bytes(64))


def test_damage_with_a_good_checksum_never_gets_further_than_an_error() -> None:
    dice = random.Random(1)
    refused = 0
    for _ in range(4_000):
        content = bytearray(GOLDEN)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(24, len(content))
            content[at] = dice.choice([0, 1, 0xFF, content[at] ^ 1 << dice.randrange(8)])
        try:
            frame = open_frame(resealed(content))
        except FrameError:
            refused += 1
        else:
            for column in frame.columns:
                assert len(column.array) == frame.rows
                column.array.validate(full=True)
                str(column.array)
    assert refused > 2_000
