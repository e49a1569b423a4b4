#!/usr/bin/env bash
# Asks the engine and a Prometheus of its own the same questions about the same samples, at ends of panes.
# One line per function; exit code 1 on any difference that is not listed in docs/metrics.md, 77 without
# prometheus and promtool (Debian package `prometheus`, fetched if it is not there).
#
#   tests/prometheus/run.sh            2 seeds
#   tests/prometheus/run.sh --deep     12 seeds; CEPTRA_DEEP=1 does the same
#   tests/prometheus/run.sh --seed 7   one seed
#
# The engine's answers come from the example `metrics_values`, which `cargo test` builds.
set -u

tests=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$tests/../.." && pwd)
# Unpacked beside the other oracles, if it is not installed: nothing is set up, and no service starts.
unpacked=${XDG_CACHE_HOME:-$HOME/.cache}/ceptra-oracles/prometheus
if ! command -v prometheus >/dev/null && ! [ -x "$unpacked/usr/bin/prometheus" ] && command -v apt-get >/dev/null; then
    mkdir -p "$unpacked/deb" && (
        cd "$unpacked/deb" || exit
        apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }
        dpkg -x prometheus_*.deb "$unpacked"
    ) >&2
fi
export PATH="$PATH:$unpacked/usr/bin"
for program in prometheus promtool python3; do
    if ! command -v "$program" >/dev/null; then
        echo "SKIP: $program is not installed (Debian package prometheus)" >&2
        exit 77
    fi
done
values=${METRICS_VALUES:-${CARGO_TARGET_DIR:-$root/target}/debug/examples/metrics_values}
if ! [ -x "$values" ]; then
    (cd "$root" && cargo build --quiet --workspace --locked --example metrics_values) || exit 2
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$tests/compare.py" --values "$values" "$@"
