#!/usr/bin/env bash
# Asks ceptra and DuckDB the same questions about the same random rows and compares the answers.
# One line per group of queries; exit code 1 on any difference, 77 if DuckDB cannot be installed.
#
#   tests/duckdb/run.sh            3 seeds of 2,000 rows
#   tests/duckdb/run.sh --deep     20 seeds of 20,000 rows; CEPTRA_DEEP=1 does the same
#   tests/duckdb/run.sh --seed 7 --rows 100 --only hop-sums     one case
#
# The program is $CEPTRA_BIN, or the release binary of this repository.
set -u

version=1.4.2
tests=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$tests/../.." && pwd)
ceptra=${CEPTRA_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/ceptra}
if ! command -v "$ceptra" >/dev/null; then
    echo "$ceptra: no such program" >&2
    exit 2
fi

venv=${XDG_CACHE_HOME:-$HOME/.cache}/ceptra-oracles/duckdb-$version
python=$venv/bin/python
installed() {
    [ "$("$python" -c 'import duckdb; print(duckdb.__version__)' 2>/dev/null)" = "$version" ]
}
if ! installed; then
    { python3 -m venv "$venv" &&
        "$python" -m pip install --quiet --disable-pip-version-check "duckdb==$version"; } >&2
    if ! installed; then
        echo "SKIP: duckdb $version cannot be installed" >&2
        exit 77
    fi
fi

PYTHONDONTWRITEBYTECODE=1 exec "$python" "$tests/compare.py" --ceptra "$ceptra" "$@"
