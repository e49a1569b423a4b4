"""Appends while partitions, epochs and schemas change."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from fake import FakeServer, Model, readings
from fake.mishaps import failing
from test_append import of_one_key

import ceptra
from ceptra import Status
from ceptra.wire.codes import Kind
from ceptra.wire.columns import Column

Connect = Callable[..., ceptra.Client]


def test_a_partition_moves(connect: Connect) -> None:
    model = Model()
    with FakeServer(model) as one, FakeServer(model) as two:
        client = connect(one)
        assert client.append("readings", of_one_key(1)).applied == 1
        moved = failing(Status.TRANSIENT_REDIRECT, redirect=two.address)
        one.on(Kind.APPEND, moved)
        assert client.append("readings", of_one_key(2)).applied == 1
        assert [append.first_sequence for append in two.appends] == [1]
        # The next table says it too, and one with a newer epoch is fetched.
        model.leaders, model.epoch = [0, 1, 0, 0], 13
        two.on(Kind.APPEND, failing(Status.TRANSIENT_RETRY, routing_epoch=13))
        assert client.append("readings", of_one_key(3)).applied == 1
        assert two.appends[-1].routing_epoch == 13
        assert model.temperatures() == [1, 2, 3]


def test_a_server_dies_and_another_leads(connect: Connect) -> None:
    model = Model(leaders=[0, 0, 0, 0])
    with FakeServer(model) as one, FakeServer(model) as two:
        client = connect(one)
        client.append("readings", of_one_key(1))
        one.close()
        model.leaders, model.epoch = [1, 1, None, 1], 13
        assert client.append("readings", of_one_key(2)).applied == 1
        assert len(two.appends) == 1
        assert {stream.partitions for stream in client.streams()} == {4}


def test_a_partition_without_leader_is_waited_for(server: FakeServer, connect: Connect) -> None:
    server.model.leaders = [None] * 4
    client = connect(server)
    with pytest.raises(ceptra.DeadlineExceeded, match="no leader now") as caught:
        client.append("readings", of_one_key(1), timeout=0.3)
    assert server.appends == []
    server.model.leaders, server.model.epoch = [0] * 4, 13
    assert caught.value.pending.result(10).applied == 1


def test_a_new_epoch_is_learnt_and_a_wrong_one_reported(
    server: FakeServer, connect: Connect
) -> None:
    client = connect(server)
    server.model.epoch = 13
    server.on(Kind.APPEND, failing(Status.PERMANENT_EPOCH, routing_epoch=13))
    assert client.append("readings", of_one_key(1)).applied == 1
    assert [append.routing_epoch for append in server.appends] == [12, 13]
    server.on(Kind.APPEND, failing(Status.PERMANENT_EPOCH))
    with pytest.raises(ceptra.EpochError):
        client.append("readings", of_one_key(2))


def test_a_pushed_table_is_taken_over(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    server.model.epoch = 15
    server.peers[0].send(0, server.model.routing())
    time.sleep(0.1)
    client.append("readings", of_one_key(1))
    assert server.appends[0].routing_epoch == 15
    server.model.epoch = 14
    server.peers[0].send(0, server.model.routing())
    time.sleep(0.1)
    client.append("readings", of_one_key(1))
    assert server.appends[1].routing_epoch == 15


def test_a_new_schema_is_learnt_and_the_rows_written_anew(
    server: FakeServer, connect: Connect
) -> None:
    client = connect(server)
    column = Column(8, pa.field("unit", pa.string()))
    wider = Column(1, pa.field("temperature", pa.float64()))
    old = readings()
    server.model.streams = (
        replace(old, schema_version=2, columns=(wider, *old.columns[1:], column)),
    )
    server.model.epoch = 13
    server.on(Kind.APPEND, failing(Status.PERMANENT_SCHEMA))
    assert client.append("readings", of_one_key(1)).applied == 1
    assert [append.schema_version for append in server.appends] == [1, 2]
    assert server.model.rows() == [(1, 1.0)]
    server.on(Kind.APPEND, failing(Status.PERMANENT_SCHEMA))
    with pytest.raises(ceptra.SchemaError):
        client.append("readings", of_one_key(1))
