#!/usr/bin/env bash
# Checks the Python client (net/python): types, style, tests. The tests talk to a server written in
# Python, and to a real one: $CEPTRA_BIN, or the release binary of this repository if there is one. Exit code 1 on any failure, 77 if the packages cannot be installed.
#
#   tests/python/run.sh              everything
#   tests/python/run.sh -k retry     arguments go to pytest
set -u

tests=$(cd "$(dirname "$0")" && pwd)
client=$tests/../../net/python
venv=${XDG_CACHE_HOME:-$HOME/.cache}/ceptra-oracles/python-client
python=$venv/bin/python
export PYTHONDONTWRITEBYTECODE=1

wanted=$(cksum <"$client/pyproject.toml")
if [ "$(cat "$venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    { python3 -m venv "$venv" &&
        "$python" -m pip install --quiet --disable-pip-version-check "$client[test]" &&
        "$python" -m pip uninstall --quiet --yes ceptra; } >&2
    if ! "$python" -c 'import pytest, mypy, pyarrow, flatbuffers, google_crc32c' 2>/dev/null; then
        echo "SKIP: the packages of net/python cannot be installed" >&2
        exit 77
    fi
    printf '%s\n' "$wanted" >"$venv/wanted"
fi

release=${CARGO_TARGET_DIR:-$tests/../../target}/release/ceptra
if [ -z "${CEPTRA_BIN:-}" ] && [ -x "$release" ]; then
    CEPTRA_BIN=$(realpath "$release")
    export CEPTRA_BIN
fi

cd "$client" || exit 2
status=0
export PYTHONPATH=src
"$python" -m ruff check --no-cache . || status=1
"$python" -m ruff format --no-cache --check . || status=1
"$python" -m mypy --cache-dir=/dev/null || status=1
"$python" -m pytest -p no:cacheprovider "$@" || status=1
exit "$status"
