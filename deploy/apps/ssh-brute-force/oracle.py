#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Lines are taken apart by words, not by the app's regular expression; windows are kept row by row
under a watermark two seconds behind the newest line.
"""
import json
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
YEAR = 2017
LATENESS = timedelta(seconds=2)
SIZE, SLIDE = timedelta(hours=1), timedelta(minutes=15)


def attempts():
    """Yields (time, weight, failed, account, address) of every password or key attempt."""
    for line in (HERE / "sshd_auth.log").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) < 6 or not (words[4].startswith("sshd[") and words[4].endswith("]:")):
            continue
        ts = datetime.strptime(f"{YEAR} {' '.join(words[:3])}", "%Y %b %d %H:%M:%S")
        message = line.split("]: ", 1)[1]
        weight = 1
        if message.startswith("message repeated "):
            weight = int(message.split()[2])
            message = message.split("[ ", 1)[1]
        if not message.startswith(("Failed ", "Accepted ")):
            continue
        outcome, _, rest = message.split(" ", 2)
        account, rest = rest.removeprefix("for ").split(" from ", 1)
        address, port = rest.split()[:2]
        assert port == "port", line
        yield ts, weight, outcome == "Failed", account, address


def closed_windows():
    """Yields (end, address, rows of that address) in the order of emission."""
    open_windows, highest = {}, None  # end -> {address: rows}, both in order of first arrival
    for row in attempts():
        ts = row[0]
        assert highest is None or ts >= highest, "the log is in time order"
        day = ts.replace(hour=0, minute=0, second=0)
        end = day + ((ts - day) // SLIDE + 1) * SLIDE
        while end - SIZE <= ts:
            open_windows.setdefault(end, {}).setdefault(row[4], []).append(row)
            end += SLIDE
        highest = ts
        for end in sorted(e for e in open_windows if e <= highest - LATENESS):
            yield from ((end, *group) for group in open_windows.pop(end).items())
    for end in sorted(open_windows):
        yield from ((end, *group) for group in open_windows.pop(end).items())


for end, address, rows in closed_windows():
    failed = [row for row in rows if row[2]]
    failures = sum(row[1] for row in failed)
    if failures < 10:
        continue
    accounts = len({row[3] for row in failed})
    logins = len(rows) - len(failed)
    if logins:
        alert = "failures and logins: look at this now"
    elif accounts >= 3:
        alert = "guessing accounts and passwords"
    else:
        alert = "guessing passwords"
    line = {
        "window_end": end.isoformat() + "Z",
        "address": address,
        "alert": alert,
        "failures": failures,
        "accounts": accounts,
        "unknown_lines": sum(row[3].startswith("invalid user") for row in failed),
        "logins": logins,
    }
    print(json.dumps(line, separators=(",", ":")))
