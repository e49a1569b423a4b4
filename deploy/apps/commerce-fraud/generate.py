#!/usr/bin/env python3
"""Records the input: half an hour of card payments at six merchants, made up with a fixed seed."""
import json
import random
from datetime import datetime, timedelta

random.seed(1911)
START = datetime(2026, 11, 27, 9, 0, 0)
MERCHANTS = {"m-books": 18, "m-food": 32, "m-shoes": 74, "m-phones": 420, "m-travel": 380, "m-games": 45}

rows = []
at = START
while at < START + timedelta(minutes=30):
    at += timedelta(milliseconds=random.randrange(100, 1400))
    second = (at - START).total_seconds()
    merchant = random.choice(list(MERCHANTS))
    amount = MERCHANTS[merchant] * random.lognormvariate(0, 0.5)
    country, declined = random.choice(["de", "de", "fr", "nl"]), random.random() < 0.03
    if 600 <= second < 690 and random.random() < 0.6:  # stolen numbers tried out with small sums
        merchant, amount, country, declined = "m-games", random.uniform(0.5, 2.0), "zz", random.random() < 0.7
    if 1200 <= second < 1260 and random.random() < 0.5:  # cashing in
        merchant, amount, country = "m-phones", random.uniform(900, 1900), "fr"
    rows.append({
        "ts": at.isoformat(timespec="milliseconds") + "Z",
        "card": {"country": country, "bin": str(random.randrange(400000, 400040))},
        "merchant": merchant, "amount": round(amount, 2), "declined": declined,
    })
with open("payments.jsonl", "w", encoding="utf-8") as out:
    for row in rows:
        out.write(json.dumps(row, separators=(",", ":")) + "\n")
