#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only."""
import csv
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
LINE = re.compile(
    r"^(?P<ts>\w{3} +\d+ \d\d:\d\d:\d\d) \S+ sshd\[\d+\]: "
    r"(?:message repeated (?P<repeats>\d+) times: \[ )?(?P<outcome>Failed|Accepted) \w+ for "
    r"(?:invalid user )?(?P<account>.+?) from (?P<address>\S+) port \d+"
)
ROWS, AGE = 200, timedelta(days=7)


def show(values):
    print(json.dumps(values, separators=(",", ":")))


with open(HERE / "accounts.csv", encoding="utf-8") as file:
    accounts = {row["account"]: (row["kind"], row["exists_here"] == "true") for row in csv.DictReader(file)}

seen = {}  # address: [failures, logins, since, last write]; in the order of the last writes
now = datetime.min


def write(address, row):
    seen.pop(address, None)
    if len(seen) == ROWS:
        seen.pop(next(iter(seen)))
    seen[address] = row


for text in open(HERE / "../ssh-brute-force/sshd_auth.log", encoding="utf-8"):
    found = LINE.match(text)
    if not found:
        continue
    at = datetime.strptime("2017 " + " ".join(found["ts"].split()), "%Y %b %d %H:%M:%S")
    now = max(now, at)
    seen = {address: row for address, row in seen.items() if now - row[3] <= AGE}
    ts = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    address, account = found["address"], found["account"]
    failed, repeats = found["outcome"] == "Failed", found["repeats"]
    row = seen.get(address)

    if not failed and row and row[0] > 0 and row[1] < 3:
        show({"_stream": "query_1", "ts": ts, "account": account, "address": address,
              "failed_before": row[0], "logins_before": row[1]})
    if failed and row is None:
        kind, here = accounts.get(account, (None, None))
        if kind != "administrator":
            show({"_stream": "query_2", "ts": ts, "account": account, "address": address,
                  "kind": kind, "exists_here": here})

    if row is None:
        row = [0, 0, ts, now]
        write(address, row)
    if failed:
        row = [row[0] + int(repeats or 1), row[1], row[2], now]
    else:
        row = [row[0], row[1] + 1, row[2], now]
    write(address, row)

    if failed and repeats is None and row[0] % 10 == 0 and accounts.get(account, (None, False))[1]:
        show({"_stream": "query_3", "ts": ts, "address": address, "failures": row[0], "since": row[2]})
