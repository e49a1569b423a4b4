"""Servers and clients that are closed after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fake import FakeServer, Model

import ceptra


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(Model()) as running:
        yield running
        assert running.violations == []


@pytest.fixture
def connect() -> Iterator[Callable[..., ceptra.Client]]:
    clients: list[ceptra.Client] = []

    def made(server: FakeServer, **options: object) -> ceptra.Client:
        options.setdefault("timeout", 10.0)
        clients.append(ceptra.connect(server.address, **options))  # type: ignore[arg-type]
        return clients[-1]

    yield made
    for client in clients:
        client.close()
