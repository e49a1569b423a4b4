"""Rows by partition, and in pieces that fit into one message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ceptra.errors import RowError
from ceptra.frame import encode_frame
from ceptra.ingest.keys import Partitioner
from ceptra.wire.routing import Space, Stream

# Most rows of one append, and what its frame aims at.
APPEND_ROWS_MAX = 8_192
APPEND_BYTES_AIM = 1 << 20
# Room for the header and the FlatBuffers part of an append, its ids apart.
HEAD_BYTES_MAX = 1_024
_ID_BYTES = 16


@dataclass(frozen=True)
class Piece:
    """Rows for one append: where they are in the caller's rows, the rows, and their frame."""

    partition: int
    at: Sequence[int]
    rows: pa.RecordBatch
    frame: bytes


def frame_of(stream: Stream, rows: pa.RecordBatch) -> bytes:
    """The event frame of rows with the stream's column names."""
    ids = {column.field.name: column.id for column in stream.columns}
    return encode_frame(
        stream.id, stream.schema_version, [ids[name] for name in rows.schema.names], rows
    )


def by_partition(
    stream: Stream, space: Space, partitioner: Partitioner, rows: pa.RecordBatch, unkeyed: int
) -> list[tuple[int, Sequence[int]]]:
    """The places of the rows of each partition, in order; all in `unkeyed` without a key."""
    if not stream.key:
        return [(unkeyed % len(space.leaders), range(rows.num_rows))]
    columns = {column.id: column.field for column in stream.columns}
    fields = [columns[number] for number in stream.key]
    arrays = [rows.column(field.name) for field in fields]
    places: dict[int, list[int]] = {}
    for at, partition in enumerate(partitioner.partitions(fields, arrays)):
        places.setdefault(partition, []).append(at)
    return sorted(places.items())


def pieces_of(
    stream: Stream, rows: pa.RecordBatch, split: list[tuple[int, Sequence[int]]], bytes_max: int
) -> Iterator[Piece]:
    """Pieces of at most `bytes_max` bytes of message each, in order within a partition."""
    for partition, places in split:
        own = rows if len(places) == rows.num_rows else rows.take(pa.array(places, pa.int64()))
        for start in range(0, len(places), APPEND_ROWS_MAX):
            part = own.slice(start, APPEND_ROWS_MAX)
            at = places[start : start + APPEND_ROWS_MAX]
            yield from _fitting(stream, partition, at, part, bytes_max)


def _fitting(
    stream: Stream, partition: int, at: Sequence[int], rows: pa.RecordBatch, bytes_max: int
) -> Iterator[Piece]:
    frame = frame_of(stream, rows)
    room = bytes_max - HEAD_BYTES_MAX - _ID_BYTES * len(at)
    if len(at) == 1 and len(frame) > room:
        raise RowError(f"row {at[0]} takes {len(frame)} bytes; the server takes {room}: split it")
    if len(at) == 1 or len(frame) <= min(room, APPEND_BYTES_AIM):
        yield Piece(partition, at, rows, frame)
        return
    middle = len(at) // 2
    yield from _fitting(stream, partition, at[:middle], rows.slice(0, middle), bytes_max)
    yield from _fitting(stream, partition, at[middle:], rows.slice(middle), bytes_max)
