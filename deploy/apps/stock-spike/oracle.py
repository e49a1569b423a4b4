#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only."""
import csv
import heapq
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def quotes(rank, name):
    with open(HERE / f"{name}.csv", newline="") as file:
        for row in csv.DictReader(file):
            yield row["Date"], rank, row


previous = {}
# day by day; on one day, in the order in which app.sql declares the two streams
for day, _, row in heapq.merge(quotes(0, "AAPL"), quotes(1, "IBM"), key=lambda q: q[:2]):
    price, adjusted = float(row["Close"]), float(row["Adj Close"])
    before = previous.get(row["Ticker"])
    previous[row["Ticker"]] = (price, adjusted)
    if before is None:
        continue
    change = (price - before[0]) / before[0] * 100
    adjusted_change = (adjusted - before[1]) / before[1] * 100
    if abs(change) < 8:
        continue
    if abs(change - adjusted_change) > 5:
        alert = "split"
    else:
        alert = "spike" if change > 0 else "crash"
    line = {
        "trading_day": day,
        "ticker": row["Ticker"],
        "alert": alert,
        "previous_price": before[0],
        "price": price,
        "change_percent": change,
        "adjusted_percent": adjusted_change,
        "volume": int(row["Volume"]),
    }
    print(json.dumps(line, separators=(",", ":")))
