#!/usr/bin/env bash
# `ceptra-ctl` against a real node: deploy, append, tail, and its exit codes. Exit code 1 on any difference.
#
# The programs are $CEPTRA_BIN and the `ceptra-ctl` beside it, or the release binaries of this repository.
set -u

tests=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$tests/../.." && pwd)
ceptra=${CEPTRA_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/ceptra}
ctl=${CEPTRA_CTL_BIN:-$(dirname "$ceptra")/ceptra-ctl}
for program in "$ceptra" "$ctl"; do
    if ! command -v "$program" >/dev/null; then
        echo "$program: no such program" >&2
        exit 2
    fi
done
PYTHONDONTWRITEBYTECODE=1 exec python3 "$tests/ctl.py" --ceptra "$ceptra" --ctl "$ctl"
