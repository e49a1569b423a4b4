"""What the servers of a fake cluster agree on: streams, routing, logs, ids that were seen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pyarrow as pa

from ceptra.frame import open_frame
from ceptra.read.conform import conform
from ceptra.wire.append import Ack, Append, Run
from ceptra.wire.codes import OutcomeCode, Reason
from ceptra.wire.columns import Column
from ceptra.wire.routing import Endpoint, Routing, Space, Stream
from ceptra.wire.values import Window

SEED = 0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100


def readings(**changes: object) -> Stream:
    """A keyed stream: sensor, temperature, ts."""
    columns = (
        Column(1, pa.field("temperature", pa.int64())),
        Column(2, pa.field("sensor", pa.string(), False)),
        Column(4, pa.field("ts", pa.timestamp("ns"))),
    )
    stream = Stream(3, "readings", 5, 1, columns, (2,), 4, can_append=True, can_subscribe=True)
    return replace(stream, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Logged:
    """A row in the log of a partition."""

    index: int
    row: int
    stream: int
    values: pa.RecordBatch
    producer: int
    number: int
    event_id: bytes


@dataclass
class Model:
    """Guarded by `lock`."""

    streams: tuple[Stream, ...] = field(default_factory=lambda: (readings(),))
    partitions: int = 4
    epoch: int = 12
    endpoints: tuple[str, ...] = ()
    leaders: list[int | None] = field(default_factory=list)
    credits: Window = field(default_factory=lambda: Window(10_000, 1 << 20))
    lock: threading.RLock = field(default_factory=threading.RLock)
    logs: dict[int, list[Logged]] = field(default_factory=dict)
    following: dict[tuple[bool, int, int], int] = field(default_factory=dict)
    seen: set[tuple[bool, int, bytes]] = field(default_factory=set)
    watchers: list[Callable[[], None]] = field(default_factory=list)
    reject: Callable[[dict[str, object]], tuple[Reason, str] | None] = lambda row: None

    def routing(self) -> Routing:
        """The table now."""
        with self.lock:
            leaders = tuple(self.leaders) or (0,) * self.partitions
            space = Space(5, "main", SEED, leaders)
            endpoints = tuple(Endpoint(address, 1, at) for at, address in enumerate(self.endpoints))
            return Routing(self.epoch, endpoints, (space,), self.streams)

    def stream(self, number: int) -> Stream:
        """The stream with that id."""
        return next(stream for stream in self.streams if stream.id == number)

    def apply(self, append: Append) -> Ack:
        """Applies an append as R-IDEM-1 says."""
        with self.lock:
            frame = open_frame(append.rows)
            assert (frame.stream, frame.schema_version) == (append.stream, append.schema_version)
            stream = self.stream(append.stream)
            rows = conform(frame, stream.columns)
            log = self.logs.setdefault(append.partition, [])
            index = 1 + (log[-1].index if log else 76)
            lane = (append.replay, append.partition, append.producer)
            following = self.following.get(lane, 0)
            runs: list[Run] = []
            for at in range(frame.rows):
                number, event_id = (
                    append.first_sequence + at,
                    append.event_ids[16 * at : 16 * at + 16],
                )
                if append.producer and number > following:
                    runs.append(Run(1, OutcomeCode.REJECTED, reason=Reason.SEQUENCE_GAP))
                    continue
                key = (append.replay, append.partition, event_id)
                if number < following if append.producer else key in self.seen:
                    runs.append(Run(1, OutcomeCode.DUPLICATE))
                    continue
                following = number + 1
                self.seen.add(key)
                values = rows.slice(at, 1)
                why = self.reject(values.to_pylist()[0])
                if why is not None:
                    runs.append(Run(1, OutcomeCode.REJECTED, reason=why[0], text=why[1]))
                    continue
                logged = Logged(index, at, stream.id, values, append.producer, number, event_id)
                log.append(logged)
                runs.append(Run(1, OutcomeCode.APPLIED, index, at))
            if append.producer:
                self.following[lane] = following
            for watcher in list(self.watchers):
                watcher()
            return Ack(tuple(runs), self.credits)

    def rows(self) -> list[tuple[object, object]]:
        """Partition and temperature of all rows in the logs, partition by partition."""
        with self.lock:
            return [
                (partition, logged.values.column(0)[0].as_py())
                for partition, log in sorted(self.logs.items())
                for logged in log
            ]

    def temperatures(self) -> list[int]:
        """Sorted temperatures of all rows."""
        return sorted(value for _, value in self.rows() if isinstance(value, int))
