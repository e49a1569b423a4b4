"""Small values that several messages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ceptra.generated import wire as g
from ceptra.wire.codes import Status, is_transient
from ceptra.wire.flat import Builder, text_of


@dataclass(frozen=True, order=True)
class Position:
    """A place in the output of a partition: the log index, and the row among those it led to."""

    index: int
    ordinal: int

    @staticmethod
    def read(value: Any) -> Position:
        """Of a struct that may be absent."""
        return Position(value.Index(), value.Ordinal()) if value is not None else ORIGIN

    def write(self, builder: Builder) -> int:
        """Writes the struct in place."""
        offset: int = g.CreatePosition(builder, self.index, self.ordinal)
        return offset


# Before every row.
ORIGIN = Position(0, 0)


@dataclass(frozen=True)
class Versions:
    """Versions of the protocol, both ends included."""

    min: int
    max: int

    def write(self, builder: Builder) -> int:
        """Writes the struct in place."""
        offset: int = g.CreateVersions(builder, self.min, self.max)
        return offset


@dataclass(frozen=True)
class Window:
    """Rows and bytes of event frames that may be under way, or that may be sent in all."""

    events: int = 0
    bytes: int = 0

    def admits(self, under_way: Window, following: Window) -> bool:
        """Whether an append may follow what is under way: it fits, or is alone and none is 0."""
        if self.events == 0 or self.bytes == 0:
            return False
        if under_way.events == 0 and under_way.bytes == 0:
            return True
        return (
            under_way.events + following.events <= self.events
            and under_way.bytes + following.bytes <= self.bytes
        )

    @staticmethod
    def read(value: Any) -> Window:
        """Of a struct; absent means shut."""
        return Window(value.Events(), value.Bytes()) if value is not None else Window()

    def write(self, builder: Builder) -> int:
        """Writes the struct in place."""
        offset: int = g.CreateWindow(builder, self.events, self.bytes)
        return offset


@dataclass(frozen=True)
class Failure:
    """Why something failed, and what to do."""

    status: int
    text: str = ""
    retry_after_ms: int = 0
    earliest: Position | None = None
    redirect: str | None = None
    routing_epoch: int = 0
    versions: Versions | None = None

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        return self.status == Status.OK

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return is_transient(self.status)

    @staticmethod
    def read(table: Any) -> Failure:
        """Of a table that is there."""
        earliest, versions, redirect = table.Earliest(), table.Versions(), table.Redirect()
        return Failure(
            status=table.Status(),
            text=text_of(table.Text()),
            retry_after_ms=table.RetryAfterMs(),
            earliest=None if earliest is None else Position.read(earliest),
            redirect=None if redirect is None else text_of(redirect),
            routing_epoch=table.RoutingEpoch(),
            versions=None if versions is None else Versions(versions.Min(), versions.Max()),
        )

    @staticmethod
    def maybe(table: Any) -> Failure | None:
        """Of a table that may be absent."""
        return None if table is None else Failure.read(table)

    def write(self, builder: Builder) -> int:
        """Writes the table."""
        text = builder.CreateString(self.text) if self.text else 0
        redirect = 0 if self.redirect is None else builder.CreateString(self.redirect)
        g.FailureStart(builder)
        g.FailureAddRoutingEpoch(builder, self.routing_epoch)
        if self.versions is not None:
            g.FailureAddVersions(builder, self.versions.write(builder))
        g.FailureAddRedirect(builder, redirect)
        if self.earliest is not None:
            g.FailureAddEarliest(builder, self.earliest.write(builder))
        g.FailureAddRetryAfterMs(builder, self.retry_after_ms)
        g.FailureAddText(builder, text)
        g.FailureAddStatus(builder, self.status)
        offset: int = g.FailureEnd(builder)
        return offset


# A planned end, as in Goodbye and after Cancel.
NO_FAILURE = Failure(Status.OK)
