"""Client of CEPtra, a complex event processing engine.

with ceptra.connect("127.0.0.1:7400") as client:
    client.append("readings", [{"sensor": "kitchen", "temperature": 21}])
"""

from ceptra.client import Client, StreamInfo, connect
from ceptra.errors import (
    AuthError,
    BackpressureError,
    CeptraError,
    ClosedError,
    ConnectionLost,
    DeadlineExceeded,
    DurabilityError,
    EpochError,
    FrameError,
    PayloadError,
    PermanentError,
    PositionExpiredError,
    ProtocolError,
    QueryError,
    RedirectError,
    RetryError,
    RetryExpiredError,
    RowError,
    SchemaError,
    StatusError,
    TransientError,
    UnknownStream,
    UnsupportedError,
    VersionError,
    WarmupError,
)
from ceptra.ingest.outcome import (
    AppendResult,
    Applied,
    Duplicate,
    LateDropped,
    Outcome,
    Rejected,
)
from ceptra.ingest.producer import Producer
from ceptra.read.delivered import Delivered
from ceptra.read.subscription import Subscription
from ceptra.version import VERSION as __version__
from ceptra.wire.codes import Changelog, Op, Reason, Status
from ceptra.wire.values import Failure, Position

__all__ = [
    "AppendResult",
    "Applied",
    "AuthError",
    "BackpressureError",
    "CeptraError",
    "Changelog",
    "Client",
    "ClosedError",
    "ConnectionLost",
    "DeadlineExceeded",
    "Delivered",
    "Duplicate",
    "DurabilityError",
    "EpochError",
    "Failure",
    "FrameError",
    "LateDropped",
    "Op",
    "Outcome",
    "PayloadError",
    "PermanentError",
    "Position",
    "PositionExpiredError",
    "Producer",
    "ProtocolError",
    "QueryError",
    "Reason",
    "RedirectError",
    "Rejected",
    "RetryError",
    "RetryExpiredError",
    "RowError",
    "SchemaError",
    "Status",
    "StatusError",
    "StreamInfo",
    "Subscription",
    "TransientError",
    "UnknownStream",
    "UnsupportedError",
    "VersionError",
    "WarmupError",
    "__version__",
    "connect",
]
