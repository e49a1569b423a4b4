#!/usr/bin/env python3
"""Makes the expected output of app.yaml without CEPtra, with the standard library only."""
import csv
import gzip
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from promql import Metric, end_of_pane, extrapolated, mean, stddev  # noqa: E402

temperature, vibration, starts = Metric(), Metric(), Metric()
newest = 0


def show(at, rule, what, value, beside):
    row = {"at": at, "rule": rule, "what": what, "value": value, "beside": beside}
    print(json.dumps(row, separators=(",", ":")))


for row in csv.DictReader(gzip.open(HERE / "telemetry.csv.gz", "rt", encoding="utf-8")):
    at = datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
    ms = round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)
    pump, site = row["device_id"], row["site"]
    labels = {"device_id": pump, "site": site}
    if row["temperature"]:
        temperature.add(ms, float(row["temperature"]), **labels)
    vibration.add(ms, float(row["vibration"]), **labels)
    starts.add(ms, float(row["starts_total"]), **labels)
    newest = max(newest, ms)
    end = end_of_pane(newest)

    def averages(until, length, **matchers):
        return [mean(v for _, v in s) for _, s in temperature.window(until, length, **matchers)]

    own, hall = mean(averages(end, 60_000, device_id=pump)), mean(averages(end, 60_000, site=site))
    before = mean(averages(end - 300_000, 300_000, site=site))
    last = max((v for _, v in temperature.last(end, device_id=pump)), default=None)
    shaking = max(stddev([v for _, v in s]) for _, s in vibration.window(end, 300_000, device_id=pump))
    rates = [extrapolated(s, end, 300_000, rate=True) for _, s in starts.window(end, 300_000, device_id=pump)]
    often = next((r for r in rates if r is not None), None)
    reporting = len(vibration.last(end, site=site))
    if own is not None and hall is not None and own - hall > 8.0 and last > 75.0:
        show(row["ts"].replace(".000Z", "Z"), "runs_hot", pump, own, hall)
    if shaking > 2.0 and often is not None and often > 0.05:
        show(row["ts"].replace(".000Z", "Z"), "shakes", pump, shaking, often)
    if before is not None and hall - before > 7.0 and pump in ("pump-02", "pump-05") and reporting >= 6:
        show(row["ts"].replace(".000Z", "Z"), "hall_warms", site, hall, before)
