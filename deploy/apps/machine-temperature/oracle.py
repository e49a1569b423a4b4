#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

It reads the file row by row as an event-time engine must: the watermark is the highest time seen
less two seconds, an hour closes when the watermark reaches its end, a row of a closed hour is late
and dropped. Means are exact rationals, rounded once.

    oracle.py            expected output on stdout
    oracle.py --labels   how the alerts compare with the labelled anomaly windows
"""
import csv
import json
import math
import sys
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = "machine_temperature_system_failure.csv"
LATENESS = timedelta(seconds=2)
HOUR = timedelta(hours=1)

TEXT = {
    "STOPPED": "STOPPED: the machine has gone cold, it does not work",
    "COLD": "COLD: far below working temperature",
    "HOT": "HOT: above working temperature",
    "NORMAL": "NORMAL: back in the working range",
}


def hours():
    """Yields (start of hour, its readings) in the order in which the hours close."""
    open_hours, highest, watermark, late = {}, None, None, 0
    with open(HERE / DATA, newline="") as file:
        for row in csv.DictReader(file):
            ts = datetime.fromisoformat(row["timestamp"])
            start = ts.replace(minute=0, second=0, microsecond=0)
            if watermark is not None and start + HOUR <= watermark:
                late += 1
                continue
            open_hours.setdefault(start, []).append(float(row["value"]))
            highest = ts if highest is None else max(highest, ts)
            watermark = highest - LATENESS
            for done in sorted(h for h in open_hours if h + HOUR <= watermark):
                yield done, open_hours.pop(done)
    for done in sorted(open_hours):
        yield done, open_hours.pop(done)
    assert late == 0, f"{late} rows came after their hour had closed"


def state_of(mean):
    if mean < 45:
        return "STOPPED"
    if mean < 55:
        return "COLD"
    return "HOT" if mean >= 104 else "NORMAL"


def alerts():
    before = "NORMAL"
    for start, values in hours():
        mean = float(sum(map(Fraction, values)) / len(values))
        state = state_of(mean)
        if state != before:
            yield start, state, {
                "since": start.isoformat() + "Z",
                "alert": TEXT[state],
                "was": before,
                "mean": math.floor(mean),
                "lowest": math.floor(min(values)),
                "highest": math.floor(max(values)),
                "readings": len(values),
            }
        before = state


def compare_with_labels():
    windows = json.loads((HERE / "anomaly_windows.json").read_text())[DATA]
    spans = [[datetime.fromisoformat(t) for t in window] for window in windows]
    faults = [start for start, state, _ in alerts() if state != "NORMAL"]
    for low, high in spans:
        inside = [t for t in faults if low <= t + HOUR and t <= high]
        print(f"{low} to {high}: {len(inside)} alerts")
    outside = [t for t in faults if not any(l <= t + HOUR and t <= h for l, h in spans)]
    print("outside:", ", ".join(map(str, outside)))


if "--labels" in sys.argv:
    compare_with_labels()
else:
    for _, _, line in alerts():
        print(json.dumps(line, separators=(",", ":")))
