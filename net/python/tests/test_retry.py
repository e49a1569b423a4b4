"""What goes wrong with appends, and that every row is applied once, in order."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from fake import FakeServer, Model, Peer
from fake.mishaps import Action, failing, lost_after, lost_before
from test_append import of_one_key, rows

import ceptra
from ceptra import Reason, Rejected, Status
from ceptra.wire.append import Ack, Append, Run
from ceptra.wire.codec import Message
from ceptra.wire.codes import Kind, OutcomeCode
from ceptra.wire.session import Error
from ceptra.wire.values import Failure

Connect = Callable[..., ceptra.Client]


@pytest.mark.parametrize("loss", [lost_before, lost_after])
def test_a_lost_append_is_sent_again_with_the_same_ids(
    server: FakeServer, connect: Connect, loss: Action
) -> None:
    client = connect(server)
    server.on(Kind.APPEND, loss, loss)
    result = client.append("readings", of_one_key(1, 2, 3))
    assert (result.applied, result.duplicates) == ((3, 0) if loss is lost_before else (0, 3))
    first, *again = server.appends
    assert len(again) == 2
    for append in again:
        assert replace(append, routing_epoch=first.routing_epoch) == first
    assert server.model.temperatures() == [1, 2, 3]


def test_opaque_ids_are_sent_again_as_well(server: FakeServer, connect: Connect) -> None:
    server.on(Kind.APPEND, lost_after)
    result = connect(server).append("readings", of_one_key(1, 2), ids=[7, 8])
    assert result.duplicates == 2
    assert server.appends[0] == server.appends[1]


@pytest.mark.parametrize(
    "status",
    [
        Status.TRANSIENT_BACKPRESSURE,
        Status.TRANSIENT_WARMUP,
        Status.TRANSIENT_RETRY,
        Status.TRANSIENT_REDIRECT,
        200,
    ],
)
def test_transient_failures_are_tried_again(
    server: FakeServer, connect: Connect, status: int
) -> None:
    client = connect(server)
    server.on(Kind.APPEND, failing(status, retry_after_ms=150), failing(status))
    began = time.monotonic()
    assert client.append("readings", of_one_key(1)).applied == 1
    assert time.monotonic() - began > 0.2
    assert len({append.first_sent_ns for append in server.appends}) == 1


def test_order_is_kept_when_the_first_of_many_fails(server: FakeServer, connect: Connect) -> None:
    producer = connect(server).producer("readings")
    server.on(Kind.APPEND, failing(Status.TRANSIENT_RETRY, retry_after_ms=50))
    futures = [producer.append(of_one_key(number)) for number in range(10)]
    producer.flush()
    assert [value for _, value in server.model.rows()] == list(range(10))
    assert all(future.result(0).applied == 1 for future in futures)
    assert len({append.producer for append in server.appends}) == 1


def test_a_permanent_failure_is_raised_and_makes_no_gap(
    server: FakeServer, connect: Connect
) -> None:
    producer = connect(server).producer("readings", 5)
    server.on(Kind.APPEND, failing(Status.PERMANENT_PAYLOAD))
    futures = [producer.append(of_one_key(number, -number)) for number in range(1, 6)]
    with pytest.raises(ceptra.PayloadError, match="because") as caught:
        futures[0].result(5)
    assert caught.value.outcomes == [None, None]
    assert all(future.result(5).applied == 2 for future in futures[1:])
    assert [value for _, value in server.model.rows()] == [2, -2, 3, -3, 4, -4, 5, -5]
    assert {append.producer for append in server.appends} == {5}
    assert producer.sequences() == {1: 8}
    with pytest.raises(ceptra.PayloadError):
        producer.flush()
    producer.flush()


def test_an_error_instead_of_an_ack_counts_as_well(server: FakeServer, connect: Connect) -> None:
    failure = Failure(Status.PERMANENT_DURABILITY, "the disk of partition 1 failed")
    server.on(Kind.APPEND, lambda peer, request, _: peer.send(request, Error(failure)))
    with pytest.raises(ceptra.DurabilityError, match="the disk"):
        connect(server).append("readings", of_one_key(1))


def test_the_outcomes_of_other_partitions_come_with_the_error(
    server: FakeServer, connect: Connect
) -> None:
    client = connect(server)

    def action(peer: Peer, request: int, message: Message) -> None:
        assert isinstance(message, Append)
        if message.partition == 1:
            failing(Status.PERMANENT_DURABILITY)(peer, request, message)
        else:
            server.default(peer, request, message)

    server.on(Kind.APPEND, *[action] * 4)
    with pytest.raises(ceptra.DurabilityError) as caught:
        client.append("readings", rows(*range(50)) + of_one_key(1))
    outcomes = caught.value.outcomes
    assert outcomes is not None
    assert len(outcomes) == 51
    assert outcomes[-1] is None
    assert sum(outcome is not None for outcome in outcomes) == len(server.model.rows())


@pytest.mark.parametrize("was_applied", [True, False])
def test_a_failure_of_unknown_fate_neither_loses_nor_repeats_what_follows(
    server: FakeServer, connect: Connect, was_applied: bool
) -> None:
    producer = connect(server).producer("readings")
    loss = lost_after if was_applied else lost_before
    server.on(Kind.APPEND, loss, failing(Status.PERMANENT_RETRY_EXPIRED))
    first = producer.append(of_one_key(1))
    with pytest.raises(ceptra.RetryExpiredError):
        first.result(5)
    for number in range(2, 6):
        assert producer.append(of_one_key(number)).result(5).applied == 1
    assert server.model.temperatures() == [1, 2, 3, 4, 5][not was_applied :]
    assert len({append.producer for append in server.appends}) == 1 + (not was_applied)


def test_a_producer_that_the_server_forgot_begins_anew(
    server: FakeServer, connect: Connect
) -> None:
    client = connect(server)
    auto, given = client.producer("readings"), client.producer("readings", 9)
    for producer in (auto, given):
        producer.append(of_one_key(1)).result(5)
    server.model.following.clear()
    assert auto.append(of_one_key(2)).result(5).applied == 1
    (outcome,) = given.append(of_one_key(3)).result(5)
    assert isinstance(outcome, Rejected)
    assert outcome.reason == Reason.SEQUENCE_GAP
    assert server.model.temperatures() == [1, 1, 2]


def test_a_producer_goes_on_where_it_was(server: FakeServer, connect: Connect) -> None:
    first = connect(server).producer("readings", 9)
    first.append(rows(*range(20)))
    first.flush()
    second = connect(server).producer("readings", 9, resume=first.sequences())
    assert second.sequences() == first.sequences()
    result = second.append(rows(*range(20, 40))).result(5)
    assert result.applied == 20
    repeated = connect(server).producer("readings", 9)
    assert repeated.append(rows(*range(20))).result(5).duplicates == 20
    assert server.model.temperatures() == list(range(40))


def test_a_timeout_hands_over_what_goes_on(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    server.on(Kind.APPEND, failing(Status.TRANSIENT_WARMUP, retry_after_ms=600))
    with pytest.raises(ceptra.DeadlineExceeded, match="may still be applied") as caught:
        client.append("readings", of_one_key(1), timeout=0.2)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.pending.result(5).applied == 1


def test_closing_fails_what_is_not_answered(server: FakeServer, connect: Connect) -> None:
    client = connect(server)
    server.on(Kind.APPEND, lambda *_: None)
    future = client.producer("readings").append(of_one_key(1))
    time.sleep(0.05)
    client.close()
    with pytest.raises(ceptra.ClosedError):
        future.result(5)


@pytest.mark.parametrize(
    "runs",
    [
        (),
        (Run(2, OutcomeCode.APPLIED, 1, 0),),
        (Run(1, OutcomeCode.REJECTED, reason=1), Run(1, OutcomeCode.DUPLICATE)),
    ],
)
def test_an_ack_of_other_rows_ends_the_connection(
    server: FakeServer, connect: Connect, runs: tuple[Run, ...]
) -> None:
    server.on(
        Kind.APPEND, lambda peer, request, _: peer.send(request, Ack(runs, server.model.credits))
    )
    assert connect(server).append("readings", of_one_key(1)).applied == 1
    assert len(server.hellos) == 2


def test_bytes_that_are_no_message_end_the_connection(server: FakeServer, connect: Connect) -> None:
    server.on(Kind.APPEND, lambda peer, request, _: peer.raw(b"\xff" * 64))
    assert connect(server).append("readings", of_one_key(1)).applied == 1
    assert len(server.hellos) == 2


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("opaque", [False, True])
def test_whatever_fails_every_row_is_applied_once_in_order(
    connect: Connect, seed: int, opaque: bool
) -> None:
    dice = random.Random(seed)
    model = Model()
    with FakeServer(model) as one, FakeServer(model) as two:
        model.leaders = [dice.randrange(2) for _ in range(4)]

        def misfortune(peer: Peer, request: int, message: Message) -> None:
            assert isinstance(message, Append)
            what = dice.randrange(7)
            if what == 0:
                lost_before(peer, request, message)
            elif what == 1:
                lost_after(peer, request, message)
            elif what == 2:
                failing(Status.TRANSIENT_BACKPRESSURE, retry_after_ms=5)(peer, request, message)
            elif what == 3:
                other = two if peer.server is one else one
                failing(Status.TRANSIENT_REDIRECT, redirect=other.address)(peer, request, message)
            else:
                peer.server.default(peer, request, message)

        one.on(Kind.APPEND, *[misfortune] * 25)
        two.on(Kind.APPEND, *[misfortune] * 25)
        producer = connect(one).producer("readings")
        futures = []
        for start in range(0, 200, 5):
            ids = list(range(start, start + 5)) if opaque else None
            futures.append(producer.append(rows(*range(start, start + 5)), ids=ids))
        producer.flush(60)
        results = [future.result(0) for future in futures]
        assert sum(result.applied + result.duplicates for result in results) == 200
        assert model.temperatures() == list(range(200))
        if not opaque:
            for partition in range(4):
                own = [value for place, value in model.rows() if place == partition]
                assert own == sorted(own)  # type: ignore[type-var]
        assert one.violations + two.violations == []
