#!/usr/bin/env python3
"""Makes orders.csv, shipments.csv and cancellations.csv: a month of a small mail-order house.

Made up, since no public record of orders with shipments was found that may be given on. The same seed gives the same files
(the generator is xorshift64*, written out here, so it does not hang on a version of Python).
"""
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
MASK = (1 << 64) - 1
state = 20_240_301


def below(n):
    """A whole number of 0 .. n - 1."""
    global state
    state ^= state >> 12
    state = (state ^ (state << 25)) & MASK
    state ^= state >> 27
    return ((state * 2685821657736338717 & MASK) >> 33) % n


START, DAYS = datetime(2024, 3, 1), 28
REGIONS = ["north", "south", "east", "west"]
orders, shipments, cancellations = [], [], []
number = 1000
for day in range(DAYS):
    sunday = (START + timedelta(days=day)).weekday() == 6
    for _ in range(30 + below(25)):
        number += 1
        # most orders come in the evening
        at = START + timedelta(days=day, hours=8 + max(below(15), below(15)), minutes=below(60), seconds=below(60))
        express = below(5) == 0
        orders.append((at, number, REGIONS[below(4)], "express" if express else "standard", 5 + below(20_000) / 100))
        fate = below(100)
        if fate < 4:  # cancelled; two thirds in time
            cancellations.append((at + timedelta(minutes=20 + below(72 * 60)), number))
        elif fate < 5:  # lost: never shipped
            pass
        else:
            hours = (2 + below(16)) if express else (6 + below(36))
            if fate < 12:  # held up
                hours += 20 + below(60)
            if sunday:
                hours += 6
            sent = at + timedelta(hours=hours, minutes=below(60), seconds=below(60))
            shipments.append((sent, number, 1))
            if fate > 94:  # a second parcel
                shipments.append((sent + timedelta(hours=1 + below(40)), number, 2))


def write(name, header, rows, show):
    lines = [show(*row) for row in sorted(rows)]
    (HERE / name).write_text("\n".join([header, *lines]) + "\n")


write("orders.csv", "ts,id,region,service,amount", orders, lambda ts, i, region, service, amount: f"{ts},{i},{region},{service},{amount:.2f}")
write("shipments.csv", "ts,id,parcel", shipments, lambda ts, i, parcel: f"{ts},{i},{parcel}")
write("cancellations.csv", "ts,id", cancellations, lambda ts, i: f"{ts},{i}")
