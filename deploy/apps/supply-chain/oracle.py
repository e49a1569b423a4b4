#!/usr/bin/env python3
"""Makes the expected output of app.yaml without CEPtra, with the standard library only."""
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from promql import Metric, end_of_pane, extrapolated  # noqa: E402

HALF_HOUR = 1_800_000
air, fuel, doors = Metric(), Metric(), Metric()


def show(at, rule, box, value, text):
    row = {"at": at, "rule": rule, "box": box, "value": value, "text": text}
    print(json.dumps(row, separators=(",", ":")))


for line in open(HERE / "boxes.jsonl", encoding="utf-8"):
    row = json.loads(line)
    at = datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
    ms = round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)
    box, route = row["box"], row["route"]
    air.add(ms, row["probe"]["air"], box=box, route=route)
    fuel.add(ms, row["fuel_litres"], box=box)
    doors.add(ms, float(row["door_opened_total"]), box=box, route=route)
    end = end_of_pane(ms)
    inside = [v for _, s in air.window(end, HALF_HOUR, box=box) for _, v in s]
    (_, used), = fuel.window(end, HALF_HOUR, box=box)
    burnt = extrapolated(used, end, HALF_HOUR, counter=False)
    opened = {labels["box"]: extrapolated(s, end, HALF_HOUR) for labels, s in doors.window(end, HALF_HOUR, route=route)}
    own, worst = opened[box], max((v for v in opened.values() if v is not None), default=None)
    if max(inside) > -10.0 and min(inside) < -16.0:
        show(row["ts"].replace(".000Z", "Z"), "thaws", box, max(inside), f"warmest of 30 min on route {route}")
    if burnt is not None and burnt < -7.0:
        show(row["ts"].replace(".000Z", "Z"), "burns", box, burnt, "low" if row["fuel_litres"] < 150.0 else "falling")
    if own is not None and own >= 5.0 and own >= worst:
        show(row["ts"].replace(".000Z", "Z"), "opens", box, own, "door")
