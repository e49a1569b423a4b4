"""Numbers of the protocol. A number that is not known is kept as it is and judged by its range."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """What a message is."""

    HELLO = 1
    WELCOME = 2
    HEARTBEAT = 3
    GOODBYE = 4
    ERROR = 5
    APPEND = 16
    ACK = 17
    CREDITS = 18
    GET_ROUTING = 32
    ROUTING = 33
    SUBSCRIBE = 48
    SUBSCRIBED = 49
    DELIVERY = 50
    ALLOW = 51
    SUBSCRIPTION_END = 52
    QUERY = 64
    QUERY_ROWS = 65
    QUERY_END = 66
    CANCEL = 80


BOTH_SEND = frozenset({Kind.HEARTBEAT, Kind.GOODBYE, Kind.ERROR})
CLIENT_SENDS = BOTH_SEND | {
    Kind.HELLO,
    Kind.APPEND,
    Kind.GET_ROUTING,
    Kind.SUBSCRIBE,
    Kind.ALLOW,
    Kind.QUERY,
    Kind.CANCEL,
}
SERVER_SENDS = BOTH_SEND | (frozenset(Kind) - CLIENT_SENDS)
CARRY_ROWS = frozenset({Kind.APPEND, Kind.DELIVERY, Kind.QUERY, Kind.QUERY_ROWS})


class Status(IntEnum):
    """What became of a request."""

    OK = 0
    TRANSIENT_BACKPRESSURE = 1
    TRANSIENT_WARMUP = 2
    TRANSIENT_RETRY = 3
    TRANSIENT_REDIRECT = 4
    PERMANENT_SCHEMA = 256
    PERMANENT_PAYLOAD = 257
    PERMANENT_EPOCH = 258
    PERMANENT_DURABILITY = 259
    PERMANENT_RETRY_EXPIRED = 260
    PERMANENT_POSITION_EXPIRED = 261
    PERMANENT_AUTH = 262
    PERMANENT_VERSION = 263
    PERMANENT_UNSUPPORTED = 264
    PERMANENT_QUERY = 265


def is_transient(status: int) -> bool:
    """Whether the same request may succeed later."""
    return 1 <= status <= 255


class OutcomeCode(IntEnum):
    """What became of a row."""

    APPLIED = 1
    DUPLICATE = 2
    LATE_DROPPED = 3
    REJECTED = 4


class Reason(IntEnum):
    """Why a row was rejected."""

    NONE = 0
    EVENT_TOO_LARGE = 1
    VALUE = 2
    WRONG_PARTITION = 3
    FUTURE_TIME = 4
    RETRY_EXPIRED = 5
    SEQUENCE_GAP = 6


def reason_of(number: int) -> Reason | int:
    """The reason with that number, or the number where this version knows none."""
    try:
        return Reason(number)
    except ValueError:
        return number


class AuthMethod(IntEnum):
    """How a client proves who it is."""

    NONE = 0
    CERTIFICATE = 1
    TOKEN = 2


class Feature(IntFlag):
    """Features of a connection."""

    APPEND = 1
    OPAQUE_IDS = 2
    REPLAY = 4
    SUBSCRIBE = 8
    QUERY = 16
    ROUTING_PUSH = 32


FEATURES = (
    Feature.APPEND
    | Feature.OPAQUE_IDS
    | Feature.REPLAY
    | Feature.SUBSCRIBE
    | Feature.QUERY
    | Feature.ROUTING_PUSH
)


class Changelog(IntEnum):
    """How the rows of a stream relate."""

    APPEND = 0
    RETRACT = 1
    UPSERT = 2


class Start(IntEnum):
    """Where a subscription begins."""

    EARLIEST = 0
    LATEST = 1
    AFTER = 2


class Op(IntEnum):
    """Operation of a row in a changelog."""

    INSERT = 0
    UPDATE_BEFORE = 1
    UPDATE_AFTER = 2
    DELETE = 3

    def __str__(self) -> str:
        return ("+I", "-U", "+U", "-D")[self.value]


# The largest u32: no endpoint, no column, no partition, no stream.
NOTHING = 0xFFFF_FFFF
# The watermark of a partition that has none yet.
WATERMARK_UNKNOWN = -(1 << 63)

PROTOCOL_VERSION = 1
# Longest message before Welcome.
HANDSHAKE_BYTES_MAX = 16 << 10
# Longest message that this client takes: room for the largest event a server may allow, 8 MiB.
MESSAGE_BYTES_MAX = 16 << 20
HANDSHAKE_SECONDS_MAX = 10.0
# A connection that was silent for so many heartbeats is dead.
SILENCE_HEARTBEATS = 3
HEARTBEAT_MS_DEFAULT = 5_000
