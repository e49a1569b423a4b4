#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Lines are taken apart by words, not by the app's regular expression. For every login the failures of its
address since the last login that was told are looked through, in a list.
"""
import json
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent


def attempts():
    """Yields (time, lines folded into this one, failed, account, address) of every attempt."""
    for line in (HERE / "../ssh-brute-force/sshd_auth.log").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) < 6 or not (words[4].startswith("sshd[") and words[4].endswith("]:")):
            continue
        ts = datetime.strptime(f"2017 {' '.join(words[:3])}", "%Y %b %d %H:%M:%S")
        message = line.split("]: ", 1)[1]
        weight = 1
        if message.startswith("message repeated "):
            weight = int(message.split()[2])
            message = message.split("[ ", 1)[1]
        if not message.startswith(("Failed ", "Accepted ")):
            continue
        outcome, _, rest = message.split(" ", 2)
        account, rest = rest.removeprefix("for ").split(" from ", 1)
        account = account.removeprefix("invalid user ")
        yield ts, weight, outcome == "Failed", account, rest.split()[0]


def show(values):
    print(json.dumps(values, separators=(",", ":")))


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


rows = {}  # address: its attempts
free = [{}, {}]  # for each query, address: index of the first attempt that may begin a match
for row in attempts():
    now, _, failed, account, address = row
    own = rows.setdefault(address, [])
    own.append(row)
    if failed:
        continue
    last = len(own) - 1

    # Three failures or more within a quarter of an hour before the login.
    recent = [r for r in own[free[0].get(address, 0):last] if r[2] and now - r[0] <= timedelta(minutes=15)]
    if len(recent) >= 3:
        free[0][address] = last + 1
        show({"_stream": "query_1", "ts": stamp(now), "address": address, "account": account,
              "began": stamp(recent[0][0]), "failures": sum(r[1] for r in recent),
              "failed_lines": len(recent), "last_tried": recent[-1][3]})

    # A failure, more of the same account, then the login of that account. From the second failure on no
    # login of another account may lie between.
    for first in range(free[1].get(address, 0), last):
        began, _, is_failure, tried, _ = own[first]
        if not is_failure or tried != account or now - began > timedelta(minutes=10):
            continue
        count, is_broken = 1, False
        for _, _, is_failure, name, _ in own[first + 1:last]:
            if is_failure and name == account:
                count += 1
            elif not is_failure and count >= 2:
                # The login of this account would have been the match; another one ends it.
                is_broken = True
        if count >= 2 and not is_broken:
            free[1][address] = last + 1
            show({"_stream": "query_2", "ts": stamp(now), "address": address, "account": account,
                  "began": stamp(began), "failed_lines": count})
            break
