"""Messages to bytes, and bytes as they come to whole, verified messages."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

from google_crc32c import value as crc32c

from ceptra.errors import ProtocolError
from ceptra.wire import append, query, routing, session, subscribe
from ceptra.wire.codes import CARRY_ROWS, HANDSHAKE_BYTES_MAX, SERVER_SENDS, Kind
from ceptra.wire.flat import Malformed, new_builder
from ceptra.wire.header import FLAGS_FREE, HEADER_BYTES, Header, attachment_start, message_bytes

Message: TypeAlias = (
    session.Hello
    | session.Welcome
    | session.Heartbeat
    | session.Goodbye
    | session.Error
    | session.Cancel
    | append.Append
    | append.Ack
    | append.Credits
    | routing.GetRouting
    | routing.Routing
    | subscribe.Subscribe
    | subscribe.Subscribed
    | subscribe.Delivery
    | subscribe.Allow
    | subscribe.SubscriptionEnd
    | query.Query
    | query.QueryRows
    | query.QueryEnd
)

_READERS = {
    one.KIND: one.read
    for one in (
        session.Hello,
        session.Welcome,
        session.Heartbeat,
        session.Goodbye,
        session.Error,
        session.Cancel,
        append.Append,
        append.Ack,
        append.Credits,
        routing.GetRouting,
        routing.Routing,
        subscribe.Subscribe,
        subscribe.Subscribed,
        subscribe.Delivery,
        subscribe.Allow,
        subscribe.SubscriptionEnd,
        query.Query,
        query.QueryRows,
        query.QueryEnd,
    )
}
_OPENING = frozenset({Kind.WELCOME, Kind.ERROR, Kind.GOODBYE, Kind.HELLO})


@dataclass(frozen=True)
class Envelope:
    """A message with the request that it makes or answers."""

    request: int
    message: Message


@dataclass(frozen=True)
class Unknown:
    """A message that was skipped: its kind or a flag of it is not known here."""

    request: int
    kind: int


def encode(request: int, message: Message) -> bytes:
    """The bytes of a message."""
    builder = new_builder()
    builder.Finish(message.write(builder))
    meta = bytes(builder.Output())
    rows: bytes = getattr(message, "rows", b"")
    total = message_bytes(len(meta), len(rows))
    head_end = attachment_start(len(meta)) if rows else total
    body = meta.ljust(head_end - HEADER_BYTES, b"\0")
    header = Header(0, message.KIND, total, len(meta), request, crc32c(body))
    return b"".join((header.write(), body, rows))


class Decoder:
    """Cuts a byte stream into messages and verifies each once.

    Until `establish` it takes nothing but the handshake. After an error it is of no more use.
    """

    def __init__(self, peer_sends: frozenset[Kind] = SERVER_SENDS) -> None:
        self._peer_sends = peer_sends
        self._bytes_max = HANDSHAKE_BYTES_MAX
        self._is_established = False
        self._held = bytearray()
        self._header: Header | None = None

    def establish(self, message_bytes_max: int) -> None:
        """The handshake is over."""
        self._is_established = True
        self._bytes_max = message_bytes_max

    def feed(self, received: bytes) -> None:
        """Takes what was received."""
        self._held += received

    def next(self) -> Envelope | Unknown | None:
        """The next message, or None until more bytes have come.

        Raises `ProtocolError` when the connection must be closed.
        """
        if self._header is None:
            if len(self._held) < HEADER_BYTES:
                return None
            self._header = self._admitted(Header.read(bytes(self._held[:HEADER_BYTES])))
        header = self._header
        if len(self._held) < header.total_bytes:
            return None
        content = bytes(self._held[: header.total_bytes])
        del self._held[: header.total_bytes]
        self._header = None
        return self._read(header, content)

    def _admitted(self, header: Header) -> Header:
        if not self._is_established and header.kind not in _OPENING:
            raise ProtocolError(f"message of kind {header.kind} before the handshake is over")
        if header.total_bytes > self._bytes_max:
            raise ProtocolError(f"a message of {header.total_bytes} bytes; {self._bytes_max} fit")
        return header

    def _read(self, header: Header, content: bytes) -> Envelope | Unknown:
        body = content[HEADER_BYTES : header.rows_start]
        if crc32c(body) != header.meta_crc:
            raise ProtocolError(f"a message of kind {header.kind} is damaged; connect anew")
        if header.flags & ~FLAGS_FREE or header.kind not in self._peer_sends:
            return Unknown(header.request, header.kind)
        kind = Kind(header.kind)
        meta, rows = body[: header.meta_bytes], content[header.rows_start :]
        try:
            if any(body[header.meta_bytes :]):
                raise Malformed("padding is not zero")
            if rows and kind not in CARRY_ROWS:
                raise Malformed("rows follow it")
            return Envelope(header.request, _READERS[kind](meta, rows))
        except (Malformed, ValueError, struct.error, IndexError, TypeError, OverflowError) as error:
            raise ProtocolError(f"{kind.name} is malformed: {error}") from error
