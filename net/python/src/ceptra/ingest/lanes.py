"""All lanes of a client, and what producers need to know of the cluster.

Producers call from any thread; lanes live on the loop.
"""

from __future__ import annotations

from ceptra.errors import RowError
from ceptra.ingest.batch import Batch
from ceptra.ingest.budget import Budget
from ceptra.ingest.keys import Partitioner
from ceptra.ingest.lane import Lane, LaneKey
from ceptra.link.cluster import Cluster
from ceptra.link.thread import LoopThread
from ceptra.wire.routing import Space, Stream


class Lanes:
    """One lane for each producer, partition and whether it replays."""

    def __init__(self, thread: LoopThread, cluster: Cluster, pending_bytes_max: int) -> None:
        self.budget = Budget(pending_bytes_max)
        self._thread, self._cluster = thread, cluster
        self._lanes: dict[LaneKey, Lane] = {}
        self._partitioners: dict[tuple[int, int, int], Partitioner] = {}

    @property
    def message_bytes_max(self) -> int:
        """Longest message that the servers take."""
        return self._cluster.message_bytes_max

    def target(self, name: str) -> tuple[Stream, Space, Partitioner]:
        """A stream that takes rows, its space, and who tells its partitions."""
        stream = self._cluster.find(name) or self._thread.run(self._cluster.stream(name))
        if not stream.can_append:
            raise RowError(f"stream {stream.name} takes no rows from clients")
        space = self._cluster.space(stream.space)
        key = (space.id, space.seed, len(space.leaders))
        known = self._partitioners.get(key)
        if known is None:
            known = self._partitioners[key] = Partitioner(space)
        return stream, space, known

    def add(self, key: LaneKey, batch: Batch, is_given: bool, begin: int) -> None:
        """Gives a batch to its lane, in the order of the calls."""

        def on_loop() -> None:
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = Lane(self._cluster, key, is_given, begin)
            lane.add(batch)

        self._thread.call(on_loop)

    def sequences(self, producer: int, replay: bool, stream: str) -> dict[int, int]:
        """The next number of a producer in each partition of the stream's space."""
        found = self._cluster.find(stream)
        space = None if found is None else found.space

        async def read() -> dict[int, int]:
            return {
                key.partition: lane.next_sequence
                for key, lane in self._lanes.items()
                if (key.producer, key.replay, key.space) == (producer, replay, space)
            }

        return self._thread.run(read())

    def drop(self, producer: int, replay: bool) -> None:
        """Forgets a producer whose rows are all answered."""

        def on_loop() -> None:
            own = [key for key in self._lanes if (key.producer, key.replay) == (producer, replay)]
            for key in own:
                self._lanes.pop(key).close()

        self._thread.call(on_loop)

    def trouble(self) -> str:
        """The latest error of any lane, for texts of timeouts."""
        errors = [lane.last_error for lane in list(self._lanes.values()) if lane.last_error]
        return f": {errors[-1]}" if errors else ""

    def close(self) -> None:
        """Ends all lanes; on the loop."""
        for lane in self._lanes.values():
            lane.close()
