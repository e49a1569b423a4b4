#!/usr/bin/env bash
# Kills a node with SIGKILL again and again while a client appends and another subscribes, and compares what
# came out with one run that nothing disturbed. Exit code 1 on any difference, 77 if the packages of the
# Python client cannot be installed.
#
#   tests/crash/run.sh              10 kills
#   tests/crash/run.sh --deep       200 kills; CEPTRA_DEEP=1 does the same
#   tests/crash/run.sh --kills 3 --seed 7
#
# The program is $CEPTRA_BIN, or the release binary of this repository.
set -u

tests=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$tests/../.." && pwd)
ceptra=${CEPTRA_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/ceptra}
if ! command -v "$ceptra" >/dev/null; then
    echo "$ceptra: no such program" >&2
    exit 2
fi

client=$root/net/python
venv=${XDG_CACHE_HOME:-$HOME/.cache}/ceptra-oracles/python-client
python=$venv/bin/python
wanted=$(cksum <"$client/pyproject.toml")
if [ "$(cat "$venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    { python3 -m venv "$venv" &&
        "$python" -m pip install --quiet --disable-pip-version-check "$client[test]" &&
        "$python" -m pip uninstall --quiet --yes ceptra; } >&2
    if ! "$python" -c 'import pyarrow, flatbuffers, google_crc32c' 2>/dev/null; then
        echo "SKIP: the packages of net/python cannot be installed" >&2
        exit 77
    fi
    printf '%s\n' "$wanted" >"$venv/wanted"
fi

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$client/src" exec "$python" "$tests/crash.py" --ceptra "$ceptra" "$@"
