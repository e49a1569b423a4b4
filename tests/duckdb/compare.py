"""Runs every query through ceptra and DuckDB and compares the sorted rows."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path

import duckdb

import events
from queries import QUERIES

# Columns named in `near` may differ by this, relative to the value or to 1, whichever is more: the
# values they are made of are around 1. ceptra rounds an exact sum once, DuckDB rounds at every row,
# so the last bits differ; 20,000 roundings in random directions stay near 150 ulp, 3e-14.
# All other columns must be equal, the types of their values included.
TOLERANCE = 1e-12

STREAM = """CREATE STREAM {name} (
    id BIGINT, ts TIMESTAMP, k STRING, n BIGINT, m BIGINT, v DOUBLE, w DOUBLE, b BOOL, t STRING
) WITH (
    type = 'source', extension = 'file', format = 'csv', "file.path" = '{name}.csv',
    "event.time" = 'ts', "watermark.lateness" = '{lateness} seconds'{options}
);
"""
# `e` is in order, so that no row is late without any lateness.
LATENESS = {"e": 0, "o": events.LATENESS_S}

TABLE = """CREATE OR REPLACE TABLE {name} AS SELECT * FROM read_csv('{path}', header = true, columns = {{
    'id': 'BIGINT', 'ts': 'TIMESTAMP', 'k': 'VARCHAR', 'n': 'BIGINT', 'm': 'BIGINT',
    'v': 'DOUBLE', 'w': 'DOUBLE', 'b': 'BOOLEAN', 't': 'VARCHAR'}})"""


class Failed(Exception):
    pass


def ask_ceptra(program, folder, query, stream):
    app = folder / "app.sql"
    streams = "".join(
        STREAM.format(
            name=name,
            lateness=LATENESS[name] if query.lateness is None else query.lateness,
            options=query.options,
        )
        for name in query.reads or stream
    )
    app.write_text(streams + query.ceptra(stream) + ";\n", encoding="utf-8")
    done = subprocess.run(
        [program, "run", str(app), "--output", "json", "--color", "never"],
        capture_output=True, text=True, encoding="utf-8", timeout=600,
    )
    summary = re.search(r"late ([\d,]+), rejected ([\d,]+), errors ([\d,]+)", done.stderr)
    if done.returncode != 0 or not summary:
        raise Failed(f"exit code {done.returncode}\n{done.stderr.strip()[:2000]}")
    late, rejected, errors = (int(text.replace(",", "")) for text in summary.groups())
    if rejected or (late and not query.late) or (errors and not query.errors):
        raise Failed(f"late {late}, rejected {rejected}, errors {errors}\n{done.stderr[:2000]}")
    rows = [json.loads(line, parse_float=Number) for line in done.stdout.splitlines()]
    for row in rows:
        row.pop("_stream", None)
    return final(rows, query.key) if query.key is not None else rows, late, errors


class Number(float):
    """A JSON number with a point or an exponent, and its text, for decimals."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def final(rows, key):
    """What a changelog leaves behind."""
    groups, taken_back = {}, set()
    for row in rows:
        op = row.pop("_op")
        group = tuple(row[name] for name in key)
        if op in ("-U", "-D"):
            old = groups.pop(group, None)
            if old is None or op == "-U" and old != row:
                raise Failed(f"{op} of a row that is not there: {row}")
            if op == "-U":
                taken_back.add(group)
        elif op == "+I" and group in groups or op == "+U" and group not in groups and group not in taken_back:
            raise Failed(f"{op} where the group is {'' if group in groups else 'not '}there: {row}")
        else:
            taken_back.discard(group)
            groups[group] = row
    if taken_back:
        raise Failed(f"-U without +U: {taken_back}")
    return list(groups.values())


def read_as(value, like):
    """A value of ceptra's JSON as a Python value of the type that DuckDB gave."""
    if value is None or like is None:
        return plain(value)
    if isinstance(like, datetime) and isinstance(value, str):
        whole, _, fraction = value.removesuffix("Z").partition(".")
        moment = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)
        return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0"))
    if isinstance(like, (date, time)) and isinstance(value, str):
        return value
    if isinstance(like, Decimal):
        return Decimal(value.text if isinstance(value, Number) else str(value))
    return plain(value)


def plain(value):
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=timezone.utc)
        return (moment - datetime.fromtimestamp(0, timezone.utc)) // RESOLUTION * 1000
    if isinstance(value, (date, time)):
        return value.isoformat()
    return float(value) if isinstance(value, Number) else value


RESOLUTION = datetime.resolution


def ask_duckdb(connection, query, stream):
    result = connection.execute(query.duckdb(stream))
    names = [column[0] for column in result.description]
    return names, result.fetchall()


