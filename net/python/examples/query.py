"""Prints the result of a bounded SELECT; further arguments are its parameters.

python examples/query.py 127.0.0.1:7400 'SELECT * FROM latest WHERE temperature > $1' 20
"""

from __future__ import annotations

import json
import sys

import ceptra


def main(address: str, sql: str, parameters: list[str]) -> None:
    """Parameters are JSON: 20, "kitchen", true, null."""
    with ceptra.connect(address) as client:
        table = client.query(sql, [json.loads(parameter) for parameter in parameters])
        for row in table.to_pylist():
            print(row)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
