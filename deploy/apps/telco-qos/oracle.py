#!/usr/bin/env python3
"""Makes the expected output of app.yaml without CEPtra, with the standard library only."""
import gzip
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from promql import Metric, end_of_pane, extrapolated, mean, total  # noqa: E402

jitter, drops = Metric(), Metric()
newest = 0
for line in gzip.open(HERE / "qos.jsonl.gz", "rt", encoding="utf-8"):
    row = json.loads(line)
    at = datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
    ms = round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)
    cell, way = row["cell_id"], row["direction"]
    jitter.add(ms, row["cell_jitter_seconds"], cell_id=cell, direction=way, tier=row["tier"])
    drops.add(ms, float(row["packet_drops_total"]), cell_id=cell, direction=way, tier=row["tier"])
    newest = max(newest, ms)
    end = end_of_pane(newest)

    def average(until, length):
        return mean(mean(v for _, v in s) for _, s in jitter.window(until, length, cell_id=cell))

    fast = average(end, 30_000)
    usual = average(end - 60_000, 300_000)
    lost = [extrapolated(s, end, 30_000) for _, s in drops.window(end, 30_000, cell_id=cell, direction="down")]
    lost = [v for v in lost if v is not None]
    lost = total(lost) if lost else None
    if fast > 0.005 and lost is not None and lost >= 20.0 and row["tier"] == "urban":
        print(json.dumps({"at": row["ts"].replace(".000Z", "Z"), "rule": "bad_cell", "cell": cell, "jitter": fast, "drops": lost,
                          "usual": None, "metadata": "{\"runbook\":\"qos/urban\"}"}, separators=(",", ":")))
    if usual is not None and fast / usual > 2.0:
        print(json.dumps({"at": row["ts"].replace(".000Z", "Z"), "rule": "worse_than_usual", "cell": cell, "jitter": fast, "drops": None,
                          "usual": usual, "metadata": None}, separators=(",", ":")))
