"""Rows of callers to batches of a stream, and splitting."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from fake import readings

from ceptra import RowError
from ceptra.frame import open_frame
from ceptra.frame.encode import json_field
from ceptra.ingest.keys import Partitioner
from ceptra.ingest.rows import batch_of
from ceptra.ingest.split import by_partition, pieces_of
from ceptra.wire.columns import Column
from ceptra.wire.routing import Space, Stream

SPACE = Space(5, "main", 0, (0, 0, 0, 0))


def of(*fields: pa.Field, key: tuple[int, ...] = ()) -> Stream:
    columns = tuple(Column(at + 1, field) for at, field in enumerate(fields))
    return readings(columns=columns, key=key, event_time=None)


def test_dicts_become_columns_and_missing_ones_are_left_out() -> None:
    rows = batch_of(readings(), [{"SENSOR": "a", "temperature": 1}, {"sensor": "b"}][1:])
    assert rows.to_pydict() == {"sensor": ["b"]}
    rows = batch_of(readings(), [{"SENSOR": "a", "temperature": 1}, {"SENSOR": "b"}])
    assert rows.to_pydict() == {"temperature": [1, None], "sensor": ["a", "b"]}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"sensor": "a", "temprature": 1}], "no column 'temprature'; it has temperature"),
        ([{"sensor": "a"}, {"temperature": 1}], "row 1: sensor is NULL"),
        ([{"temperature": 1}], "row 0: sensor is NULL"),
        ([{"sensor": "a", "temperature": "hot"}], "column temperature"),
        ([{"sensor": "a", "temperature": 2**63}], "column temperature"),
        ([{"sensor": "a", "temperature": 1.5}], "column temperature"),
        ([{"sensor": 5}], "column sensor"),
        ([{"sensor": "a", "SENSOR": "b"}], "twice"),
        ([5], "row 0 is no dict but int"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_name(rows: list[object], reason: str) -> None:
    with pytest.raises(RowError, match=reason):
        batch_of(readings(), rows)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (pa.int32(), 1.5),
        (pa.int64(), Decimal("1.5")),
        (pa.int64(), float("nan")),
        (pa.timestamp("ns"), 0.5),
        (pa.date32(), dt.datetime(2026, 1, 1, 5)),
        (pa.float32(), 1e39),
        (pa.decimal128(10, 2), Decimal("1.255")),
        (pa.list_(pa.int64()), [1, 1.5]),
        (pa.map_(pa.string(), pa.date32()), {"a": 0.5}),
        (pa.map_(pa.int64(), pa.string()), [(0.5, "a")]),
        (pa.struct([("x", pa.int64()), ("y", pa.string())]), {"x": 0.5}),
    ],
)
def test_nothing_is_cut_to_fit(kind: pa.DataType, cell: object) -> None:
    with pytest.raises(RowError, match="column x"):
        batch_of(of(pa.field("x", kind)), [{"x": cell}])


def test_whole_floats_are_integers() -> None:
    rows = batch_of(of(pa.field("x", pa.int64())), [{"x": 2.0}, {"x": Decimal("3.0")}, {"x": None}])
    assert rows.column(0).to_pylist() == [2, 3, None]


def test_times_are_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    cells = [
        dt.datetime(2026, 1, 1, 2, tzinfo=zone),
        dt.datetime(2026, 1, 1),
        1_767_225_600_000_000_000,
    ]
    rows = batch_of(readings(), [{"sensor": "a", "ts": cell} for cell in cells])
    assert rows.column(1).cast(pa.int64()).to_pylist() == [1_767_225_600_000_000_000] * 3
    micros = pa.array([cells[0]], pa.timestamp("us", "Europe/Berlin"))
    table = pa.table({"sensor": ["a"], "ts": micros})
    assert batch_of(readings(), table).column(1).cast(pa.int64()).to_pylist() == [
        1_767_225_600_000_000_000
    ]


def test_every_type_is_taken_from_plain_values() -> None:
    fields = {
        "b": (pa.bool_(), True),
        "i": (pa.int32(), 1),
        "f": (pa.float32(), 0.5),
        "d": (pa.float64(), 0.1),
        "m": (pa.decimal128(10, 2), Decimal("1.25")),
        "y": (pa.binary(), b"x"),
        "t": (pa.date32(), dt.date(2026, 1, 1)),
        "c": (pa.time64("ns"), dt.time(1, 2, 3)),
        "v": (pa.month_day_nano_interval(), dt.timedelta(seconds=1)),
        "l": (pa.list_(pa.int64()), [1, None]),
        "p": (pa.map_(pa.string(), pa.int64()), {"a": 1}),
        "s": (pa.struct([("x", pa.int64())]), {"x": 1}),
    }
    stream = of(*(pa.field(name, kind) for name, (kind, _) in fields.items()))
    rows = batch_of(stream, [{name: cell for name, (_, cell) in fields.items()}, {}])
    assert rows.num_rows == 2
    assert rows.schema.types == [kind for kind, _ in fields.values()]
    assert [column.null_count for column in rows.columns] == [1] * len(fields)


def test_json_is_text_or_anything_that_json_can_say() -> None:
    stream = of(json_field("doc"))
    rows = batch_of(stream, [{"doc": '{"a": 1}'}, {"doc": {"a": ["ü"]}}, {"doc": None}, {"doc": 5}])
    assert rows.column(0).to_pylist() == ['{"a": 1}', '{"a":["ü"]}', None, "5"]


def test_tables_are_cast_and_dictionaries_stay() -> None:
    coded = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode()] * 2)
    table = pa.table({"sensor": coded, "temperature": pa.array([1, 2, 3, 4], pa.int16())})
    rows = batch_of(readings(), table)
    assert rows.column(0).type == pa.int64()
    assert rows.to_pydict()["sensor"] == ["a", "b", "a", "b"]
    assert batch_of(readings(), table.slice(1, 2)).to_pydict()["sensor"] == ["b", "a"]
    assert batch_of(readings(), table.to_batches()[0]).num_rows == 2
    assert batch_of(readings(), table.slice(0, 0)).num_rows == 0


def test_rows_without_any_column_keep_their_number() -> None:
    assert batch_of(of(pa.field("x", pa.int64())), [{}, {}]).to_pydict() == {"x": [None, None]}


def test_rows_are_split_by_key_in_order() -> None:
    stream = readings()
    rows = batch_of(stream, [{"sensor": f"s{at % 9}", "temperature": at} for at in range(50)])
    split = by_partition(stream, SPACE, Partitioner(SPACE), rows, 0)
    places = [at for _, own in split for at in own]
    assert sorted(places) == list(range(50))
    pieces = list(pieces_of(stream, rows, split, 4 << 20))
    assert [piece.partition for piece in pieces] == [partition for partition, _ in split]
    for piece in pieces:
        assert list(piece.at) == sorted(piece.at)
        assert piece.rows.column(0).to_pylist() == list(piece.at)
        assert open_frame(piece.frame).columns[0].array.to_pylist() == list(piece.at)


def test_a_stream_without_a_key_takes_turns() -> None:
    stream = of(pa.field("x", pa.int64()))
    rows = batch_of(stream, [{"x": 1}, {"x": 2}])
    turns = [by_partition(stream, SPACE, Partitioner(SPACE), rows, at)[0][0] for at in range(5)]
    assert turns == [0, 1, 2, 3, 0]


def test_pieces_fit_into_a_message() -> None:
    stream = of(pa.field("x", pa.string()))
    rows = batch_of(stream, [{"x": "y" * 10_000} for _ in range(60)])
    pieces = list(pieces_of(stream, rows, [(0, range(60))], 128 << 10))
    assert [at for piece in pieces for at in piece.at] == list(range(60))
    assert all(len(piece.frame) < 128 << 10 for piece in pieces)
    assert len(pieces) < 12
    rows = batch_of(stream, [{"x": "y"}, {"x": "y" * 200_000}])
    with pytest.raises(RowError, match="row 1 takes"):
        list(pieces_of(stream, rows, [(0, range(2))], 128 << 10))
