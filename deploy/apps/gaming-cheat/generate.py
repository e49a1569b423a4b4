#!/usr/bin/env python3
"""Records the input: twenty minutes of a shooter's match server, made up with a fixed seed."""
import random
from datetime import datetime, timedelta

random.seed(7)
START = datetime(2026, 5, 9, 20, 0, 0)
PLAYERS = [f"player{n:02}" for n in range(30)]
CHEATS = {"player05": (200, 380), "player17": (600, 900), "player23": (30, 60)}
shots = dict.fromkeys(PLAYERS, 0)
heads = dict.fromkeys(PLAYERS, 0)

rows = []
for second in range(0, 1200):
    for player in random.sample(PLAYERS, 3):
        cheats = CHEATS.get(player, (0, 0))[0] <= second < CHEATS.get(player, (0, 0))[1]
        fired = random.randrange(8, 20)
        shots[player] += fired
        heads[player] += sum(random.random() < (0.85 if cheats else 0.18) for _ in range(fired))
        if random.random() < 0.0008:
            shots[player] = heads[player] = 0  # joined another match
        reaction = random.gauss(95, 12) if cheats else random.gauss(270, 45)
        at = START + timedelta(seconds=second, milliseconds=random.randrange(1000))
        weapon = random.choice(["rifle", "rifle", "rifle", "sniper"])
        rows.append((at, player, weapon, shots[player], heads[player], max(round(reaction, 1), 40.0)))
rows.sort(key=lambda row: row[0])
with open("shots.csv", "w", encoding="utf-8") as out:
    out.write("ts,player,weapon,shots_total,headshots_total,reaction_ms\n")
    for at, player, weapon, fired, hit, reaction in rows:
        stamp = at.isoformat(timespec="milliseconds")
        out.write(f"{stamp}Z,{player},{weapon},{fired},{hit},{reaction}\n")
