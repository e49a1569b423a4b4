#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only."""
import gzip
import json
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent

minutes, before, newest = {}, None, 0
with gzip.open(HERE / "nginx_status.jsonl.gz", "rt", encoding="utf-8") as file:
    for document in map(json.loads, file):
        assert document["timestamp"] > newest, "documents are in time order, so none is late"
        newest = document["timestamp"]
        cache = document["caches"]["http_cache"]
        now = (
            document["requests"]["total"],
            document["connections"]["accepted"],
            document["server_zones"]["trac.nginx.org"]["requests"],
            cache["hit"]["responses"],
            cache["miss"]["responses"],
        )
        step = [a - b for a, b in zip(now, before)] if before else [None] * 5
        before = now
        minutes.setdefault(newest // 60_000, []).append((document["connections"]["active"], *step))

for minute, rows in sorted(minutes.items()):
    active, *steps = zip(*rows)
    requests, accepted, trac, hits, misses = [sum(x for x in s if x is not None) for s in steps]
    line = {
        "window_start": datetime.fromtimestamp(minute * 60, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "documents": len(rows),
        "requests": requests,
        "requests_per_second": requests / 60,
        "connections": accepted,
        "trac_requests": trac,
        "most_active": max(active),
        "cache_hits": hits,
        "hit_ratio": hits / (hits + misses) if hits + misses else None,
        "note": "busy" if requests >= 720 else "calm",
    }
    print(json.dumps(line, separators=(",", ":")))
