"""Messages: the golden files both ways, framing, damage."""

from __future__ import annotations

import random
import struct

import golden
import pytest
from google_crc32c import value as crc32c

from ceptra import ProtocolError
from ceptra.wire.codec import Decoder, Envelope, Unknown, encode
from ceptra.wire.codes import CLIENT_SENDS, SERVER_SENDS, Kind, Status
from ceptra.wire.session import Heartbeat

NAMES = sorted(path.stem for path in golden.MESSAGES.glob("*.hex"))


def decoder(established: bool = True) -> Decoder:
    made = Decoder(SERVER_SENDS | CLIENT_SENDS)
    if established:
        made.establish(4 << 20)
    return made


def read(content: bytes) -> Envelope:
    made = decoder()
    made.feed(content)
    got = made.next()
    assert isinstance(got, Envelope)
    assert made.next() is None
    return got


@pytest.mark.parametrize("name", NAMES)
def test_version_1_is_read_and_written_as_ever(name: str) -> None:
    content = golden.message(name)
    envelope = read(content)
    assert encode(envelope.request, envelope.message) == content


def test_there_is_one_of_every_kind() -> None:
    kinds = {read(golden.message(name)).message.KIND for name in NAMES}
    assert kinds == set(Kind)
    assert set(Kind) == CLIENT_SENDS | SERVER_SENDS


def test_fields_of_recorded_messages() -> None:
    append = read(golden.message("append")).message
    assert (append.producer, append.first_sequence, append.partition) == (0xFEED, 41, 1)  # type: ignore[union-attr]
    opaque = read(golden.message("append-opaque")).message
    number = 0x00112233445566778899AABBCCDDEEFF
    assert opaque.event_ids == number.to_bytes(16, "little")  # type: ignore[union-attr]
    refused = read(golden.message("ack-refused")).message.failure  # type: ignore[union-attr]
    assert (refused.status, refused.redirect) == (  # type: ignore[union-attr]
        Status.TRANSIENT_REDIRECT,
        "ceptra-2.example:7400",
    )
    mixed = read(golden.message("ack-mixed")).message.runs  # type: ignore[union-attr]
    assert [run.count for run in mixed] == [90, 3, 6, 1]
    assert mixed[-1].text == "ts is 8 s ahead of the server: set the clock"


def test_messages_come_out_however_the_bytes_come_in() -> None:
    content = b"".join(golden.message(name) for name in NAMES)
    for size in (1, 31, 1000, len(content)):
        made, count = decoder(), 0
        for at in range(0, len(content), size):
            made.feed(content[at : at + size])
            while made.next() is not None:
                count += 1
        assert count == len(NAMES)


def with_header(content: bytes, at: int, layout: str, number: int) -> bytes:
    """A changed header with a checksum that fits."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, at, number)
    struct.pack_into("<I", changed, 28, crc32c(bytes(changed[:28])))
    return bytes(changed)


@pytest.mark.parametrize(
    ("at", "layout", "number", "reason"),
    [
        (0, "<I", 0x50545448, "not a CEPtra server"),
        (4, "<B", 2, "framing version 2"),
        (8, "<I", 177, "cannot have"),
        (12, "<I", 4, "cannot have"),
        (8, "<I", 8 << 20, "fit"),
        (24, "<I", 7, "damaged"),
    ],
)
def test_a_wrong_header_ends_the_connection(at: int, layout: str, number: int, reason: str) -> None:
    made = decoder()
    made.feed(with_header(golden.message("welcome"), at, layout, number))
    with pytest.raises(ProtocolError, match=reason):
        made.next()


def test_a_damaged_header_and_an_early_message_end_the_connection() -> None:
    content = bytearray(golden.message("welcome"))
    content[17] ^= 1
    made = decoder()
    made.feed(bytes(content))
    with pytest.raises(ProtocolError, match="damaged"):
        made.next()
    made = decoder(established=False)
    made.feed(golden.message("ack"))
    with pytest.raises(ProtocolError, match="before the handshake"):
        made.next()


def test_unknown_kinds_and_flags_are_skipped() -> None:
    made = decoder()
    made.feed(with_header(golden.message("ack"), 6, "<H", 99))
    made.feed(with_header(golden.message("ack"), 5, "<B", 0x10))
    made.feed(with_header(golden.message("ack"), 5, "<B", 0x0F))
    assert made.next() == Unknown(3, 99)
    assert made.next() == Unknown(3, Kind.ACK)
    assert isinstance(made.next(), Envelope)
    made = Decoder(SERVER_SENDS)
    made.establish(4 << 20)
    made.feed(golden.message("hello"))
    assert made.next() == Unknown(1, Kind.HELLO)


def test_damage_with_good_checksums_never_gets_further_than_an_error() -> None:
    dice = random.Random(2)
    refused = 0
    for round_ in range(6_000):
        content = bytearray(golden.message(NAMES[round_ % len(NAMES)]))
        end = 32 + struct.unpack_from("<I", content, 12)[0]
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(32, end)
            content[at] = dice.choice([0, 0xFF, 0x7F, content[at] ^ 1 << dice.randrange(8)])
        start = -(-end // 8) * 8 if len(content) == -(-end // 8) * 8 else -(-end // 64) * 64
        struct.pack_into("<I", content, 24, crc32c(bytes(content[32:start])))
        made = decoder()
        made.feed(with_header(bytes(content), 4, "<B", 1))
        try:
            made.next()
        except ProtocolError:
            refused += 1
    assert refused > 500


def test_rows_behind_a_message_that_has_none_are_refused() -> None:
    content = encode(1, Heartbeat(True, 5))
    rows = bytearray(-(-len(content) // 64) * 64 + 64)
    rows[: len(content)] = content
    struct.pack_into("<I", rows, 8, len(rows))
    start = -(-(32 + struct.unpack_from("<I", rows, 12)[0]) // 64) * 64
    struct.pack_into("<I", rows, 24, crc32c(bytes(rows[32:start])))
    made = decoder()
    made.feed(with_header(bytes(rows), 4, "<B", 1))
    with pytest.raises(ProtocolError, match="rows follow it"):
        made.next()
