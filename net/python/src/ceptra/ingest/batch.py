"""Rows of one append, from being given until the last of them has an outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

import pyarrow as pa

from ceptra.errors import CeptraError
from ceptra.ingest.outcome import AppendResult, Outcome, outcomes_of
from ceptra.ingest.rows import batch_of
from ceptra.ingest.split import Piece, frame_of
from ceptra.wire.append import Run
from ceptra.wire.codes import OutcomeCode, Reason
from ceptra.wire.routing import Stream
from ceptra.wire.values import Failure, Window

ID_BYTES = 16


class Collector:
    """Puts the outcomes of the pieces of one call together and completes its future."""

    def __init__(self, count: int) -> None:
        self.future: Future[AppendResult] = Future()
        self.future.set_running_or_notify_cancel()
        self._outcomes: list[Outcome | None] = [None] * count
        self._left = count
        self._error: CeptraError | None = None
        self._finish()

    def settle(self, at: Sequence[int], outcomes: Iterable[Outcome]) -> None:
        """These rows have an outcome."""
        for place, outcome in zip(at, outcomes, strict=True):
            self._outcomes[place] = outcome
        self._left -= len(at)
        self._finish()

    def fail(self, at: Sequence[int], error: CeptraError) -> None:
        """These rows will have none."""
        self._error = self._error or error
        self._left -= len(at)
        self._finish()

    def _finish(self) -> None:
        if self._left:
            return
        if self._error is not None:
            self._error.outcomes = self._outcomes
            self.future.set_exception(self._error)
        else:
            self.future.set_result(AppendResult([one for one in self._outcomes if one is not None]))


class Batch:
    """One append of one partition.

    `was_lost`: an attempt was not answered, so its rows may have been applied.
    """

    def __init__(
        self,
        stream: Stream,
        piece: Piece,
        event_ids: bytes,
        collector: Collector,
        release: Callable[[int], None],
    ) -> None:
        self.stream = stream
        self.rows: pa.RecordBatch = piece.rows
        self.frame = piece.frame
        self.event_ids = event_ids
        self.order = 0
        self.first_sequence = 0
        self.first_sent_ns = 0
        self.routing_epoch = 0
        self.was_lost = False
        self.is_gapped = False
        self.failure: Failure | None = None
        self._at: Sequence[int] = piece.at
        self._collector = collector
        self._release = release
        self._held = len(piece.frame)

    @property
    def count(self) -> int:
        """Rows that have no outcome yet."""
        return len(self._at)

    @property
    def size(self) -> Window:
        """What it takes of a credit window."""
        return Window(self.count, len(self.frame))

    def settle(self, runs: Sequence[Run]) -> bool:
        """Takes the runs of an ack, which have as many rows as the batch.

        Returns False when rows at its end wait for others before them: those stay.
        """
        runs = list(runs)
        tail = 0
        while runs and _is_gap(runs[-1]):
            tail += runs.pop().count
        self.is_gapped = tail > 0
        taken = self.count - tail
        if taken:
            outcomes = (outcome for run in runs for outcome in outcomes_of(run))
            at, self._at = self._at[:taken], self._at[taken:]
            self.rows = self.rows.slice(taken)
            self.event_ids = self.event_ids[ID_BYTES * taken :]
            self.first_sequence += taken
            self._collector.settle(at, outcomes)
        if tail == 0:
            self._release(self._held)
        elif taken:
            self.frame = frame_of(self.stream, self.rows)
        return tail == 0

    def give_up(self, outcome: Outcome) -> None:
        """All rows that are left have this outcome."""
        at, self._at = self._at, ()
        self._collector.settle(at, [outcome] * len(at))
        self._release(self._held)

    def fail(self, error: CeptraError) -> None:
        """What becomes of the rows that are left is not known, or nothing."""
        at, self._at = self._at, ()
        self._collector.fail(at, error)
        self._release(self._held)

    def rewrite(self, stream: Stream) -> None:
        """Writes the rows anew for another version of the schema. Raises RowError."""
        self.rows = batch_of(stream, self.rows)
        self.stream = stream
        self.frame = frame_of(stream, self.rows)


def _is_gap(run: Run) -> bool:
    return run.outcome == OutcomeCode.REJECTED and run.reason == Reason.SEQUENCE_GAP
