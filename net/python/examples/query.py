r"""Prints the result of a bounded SELECT; further arguments are its parameters.

python examples/query.py 127.0.0.1:26020 \
    "SELECT * FROM totals WITHIN \$1 PER 'days' WHERE total > \$2" '"2024-05-01"' 20
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
