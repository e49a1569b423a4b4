"""Every error of this package is a `CeptraError`.

A `StatusError` carries the server's `failure`; transient ones are retried before they are raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ceptra.wire.codes import Status, is_transient

if TYPE_CHECKING:
    from ceptra.ingest.outcome import Outcome
    from ceptra.wire.values import Failure, Position


class CeptraError(Exception):
    """Base of all errors of this package.

    Of a failed append, `outcomes` tells what became of each row; None where that is not known.
    """

    outcomes: list[Outcome | None] | None = None


class ConnectionLost(CeptraError, ConnectionError):
    """A connection could not be made, or ended. What was not answered is unknown."""


class ProtocolError(ConnectionLost):
    """The server sent something malformed; the connection was closed."""


class FrameError(CeptraError, ValueError):
    """Bytes that are not an event frame, or rows that no frame can hold."""


class DeadlineExceeded(CeptraError, TimeoutError):
    """The timeout was over first. `pending` is the future that goes on, where there is one."""

    def __init__(self, text: str, pending: Any = None) -> None:
        super().__init__(text)
        self.pending = pending


class ClosedError(CeptraError):
    """The client, producer or subscription is closed."""


class RowError(CeptraError, ValueError):
    """Rows do not fit the stream; nothing was sent."""


class UnknownStream(CeptraError, LookupError):
    """The server has no such stream, or none that this client may see."""


class StatusError(CeptraError):
    """The server refused a request."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text or f"status {failure.status}")
        self.failure = failure

    @property
    def status(self) -> int:
        """Number of the status; `ceptra.Status` has the names."""
        return self.failure.status


class TransientError(StatusError):
    """The same request may succeed later."""


class BackpressureError(TransientError):
    """Queues of the server are full."""


class WarmupError(TransientError):
    """The partition is still loading its state."""


class RetryError(TransientError):
    """It did not work this time."""


class RedirectError(TransientError):
    """Another server has the partition now."""


class PermanentError(StatusError):
    """The same request will not succeed unless something else changes first."""


class SchemaError(PermanentError):
    """Stream, column or schema version unknown, or rows that do not fit."""


class PayloadError(PermanentError):
    """A message, frame or event is malformed or too large."""


class EpochError(PermanentError):
    """Made for another routing epoch, or for a partition that does not own the key."""


class DurabilityError(PermanentError):
    """The partition's storage failed; the operator must act."""


class RetryExpiredError(PermanentError):
    """First sent too long ago: whether it was applied is no longer known."""


class PositionExpiredError(PermanentError):
    """The position is no longer kept; begin at `earliest`."""

    @property
    def earliest(self) -> Position | None:
        """The oldest position that is kept."""
        return self.failure.earliest


class AuthError(PermanentError):
    """Not authenticated, or not allowed."""


class VersionError(PermanentError):
    """No protocol version in common."""


class UnsupportedError(PermanentError):
    """The server does not know or offer this."""


class QueryError(PermanentError):
    """The query is wrong, or asks for more than a query may."""


_BY_STATUS: dict[int, type[StatusError]] = {
    Status.TRANSIENT_BACKPRESSURE: BackpressureError,
    Status.TRANSIENT_WARMUP: WarmupError,
    Status.TRANSIENT_RETRY: RetryError,
    Status.TRANSIENT_REDIRECT: RedirectError,
    Status.PERMANENT_SCHEMA: SchemaError,
    Status.PERMANENT_PAYLOAD: PayloadError,
    Status.PERMANENT_EPOCH: EpochError,
    Status.PERMANENT_DURABILITY: DurabilityError,
    Status.PERMANENT_RETRY_EXPIRED: RetryExpiredError,
    Status.PERMANENT_POSITION_EXPIRED: PositionExpiredError,
    Status.PERMANENT_AUTH: AuthError,
    Status.PERMANENT_VERSION: VersionError,
    Status.PERMANENT_UNSUPPORTED: UnsupportedError,
    Status.PERMANENT_QUERY: QueryError,
}


def error_of(failure: Failure) -> StatusError:
    """The exception for what a server answered."""
    other = TransientError if is_transient(failure.status) else PermanentError
    return _BY_STATUS.get(failure.status, other)(failure)
