"""Credits: what is under way stays within the window, and callers wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from fake import FakeServer, Model
from fake.held import Held
from test_append import of_one_key

import ceptra
from ceptra.ingest.budget import Budget
from ceptra.wire.codes import Kind
from ceptra.wire.values import Window

Connect = Callable[..., ceptra.Client]


def test_what_is_under_way_stays_within_the_window(connect: Connect) -> None:
    model = Model(credits=Window(3, 1 << 20))
    with FakeServer(model) as server:
        held = Held(server)
        server.on(Kind.APPEND, *[held] * 3)
        producer = connect(server).producer("readings")
        futures = [producer.append(of_one_key(number)) for number in range(20)]
        held.wait_for(3)
        time.sleep(0.1)
        assert len(server.appends) == 3
        held.release()
        producer.flush()
        assert all(future.result(0).applied == 1 for future in futures)
        assert server.violations == []
        # An append that never fits goes alone.
        assert producer.append(of_one_key(*range(30))).result(5).applied == 30
        assert server.violations == []


def test_bytes_count_as_well_as_rows(connect: Connect) -> None:
    with FakeServer(Model(credits=Window(1_000, 1_500))) as server:
        producer = connect(server).producer("readings")
        for number in range(30):
            producer.append(of_one_key(number))
        producer.flush()
        assert server.violations == []
        assert [value for _, value in server.model.rows()] == list(range(30))


def test_a_shut_window_opens_by_credits_or_is_tried_alone(connect: Connect) -> None:
    with FakeServer(Model(credits=Window(0, 0))) as server:
        producer = connect(server).producer("readings")
        future = producer.append(of_one_key(1))
        time.sleep(0.3)
        assert server.appends == []
        server.model.credits = Window(5, 1 << 20)
        server.credit(1, Window(5, 1 << 20))
        assert future.result(1).applied == 1
        server.model.credits = Window(0, 0)
        producer.append(of_one_key(2)).result(1)
        began = time.monotonic()
        assert producer.append(of_one_key(3)).result(5).applied == 1
        assert time.monotonic() - began > 0.8


def test_append_blocks_while_too_much_waits() -> None:
    budget = Budget(100)
    budget.take(500, 0)
    with pytest.raises(ceptra.DeadlineExceeded, match="nothing was sent"):
        budget.take(1, 0.01)
    threading.Timer(0.05, budget.release, [500]).start()
    budget.take(60, 5)
    budget.take(40, 0)
    with pytest.raises(ceptra.DeadlineExceeded):
        budget.take(1, 0)
