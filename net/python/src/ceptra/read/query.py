"""Bounded SELECTs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ceptra.errors import (
    CeptraError,
    ConnectionLost,
    FrameError,
    PermanentError,
    ProtocolError,
    UnknownStream,
    error_of,
)
from ceptra.frame import Frame, encode_frame, open_frame
from ceptra.link.backoff import Backoff
from ceptra.link.cluster import QUERIES, Cluster
from ceptra.read.conform import conform, schema_of
from ceptra.wire.codec import Message
from ceptra.wire.codes import NOTHING, Feature, Status
from ceptra.wire.columns import Column
from ceptra.wire.query import Query, QueryEnd, QueryRows
from ceptra.wire.session import Cancel, Error
from ceptra.wire.values import Failure


def parameters_frame(values: Sequence[Any]) -> bytes:
    """One row whose column with id n is $n. An Arrow scalar says its type; NULL is a STRING."""
    if not values:
        return b""
    arrays = []
    for number, value in enumerate(values, 1):
        scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value)
        if pa.types.is_null(scalar.type):
            scalar = pa.scalar(None, pa.string())
        if pa.types.is_timestamp(scalar.type):
            scalar = scalar.cast(pa.timestamp("ns", scalar.type.tz)).cast(pa.timestamp("ns"))
        array = pa.array([scalar.as_py()], scalar.type) if not scalar.is_valid else _single(scalar)
        arrays.append((f"${number}", array))
    row = pa.RecordBatch.from_arrays([array for _, array in arrays], [name for name, _ in arrays])
    return encode_frame(NOTHING, 0, range(1, len(arrays) + 1), row)


def _single(scalar: pa.Scalar) -> pa.Array:
    array = pa.repeat(scalar, 1)
    narrow = pa.types.is_integer(array.type) and array.type not in (pa.int32(), pa.int64())
    return array.cast(pa.int64()) if narrow else array


class _Result:
    """The answers to one query."""

    def __init__(self) -> None:
        self.done: asyncio.Future[pa.Table] = asyncio.get_running_loop().create_future()
        self._columns: tuple[Column, ...] = ()
        self._frames: list[Frame] = []

    def receive(self, message: Message) -> bool:
        if isinstance(message, QueryRows):
            self._add(message)
            return False
        if isinstance(message, Error):
            self.lost(error_of(message.failure))
        elif isinstance(message, QueryEnd):
            if message.failure is not None:
                self.lost(error_of(message.failure))
            elif not self.done.done():
                self.done.set_result(self._table(message))
        else:
            raise ProtocolError(f"{message.KIND.name} answers a query")
        return True

    def lost(self, error: CeptraError) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def _add(self, message: QueryRows) -> None:
        if message.part != len(self._frames):
            raise ProtocolError(
                f"part {message.part} of a result where {len(self._frames)} belongs"
            )
        if message.part == 0:
            self._columns = message.columns
        try:
            self._frames.append(open_frame(message.rows))
        except FrameError as error:
            raise ProtocolError(f"rows of a result: {error}") from error

    def _table(self, end: QueryEnd) -> pa.Table:
        count = sum(frame.rows for frame in self._frames)
        if (end.count, end.parts) != (count, len(self._frames)):
            raise ProtocolError(f"{count} rows of a result where {end.count} were announced")
        metadata = {
            "ceptra.truncated": json.dumps(end.is_truncated),
            "ceptra.read_at": json.dumps({str(at.partition): at.index for at in end.read_at}),
        }
        schema = schema_of(self._columns).with_metadata(metadata)
        try:
            batches = [_plain(conform(frame, self._columns)) for frame in self._frames]
        except FrameError as error:
            raise ProtocolError(f"rows of a result: {error}") from error
        return pa.Table.from_batches([batch.cast(schema) for batch in batches], schema=schema)


def _plain(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Without dictionaries: a part may have them where another has not."""
    arrays = [
        array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        for array in rows.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, rows.schema.names)


async def run_query(cluster: Cluster, query: Query) -> pa.Table:
    """Asks until there is an answer; a transient failure is tried again."""
    backoff = Backoff()
    while True:
        try:
            return await _ask(cluster, query)
        except (PermanentError, UnknownStream, ProtocolError):
            raise
        except ConnectionLost:
            wait = 0
        except CeptraError as error:
            failure: Failure | None = getattr(error, "failure", None)
            if failure is None:
                raise
            wait = failure.retry_after_ms
            if failure.redirect and query.partition is not None:
                cluster.moved(_space(cluster, query.space), query.partition, failure.redirect)
        await asyncio.sleep(backoff.seconds(wait))
        with contextlib.suppress(ConnectionLost):
            await cluster.refresh()


def _space(cluster: Cluster, name: str) -> int:
    spaces = cluster.routing.spaces
    for space in spaces:
        if space.name == name or (not name and len(spaces) == 1):
            return space.id
    known = ", ".join(space.name for space in spaces)
    raise UnknownStream(f"no space {name!r}; there is {known}")


async def _ask(cluster: Cluster, query: Query) -> pa.Table:
    if query.partition is None:
        connection = await cluster.any_connection(QUERIES)
    else:
        space = _space(cluster, query.space)
        connection = await cluster.leader(space, query.partition, QUERIES)
    if not connection.has(Feature.QUERY):
        text = f"{connection.address} answers no queries"
        raise error_of(Failure(Status.PERMANENT_UNSUPPORTED, text))
    result = _Result()
    request = connection.request(query, result)
    try:
        return await result.done
    except asyncio.CancelledError:
        connection.forget(request)
        connection.send(request, Cancel())
        raise
