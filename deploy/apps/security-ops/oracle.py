#!/usr/bin/env python3
"""Makes the expected output of app.yaml without CEPtra, with the standard library only."""
import json
import re
import sys
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from promql import Metric, end_of_pane, group  # noqa: E402

LINE = re.compile(
    r"^(?P<ts>\w{3} +\d+ \d\d:\d\d:\d\d) \S+ sshd\[\d+\]: "
    r"(?:message repeated \d+ times: \[ )?(?P<outcome>Failed|Accepted) \w+ for "
    r"(?:invalid user )?(?P<account>.+?) from (?P<address>\S+) port \d+"
)
TEN_MINUTES = 600_000
attempts = Metric()
newest = lanes = 0


def show(at, rule, address, count, share):
    row = {"at": at, "rule": rule, "schema_key": "incident.v1", "address": address, "count": count, "share": share}
    print(json.dumps(row, separators=(",", ":")))


for text in open(HERE / "../ssh-brute-force/sshd_auth.log", encoding="utf-8"):
    found = LINE.match(text)
    if not found:
        continue
    at = datetime.strptime("2017 " + " ".join(found["ts"].split()), "%Y %b %d %H:%M:%S")
    ms = round((at - datetime(1970, 1, 1)).total_seconds() * 1000)
    outcome, account, address = found["outcome"], found["account"], found["address"]
    attempts.add(ms, 1.0, outcome=outcome, account=account, address=address)
    newest = max(newest, ms)
    end = end_of_pane(newest)
    counts = [(labels, float(len(s))) for labels, s in attempts.window(end, TEN_MINUTES, outcome="Failed")]
    by_address = {key[0]: sum(values) for key, values in group(counts, "address").items()}
    lanes = max(lanes, len(by_address))
    everyone = sum(by_address.values())
    tried = [labels for labels, _ in counts if labels["account"] != "root" and labels["address"] == address]
    ts = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if outcome == "Failed" and len(tried) >= 3 and not address.startswith("127."):
        show(ts, "account_scan", address, float(len(tried)), by_address[address] / everyone)
    if outcome == "Accepted" and by_address and everyone >= 5:
        show(ts, "login_under_attack", address, everyone, min(max(by_address.values()) / everyone, 1.0))
assert lanes <= 40, lanes
