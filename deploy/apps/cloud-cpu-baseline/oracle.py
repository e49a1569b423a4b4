#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Mean and variance of the 288 samples before each sample come from exact sums (rationals), rounded
once to a double; the standard deviation is the square root of that.

    oracle.py            expected output on stdout
    oracle.py --labels   how the alerts compare with the labelled anomaly windows
"""
import csv
import json
import math
import sys
from collections import deque
from datetime import datetime
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = 288
SERVERS = {  # in the order of their declaration in app.sql
    "ec2-24ae8d": "ec2_cpu_utilization_24ae8d.csv",
    "ec2-53ea38": "ec2_cpu_utilization_53ea38.csv",
    "ec2-5f5533": "ec2_cpu_utilization_5f5533.csv",
    "ec2-825cc2": "ec2_cpu_utilization_825cc2.csv",
    "rds-cc0c53": "rds_cpu_utilization_cc0c53.csv",
}


def merged():
    """All samples in event-time order; at equal times, in the order of declaration."""
    rows = []
    for rank, (server, path) in enumerate(SERVERS.items()):
        with open(HERE / path, newline="") as file:
            of_file = [
                (datetime.fromisoformat(row["timestamp"]), rank, server, float(row["value"]))
                for row in csv.DictReader(file)
            ]
        assert all(a[0] < b[0] for a, b in zip(of_file, of_file[1:])), path
        rows += of_file
    return sorted(rows, key=lambda row: row[:2])


def alerts():
    past = {server: deque() for server in SERVERS}
    sums = {server: [Fraction(0), Fraction(0)] for server in SERVERS}
    for ts, _, server, busy in merged():
        window, total = past[server], sums[server]
        n = len(window)
        if n == SAMPLES:
            usual = float(total[0] / n)
            spread = math.sqrt(float((n * total[1] - total[0] ** 2) / (n * (n - 1))))
            if abs(busy - usual) > 4 * spread:
                yield ts, server, {
                    "ts": ts.isoformat() + "Z",
                    "server": server,
                    "alert": "busier than usual" if busy > usual else "quieter than usual",
                    "busy": busy,
                    "usual": usual,
                    "spread": spread,
                }
            oldest = window.popleft()
            total[0] -= oldest
            total[1] -= oldest * oldest
        exact = Fraction(busy)
        window.append(exact)
        total[0] += exact
        total[1] += exact * exact


def compare_with_labels():
    labels = json.loads((HERE / "anomaly_windows.json").read_text())
    found = list(alerts())
    for server, path in SERVERS.items():
        spans = [[datetime.fromisoformat(t) for t in window] for window in labels[path]]
        times = [ts for ts, name, _ in found if name == server]
        hits = [sum(low <= t <= high for t in times) for low, high in spans]
        print(f"{server}: {len(times)} alerts, inside the labelled windows: {hits}")


if "--labels" in sys.argv:
    compare_with_labels()
else:
    for _, _, line in alerts():
        print(json.dumps(line, separators=(",", ":")))
