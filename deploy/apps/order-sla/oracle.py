#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Each order's fate is looked up in dictionaries; what is told is put into the order of the moments at which
it can be told: with the first event at or behind the end of the time.
"""
import bisect
import csv
import json
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIME = {"express": timedelta(days=1), "standard": timedelta(days=2)}


def rows(name):
    with open(HERE / f"{name}.csv", newline="") as file:
        return [{**row, "ts": datetime.fromisoformat(row["ts"])} for row in csv.DictReader(file)]


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def text(length):
    """The way CEPtra writes a length of time."""
    hours, rest = divmod(int(length.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    return "PT" + "".join(f"{n}{unit}" for n, unit in [(hours, "H"), (minutes, "M"), (seconds, "S")] if n)


orders, shipments, cancellations = rows("orders"), rows("shipments"), rows("cancellations")
# All events in the order of the log: time, then the order of the streams, then of the file.
log = sorted(
    (row["ts"], rank, at) for rank, stream in enumerate([orders, shipments, cancellations])
    for at, row in enumerate(stream)
)
place = {(rank, at): nth for nth, (_, rank, at) in enumerate(log)}
times = [entry[0] for entry in log]
answers = {}  # id: places in the log of what ends the waiting
for rank, stream in [(1, shipments), (2, cancellations)]:
    for at, row in enumerate(stream):
        answers.setdefault(row["id"], []).append((place[rank, at], row["ts"]))



lines = []  # (place, phase, query), line: at one place the queries print in their order


def show(at, query, line):
    lines.append(((*at, query), json.dumps({"_stream": f"query_{query}", **line}, separators=(",", ":"))))


def totals(at, regions):
    for region in regions:
        line = {"_op": "+U" if region in known else "+I", "region": region,
                "orders_overdue": sums[region][0], "amount": float(sums[region][1])}
        known.add(region)
        show(at, 3, line)


told = []  # (place in the log, phase, query, …): what is due comes before the row that brings the time
for at, order in enumerate(orders):
    own = place[0, at]
    due = order["ts"] + TIME[order["service"]]
    # An answer at the very end is too late, and one before the order is none.
    if any(where > own and ts < due for where, ts in answers.get(order["id"], [])):
        continue
    nth = bisect.bisect_left(times, due)
    is_standard = order["service"] == "standard"
    told.append((nth, 0, is_standard, due, own, "overdue", order, None))
    later = sorted((place[1, n], s) for n, s in enumerate(shipments)
                   if s["id"] == order["id"] and place[1, n] >= nth)
    if is_standard and later and later[0][1]["ts"] - order["ts"] <= timedelta(days=7):
        told.append((later[0][0], 1, 2, later[0][1]["ts"], own, "late", order, later[0][1]))

sums = {}  # region: orders that are overdue and what they are worth, from the beginning
period = []  # regions with a row in the period of twenty, in the order of their first one
known = set()  # regions that were told
rows_of_period = 0
for nth, phase, *_, kind, order, shipment in sorted(told, key=lambda t: t[:5]):
    at = (nth, phase)
    if kind == "late":
        line = {"id": int(order["id"]), "service": order["service"],
                "ordered": stamp(order["ts"]), "sent": stamp(shipment["ts"]),
                "took": text(shipment["ts"] - order["ts"])}
        show(at, 2, line)
        continue
    show(at, 1, {"id": int(order["id"]), "region": order["region"], "service": order["service"],
                 "ordered": stamp(order["ts"])})
    region = order["region"]
    count, amount = sums.get(region, (0, Fraction(0)))
    # The amount is the double that the text stands for; sums are exact and rounded once.
    sums[region] = (count + 1, amount + Fraction(float(order["amount"])))
    if region not in period:
        period.append(region)
    rows_of_period += 1
    if rows_of_period == 20:
        totals(at, period)
        period, rows_of_period = [], 0
if period:
    totals((len(log), 0), period)
for _, line in sorted(lines, key=lambda line: line[0]):
    print(line)
