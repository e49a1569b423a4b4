#!/usr/bin/env bash
# Throughput and memory of `ceptra run` on a large CSV file, start-up of a small app, size of the binary.
#
#   perf/csv.sh [path/to/ceptra [BYTES]]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
ceptra=$(realpath "${1:-${CARGO_TARGET_DIR:-$root/target}/release/ceptra}")
bytes=${2:-1000000000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 - "$bytes" <<'PY'
import random, sys

random.seed(1)
block = [
    f"SYM{random.randrange(1000):04d},{random.randrange(1, 100000) / 100:.2f},{random.randrange(1000)},"
    + random.choice(["NYSE", "XETRA", "LSE"])
    for _ in range(200_000)
]
time_ms, written = 1_700_000_000_000, 0
with open("trades.csv", "w") as file:
    file.write("ts,symbol,price,volume,venue\n")
    while written < int(sys.argv[1]):
        text = "".join(f"{time_ms + row},{rest}\n" for row, rest in enumerate(block, 1))
        time_ms += len(block)
        written += file.write(text)
PY
cat >large.sql <<'SQL'
CREATE STREAM trades (ts TIMESTAMP, symbol STRING, price DOUBLE, volume BIGINT, venue STRING) WITH (
    type = 'source', extension = 'file', format = 'csv', "file.path" = 'trades.csv',
    "csv.has-header" = 'true', "event.time" = 'ts', "event.time.format" = 'epoch',
    "event.time.unit" = 'ms');
SELECT symbol, avg(price) AS a, sum(volume) AS v, count(*) AS c
FROM trades WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY symbol;
SQL
cat >small.sql <<'SQL'
CREATE STREAM s (v BIGINT); INSERT INTO s VALUES (1); SELECT v FROM s;
SQL

# Seconds and peak RSS of `ceptra run APP`, on one core.
measure() {
    python3 - "$ceptra" "$1" <<'PY'
import os, resource, subprocess, sys, time

start = time.perf_counter()
done = subprocess.run(
    ["taskset", "-c", "0", sys.argv[1], "run", sys.argv[2], "--output", "csv"],
    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{sys.argv[2]}: {seconds:.3f} s, peak RSS {peak:.0f} MB; {done.stderr.splitlines()[0]}")
PY
}

cat trades.csv >/dev/null # in the page cache
for _ in 1 2 3; do measure large.sql; done
for _ in 1 2 3 4 5; do measure small.sql; done
echo "binary: $(($(stat -c %s "$ceptra") / 1000000)) MB, stripped"
