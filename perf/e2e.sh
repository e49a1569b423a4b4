#!/usr/bin/env bash
# Measures a node over TCP from a release build: builds `ceptra` and `ceptra-perf`, runs `ceptra-perf e2e`, and
# keeps the figures, with their conditions, in perf/results/e2e.jsonl. Options go to `ceptra-perf e2e`.
#
#   perf/e2e.sh                             everything
#   perf/e2e.sh --check                     exit code 1 when a bar is missed
#   perf/e2e.sh --only append,single --dir /mnt/disk
#
# Quiet the machine first: nothing else should run. With --only the figures are printed and not kept.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

# The whole workspace, so that features are those of every other build.
(cd "$root" && cargo build --release --locked --workspace --bin ceptra --bin ceptra-perf)

keep=$root/perf/results/e2e.jsonl
case " $* " in *" --only"*) keep=/dev/null ;; esac
figures=$(mktemp "$target/e2e.XXXXXX")
trap 'rm -f "$figures"' EXIT
status=0
(cd "$root" && "$target/release/ceptra-perf" e2e "$@") | tee "$figures" || status=$?
# Figures of a run that broke off are none; a missed bar (1) is a figure.
if [ "$status" -le 1 ]; then
    cat "$figures" >"$keep"
fi
exit "$status"
