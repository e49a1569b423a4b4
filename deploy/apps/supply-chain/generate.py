#!/usr/bin/env python3
"""Records the input: three hours of refrigerated containers on the road, made up with a fixed seed."""
import json
import random
from datetime import datetime, timedelta

random.seed(88)
START = datetime(2026, 2, 3, 4, 0, 0)
BOXES = {f"box-{n:02}": ("north", "south")[n % 2] for n in range(16)}
WARM, THIRSTY, OPEN = "box-03", "box-10", "box-12"
fuel = {box: random.uniform(150, 200) for box in BOXES}
doors = dict.fromkeys(BOXES, 0)

rows = []
for second in range(0, 10800, 60):
    for box, lane in BOXES.items():
        at = START + timedelta(seconds=second, milliseconds=random.randrange(50_000))
        inside = random.gauss(-18, 0.4)
        if box == WARM and 4000 <= second < 6500:
            inside += min(second - 4000, 6500 - second) / 120
        fuel[box] -= random.uniform(0.02, 0.06) * (14 if box == THIRSTY and 7000 <= second < 8200 else 1)
        if random.random() < (0.5 if box == OPEN and 2000 <= second < 3200 else 0.004):
            doors[box] += 1
        rows.append((at, {
            "ts": at.isoformat(timespec="milliseconds") + "Z", "box": box, "route": lane,
            "probe": {"air": round(inside, 2)}, "fuel_litres": round(fuel[box], 3), "door_opened_total": doors[box],
        }))
rows.sort(key=lambda row: row[0])
with open("boxes.jsonl", "w", encoding="utf-8") as out:
    for _, row in rows:
        out.write(json.dumps(row, separators=(",", ":")) + "\n")
