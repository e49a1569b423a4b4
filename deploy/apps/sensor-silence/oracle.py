#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

The readings of all sensors are walked in the order of time. What became silent is told with the first
reading of any sensor at or behind the end of the six hours; at the end of the data, with the last one.
"""
import csv
import heapq
import json
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
QUIET = timedelta(hours=6)
FILES = [
    ("occupancy 6005", "occupancy_6005"),
    ("speed 6005", "speed_6005"),
    ("travel time 387", "TravelTime_387"),
]


def readings(rank):
    sensor, name = FILES[rank]
    with open(HERE / f"{name}.csv", newline="") as file:
        for at, row in enumerate(csv.DictReader(file)):
            yield datetime.fromisoformat(row["timestamp"]), rank, at, sensor, float(row["value"])


def show(values):
    print(json.dumps(values, separators=(",", ":")))


def text(length):
    """The way CEPtra writes a length of time."""
    hours, rest = divmod(int(length.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    return "PT" + "".join(f"{n}{unit}" for n, unit in [(hours, "H"), (minutes, "M"), (seconds, "S")] if n)


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def silent(sensor, at, value):
    show({"_stream": "query_1", "sensor": sensor, "last_heard": stamp(at), "last_value": value,
          "silent_at": stamp(at + QUIET)})


heard = {}  # sensor: (time, order, value) of its last reading
told = set()  # sensors whose silence has been told
for order, (now, _, _, sensor, value) in enumerate(heapq.merge(*(readings(r) for r in range(len(FILES))))):
    due = sorted((at, seen, name, last) for name, (at, seen, last) in heard.items()
                 if name not in told and at + QUIET <= now)
    for at, _, name, last in due:
        silent(name, at, last)
        told.add(name)
    if sensor in told:
        told.remove(sensor)
        before = heard[sensor][0]
        show({"_stream": "query_2", "sensor": sensor, "last_heard": stamp(before), "back_at": stamp(now),
              "silence": text(now - before)})
    heard[sensor] = (now, order, value)
for at, _, name, last in sorted((at, seen, name, last) for name, (at, seen, last) in heard.items()
                                if name not in told):
    silent(name, at, last)
