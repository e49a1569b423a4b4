#!/usr/bin/env python3
"""Makes the expected output of app.yaml without CEPtra, with the standard library only."""
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from promql import Metric, end_of_pane, quantile, total  # noqa: E402

amounts, tried = Metric(), Metric()


def show(at, rule, merchant, now, usual):
    row = {"at": at, "rule": rule, "merchant": merchant, "now": now, "usual": usual}
    print(json.dumps(row, separators=(",", ":")))


for line in open(HERE / "payments.jsonl", encoding="utf-8"):
    row = json.loads(line)
    at = datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
    ms = round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)
    merchant = row["merchant"]
    amounts.add(ms, row["amount"], merchant=merchant)
    tried.add(ms, 1.0, merchant=merchant, country=row["card"]["country"])
    end = end_of_pane(ms)

    def recent(until, length):
        return [v for _, s in amounts.window(until, length, merchant=merchant) for _, v in s]

    now, usual = recent(end, 60_000), recent(end - 60_000, 600_000)
    abroad = sum(len(s) for labels, s in tried.window(end, 60_000) if labels["country"] not in ("de", "fr", "nl"))
    if len(now) >= 8 and quantile(0.5, now) < 5.0 and abroad > 5:
        show(row["ts"].replace(".000Z", "Z"), "card_testing", merchant, quantile(0.5, now), min(now))
    if row["amount"] > 500.0 and usual and total(now) > max(4000.0, total(usual) / 2.0):
        show(row["ts"].replace(".000Z", "Z"), "cashing_in", merchant, total(now), total(usual))
