#!/usr/bin/env python3
"""Makes the expected output of app.sql without CEPtra, with the standard library only.

Sessions are kept row by row: a row joins every open session of its client that it touches, and
bridges two of them if need be; a session closes when the watermark (60 s behind the newest line)
reaches its last request plus the gap.
"""
import gzip
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
GAP, LATENESS = timedelta(minutes=30), timedelta(seconds=60)


def requests():
    """Yields (client, time, path, status, bytes or None), lines in file order."""
    with gzip.open(HERE / "apache_access.log.gz", "rt", encoding="utf-8") as file:
        for line in file:
            client = line.split(" ", 1)[0]
            stamp = line[line.index("[") + 1 : line.index("]")]
            ts = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(timezone.utc)
            quoted = line.split('"')
            path = quoted[1].split(" ")[1]
            status, size = quoted[2].split()
            yield client, ts, path, int(status), None if size == "-" else int(size)


class Session:
    def __init__(self, arrival, row):
        self.arrival, self.first, self.last, self.rows = arrival, row[1], row[1], [row]

    def absorb(self, other):
        self.arrival = min(self.arrival, other.arrival)
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.rows += other.rows

    @property
    def end(self):
        return self.last + GAP


def closed_sessions():
    open_sessions, highest = {}, None
    for arrival, row in enumerate(requests()):
        client, ts = row[:2]
        assert highest is None or ts + GAP > highest - LATENESS, "no row of this log is late"
        session, apart = Session(arrival, row), []
        for other in open_sessions.get(client, []):
            gap_ab, gap_ba = session.first - other.last, other.first - session.last
            assert GAP not in (gap_ab, gap_ba), "no two requests are exactly one gap apart"
            if gap_ab < GAP and gap_ba < GAP:
                session.absorb(other)
            else:
                apart.append(other)
        open_sessions[client] = apart + [session]
        if highest is None or ts > highest:
            highest = ts
            yield from close(open_sessions, highest - LATENESS)
    yield from close(open_sessions, None)


def close(open_sessions, watermark):
    def is_done(session):
        return watermark is None or session.end <= watermark

    done = [s for of_client in open_sessions.values() for s in of_client if is_done(s)]
    for client in {s.rows[0][0] for s in done}:
        open_sessions[client] = [s for s in open_sessions[client] if not is_done(s)]
    return sorted(done, key=lambda s: (s.end, s.arrival))


def stamp(ts):
    return ts.strftime("%Y-%m-%dT%H:%M:%SZ")


for session in closed_sessions():
    rows = session.rows
    errors = sum(row[3] >= 400 for row in rows)
    if len(rows) < 20 and errors < 3:
        continue
    pages = len({row[2] for row in rows})
    sizes = [row[4] for row in rows if row[4] is not None]
    if errors >= 3:
        note = "many errors: a broken link or a scan"
    else:
        note = "the same pages over and over" if len(rows) > 2 * pages else "busy"
    line = {
        "client": rows[0][0],
        "first_request": stamp(session.first),
        "window_end": stamp(session.end),
        "note": note,
        "requests": len(rows),
        "pages": pages,
        "errors": errors,
        "bytes": sum(sizes) if sizes else None,
        "duration_s": int((session.last - session.first).total_seconds()),
    }
    print(json.dumps(line, separators=(",", ":")))
