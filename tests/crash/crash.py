"""A node that is killed again and again, and what its clients see.

One client appends rows that it numbers; another follows the derived stream. Every kill is a SIGKILL at
a random moment. In the end each row was applied once, and the derived rows are those of one
undisturbed run over the same rows, in the same order.
"""

import argparse
import csv
import datetime
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import ceptra

COLUMNS = "ts TIMESTAMP NOT NULL, symbol STRING NOT NULL, qty BIGINT"
OPTIONS = "\"event.time\" = 'ts', clock = 'event'"
QUERY = """SELECT symbol, count(*) AS n, sum(qty) AS qty, max(ts) AS last
    FROM trades WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY symbol"""
APP = f"CREATE STREAM trades ({COLUMNS}) WITH ({OPTIONS});\nCREATE STREAM counts AS {QUERY};"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
BATCH_ROWS_MAX = 60
UNDER_WAY_MAX = 16
PATIENCE_S = 60


def free_ports():
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Node:
    """The process, over its lives."""

    def __init__(self, program, folder):
        self.client, self.admin = free_ports()
        self.command = [
            program, "serve", "--data-dir", str(folder / "data"), "--listen", f"127.0.0.1:{self.client}",
            "--admin", f"127.0.0.1:{self.admin}", "--checkpoint-interval-ms", "300", "--segment-bytes", "33554432",
        ]
        self.log = open(folder / "log", "ab")  # noqa: SIM115
        self.path = folder / "log"
        self.process = None

    def start(self):
        begun = time.monotonic()
        self.process = subprocess.Popen(self.command, stderr=self.log, stdout=self.log)
        while True:
            if self.process.poll() is not None:
                sys.exit(f"the node does not start again:\n{self.path.read_text()[-3000:]}")
            try:
                if self.ask("/readyz")["ready"]:
                    return time.monotonic() - begun
            except OSError:
                pass
            if time.monotonic() - begun > PATIENCE_S:
                sys.exit(f"the node is not ready after {PATIENCE_S} s:\n{self.path.read_text()[-3000:]}")
            time.sleep(0.005)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)


class Appender(threading.Thread):
    """Appends until told to stop; then waits for every answer."""

    def __init__(self, address, seed):
        super().__init__(daemon=True)
        self.client = ceptra.connect(address, timeout=PATIENCE_S)
        self.random = random.Random(seed)
        self.done = threading.Event()
        self.rows = []
        self.applied = self.duplicate = 0
        self.failure = None

    def run(self):
        try:
            self.append()
        except BaseException as failure:  # noqa: BLE001 - told by the main thread
            self.failure = failure

    def append(self):
        producer = self.client.producer("trades")
        under_way = []
        while not self.done.is_set():
            first = len(self.rows)
            for number in range(first, first + self.random.randint(1, BATCH_ROWS_MAX)):
                time_of = START + datetime.timedelta(milliseconds=250 * number)
                self.rows.append({"ts": time_of, "symbol": f"s{number * 7 % 12}", "qty": number % 7})
            under_way.append(producer.append(self.rows[first:]))
            if len(under_way) >= UNDER_WAY_MAX:
                self.take(under_way.pop(0))
            time.sleep(0.001)
        for future in under_way:
            self.take(future)
        producer.close()

    def take(self, future):
        for outcome in future.result(PATIENCE_S):
            if isinstance(outcome, ceptra.Applied):
                self.applied += 1
            elif isinstance(outcome, ceptra.Duplicate):
                self.duplicate += 1
            else:
                raise AssertionError(f"a row is {outcome}")


