"""The apps of deploy/apps on a real server, fed by the client: the rows of `ceptra run`.

The binary decodes the apps' files (`SELECT *` of each source); the client appends these rows in
order of event time, ends the streams and subscribes to what the app prints.
"""

from __future__ import annotations

import datetime
import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_real_server import BINARY, Server

import ceptra

APPS = Path(__file__).parents[3] / "deploy" / "apps"
NAMES = sorted(path.parent.name for path in APPS.glob("*/app.sql"))

pytestmark = pytest.mark.skipif(BINARY is None, reason="CEPTRA_BIN names no binary")

Row = dict[str, Any]


def sources(text: str) -> list[tuple[str, str]]:
    """Names and statements of the streams that come from files."""
    statements = re.findall(r"CREATE STREAM\s+(\w+)\s*\(.*?\)\s*WITH\s*\(.*?\)\s*;", text, re.S)
    found = []
    for name in statements:
        pattern = rf"CREATE STREAM\s+{name}\s*\(.*?\)\s*WITH\s*\(.*?\)\s*;"
        statement = re.search(pattern, text, re.S)
        assert statement is not None
        if "'source'" in statement[0]:
            found.append((name, statement[0]))
    return found


def seeded(text: str, folder: Path) -> tuple[str, list[tuple[str, list[Row]]]]:
    """The script with tables filled by streams instead of files, and the rows of these streams."""
    pattern = r"CREATE TABLE\s+(\w+)\s*\(([^;]*?)\)\s*WITH\s*\([^)]*'source'[^)]*\)\s*;"
    filled = []
    for table, columns in re.findall(pattern, text):
        stream = f"{table}_rows"
        types = re.sub(r"\s+(PRIMARY KEY|NOT NULL)", "", columns)
        instead = (
            f"CREATE TABLE {table} ({columns});\n"
            f"CREATE STREAM {stream} (ts TIMESTAMP, {types}) "
            "WITH (clock = 'event', \"event.time\" = 'ts');\n"
            f"INSERT INTO {table} SELECT {', '.join(t.split()[0] for t in types.split(','))} "
            f"FROM {stream};"
        )
        statement = re.search(pattern.replace(r"(\w+)", f"({table})"), text)
        assert statement is not None
        source = statement[0].replace("CREATE TABLE", "CREATE STREAM").replace(columns, types)
        filled.append((stream, decoded(folder, table, source)))
        text = text.replace(statement[0], instead)
    return text, filled


def decoded(folder: Path, name: str, statement: str) -> list[Row]:
    """The rows of a source."""
    assert BINARY is not None
    script = f"{statement}\nSELECT * FROM {name};"
    command = [BINARY, "run", "-", "--output", "json"]
    ran = subprocess.run(
        command, cwd=folder, input=script.encode(), capture_output=True, check=True
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def typed(row: Row, schema: pa.Schema) -> Row:
    """A row with its times as numbers, as the client takes them."""

    def value(name: str, found: Any) -> Any:
        if found is None or not pa.types.is_timestamp(schema.field(name).type):
            return found
        at = datetime.datetime.fromisoformat(found)
        since = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return (since // datetime.timedelta(microseconds=1)) * 1000

    return {name: value(name, found) for name, found in row.items()}


@pytest.mark.parametrize("name", NAMES)
def test_an_app_says_the_same_as_without_a_node(name: str, tmp_path: Path) -> None:
    folder = APPS / name
    text = (folder / "app.sql").read_text()
    plain, filled = seeded(re.sub(r"--[^\n]*", "", text), folder)
    rows = []
    for place, (stream, statement) in enumerate(sources(plain)):
        time = re.search(r"\"event\.time\"\s*=\s*'(\w+)'", statement)
        assert time is not None
        for row in decoded(folder, stream, statement):
            rows.append((row[time[1]], place, stream, row))
    if len({place for _, place, _, _ in rows}) > 1:
        rows.sort(key=lambda row: row[:2])
    server = Server(tmp_path, 1, 1)
    try:
        # What has a source is fed by the client, and time is that of the rows.
        timed = re.sub(
            r"\)\s*WITH\s*\((?!clock)(?=[^)]*\"event\.time\")", ") WITH (clock = 'event', ", plain
        )
        body = {"name": "run", "text": timed, "connectors": "off"}
        server.post("/v1/definitions", body)
        while server.get("/v1/definitions/run")["status"] != "active":
            pass
        wanted = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
        with ceptra.connect(server.address, timeout=30) as client:
            for stream, table in filled:
                schema = client.stream(stream).schema
                given = [typed({"ts": rows[0][0], **row}, schema) for row in table]
                assert client.append(stream, given).applied == len(given)
            for stream, batch in itertools.groupby(rows, key=lambda row: row[2]):
                schema = client.stream(stream).schema
                given = [typed(row, schema) for *_, row in batch]
                for first in range(0, len(given), 5_000):
                    part = given[first : first + 5_000]
                    assert client.append(stream, part).applied == len(part)
            for stream, _ in sources(plain):
                server.post(f"/v1/streams/{stream}/end", {})
            for stream, _ in filled:
                server.post(f"/v1/streams/{stream}/end", {})
            printed = [s["name"] for s in server.get("/v1/streams")["streams"]]
            for name in filter(re.compile(r"run_query_\d+$").match, printed):
                # With several queries, each row of `ceptra run` says which it is of.
                query = name.removeprefix("run_")
                mine = [
                    {key: value for key, value in row.items() if key not in ("_stream", "_op")}
                    for row in wanted
                    if row.get("_stream", query) == query
                ]
                found: list[Row] = []
                with client.subscribe(name, start="earliest", timeout=30) as batches:
                    while len(found) < len(mine):
                        found += next(batches).rows.to_pylist()
                assert [shown(row) for row in found] == mine
    finally:
        assert server.stop() == 0


def shown(row: Row) -> Row:
    """A row as `ceptra run` prints it."""

    def value(found: Any) -> Any:
        if isinstance(found, datetime.datetime):
            return found.strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(found, datetime.date):
            return found.isoformat()
        if isinstance(found, pa.MonthDayNano):
            assert found.months == found.days == 0
            seconds = found.nanoseconds // 1_000_000_000
            hours, minutes = seconds // 3600, seconds // 60 % 60
            parts = [(hours, "H"), (minutes, "M"), (seconds % 60, "S")]
            return "PT" + "".join(f"{count}{unit}" for count, unit in parts if count)
        return found

    return {name: value(found) for name, found in row.items()}
