"""How long to wait before the next try: 50 ms, twice as long after each further failure, up to 5 s,
with some randomness. What the server asks for counts as the least."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.05
LAST_SECONDS = 5.0


class Backoff:
    """The tries of one thing."""

    def __init__(self) -> None:
        self.failures = 0

    def reset(self) -> None:
        """Something went well."""
        self.failures = 0

    def seconds(self, retry_after_ms: int = 0) -> float:
        """The wait after one more failure."""
        wait = min(FIRST_SECONDS * (1 << min(self.failures, 16)), LAST_SECONDS)
        self.failures += 1
        return max(wait, retry_after_ms / 1000) * random.uniform(1.0, 1.25)
