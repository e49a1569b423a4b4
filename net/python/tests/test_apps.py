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
    plain = re.sub(r"--[^\n]*", "", text)
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
            r"\)\s*WITH\s*\((?=[^)]*\"event\.time\")", ") WITH (clock = 'event', ", plain
        )
        body = {"name": "run", "text": timed, "connectors": "off"}
        server.post("/v1/definitions", body)
        while server.get("/v1/definitions/run")["status"] != "active":
            pass
        wanted = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
        with ceptra.connect(server.address, timeout=30) as client:
            for stream, batch in itertools.groupby(rows, key=lambda row: row[2]):
                schema = client.stream(stream).schema
                given = [typed(row, schema) for *_, row in batch]
                for first in range(0, len(given), 5_000):
                    part = given[first : first + 5_000]
                    assert client.append(stream, part).applied == len(part)
            for stream, _ in sources(plain):
                server.post(f"/v1/streams/{stream}/end", {})
            found: list[Row] = []
            printed = next(
                s["name"]
                for s in server.get("/v1/streams")["streams"]
                if s["name"].startswith("run_query")
            )
            with client.subscribe(printed, start="earliest", timeout=30) as batches:
                while len(found) < len(wanted):
                    found += next(batches).rows.to_pylist()
        assert [shown(row) for row in found] == wanted
    finally:
        assert server.stop() == 0


def shown(row: Row) -> Row:
    """A row as `ceptra run` prints it."""

    def value(found: Any) -> Any:
        if isinstance(found, datetime.datetime):
            return found.strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(found, datetime.date):
            return found.isoformat()
        return found

    return {name: value(found) for name, found in row.items()}
