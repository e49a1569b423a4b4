#!/usr/bin/env bash
# Runs every app with the given ceptra binary and compares what it prints, byte for byte, with the
# expected output. One line per app; exit code 1 if any app differs or fails.
#
#   deploy/apps/check.sh [path/to/ceptra [APP…]]
#
# Without a path: the release build.
set -u

apps=$(cd "$(dirname "$0")" && pwd)
ceptra=${1:-${CARGO_TARGET_DIR:-$apps/../../target}/release/ceptra}
[ $# -eq 0 ] || shift
if ! command -v "$ceptra" >/dev/null; then
    echo "$ceptra: no such program" >&2
    exit 2
fi
if [ $# -eq 0 ]; then
    set -- "$apps"/*/app.sql "$apps"/*/app.yaml
    set -- "${@%/app.*}"
    set -- "${@##*/}"
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
for app in "$@"; do
    expected=$apps/$app/expected.jsonl
    script=$apps/$app/app.sql
    [ -f "$script" ] || script=$apps/$app/app.yaml
    "$ceptra" run "$script" --output json >"$out/stdout" 2>"$out/stderr"
    code=$?
    if [ ! -f "$expected" ]; then
        echo "FAIL $app: no expected.jsonl"
        failed=1
    elif [ $code -ne 0 ]; then
        echo "FAIL $app: exit code $code"
        tail -n 20 "$out/stderr" | sed 's/^/     /'
        failed=1
    elif ! diff -u --label expected "$expected" --label "printed by ceptra" "$out/stdout" >"$out/diff"; then
        echo "FAIL $app: $(grep -c '^[-+][^-+]' "$out/diff") lines differ"
        head -n 20 "$out/diff" | sed 's/^/     /'
        failed=1
    else
        echo "ok   $app: $(wc -l <"$expected") rows"
    fi
done
exit $failed
