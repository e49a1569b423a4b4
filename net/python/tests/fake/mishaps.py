"""What a server does instead of answering an append well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ceptra.wire.append import Ack, Append
from ceptra.wire.codec import Message
from ceptra.wire.values import Failure
from fake.server import Peer

Action: TypeAlias = Callable[[Peer, int, Message], None]


def lost_before(peer: Peer, request: int, message: Message) -> None:
    """The connection ends before the rows are applied."""
    peer.drop()


def lost_after(peer: Peer, request: int, message: Message) -> None:
    """The rows are applied and the ack is lost."""
    assert isinstance(message, Append)
    peer.server.model.apply(message)
    peer.drop()


def failing(status: int, **more: object) -> Action:
    """No row is taken."""

    def action(peer: Peer, request: int, message: Message) -> None:
        assert isinstance(message, Append)
        failure = Failure(status, "because", **more)  # type: ignore[arg-type]
        peer.ack(request, message, Ack((), peer.server.model.credits, failure))

    return action
