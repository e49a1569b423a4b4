"""What became of rows (R-ACK-1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, overload

from ceptra.wire.append import Run
from ceptra.wire.codes import OutcomeCode, Reason, reason_of


@dataclass(frozen=True)
class Applied:
    """Committed and applied: log index of the entry, and row of it."""

    index: int
    row: int


@dataclass(frozen=True)
class Duplicate:
    """Applied before, under the same id. This is success."""


@dataclass(frozen=True)
class LateDropped:
    """Older than the late policies of all its readers allow."""


@dataclass(frozen=True)
class Rejected:
    """Not applied. `reason` is a plain number where this version does not know it."""

    reason: Reason | int
    text: str


Outcome: TypeAlias = Applied | Duplicate | LateDropped | Rejected

_DUPLICATE, _LATE_DROPPED = Duplicate(), LateDropped()


def outcomes_of(run: Run) -> Iterator[Outcome]:
    """One outcome a row."""
    if run.outcome == OutcomeCode.APPLIED:
        for row in range(run.row, run.row + run.count):
            yield Applied(run.index, row)
        return
    if run.outcome == OutcomeCode.DUPLICATE:
        outcome: Outcome = _DUPLICATE
    elif run.outcome == OutcomeCode.LATE_DROPPED:
        outcome = _LATE_DROPPED
    else:
        outcome = Rejected(reason_of(run.reason), run.text)
    for _ in range(run.count):
        yield outcome


class AppendResult(Sequence[Outcome]):
    """One outcome a row, in the order of the rows that were given."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes = tuple(outcomes)
        self._counts = Counter(type(outcome) for outcome in self._outcomes)

    @overload
    def __getitem__(self, at: int) -> Outcome: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Outcome]: ...
    def __getitem__(self, at: int | slice) -> Outcome | Sequence[Outcome]:
        return self._outcomes[at]

    def __len__(self) -> int:
        return len(self._outcomes)

    def __repr__(self) -> str:
        return (
            f"AppendResult(applied={self.applied}, duplicates={self.duplicates}, "
            f"late={self.late}, rejected={self.rejected})"
        )

    @property
    def applied(self) -> int:
        """Rows that were applied now."""
        return self._counts[Applied]

    @property
    def duplicates(self) -> int:
        """Rows that had been applied before."""
        return self._counts[Duplicate]

    @property
    def late(self) -> int:
        """Rows that came too late for every reader."""
        return self._counts[LateDropped]

    @property
    def rejected(self) -> int:
        """Rows that were not applied."""
        return self._counts[Rejected]
