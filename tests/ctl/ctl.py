"""What an operator does with `ceptra-ctl`, against a real node."""

import argparse
import csv
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

APP = """CREATE STREAM readings (sensor STRING NOT NULL, at TIMESTAMP, celsius DOUBLE, ok BOOLEAN);
CREATE STREAM warm AS SELECT sensor, at, celsius FROM readings WHERE celsius >= 20;
CREATE STREAM counts AS SELECT sensor, count(*) AS n FROM readings GROUP BY sensor;
"""
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
    """The process, and the tool that talks to it."""

    def __init__(self, ceptra, ctl, folder):
        client, admin = free_ports()
        self.ctl_program = ctl
        self.where = ["--client", f"127.0.0.1:{client}", "--admin", f"127.0.0.1:{admin}"]
        self.log = folder / "log"
        command = [ceptra, "serve", "--data-dir", str(folder / "data")]
        command += ["--listen", f"127.0.0.1:{client}", "--admin", f"127.0.0.1:{admin}"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        deadline = time.monotonic() + PATIENCE_S
        while self.ctl("ready").returncode != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"the node does not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def ctl(self, *arguments, stdin=None):
        command = [self.ctl_program, *self.where, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE_S)

    def good(self, *arguments, stdin=None):
        ran = self.ctl(*arguments, stdin=stdin)
        check(ran.returncode == 0, f"{arguments}: exit code {ran.returncode}: {ran.stderr}")
        return ran.stdout

    def tail(self, *arguments):
        out = self.good("tail", *arguments, "--quiet-ms", "400", "--format", "json")
        return [json.loads(line) for line in out.splitlines()]


def check(holds, what):
    if not holds:
        sys.exit(f"FAILED: {what}")


def summary(ran):
    value = json.loads(ran.stdout)
    return {key: value[key] for key in ("records", "applied", "duplicate", "rejected", "unreadable", "failed")}


def expect(ran, code, **wanted):
    counts = dict.fromkeys(("records", "applied", "duplicate", "rejected", "unreadable", "failed"), 0) | wanted
    check(ran.returncode == code, f"exit code {ran.returncode}, not {code}: {ran.stdout}{ran.stderr}")
    check(summary(ran) == counts, f"{summary(ran)}, not {counts}")


def rows_of_a_file(node, folder):
    """Each record of a file is applied once, however often it is appended."""
    file = folder / "readings.csv"
    with open(file, "w", newline="") as out:
        out.write("sensor,at,celsius,ok\n")
        for number in range(1000):
            second = f"2026-01-01 00:{number // 60:02}:{number % 60:02}"
            celsius = "warm" if number in (10, 500) else number % 40
            out.write(f"s{number % 7},{second},{celsius},{'true' if number % 2 else 'false'}\n")
    append = ("--output", "json", "append", "readings", str(file), "--producer", "0x7", "--batch-rows", "64")
    ran = node.ctl(*append)
    expect(ran, 1, records=1000, applied=998, unreadable=2)
    check("line 12" in ran.stderr and "'warm' is not DOUBLE" in ran.stderr, ran.stderr)
    expect(node.ctl(*append), 1, records=1000, duplicate=998, unreadable=2)
    packed = folder / "readings.csv.gz"
    packed.write_bytes(gzip.compress(b"sensor,at,celsius,ok\nz,,1,\nz,,2,true\n"))
    expect(node.ctl("--output", "json", "append", "readings", str(packed)), 0, records=2, applied=2)
    text = node.good("append", "readings", str(packed))
    check(text == "2 records: 2 applied, 0 duplicate\n", text)


def rows_of_standard_input(node):
    """JSON lines; what is no row of the stream is named."""
    lines = ['{"sensor": "json", "celsius": 25.5, "ok": true}', '{"celsius": 1}', "{", '{"sensor": "json", "celsius": 19}']
    ran = node.ctl("--output", "json", "append", "readings", "--format", "json", stdin="\n".join(lines) + "\n")
    expect(ran, 1, records=4, applied=2, unreadable=2)
    check(sum(line.startswith("line ") for line in ran.stderr.splitlines()) == 2, ran.stderr)
    expect(node.ctl("--output", "json", "append", "readings", "--format", "csv", stdin="sensor,at,celsius,ok\n"), 0)


def rows_out(node):
    """Rows in every format, from every place."""
    rows = node.tail("warm", "--from", "earliest")
    wanted = [(f"s{n % 7}", n % 40) for n in range(1000) if n % 40 >= 20 and n != 500] + [("json", 25.5)]
    check([(row["sensor"], row["celsius"]) for row in rows] == wanted, f"{len(rows)} rows, not {len(wanted)}")
    out = node.good("tail", "warm", "--from", "earliest", "--quiet-ms", "400", "--format", "csv", "--positions")
    table = list(csv.DictReader(io.StringIO(out)))
    check([row["sensor"] for row in table] == [row["sensor"] for row in rows], "CSV has other rows")
    middle = table[99]
    after = f"{middle['_partition']}:{middle['_index']}.{middle['_ordinal']}"
    check(node.tail("warm", "--after", after) == rows[100:], "rows behind a place")
    first = node.ctl("tail", "warm", "--from", "earliest", "--count", "5", "--format", "json")
    check(len(first.stdout.splitlines()) == 5, first.stdout)
    place = first.stderr.split("--after ")[1].strip()
    check(node.tail("warm", "--after", place) == rows[5:], "rows behind what --count has shown")
    check("SENSOR" in node.good("tail", "warm", "--from", "earliest", "--count", "1").upper(), "a table has a head")
    check(node.tail("warm") == [], "the newest rows are none when nothing comes")
    counts = {row["sensor"]: row["n"] for row in node.tail("counts", "--from", "earliest")}
    check(counts["z"] == 4 and counts["json"] == 2, f"{counts}")


def rows_as_they_come(node):
    """--follow goes on until it is told to end."""
    command = [node.ctl_program, *node.where, "tail", "warm", "--follow", "--format", "json"]
    # Who was started in the background ignores Ctrl-C, and so would its children.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    following = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heed)
    deadline = time.monotonic() + PATIENCE_S
    seen = 0
    # A row that comes before the subscription holds is not one of the newest: append until one is seen.
    os.set_blocking(following.stdout.fileno(), False)
    while seen == 0 and time.monotonic() < deadline:
        node.good("append", "readings", "--format", "json", stdin='{"sensor": "new", "celsius": 30}\n')
        time.sleep(0.1)
        seen = len((following.stdout.read() or "").splitlines())
    check(seen > 0, "no row is followed")
    check(following.poll() is None, "it goes on")
    following.send_signal(signal.SIGINT)
    check(following.wait(PATIENCE_S) == -signal.SIGINT, "Ctrl-C ends it")


def failures(node, folder):
    """Exit codes tell what is wrong."""
    for code, arguments in [
        (1, ("tail", "nothing")),
        (1, ("append", "nothing", "--format", "csv")),
        (1, ("append", "warm", "--format", "csv")),
        (1, ("tail", "warm", "--partition", "9")),
        (2, ("append", "readings", str(folder / "no.csv"))),
        (2, ("append", "readings", "--format", "csv", "--producer", "0")),
        (2, ("append", "readings")),
        (2, ("tail", "warm", "--after", "x")),
        (2, ("tail", "warm", "--follow", "--quiet-ms", "5")),
    ]:
        ran = node.ctl(*arguments, stdin="sensor\n")
        check(ran.returncode == code and ran.stderr, f"{arguments}: {ran.returncode}, not {code}: {ran.stderr}")
    ran = node.ctl("append", "readings", "--format", "csv", stdin="sensr\nx\n")
    check(ran.returncode == 1 and "sensr" in ran.stderr, f"{ran.returncode}: {ran.stdout}{ran.stderr}")
    command = [node.ctl_program, "--client", "127.0.0.1:9", "tail", "warm"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    check(ran.returncode == 3 and "--client" in ran.stderr, f"{ran.returncode}: {ran.stderr}")
    check("tail" in node.good("completions", "bash") and "append" in node.good("man"), "tail and append are told")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ceptra", required=True)
    parser.add_argument("--ctl", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = Node(options.ceptra, options.ctl, folder)
        try:
            (folder / "sensors.sql").write_text(APP)
            node.good("definitions", "deploy", str(folder / "sensors.sql"))
            rows_of_a_file(node, folder)
            rows_of_standard_input(node)
            rows_out(node)
            rows_as_they_come(node)
            failures(node, folder)
            node.process.terminate()
            check(node.process.wait(PATIENCE_S) == 0, node.log.read_text())
        finally:
            node.process.kill()
    print("ceptra-ctl: files, standard input, tail in all formats, follow and failures are as they should be")


if __name__ == "__main__":
    main()
