#!/usr/bin/env python3
"""Records the input: forty minutes of a fleet of pumps, made up with a fixed seed."""
import gzip
import random
from datetime import datetime, timedelta

random.seed(404)
START = datetime(2026, 7, 14, 13, 0, 0)
PUMPS = [(f"pump-{n:02}", f"site-{'abc'[n % 3]}") for n in range(24)]
HOT, SILENT, SHAKY = "pump-07", "pump-14", "pump-19"
starts = {pump: random.randrange(500) for pump, _ in PUMPS}

lines = ["ts,device_id,site,temperature,vibration,starts_total"]
for second in range(0, 2400, 5):
    for n, (pump, site) in enumerate(PUMPS):
        if pump == SILENT and 900 <= second < 1500:
            continue
        at = START + timedelta(seconds=second, milliseconds=random.randrange(800))
        temperature = 61 + 2 * (n % 3) + random.gauss(0, 0.6)
        if pump == HOT:
            temperature += max(0, min(second - 600, 1800 - second)) / 40
        if site == "site-c" and second >= 1900:
            temperature += 9  # the hall's cooling fails
        vibration = abs(random.gauss(1.5, 0.3)) * (1 if pump != SHAKY or second < 1200 else random.choice([0.2, 4]))
        starts[pump] += random.random() < (0.5 if pump == SHAKY and second >= 1200 else 0.01)
        # A sensor that has nothing to say leaves its column empty.
        shown = "" if random.random() < 0.02 else f"{temperature:.2f}"
        stamp = at.isoformat(timespec="milliseconds")
        lines.append(f"{stamp}Z,{pump},{site},{shown},{vibration:.3f},{starts[pump]}")
with open("telemetry.csv.gz", "wb") as out:
    out.write(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
