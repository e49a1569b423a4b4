#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Sums are exact (rationals) and rounded once to a double.
"""
import csv
import json
import math
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
DAYS = 14

with open(HERE / "seattle-weather.csv", newline="") as file:
    rows = list(csv.DictReader(file))

for i in range(DAYS - 1, len(rows)):
    window = rows[i - DAYS + 1 : i + 1]
    rain = float(sum(Fraction(float(row["precipitation"])) for row in window))
    if rain > 1:
        continue
    highs = [Fraction(float(row["temp_max"])) for row in window]
    total, squares = sum(highs), sum(high * high for high in highs)
    line = {
        "from_day": window[0]["date"],
        "to_day": window[-1]["date"],
        "rain": rain,
        "mean_high": float(total / DAYS),
        "hottest": float(max(highs)),
        "spread": math.sqrt(float((DAYS * squares - total * total) / DAYS**2)),
        "sunny_days": sum(row["weather"] == "sun" for row in window),
    }
    print(json.dumps(line, separators=(",", ":")))
