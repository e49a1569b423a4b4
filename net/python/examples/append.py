"""Appends a hundred readings, then waits for their outcomes.

python examples/append.py 127.0.0.1:7400
"""

from __future__ import annotations

import sys
import time

import ceptra


def main(address: str) -> None:
    """Sends rows of three sensors, ten at a time."""
    with ceptra.connect(address) as client:
        producer = client.producer("readings")
        futures = []
        for start in range(0, 100, 10):
            rows = [
                {
                    "sensor": f"sensor-{number % 3}",
                    "temperature": number,
                    "ts": time.time_ns(),
                }
                for number in range(start, start + 10)
            ]
            futures.append(producer.append(rows))
        producer.flush()
        print(sum(future.result().applied for future in futures), "rows applied")


if __name__ == "__main__":
    main(sys.argv[1])
