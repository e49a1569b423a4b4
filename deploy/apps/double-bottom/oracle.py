#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Weeks by the calendar module of dates, shapes by a walk with indexes: no automaton, no backtracking is
needed, since each step of the shape ends where the price turns.
"""
import csv
import json
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent


def weeks(name):
    """Yields (Monday, last price of the week)."""
    last = {}
    with open(HERE / f"../stock-spike/{name}.csv", newline="") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["Date"])
            last[day - timedelta(days=day.weekday())] = float(row["Adj Close"])
    return sorted(last.items())


def shape_at(week, start):
    """The shape that begins at index `start`: indexes of bottom, peak, second bottom, last; or None."""
    price = [p for _, p in week]

    def run(at, is_on):
        """The last index to which the price goes on the same way from `at`."""
        while at + 1 < len(price) and is_on(price[at], price[at + 1]):
            at += 1
        return at

    def falls(a, b):
        return b < a

    def rises(a, b):
        return b > a

    bottom = run(start, falls)
    peak = run(bottom, rises)
    again = run(peak, falls)
    if not start < bottom < peak < again:
        return None
    # The first week of the last rise that is above the recovery, if the shape is one at all.
    if not (
        price[bottom] <= price[start] * 0.92
        and price[peak] >= price[bottom] * 1.02
        and abs(price[again] - price[bottom]) <= price[bottom] * 0.05
    ):
        return None
    at = again
    while at + 1 < len(price) and price[at + 1] > price[at]:
        at += 1
        if price[at] > price[peak]:
            within = week[at][0] - week[start][0] <= timedelta(days=180)
            return (bottom, peak, again, at) if within else None
    return None


found = []
for rank, ticker in enumerate(["AAPL", "IBM"]):
    week = weeks(ticker)
    start = number = 0
    while start < len(week):
        shape = shape_at(week, start)
        if shape is None:
            start += 1
            continue
        bottom, peak, again, last = shape
        number += 1
        line = {"ticker": ticker}
        for at, day, price in [
            (start, "fell_from", "top"),
            (bottom, "first_bottom", "bottom"),
            (peak, "recovered_until", "peak"),
            (again, "second_bottom", "bottom_again"),
            (last, "confirmed", "price"),
        ]:
            line[day], line[price] = week[at][0].isoformat(), week[at][1]
        line |= {"weeks": last - start + 1, "number": number}
        found.append((line["confirmed"], rank, line))
        start = last + 1
for _, _, line in sorted(found, key=lambda f: f[:2]):
    print(json.dumps(line, separators=(",", ":")))
