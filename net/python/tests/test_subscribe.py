"""Subscriptions: where they begin, what they hold, how they go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from fake import FakeServer, Model, Peer, readings
from fake.feeder import DELIVERY_ROWS_MAX
from test_append import of_one_key, rows

import ceptra
from ceptra import Op, Position, Status
from ceptra.frame import encode_frame
from ceptra.wire.codec import Message
from ceptra.wire.codes import Changelog, Kind, Start
from ceptra.wire.columns import Column
from ceptra.wire.subscribe import Delivery, PositionRun, Subscribe, Subscribed, SubscriptionEnd
from ceptra.wire.values import Failure

Connect = Callable[..., ceptra.Client]
KITCHEN = 1


def taken(subscription: ceptra.Subscription, count: int) -> list[int]:
    """The temperatures of the next rows."""
    found: list[int] = []
    while len(found) < count:
        found += next(subscription).rows.column("temperature").to_pylist()
    return found


def test_all_partitions_from_the_oldest_row_on(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    result = client.append("readings", rows(*range(60)))
    found: dict[int, Position] = {}
    with client.subscribe("readings", start="earliest", timeout=5) as batches:
        while len(found) < 60:
            batch = next(batches)
            temperatures = batch.rows.column("temperature").to_pylist()
            found.update(zip(temperatures, batch.positions, strict=True))
            assert batch.last == batch.positions[-1]
            assert batch.ops == [Op.INSERT] * batch.rows.num_rows
            ids = [position.index << 32 | position.ordinal for position in batch.positions]
            assert list(batch.derived_ids) == ids
            assert batches.watermarks[batch.partition] is not None
        for number, outcome in enumerate(result):
            assert isinstance(outcome, ceptra.Applied)
            assert found[number] == Position(outcome.index, outcome.row)
    assert batch.rows.schema.names == ["temperature", "sensor", "ts"]


def test_the_latest_rows_and_rows_behind_a_position(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    client.append("readings", of_one_key(1, 2, 3))
    latest = client.subscribe("readings", timeout=5)
    while len(server.seen_of(Kind.SUBSCRIBE)) < 4:
        time.sleep(0.01)
    time.sleep(0.05)
    client.append("readings", of_one_key(4))
    assert taken(latest, 1) == [4]
    after = client.subscribe("readings", partition=KITCHEN, start=Position(77, 1), timeout=5)
    assert taken(after, 2) == [3, 4]
    of_each = client.subscribe("readings", start={KITCHEN: Position(77, 2)}, timeout=5)
    assert taken(of_each, 1) == [4]
    some = client.subscribe("readings", partition=[2, KITCHEN], start="earliest", timeout=5)
    assert taken(some, 4) == [1, 2, 3, 4]


def test_arguments_that_make_no_sense(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    with pytest.raises(ValueError, match="no partition 4; there are 4"):
        client.subscribe("readings", partition=4)
    with pytest.raises(ValueError, match="start 'oldest'"):
        client.subscribe("readings", start="oldest")
    with pytest.raises(ValueError, match="one position is for one partition"):
        client.subscribe("readings", start=Position(1, 1))
    with pytest.raises(ceptra.UnknownStream):
        client.subscribe("other")


def test_a_wait_has_an_end_and_rows_come_afterwards(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    batches = client.subscribe("readings", start="earliest", timeout=0.1)
    with pytest.raises(ceptra.DeadlineExceeded, match="ask again"):
        next(batches)
    client.append("readings", of_one_key(1))
    assert taken(batches, 1) == [1]


def test_what_is_held_is_bounded(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    client.append("readings", of_one_key(*range(200)))
    batches = client.subscribe(
        "readings", partition=KITCHEN, start="earliest", rows_max=20, timeout=5
    )
    time.sleep(0.3)
    (feeder,) = server.peers[0].feeders.values()
    assert feeder.sent.events == 20
    found: list[int] = []
    while len(found) < 200:
        before = len(found)
        found += next(batches).rows.column(0).to_pylist()
        assert len(found) - before <= DELIVERY_ROWS_MAX
        assert feeder.sent.events <= before + 20
    assert found == list(range(200))
    assert len(server.seen_of(Kind.ALLOW)) <= 200 / 10 + 1


def test_bytes_bound_it_as_well(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    client.append("readings", of_one_key(*range(100)))
    batches = client.subscribe(
        "readings", partition=KITCHEN, start="earliest", bytes_max=1_500, timeout=5
    )
    time.sleep(0.2)
    (feeder,) = server.peers[0].feeders.values()
    assert 1_500 <= feeder.sent.bytes < 3_000
    assert taken(batches, 100) == list(range(100))


def test_it_goes_on_behind_the_last_row_after_losses(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    batches = client.subscribe("readings", partition=KITCHEN, start="earliest", timeout=10)
    found: list[int] = []
    for round_ in range(5):
        client.append("readings", of_one_key(*range(round_ * 20, round_ * 20 + 20)))
        found += taken(batches, 1)
        server.drop_all()
    while len(found) < 100:
        found += taken(batches, 1)
    assert found == list(range(100))
    starts = [one.start for one in server.seen_of(Kind.SUBSCRIBE) if isinstance(one, Subscribe)]
    assert starts[0] == Start.EARLIEST
    assert len(starts) > 2


def test_latest_means_the_first_time_only(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    client.append("readings", of_one_key(1))
    batches = client.subscribe("readings", partition=KITCHEN, timeout=10)
    while not server.peers[0].feeders:
        time.sleep(0.01)
    time.sleep(0.05)
    # No connection while rows come: they are delivered afterwards.
    server.on(Kind.HELLO, *[lambda peer, request, message: peer.drop()] * 2)
    server.drop_all()
    with FakeServer(server.model) as other:
        connect(other).append("readings", of_one_key(2, 3))
    assert taken(batches, 2) == [2, 3]


def test_it_follows_the_partition(connect: Connect) -> None:
    model = Model()
    with FakeServer(model) as one, FakeServer(model) as two:
        client = connect(one)
        client.append("readings", of_one_key(1, 2))
        moved = Failure(Status.TRANSIENT_REDIRECT, "moved", redirect=two.address)
        one.on(Kind.SUBSCRIBE, lambda peer, request, _: peer.send(request, SubscriptionEnd(moved)))
        batches = client.subscribe("readings", partition=KITCHEN, start="earliest", timeout=5)
        assert taken(batches, 2) == [1, 2]
        assert len(two.seen_of(Kind.SUBSCRIBE)) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.PERMANENT_POSITION_EXPIRED, ceptra.PositionExpiredError),
        (Status.PERMANENT_AUTH, ceptra.AuthError),
        (Status.PERMANENT_EPOCH, ceptra.EpochError),
    ],
)
def test_a_refusal_is_raised(
    server: FakeServer, connect: Connect, status: Status, error: type[ceptra.StatusError]
) -> None:
    failure = Failure(status, "rows before 500 are gone", earliest=Position(500, 2))
    server.on(Kind.SUBSCRIBE, lambda peer, request, _: peer.send(request, SubscriptionEnd(failure)))
    batches = connect(server).subscribe("readings", partition=KITCHEN, start=Position(1, 0))
    for _ in range(2):
        with pytest.raises(error, match="gone") as caught:
            next(batches)
    if isinstance(caught.value, ceptra.PositionExpiredError):
        assert caught.value.earliest == Position(500, 2)


def test_transient_ends_are_tried_again(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    client.append("readings", of_one_key(1))
    for status in (Status.TRANSIENT_WARMUP, Status.OK):
        end = SubscriptionEnd(Failure(status, "not yet"))
        server.on(Kind.SUBSCRIBE, lambda peer, request, _, end=end: peer.send(request, end))  # type: ignore[misc]
    batches = client.subscribe("readings", partition=KITCHEN, start="earliest", timeout=5)
    assert taken(batches, 1) == [1]
    assert len(server.seen_of(Kind.SUBSCRIBE)) == 3


def sending(*deliveries: Delivery) -> Callable[[Peer, int, Message], None]:
    """Answers Subscribe with these."""

    def action(peer: Peer, request: int, _message: Message) -> None:
        stream = peer.server.model.stream(3)
        peer.send(request, Subscribed(1, Changelog.UPSERT, stream.columns, Position(0, 0)))
        for delivery in deliveries:
            peer.send(request, delivery)

    return action


def delivery_of(*cells: int) -> Delivery:
    """Rows without the column ts."""
    batch = pa.RecordBatch.from_pydict({"t": list(cells), "s": ["a"] * len(cells)})
    return Delivery(
        positions=(PositionRun(9, 0, len(cells)),),
        derived_ids=tuple(range(len(cells))),
        ops=bytes([3, 1, 2, 0][: len(cells)]),
        rows=encode_frame(3, 1, [1, 2], batch),
    )


def test_operations_and_columns_that_the_rows_lack(server: FakeServer, connect: Connect) -> None:
    quiet = Delivery(watermark_ns=123)
    server.on(Kind.SUBSCRIBE, sending(quiet, delivery_of(1, 2, 3, 4)))
    batches = connect(server).subscribe("readings", partition=0, timeout=5)
    batch = next(batches)
    assert [str(op) for op in batch.ops] == ["-D", "-U", "+U", "+I"]
    assert batch.rows.to_pylist()[0] == {"temperature": 1, "sensor": "a", "ts": None}
    assert batches.watermarks == {0: 123}
    assert batch.watermark_ns is None


def test_malformed_rows_end_the_connection_and_then_the_subscription(
    server: FakeServer, connect: Connect
) -> None:
    good = delivery_of(1, 2)
    damaged = replace(good, rows=good.rows[:-1] + b"\x01")
    fewer = replace(good, rows=delivery_of(1).rows)
    other = pa.RecordBatch.from_pydict({"t": ["x", "y"], "s": ["a", "b"]})
    typed = replace(good, rows=encode_frame(3, 1, [1, 2], other))
    backwards = replace(good, positions=(PositionRun(9, 5, 1), PositionRun(9, 5, 1)))
    null = pa.RecordBatch.from_pydict({"t": [1, 2]})
    beyond = replace(delivery_of(*range(100)), positions=(PositionRun(10, 0, 100),), ops=b"")
    nulls = replace(good, rows=encode_frame(3, 1, [1], null))
    for bad in (damaged, fewer, typed, nulls):
        server.on(Kind.SUBSCRIBE, sending(bad))
    server.on(Kind.SUBSCRIBE, sending(good, good), sending(good), sending(backwards))
    server.on(Kind.SUBSCRIBE, sending(beyond), *[sending(damaged)] * 2)
    batches = connect(server).subscribe("readings", partition=0, timeout=10, rows_max=50)
    assert next(batches).rows.num_rows == 2
    with pytest.raises(ceptra.ProtocolError, match="rows of a subscription"):
        next(batches)
    assert len(server.hellos) >= 9


def test_names_of_nested_columns_are_those_of_the_stream(connect: Connect) -> None:
    point = pa.struct([pa.field("x", pa.float64()), pa.field("tags", pa.list_(pa.string()))])
    places = pa.field("places", pa.map_(pa.string(), point))
    stream = readings(
        columns=(Column(1, pa.field("temperature", pa.int64())), Column(2, places)),
        key=(),
        event_time=None,
    )
    with FakeServer(Model(streams=(stream,), partitions=1)) as server:
        client = connect(server)
        row = {"temperature": 1, "places": {"a": {"x": 0.5, "tags": ["u", None]}, "b": None}}
        assert client.append("readings", [row, {"temperature": 2}]).applied == 2
        batch = next(client.subscribe("readings", start="earliest", timeout=5))
        assert batch.rows.schema.field("places").type == places.type
        assert batch.rows.to_pylist()[0] == {
            "temperature": 1,
            "places": [("a", {"x": 0.5, "tags": ["u", None]}), ("b", None)],
        }
        assert batch.rows.to_pylist()[1] == {"temperature": 2, "places": None}


def test_closing_ends_the_iteration(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    client.append("readings", of_one_key(1))
    batches = client.subscribe("readings", start="earliest")
    threading.Timer(0.2, batches.close).start()
    assert [batch.rows.num_rows for batch in batches] == [1]
    time.sleep(0.1)
    assert len(server.seen_of(Kind.CANCEL)) == 4
    assert server.model.watchers == []
    with pytest.raises(StopIteration):
        next(batches)


def test_closing_the_client_is_told(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    batches = client.subscribe("readings")
    threading.Timer(0.2, client.close).start()
    with pytest.raises(ceptra.ClosedError):
        next(batches)
