#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only."""
import gzip
import json
from fractions import Fraction
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent

days, newest = {}, ""
with gzip.open(HERE / "flights-20k.json.gz", "rt", encoding="utf-8") as file:
    for flight in json.load(file):
        assert flight["date"] >= newest, "flights are in time order, so none is late"
        newest = flight["date"]
        day = flight["date"][:10].replace("/", "-")
        days.setdefault(day, {}).setdefault(flight["origin"], []).append(flight)

for day, airports in sorted(days.items()):
    lines = []
    for origin, flights in airports.items():
        delays = [float(flight["delay"]) for flight in flights]
        if len(flights) < 8 or median(delays) < 5:
            continue
        lines.append(
            {
                "window_start": f"{day}T00:00:00Z",
                "origin": origin,
                "departures": len(flights),
                "median_delay": median(delays),
                "mean_delay": float(sum(map(Fraction, delays)) / len(delays)),
                "worst_delay": max(delays),
                "over_an_hour": sum(delay >= 60 for delay in delays),
                "destinations": len({flight["destination"] for flight in flights}),
                "miles": sum(flight["distance"] for flight in flights),
            }
        )
    lines.sort(key=lambda line: (-line["median_delay"], line["origin"]))
    for line in lines[:3]:
        print(json.dumps(line, separators=(",", ":")))
