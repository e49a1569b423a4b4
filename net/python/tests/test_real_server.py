"""The same against a real server: `CEPTRA_BIN` names the binary `ceptra`."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ceptra

BINARY = os.environ.get("CEPTRA_BIN")
COLUMNS = "sensor STRING NOT NULL, temperature BIGINT, ts TIMESTAMP"
APP = f"""
CREATE STREAM readings ({COLUMNS})
    WITH ("partition.by" = 'sensor', "event.time" = 'ts', clock = 'event');
CREATE STREAM warm AS SELECT sensor, temperature FROM readings WHERE temperature >= 10;
CREATE STREAM means AS SELECT sensor, count(*) AS n FROM readings
    WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY sensor;
CREATE AGGREGATION totals AS SELECT sensor, count(*) AS n, sum(temperature) AS total FROM readings
    GROUP BY sensor AGGREGATE BY ts EVERY SECONDS … DAYS;
"""

pytestmark = pytest.mark.skipif(BINARY is None, reason="CEPTRA_BIN names no binary")


class Server:
    """A node with an app."""

    def __init__(self, folder: Path, shards: int, partitions: int) -> None:
        assert BINARY is not None
        port = free_run(shards)
        self.address = f"127.0.0.1:{port}"
        command = [BINARY, "serve", "--data-dir", str(folder / "data"), "--listen", self.address]
        command += [
            "--admin",
            "127.0.0.1:0",
            "--shards",
            str(shards),
            "--partitions",
            str(partitions),
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        said = []
        for line in self.process.stderr:
            said.append(line.decode(errors="replace"))
            found = re.search(r"admin (http://\S+)", said[-1])
            if found is not None:
                self.admin = found[1]
                break
        else:
            pytest.fail("the server is not up:\n" + "".join(said))
        self.post("/v1/definitions", {"name": "app", "text": APP})
        while self.get("/v1/definitions")["definitions"][0]["status"] != "active":
            time.sleep(0.01)

    def post(self, path: str, body: object) -> Any:
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode()
        return fetch(urllib.request.Request(self.admin + path, data=data, headers=headers))

    def get(self, path: str) -> Any:
        return fetch(urllib.request.Request(self.admin + path))

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)


def fetch(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def free_run(count: int) -> int:
    """The first of so many free ports in a row."""
    for first in range(30_000, 60_000, 17):
        taken: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                one = socket.socket()
                taken.append(one)
                one.bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return first
        finally:
            for one in taken:
                one.close()
    raise AssertionError("no free ports")


Serving = Callable[[int, int], Server]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    servers: list[Server] = []

    def serve(shards: int, partitions: int) -> Server:
        servers.append(Server(tmp_path, shards, partitions))
        return servers[-1]

    yield serve
    for server in servers:
        assert server.stop() == 0


def rows(count: int) -> list[dict[str, object]]:
    return [{"sensor": f"s{n % 7}", "temperature": n, "ts": n * 10**9} for n in range(count)]


@pytest.mark.parametrize(("shards", "partitions"), [(1, 1), (2, 5)])
def test_rows_are_applied_once_and_come_back(
    serving: Serving, shards: int, partitions: int
) -> None:
    server = serving(shards, partitions)
    with ceptra.connect(server.address, timeout=20) as client:
        assert client.append("readings", rows(100), ids=list(range(1, 101))).applied == 100
        assert client.append("readings", rows(100), ids=list(range(1, 101))).duplicates == 100
        found: list[int] = []
        with client.subscribe("warm", start="earliest", timeout=20) as batches:
            while len(found) < 90:
                found += next(batches).rows.column("temperature").to_pylist()
        assert sorted(found) == list(range(10, 100))
        server.post("/v1/streams/readings/end", {})
        counted: dict[str, int] = {}
        with client.subscribe("means", start="earliest", timeout=20) as batches:
            while len(counted) < 7:
                for row in next(batches).rows.to_pylist():
                    counted[row["sensor"]] = row["n"]
        assert sum(counted.values()) == 100


@pytest.mark.parametrize(("shards", "partitions"), [(1, 1), (2, 5)])
def test_roll_ups_are_asked(serving: Serving, shards: int, partitions: int) -> None:
    server = serving(shards, partitions)
    with ceptra.connect(server.address, timeout=20) as client:
        client.append("readings", rows(700))
        table = client.query(
            "SELECT sensor, n, total FROM totals WITHIN $1 PER 'days' WHERE sensor <> $2"
            " ORDER BY total DESC LIMIT 3",
            ["1970-01-01", "it's none"],
        )
        wanted = [{"sensor": f"s{k}", "n": 100, "total": 34650 + 100 * k} for k in (6, 5, 4)]
        assert table.to_pylist() == wanted
        read_at = json.loads(table.schema.metadata[b"ceptra.read_at"])
        assert [int(partition) for partition in read_at] == list(range(partitions))
        # An aggregate of no groups is no row.
        alone = sum(
            sum(
                client.query(
                    "SELECT count(*) AS n FROM app.totals WITHIN '1970-01-01' PER 'days'",
                    partition=at,
                )["n"].to_pylist()
            )
            for at in range(partitions)
        )
        assert alone == 7
        many = "SELECT * FROM totals WITHIN '1970-01-01' PER 'seconds'"
        assert client.query(many).num_rows == 700
        cut = client.query(many, rows_max=10)
        assert (cut.num_rows, cut.schema.metadata[b"ceptra.truncated"]) == (10, b"true")
        assert client.query("SELECT $1 AS one", [1]).to_pylist() == [{"one": 1}]
        for sql, words in (
            ("SELECT * FROM readings", "subscribe"),
            ("SELECT * FROM total WITHIN '1970-01-01' PER 'days'", "did you mean 'totals'"),
            ("SELECT nothing FROM totals WITHIN '1970-01-01' PER 'days'", "nothing"),
            ("SELEC 1", "SELEC"),
            ("SELECT $2 AS x", r"\$2"),
        ):
            with pytest.raises(ceptra.CeptraError, match=words):
                client.query(sql)
        answer = server.post("/v1/query", {"sql": many, "rows_max": 1})
        assert (len(answer["rows"]), answer["truncated"]) == (1, True)
        assert [at["partition"] for at in answer["read_at"]] == list(range(partitions))
        state = {p["partition"]: p["applied_index"] for p in server.get("/v1/state")["partitions"]}
        assert all(at["index"] <= state[at["partition"]] for at in answer["read_at"])


def test_what_is_wrong_is_said_and_hurts_nobody(serving: Serving) -> None:
    server = serving(1, 1)
    host, port = server.address.split(":")
    with ceptra.connect(server.address, timeout=20) as client:
        for junk in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x00" * 64,
            b"CEPW" + b"\xff" * 60,
            os.urandom(500),
        ):
            with socket.create_connection((host, int(port)), timeout=20) as stranger:
                stranger.sendall(junk)
                stranger.settimeout(20)
                while stranger.recv(4096):
                    pass
        with pytest.raises(ceptra.CeptraError):
            client.append("nobody", rows(1))
        with pytest.raises(ceptra.CeptraError):
            ceptra.connect(server.address, cluster="another", timeout=5)
        assert client.append("readings", rows(10)).applied == 10
