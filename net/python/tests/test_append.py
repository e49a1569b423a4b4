"""Appends: splitting, outcomes, pipelining, credits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pyarrow as pa
import pytest
from fake import FakeServer, Model, Peer, readings
from fake.held import Held

import ceptra
from ceptra import Applied, Duplicate, Reason, Rejected
from ceptra.frame import open_frame
from ceptra.ingest.producer import EventId
from ceptra.wire.append import Ack, Append, Run
from ceptra.wire.codec import Message
from ceptra.wire.codes import Feature, Kind, OutcomeCode
from ceptra.wire.values import Window

Connect = Callable[..., ceptra.Client]


def rows(*numbers: int) -> list[dict[str, object]]:
    """Rows over many keys."""
    return [{"sensor": f"s{number % 13}", "temperature": number} for number in numbers]


def of_one_key(*numbers: int) -> list[dict[str, object]]:
    """Rows of one key, so of one partition."""
    return [{"sensor": "kitchen", "temperature": number} for number in numbers]


def test_rows_go_to_the_partition_of_their_key(server: FakeServer, connect: Connect) -> None:
    result = connect(server).append("readings", rows(*range(100)))
    assert result.applied == len(result) == 100
    assert server.model.temperatures() == list(range(100))
    assert len({append.partition for append in server.appends}) > 1
    of_sensor: dict[str, set[int]] = {}
    for partition, log in server.model.logs.items():
        for logged in log:
            of_sensor.setdefault(logged.values.column(1)[0].as_py(), set()).add(partition)
            place = result[logged.values.column(0)[0].as_py()]
            assert place == Applied(logged.index, logged.row)
    assert all(len(partitions) == 1 for partitions in of_sensor.values())


def test_numbers_are_dense_for_each_partition(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    producer = client.producer("readings", 0xFEED)
    for start in range(0, 60, 20):
        producer.append(rows(*range(start, start + 20)))
    producer.flush()
    following: dict[int, int] = {}
    for append in server.appends:
        assert append.producer == 0xFEED
        assert append.first_sequence == following.get(append.partition, 0)
        following[append.partition] = append.first_sequence + open_frame(append.rows).rows
    assert producer.sequences() == following
    assert sum(following.values()) == 60


def test_tables_and_record_batches(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    table = pa.table({"sensor": ["a", "b", "c"], "temperature": pa.array([1, 2, 3], pa.int32())})
    assert client.append("readings", table).applied == 3
    assert client.append("READINGS", table.to_batches()[0].slice(1)).applied == 2
    assert len(client.append("readings", [])) == len(client.append("readings", table[:0])) == 0
    assert server.model.temperatures() == [1, 2, 2, 3, 3]


def test_each_row_has_its_outcome(server: FakeServer, connect: Connect) -> None:
    server.model.reject = lambda row: (
        (Reason.FUTURE_TIME, "ts is ahead: set the clock") if row["temperature"] == 2 else None
    )
    result = connect(server).append("readings", of_one_key(1, 2, 3))
    assert result[1] == Rejected(Reason.FUTURE_TIME, "ts is ahead: set the clock")
    assert (result.applied, result.rejected) == (2, 1)
    assert repr(result) == "AppendResult(applied=2, duplicates=0, late=0, rejected=1)"

    def late(peer: Peer, request: int, message: Message) -> None:
        assert isinstance(message, Append)
        runs = (
            Run(1, OutcomeCode.LATE_DROPPED),
            Run(1, OutcomeCode.REJECTED, reason=77, text="new"),
            Run(1, OutcomeCode.DUPLICATE),
        )
        peer.ack(request, message, Ack(runs, server.model.credits))

    server.on(Kind.APPEND, late)
    result = connect(server).append("readings", of_one_key(1, 2, 3))
    assert list(result[1:]) == [Rejected(77, "new"), Duplicate()]
    assert (result.late, result.rejected, result.duplicates) == (1, 1, 1)


def test_opaque_ids_and_replay(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    ids: list[EventId] = [uuid.uuid4(), 5, uuid.uuid4().bytes]
    assert client.append("readings", of_one_key(1, 2, 3), ids=ids).applied == 3
    assert client.append("readings", of_one_key(1, 2, 3), ids=ids).duplicates == 3
    assert client.append("readings", of_one_key(1, 2, 3), ids=ids, replay=True).applied == 3
    assert client.append("readings", rows(*range(50)), ids=list(range(100, 150))).applied == 50
    append = server.appends[0]
    assert append.producer == 0
    assert append.event_ids[16:32] == (5).to_bytes(16, "little")
    assert append.event_ids[32:] == ids[2][::-1]  # type: ignore[index]
    assert server.appends[2].replay
    by_id = {one.event_id: one for log in server.model.logs.values() for one in log}
    for number in range(50):
        logged = by_id[(100 + number).to_bytes(16, "little")]
        assert logged.values.column(0)[0].as_py() == number
    wrong_ids: list[list[EventId]] = [[1], [1, 2, b"x"], [1, 2, 1 << 128]]
    for wrong in wrong_ids:
        with pytest.raises(ceptra.RowError, match="id"):
            client.append("readings", of_one_key(1, 2, 3), ids=wrong)


def test_what_the_client_refuses_itself(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    with pytest.raises(ceptra.UnknownStream, match="'redings'; there is readings"):
        client.append("redings", rows(1))
    with pytest.raises(ceptra.RowError, match="NULL"):
        client.append("readings", [{"temperature": 1}])
    with pytest.raises(ValueError, match="64 bits"):
        client.producer("readings", 0)
    server.model.streams += (readings(id=4, name="out", can_append=False),)
    server.model.epoch += 1
    with pytest.raises(ceptra.RowError, match="takes no rows"):
        client.append("out", rows(1))
    assert server.appends == []


def test_a_feature_that_the_server_lacks(connect: Connect) -> None:
    with FakeServer(Model(), features=Feature.APPEND) as server:
        client = connect(server)
        assert client.append("readings", rows(1)).applied == 1
        with pytest.raises(ceptra.UnsupportedError):
            client.append("readings", rows(1), ids=[1])
        with pytest.raises(ceptra.UnsupportedError):
            client.append("readings", rows(1), replay=True)
        with pytest.raises(ceptra.UnsupportedError):
            client.query("SELECT 1")
        with pytest.raises(ceptra.UnsupportedError):
            next(client.subscribe("readings", partition=0, timeout=5))


def test_appends_do_not_wait_for_each_other(server: FakeServer, connect: Connect) -> None:
    held = Held(server)
    server.on(Kind.APPEND, *[held] * 10)
    producer = connect(server).producer("readings")
    futures = [producer.append(of_one_key(number)) for number in range(10)]
    held.wait_for(10)
    assert not any(future.done() for future in futures)
    with pytest.raises(ceptra.DeadlineExceeded, match="10 appends"):
        producer.flush(timeout=0.05)
    held.release()
    producer.flush()
    assert [future.result(0)[0] for future in futures] == [Applied(77 + at, 0) for at in range(10)]
    assert [value for _, value in server.model.rows()] == list(range(10))


def test_large_appends_are_cut_into_messages(connect: Connect) -> None:
    with FakeServer(Model(credits=Window(1 << 20, 1 << 26)), message_bytes_max=1 << 17) as server:
        many = [{"sensor": "s" * 500, "temperature": number} for number in range(2_000)]
        result = connect(server).append("readings", many)
        assert result.applied == 2_000
        assert len(server.appends) > 7
        assert [value for _, value in server.model.rows()] == list(range(2_000))
        assert [result[at] for at in (0, 1)] == [Applied(77, 0), Applied(77, 1)]


def test_threads_share_a_client(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    results: list[ceptra.AppendResult] = []

    def work(start: int) -> None:
        for at in range(10):
            results.append(
                client.append("readings", rows(*range(start + at * 5, start + at * 5 + 5)))
            )

    threads = [threading.Thread(target=work, args=(start * 50,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.applied for result in results) == 200
    assert server.model.temperatures() == list(range(200))


def test_a_producer_that_is_closed_leaves_nothing_behind(
    server: FakeServer, connect: Connect
) -> None:
    client = connect(server)
    with client.producer("readings") as producer:
        future = producer.append(rows(*range(30)))
    assert future.result(0).applied == 30
    assert client._lanes.sequences(producer.id, False, "readings") == {}


def test_a_callback_must_not_wait(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    held = Held(server)
    server.on(Kind.APPEND, held)
    caught: list[BaseException] = []
    done = threading.Event()

    def callback(_: object) -> None:
        try:
            client.streams()
        except ceptra.CeptraError as error:
            caught.append(error)
        done.set()

    client.producer("readings").append(of_one_key(1)).add_done_callback(callback)
    held.wait_for(1)
    held.release()
    assert done.wait(5)
    assert "another thread" in str(caught[0])
