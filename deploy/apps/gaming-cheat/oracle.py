#!/usr/bin/env python3
"""Makes the expected output of app.yaml without CEPtra, with the standard library only."""
import csv
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from promql import Metric, end_of_pane, extrapolated, quantile, stddev  # noqa: E402

shots, heads, reactions = Metric(), Metric(), Metric()


def show(**row):
    whole = {"at": None, "rule": None, "player": None, "rate": None, "reaction": None, "top": None}
    print(json.dumps({**whole, **row}, separators=(",", ":")))


for row in csv.DictReader(open(HERE / "shots.csv", encoding="utf-8")):
    at = datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
    ms = round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)
    player = row["player"]
    shots.add(ms, float(row["shots_total"]), player=player)
    heads.add(ms, float(row["headshots_total"]), player=player)
    reactions.add(ms, float(row["reaction_ms"]), player=player, weapon=row["weapon"])
    end = end_of_pane(ms)

    def grown(metric):
        found = ((labels["player"], extrapolated(s, end, 60_000)) for labels, s in metric.window(end, 60_000))
        return {name: value for name, value in found if value is not None}

    fired, hit = grown(shots), grown(heads)
    recent = [s for _, s in reactions.window(end, 120_000, player=player, weapon="rifle")]
    if fired.get(player, 0) > 40 and hit[player] / fired[player] > 0.6:
        third = sorted(hit.values(), reverse=True)[min(2, len(hit) - 1)]
        if sum(v == third for v in hit.values()) > 1 and hit[player] == third:
            sys.exit("a tie: choose another seed")
        show(at=row["ts"].replace(".000Z", "Z"), rule="aimbot", player=player, rate=hit[player] / fired[player], top=hit[player] >= third)
    if recent:
        values = [v for _, v in recent[0]]
        if quantile(0.25, values) < 120 and stddev(values) < 60:
            show(at=row["ts"].replace(".000Z", "Z"), rule="inhuman", player=player, reaction=quantile(0.25, values))