def same(ours, theirs, near):
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, float) and near:
        return abs(ours - theirs) <= TOLERANCE * max(1.0, abs(ours), abs(theirs))
    return ours == theirs


def compare(query, ours, names, theirs):
    """The first rows that differ, or None."""
    if ours and list(ours[0]) != names:
        return [f"columns of ceptra {list(ours[0])}, of DuckDB {names}"]
    # The type of a column is that of its first value.
    likes = [next((row[i] for row in theirs if row[i] is not None), None) for i in range(len(names))]
    ours = [tuple(read_as(row[name], like) for name, like in zip(names, likes)) for row in ours]
    theirs = [tuple(map(plain, row)) for row in theirs]
    near = [name in query.near for name in names]
    # Values that may differ a little come last in the order.
    order = sorted(range(len(names)), key=lambda i: near[i])
    place = lambda row: [(row[i] is not None, str(type(row[i])), row[i] if row[i] is not None else 0) for i in order]
    ours.sort(key=place)
    theirs.sort(key=place)
    if len(ours) == len(theirs) and all(all(map(same, a, b, near)) for a, b in zip(ours, theirs)):
        return None
    lines = [f"ceptra {len(ours)} rows, DuckDB {len(theirs)} rows", f"columns {names}"]
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if not all(map(same, a, b, near))),
              min(len(ours), len(theirs)))
    for i in range(at, min(at + 3, max(len(ours), len(theirs)))):
        lines.append(f"ceptra {ours[i] if i < len(ours) else 'nothing'}")
        lines.append(f"DuckDB {theirs[i] if i < len(theirs) else 'nothing'}")
    return lines


def check(program, connection, folder, query, stream):
    """(number of rows, None or what differs)"""
    try:
        ours, late, errors = ask_ceptra(program, folder, query, stream)
        names, theirs = ask_duckdb(connection, query, stream)
        for text, count, why in ((query.errors, errors, "errors"), (query.late, late, "late")):
            if text:
                expected = connection.execute(text.format(s=stream)).fetchone()[0]
                if count != expected:
                    return 0, [f"rows left out as {why}: ceptra {count}, DuckDB {expected}"]
    except (Failed, duckdb.Error, subprocess.TimeoutExpired) as error:
        return 0, str(error).splitlines()
    return len(theirs), compare(query, ours, names, theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ceptra", required=True)
    parser.add_argument("--deep", action="store_true", default=os.environ.get("CEPTRA_DEEP") == "1")
    parser.add_argument("--seed", type=int, help="only this seed")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--only", help="only queries whose name has this in it")
    options = parser.parse_args()
    seeds = range(20 if options.deep else 3) if options.seed is None else [options.seed]
    rows = options.rows or (20_000 if options.deep else 2_000)
    queries = [query for query in QUERIES if not options.only or options.only in query.name]
    if not queries:
        sys.exit(f"no query has {options.only} in its name")

    groups = {}  # name: [queries, rows, failures]
    for query in queries:
        groups.setdefault(query.group, [0, 0, 0])[0] += 1
    with tempfile.TemporaryDirectory() as name:
        connection = duckdb.connect()
        for seed in seeds:
            folder = Path(name)
            events.write_both(folder, seed, rows)
            for stream in "eo":
                connection.execute(TABLE.format(name=stream, path=folder / f"{stream}.csv"))
            for query in queries:
                group = groups[query.group]
                for stream in query.streams:
                    count, difference = check(options.ceptra, connection, folder, query, stream)
                    group[1] += count
                    if difference is None:
                        continue
                    group[2] += 1
                    if group[2] <= 5:
                        print(f"DIFFERENT {query.name}, stream {stream}, seed {seed}, {rows} rows")
                        print("\n".join("    " + line for line in [
                            f"ceptra: {query.ceptra(stream)}", f"DuckDB: {query.duckdb(stream)}", *difference]))
    failures = sum(group[2] for group in groups.values())
    for name, (count, compared, failed) in groups.items():
        print(f"{'FAIL' if failed else 'ok  '} {name}: {count} queries, {compared:,} rows"
              + (f", {failed} runs differ" if failed else ""))
    figures = os.environ.get("CEPTRA_FIGURES")
    if figures and not failures:
        with open(figures, "a", encoding="utf-8") as file:
            cases = sum(len(query.streams) for query in queries) * len(seeds)
            file.write(json.dumps({"name": "duckdb/cases", "count": cases}) + "\n")
    if failures:
        print(f"{failures} runs differ")
        sys.exit(1)
    print(f"{len(queries)} queries x {len(seeds)} seeds agree")


if __name__ == "__main__":
    main()
