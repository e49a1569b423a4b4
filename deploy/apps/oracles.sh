#!/usr/bin/env bash
# Makes the expected output of every app anew with the script beside it and compares it with the
# committed file. The scripts need Python 3.9 or later and nothing else. Exit code 1 on a difference.
#
#   deploy/apps/oracles.sh           compare
#   deploy/apps/oracles.sh --write   replace the committed files
set -u

apps=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
for oracle in "$apps"/*/oracle.py; do
    folder=$(dirname "$oracle")
    app=$(basename "$folder")
    if ! PYTHONDONTWRITEBYTECODE=1 python3 "$oracle" >"$out/expected"; then
        echo "FAIL $app: oracle.py failed"
        failed=1
    elif [ "${1:-}" = --write ]; then
        cp "$out/expected" "$folder/expected.jsonl"
        echo "made $app: $(wc -l <"$out/expected") rows"
    elif ! cmp -s "$out/expected" "$folder/expected.jsonl"; then
        echo "FAIL $app: expected.jsonl is not what oracle.py makes"
        failed=1
    else
        echo "ok   $app: $(wc -l <"$out/expected") rows"
    fi
done
exit $failed
