"""Queries: results, parameters, failures."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pytest
from fake import FakeServer, Model, Peer

import ceptra
from ceptra import Status
from ceptra.frame import encode_frame, open_frame
from ceptra.read.query import parameters_frame
from ceptra.wire.codec import Message
from ceptra.wire.codes import NOTHING, Kind
from ceptra.wire.columns import Column
from ceptra.wire.query import Query, QueryEnd, QueryRows, ReadAt
from ceptra.wire.values import Failure

Connect = Callable[..., ceptra.Client]
COLUMNS = (Column(3, pa.field("sensor", pa.string(), False)), Column(7, pa.field("n", pa.int64())))


def part(number: int, *cells: int) -> QueryRows:
    """One part of a result."""
    names = pa.array(["a"] * len(cells), pa.string())
    batch = pa.RecordBatch.from_pydict({"s": names, "n": pa.array(cells, pa.int64())})
    frame = encode_frame(NOTHING, 0, [3, 7], batch)
    return QueryRows(number, () if number else COLUMNS, frame)


def answering(*messages: Message) -> Callable[[Peer, int, Message], None]:
    def action(peer: Peer, request: int, _message: Message) -> None:
        for message in messages:
            peer.send(request, message)

    return action


def test_parts_become_one_table(server: FakeServer, connect: Connect) -> None:
    end = QueryEnd(count=3, parts=2, is_truncated=True, read_at=(ReadAt(0, 601), ReadAt(1, 77)))
    server.on(Kind.QUERY, answering(part(0, 1, 2), part(1, 3), end))
    table = connect(server).query("SELECT *", space="main", partition=2, rows_max=3, timeout=2)
    assert table.to_pydict() == {"sensor": ["a"] * 3, "n": [1, 2, 3]}
    assert table.schema.field("sensor").nullable is False
    metadata = table.schema.metadata
    assert json.loads(metadata[b"ceptra.truncated"]) is True
    assert json.loads(metadata[b"ceptra.read_at"]) == {"0": 601, "1": 77}
    (query,) = server.seen_of(Kind.QUERY)
    assert isinstance(query, Query)
    assert (query.space, query.partition, query.rows_max) == ("main", 2, 3)
    assert (query.timeout_ms, query.rows) == (2_000, b"")


def test_a_result_without_rows_has_its_columns(server: FakeServer, connect: Connect) -> None:
    server.on(Kind.QUERY, answering(part(0), QueryEnd(count=0, parts=1)))
    table = connect(server).query("SELECT *")
    assert (table.num_rows, table.column_names) == (0, ["sensor", "n"])


def test_parts_with_and_without_dictionary(server: FakeServer, connect: Connect) -> None:
    coded = pa.RecordBatch.from_arrays(
        [pa.array(["x", "x"]).dictionary_encode(), pa.array([1, None])], ["s", "n"]
    )
    first = QueryRows(0, COLUMNS, encode_frame(NOTHING, 0, [3, 7], coded))
    server.on(Kind.QUERY, answering(first, part(1, 5), QueryEnd(count=3, parts=2)))
    table = connect(server).query("SELECT *")
    assert table.to_pydict() == {"sensor": ["x", "x", "a"], "n": [1, None, 5]}


def test_parameters_are_columns_by_number() -> None:
    cells = [1, "a", None, 0.5, Decimal("1.20"), True, b"x", dt.datetime(2026, 1, 1), [1, 2]]
    typed = [pa.scalar(3, pa.int16()), pa.scalar(4, pa.int32())]
    frame = open_frame(parameters_frame([*cells, *typed]))
    assert (frame.stream, frame.rows) == (NOTHING, 1)
    assert [column.id for column in frame.columns] == list(range(1, 12))
    assert [column.array[0].as_py() for column in frame.columns] == [*cells, 3, 4]
    assert [str(column.field.type) for column in frame.columns] == [
        "int64",
        "string",
        "string",
        "double",
        "decimal128(3, 2)",
        "bool",
        "binary",
        "timestamp[ns]",
        "list<item: int64>",
        "int64",
        "int32",
    ]
    assert parameters_frame([]) == b""


def test_parameters_travel(server: FakeServer, connect: Connect) -> None:
    server.on(Kind.QUERY, answering(part(0), QueryEnd(count=0, parts=1)))
    connect(server).query("SELECT $1", [20])
    (query,) = server.seen_of(Kind.QUERY)
    assert isinstance(query, Query)
    assert open_frame(query.rows).columns[0].array.to_pylist() == [20]


def test_a_failure_is_raised_with_its_text(server: FakeServer, connect: Connect) -> None:
    with pytest.raises(ceptra.QueryError, match="no table for 'SELECT 1'"):
        connect(server).query("SELECT 1")
    failure = Failure(Status.PERMANENT_QUERY, "gone meanwhile")
    server.on(Kind.QUERY, answering(part(0, 1), QueryEnd(failure)))
    with pytest.raises(ceptra.QueryError, match="gone meanwhile"):
        connect(server).query("SELECT 1")


def test_transient_failures_and_losses_are_tried_again(
    server: FakeServer, connect: Connect
) -> None:
    failure = Failure(Status.TRANSIENT_WARMUP, "not yet", retry_after_ms=20)
    server.on(Kind.QUERY, answering(QueryEnd(failure)), lambda peer, *_: peer.drop())
    server.on(Kind.QUERY, answering(part(0, 1), QueryEnd(count=1, parts=1)))
    assert connect(server).query("SELECT 1").num_rows == 1


def test_a_partition_is_asked_at_its_leader(connect: Connect) -> None:
    model = Model(leaders=[0, 1, 0, 0])
    with FakeServer(model) as one, FakeServer(model) as two:
        client = connect(one)
        answer = answering(part(0, 1), QueryEnd(count=1, parts=1))
        two.on(Kind.QUERY, answer)
        assert client.query("SELECT 1", partition=1).num_rows == 1
        moved = Failure(Status.TRANSIENT_REDIRECT, "moved", redirect=two.address)
        one.on(Kind.QUERY, answering(QueryEnd(moved)))
        two.on(Kind.QUERY, answer)
        assert client.query("SELECT 1", partition=0, space="main").num_rows == 1
        with pytest.raises(ceptra.UnknownStream, match="no space 'x'; there is main"):
            client.query("SELECT 1", partition=0, space="x")


@pytest.mark.parametrize(
    "messages",
    [
        (part(1, 1), QueryEnd(count=1, parts=1)),
        (part(0, 1), QueryEnd(count=2, parts=1)),
        (part(0, 1), QueryEnd(count=1, parts=2)),
        (QueryRows(0, COLUMNS, b"\1" * 64),),
    ],
)
def test_results_that_contradict_themselves(
    server: FakeServer, connect: Connect, messages: tuple[Message, ...]
) -> None:
    server.on(Kind.QUERY, answering(*messages))
    with pytest.raises(ceptra.ProtocolError):
        connect(server).query("SELECT 1")


def test_a_query_that_takes_too_long_is_cancelled(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    server.on(Kind.QUERY, lambda *_: None)
    with pytest.raises(ceptra.DeadlineExceeded):
        client.query("SELECT 1", timeout=0.2)
    time.sleep(0.1)
    assert len(server.seen_of(Kind.CANCEL)) == 1
    assert client.streams()


def test_queries_have_a_connection_of_their_own(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    answer = answering(part(0, 1), QueryEnd(count=1, parts=1))
    server.on(Kind.QUERY, answer, answer)
    for _ in range(2):
        client.query("SELECT 1")
    assert len(server.hellos) == 2


def test_streams_are_described(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    info = client.stream("Readings")
    assert (info.name, info.id, info.space, info.partitions) == ("readings", 3, "main", 4)
    assert info.key == ("sensor",)
    assert info.event_time == "ts"
    assert info.schema == pa.schema(
        [
            pa.field("temperature", pa.int64()),
            pa.field("sensor", pa.string(), False),
            pa.field("ts", pa.timestamp("ns")),
        ]
    )
    assert client.streams() == [info]
