#!/usr/bin/env python3
"""Records the input: an hour's quarter of a small cell network, made up with a fixed seed."""
import gzip
import json
import random
from datetime import datetime, timedelta

random.seed(20260301)
START = datetime(2026, 3, 1, 6, 0, 0)
CELLS = [f"cell-{n:02}" for n in range(1, 13)]
TIER = {cell: ("urban", "suburban", "rural")[n % 3] for n, cell in enumerate(CELLS)}
BAD = {"cell-04": (240, 420), "cell-08": (300, 330), "cell-01": (500, 640)}
drops = {(cell, way): random.randrange(2000) for cell in CELLS for way in ("down", "up")}

rows = []
for second in range(0, 900, 2):
    for n, cell in enumerate(CELLS):
        bad = BAD.get(cell, (0, 0))[0] <= second < BAD.get(cell, (0, 0))[1]
        at = START + timedelta(seconds=second, milliseconds=61 * n + random.randrange(40))
        way = "down" if (second // 2 + n) % 3 else "up"
        drops[cell, way] += random.randrange(1, 12) if bad else random.random() < 0.2
        if cell == "cell-08" and second == 318:
            drops[cell, way] = 3  # the counter begins anew
        jitter = random.gauss(0.009, 0.002) if bad else random.gauss(0.003, 0.0007)
        rows.append({
            "ts": at.isoformat(timespec="milliseconds") + "Z", "cell_id": cell, "tier": TIER[cell],
            "direction": way, "cell_jitter_seconds": round(max(jitter, 0.0004), 6),
            "packet_drops_total": int(drops[cell, way]),
        })
for at in range(20, len(rows), 97):  # a few come late, within the lateness
    rows[at - 3], rows[at] = rows[at], rows[at - 3]
text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
with open("qos.jsonl.gz", "wb") as out:
    out.write(gzip.compress(text.encode(), mtime=0))