class Follower(threading.Thread):
    """Collects the derived rows."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.client = ceptra.connect(address, timeout=PATIENCE_S)
        self.rows = []
        self.failure = None

    def run(self):
        try:
            for batch in self.client.subscribe("counts", start="earliest"):
                self.rows.extend(batch.rows.to_pylist())
        except ceptra.ClosedError:
            pass
        except BaseException as failure:  # noqa: BLE001 - told by the main thread
            self.failure = failure


def undisturbed(program, folder, rows):
    """What one run makes of the rows."""
    with open(folder / "trades.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["ts", "symbol", "qty"])
        out.writerows([row["ts"].strftime("%Y-%m-%d %H:%M:%S.%f"), row["symbol"], row["qty"]] for row in rows)
    source = "type = 'source', extension = 'file', format = 'csv', \"file.path\" = 'trades.csv'"
    (folder / "app.sql").write_text(f"CREATE STREAM trades ({COLUMNS}) WITH ({source}, {OPTIONS});\n{QUERY};\n")
    command = [program, "run", str(folder / "app.sql"), "--output", "json", "--quiet"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def plain(row):
    """A row as text, whoever wrote it."""
    last = row["last"]
    if isinstance(last, str):
        last = datetime.datetime.fromisoformat(last.replace("Z", "+00:00"))
    if last.tzinfo is None:
        last = last.replace(tzinfo=datetime.timezone.utc)
    return (row["symbol"], row["n"], row["qty"], last.timestamp())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ceptra", required=True)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deep", action="store_true", default=os.environ.get("CEPTRA_DEEP") == "1")
    options = parser.parse_args()
    kills = options.kills or (200 if options.deep else 10)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = Node(options.ceptra, folder)
        node.start()
        node.ask("/v1/definitions", {"name": "app", "text": APP})
        while node.ask("/v1/definitions")["definitions"][0]["status"] != "active":
            time.sleep(0.005)
        address = f"127.0.0.1:{node.client}"
        appender, follower = Appender(address, options.seed), Follower(address)
        follower.start()
        appender.start()
        starts = []
        for _ in range(kills):
            time.sleep(chance.uniform(0.02, 0.5))
            node.kill()
            starts.append(node.start())
            for thread in (appender, follower):
                if thread.failure is not None:
                    sys.exit(f"{type(thread).__name__}: {thread.failure!r}\n{node.path.read_text()[-3000:]}")
        time.sleep(0.2)
        appender.done.set()
        appender.join(PATIENCE_S)
        if appender.failure is not None or appender.is_alive():
            sys.exit(f"the appender does not end: {appender.failure!r}\n{node.path.read_text()[-3000:]}")
        node.ask("/v1/streams/trades/end", {})
        wanted = [plain(row) for row in undisturbed(options.ceptra, folder, appender.rows)]
        deadline = time.monotonic() + PATIENCE_S
        while len(follower.rows) < len(wanted) and time.monotonic() < deadline and follower.failure is None:
            time.sleep(0.01)
        found = [plain(row) for row in follower.rows]
        if follower.failure is not None:
            sys.exit(f"the follower ended: {follower.failure!r}")
        if found != wanted:
            at = next((i for i, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), min(len(found), len(wanted)))
            sys.exit(f"{len(found)} derived rows, not {len(wanted)}; from {at} on: {found[at:at + 3]} {wanted[at:at + 3]}")
        if appender.applied + appender.duplicate != len(appender.rows):
            sys.exit(f"{appender.applied} + {appender.duplicate} rows are answered of {len(appender.rows)}")
        follower.client.close()
        appender.client.close()
        code = node.stop()
        if code != 0:
            sys.exit(f"the node ended with {code}")
        starts.sort()
        print(
            f"{kills} kills, {len(appender.rows)} rows once each ({appender.duplicate} sent again), {len(found)} derived "
            f"rows as without; start to ready: median {starts[len(starts) // 2] * 1000:.0f} ms, longest {starts[-1] * 1000:.0f} ms"
        )
        figures = os.environ.get("CEPTRA_FIGURES")
        if figures:
            with open(figures, "a", encoding="utf-8") as file:
                file.write(json.dumps({"name": "crash/kills", "count": kills}) + "\n")


if __name__ == "__main__":
    main()
