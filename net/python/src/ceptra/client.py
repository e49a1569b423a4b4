"""The way in: `connect` and `Client`."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ceptra.errors import CeptraError, DeadlineExceeded
from ceptra.ingest.lanes import Lanes
from ceptra.ingest.outcome import AppendResult
from ceptra.ingest.producer import EventId, Producer, result_of
from ceptra.ingest.rows import Rows
from ceptra.link.address import Address
from ceptra.link.cluster import Cluster
from ceptra.link.connection import Options
from ceptra.link.thread import LoopThread
from ceptra.read.conform import schema_of
from ceptra.read.query import parameters_frame, run_query
from ceptra.read.subscription import Subscription
from ceptra.version import VERSION
from ceptra.wire.codes import Changelog, Start
from ceptra.wire.query import Query
from ceptra.wire.routing import Stream
from ceptra.wire.values import Position, Window

# Frames that may wait for answers in this process, all producers together.
PENDING_BYTES_MAX = 64 << 20
# What a subscription holds for its reader, for each partition.
SUBSCRIPTION_ROWS_MAX = 16_384
SUBSCRIPTION_BYTES_MAX = 8 << 20
# The largest that a message can say.
TIMEOUT_MS_MAX = (1 << 32) - 1


@dataclass(frozen=True)
class StreamInfo:
    """A stream, as the routing table has it. JSON columns are strings tagged `ceptra.type`."""

    name: str
    id: int
    schema: pa.Schema
    schema_version: int
    key: tuple[str, ...]
    event_time: str | None
    changelog: Changelog
    space: str
    partitions: int
    can_append: bool
    can_subscribe: bool


class Client:
    """A client of one cluster; made by `connect`, used from any thread."""

    def __init__(self, seeds: Sequence[Address], options: Options, timeout: float | None) -> None:
        self._timeout = timeout
        self._thread = LoopThread()
        self._cluster = Cluster(seeds, options)
        self._lanes = Lanes(self._thread, self._cluster, PENDING_BYTES_MAX)
        self._producers: dict[tuple[str, bool], Producer] = {}
        self._is_closed = False
        try:
            self._thread.run(self._cluster.refresh(), timeout)
        except BaseException:
            self.close()
            raise

    def append(
        self,
        stream: str,
        rows: Rows,
        *,
        ids: Sequence[EventId] | None = None,
        replay: bool = False,
        timeout: float | None = None,
    ) -> AppendResult:
        """Appends rows and waits for their outcomes.

        `rows` is a list of dicts, a Table or a RecordBatch. `ids` are opaque event ids, one a row.
        After `DeadlineExceeded` with `pending` set, the rows are still being sent.
        """
        wait = self._timeout if timeout is None else timeout
        began = time.monotonic()
        producer = self._producers.get((stream, replay))
        if producer is None:
            producer = self.producer(stream, replay=replay)
            producer = self._producers.setdefault((stream, replay), producer)
        future = producer.append(rows, ids=ids, timeout=wait)
        left = None if wait is None else max(wait - (time.monotonic() - began), 0)
        try:
            return result_of(future, left)
        except DeadlineExceeded as error:
            raise DeadlineExceeded(f"{error}{self._lanes.trouble()}", error.pending) from None

    def producer(
        self,
        stream: str,
        producer_id: int | None = None,
        *,
        replay: bool = False,
        resume: Mapping[int, int] | None = None,
    ) -> Producer:
        """A producer with pipelining; `producer_id` and `resume` are for one that goes on later."""
        self._lanes.target(stream)
        return Producer(self._lanes, stream, producer_id, replay, resume, self._timeout)

    def subscribe(
        self,
        stream: str,
        *,
        partition: int | Iterable[int] | None = None,
        start: str | Position | Mapping[int, Position] = "latest",
        timeout: float | None = None,
        rows_max: int = SUBSCRIPTION_ROWS_MAX,
        bytes_max: int = SUBSCRIPTION_BYTES_MAX,
    ) -> Subscription:
        """Rows of a stream as they come: all partitions, one or some.

        `start` is "latest", "earliest", a position for one partition, or one for each. Where a
        mapping has none, the partition begins with the oldest row. `timeout` bounds each wait for a
        batch. At most `rows_max` rows or about `bytes_max` bytes are held for each partition.
        """
        info = self.stream(stream)
        partitions = _partitions(partition, info.partitions)
        if isinstance(start, Position) and len(partitions) != 1:
            raise ValueError("one position is for one partition: give `partition`, or a mapping")
        if isinstance(start, str):
            starts = {"latest": Start.LATEST, "earliest": Start.EARLIEST}
            if start not in starts:
                raise ValueError(f"start {start!r}; write 'latest', 'earliest' or a Position")
            begin: Start | Position | Mapping[int, Position] = starts[start]
        else:
            begin = start
        window = Window(max(rows_max, 1), max(bytes_max, 1))
        return Subscription(
            self._thread, self._cluster, info.name, partitions, begin, window, timeout
        )

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        *,
        space: str = "",
        partition: int | None = None,
        rows_max: int = 0,
        timeout: float | None = None,
    ) -> pa.Table:
        """Answers a bounded SELECT; `parameters` are $1, $2, ….

        The metadata of the schema tell under `ceptra.truncated` whether there were more than
        `rows_max` rows, and under `ceptra.read_at` how far each partition had been applied.
        """
        wait = self._timeout if timeout is None else timeout
        query = Query(
            sql=sql,
            space=space,
            partition=partition,
            rows_max=rows_max,
            timeout_ms=0 if wait is None else min(max(int(wait * 1000), 1), TIMEOUT_MS_MAX),
            rows=parameters_frame(parameters),
        )
        return self._thread.run(run_query(self._cluster, query), wait)

    def streams(self) -> list[StreamInfo]:
        """All streams that this client may see, by the newest routing table."""
        self._thread.run(self._cluster.refresh(), self._timeout)
        return [self._info(stream) for stream in self._cluster.routing.streams]

    def stream(self, name: str) -> StreamInfo:
        """One stream, its schema as Arrow has it. Raises `UnknownStream`."""
        return self._info(self._thread.run(self._cluster.stream(name), self._timeout))

    def _info(self, stream: Stream) -> StreamInfo:
        names = {column.id: column.field.name for column in stream.columns}
        space = self._cluster.space(stream.space)
        return StreamInfo(
            name=stream.name,
            id=stream.id,
            schema=schema_of(stream.columns),
            schema_version=stream.schema_version,
            key=tuple(names[number] for number in stream.key),
            event_time=None if stream.event_time is None else names[stream.event_time],
            changelog=stream.changelog,
            space=space.name,
            partitions=len(space.leaders),
            can_append=stream.can_append,
            can_subscribe=stream.can_subscribe,
        )

    def close(self) -> None:
        """Says goodbye. Appends that are not answered fail: flush producers before."""
        if self._is_closed:
            return
        self._is_closed = True

        async def end() -> None:
            self._lanes.close()
            self._cluster.close()

        try:
            self._thread.run(end(), 5.0)
        except CeptraError:
            return
        finally:
            self._thread.stop()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.close()


def _partitions(wanted: int | Iterable[int] | None, count: int) -> list[int]:
    if wanted is None:
        return list(range(count))
    numbers = [wanted] if isinstance(wanted, int) else sorted(set(wanted))
    for number in numbers:
        if not 0 <= number < count:
            raise ValueError(f"no partition {number}; there are {count}, from 0")
    return numbers


def connect(
    address: str | Sequence[str],
    *,
    cluster: str = "",
    client: str = f"ceptra-python/{VERSION}",
    tls: ssl.SSLContext | None = None,
    token: str | bytes | None = None,
    timeout: float | None = 30.0,
) -> Client:
    """Connects to a cluster by the address of any server, or of several.

    `cluster` is its name, when another one must be refused. `tls` needs a client certificate, or a
    `token`; a token goes over TLS or loopback only. `timeout`, in seconds, is that of every call
    that does not say otherwise; None waits for ever.
    """
    addresses = [address] if isinstance(address, str) else list(address)
    if not addresses:
        raise ValueError("no address; write host:port")
    secret = token.encode() if isinstance(token, str) else token
    options = Options(client, cluster, tls, secret)
    return Client([Address.parse(one) for one in addresses], options, timeout)
