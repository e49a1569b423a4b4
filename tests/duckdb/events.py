"""Random events, the same for the same seed.

`e.csv` is in the order of event time, `o.csv` holds the same events out of order by less than
`LATENESS_S`. `id` numbers the rows of a file as they arrive.
"""

import csv
import random
from datetime import datetime, timedelta

LATENESS_S = 20

COLUMNS = ("id", "ts", "k", "n", "m", "v", "w", "b", "t")

# Starts before and after 1970, at the end of a February and of a year.
STARTS = ("2024-02-28 22:30:00", "1969-12-31 22:00:00", "2023-12-31 21:47:13", "2020-06-15 05:00:00")
KEYS = ("a", "b", "c", "d", "delta", "Éa", "x,y", 'say "hi"', "日本")
WEIGHTS = (30, 20, 12, 8, 8, 6, 6, 5, 5)
TEXTS = ("  padded ", "alpha-01", "Beta_2", "gamma 3%", "42", "-17", "0", "ñandú", "a.b.c", "x" * 20)


def make(seed, rows):
    """Events in the order of their time, without `id`."""
    rng = random.Random(seed)
    ts = datetime.fromisoformat(STARTS[seed % len(STARTS)])
    events = []
    for _ in range(rows):
        kind = rng.random()
        if kind < 0.15:
            step = 0  # several rows of one time
        elif kind < 0.80:
            # Whole quarters of seconds: many are the very end of a window.
            step = rng.randrange(1, 17) * 250_000 - ts.microsecond % 250_000
        elif kind < 0.99:
            step = rng.randrange(1, 4_000_000)
        else:
            step = rng.randrange(30, 600) * 1_000_000
        ts += timedelta(microseconds=step)
        events.append(
            (
                ts,
                rng.choices(KEYS, WEIGHTS)[0] if rng.random() > 0.03 else None,
                rng.randrange(-50, 51) if rng.random() > 0.15 else None,
                rng.randrange(-(10**12), 10**12) if rng.random() > 0.05 else None,
                # Eighths: every sum of them is exact, in any order.
                rng.randrange(-4000, 4001) / 8 if rng.random() > 0.15 else None,
                # All 53 bits in use, and above 0: sums round, but nothing cancels.
                rng.uniform(0.5, 20) if rng.random() > 0.1 else None,
                rng.choice((True, False)) if rng.random() > 0.1 else None,
                rng.choice(TEXTS) if rng.random() > 0.1 else None,
            )
        )
    return events


def write(events, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for number, event in enumerate(events):
            out.writerow([number, *map(cell, event)])


def cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return repr(value) if isinstance(value, float) else value


def write_both(folder, seed, rows):
    events = make(seed, rows)
    write(events, folder / "e.csv")
    rng = random.Random(-1 - seed)
    delay = lambda event: event[0] + timedelta(microseconds=rng.randrange(LATENESS_S * 1_000_000))
    write(sorted(events, key=delay), folder / "o.csv")
