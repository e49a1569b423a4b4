"""Prints the rows of a stream as they come, and goes on where it was after a restart.

python examples/follow.py 127.0.0.1:7400 alerts positions.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ceptra


def main(address: str, stream: str, file: Path) -> None:
    """Stores the position of the last row of each partition after it was printed."""
    known = json.loads(file.read_text()) if file.exists() else {}
    positions = {int(partition): ceptra.Position(*place) for partition, place in known.items()}
    with ceptra.connect(address) as client, client.subscribe(stream, start=positions) as batches:
        for batch in batches:
            for op, row in zip(batch.ops, batch.rows.to_pylist(), strict=True):
                print(op, row)
            known[str(batch.partition)] = [batch.last.index, batch.last.ordinal]
            file.write_text(json.dumps(known))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
