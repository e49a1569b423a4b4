"""The same against a real server: `CEPTRA_BIN` names the binary `ceptra`.

The server is started with `CEPTRA_SERVE_ARGS` (split at spaces; else the path of an app with the
stream `readings`) behind its data directory and address, and must print where it listens.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import ceptra


def serving() -> str | None:
    """The binary, when it is one that serves."""
    binary = os.environ.get("CEPTRA_BIN")
    if binary is None:
        return None
    asked = subprocess.run([binary, "serve", "--help"], capture_output=True, check=False)
    return binary if asked.returncode == 0 else None


BINARY = serving()
APP = """
CREATE STREAM readings (sensor STRING NOT NULL, temperature BIGINT, ts TIMESTAMP)
    WITH ('partition.by' = 'sensor', 'event.time' = 'ts');
"""

pytestmark = pytest.mark.skipif(BINARY is None, reason="CEPTRA_BIN names no binary that serves")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a fresh server listens."""
    assert BINARY is not None
    app = tmp_path / "app.sql"
    app.write_text(APP)
    more = shlex.split(os.environ.get("CEPTRA_SERVE_ARGS", str(app)))
    command = [BINARY, "serve", "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    server = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line.decode(errors="replace"))
            found = re.search(r"127\.0\.0\.1:(\d+)", said[-1])
            if found is not None and found[1] != "0":
                yield found[0]
                return
        pytest.fail("the server told no address:\n" + "".join(said))
    finally:
        server.terminate()
        server.wait(10)


def test_rows_are_applied_once_and_come_back(address: str) -> None:
    rows = [{"sensor": f"s{number % 7}", "temperature": number} for number in range(100)]
    with ceptra.connect(address, timeout=20) as client:
        assert client.append("readings", rows, ids=list(range(1, 101))).applied == 100
        assert client.append("readings", rows, ids=list(range(1, 101))).duplicates == 100
        info = client.stream("readings")
        if not info.can_subscribe:
            return
        found: list[int] = []
        with client.subscribe("readings", start="earliest", timeout=20) as batches:
            while len(found) < 100:
                found += next(batches).rows.column("temperature").to_pylist()
        assert sorted(found) == list(range(100))
