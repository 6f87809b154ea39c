#!/usr/bin/env bash
# Works out requirements.lock, and what a deployment needs of it, deploy/requirements.lock, for every platform and Python this project supports, with hashes.
set -euo pipefail
cd "$(dirname "$0")/.."

uv --version >/dev/null 2>&1 || {
    echo "make lock needs uv (https://docs.astral.sh/uv): pip install uv" >&2
    exit 1
}
constraints=$(mktemp)
trap 'rm -f "$constraints"' EXIT
# One engine for everybody: a merge must give the same bytes on every machine.
echo "duckdb==1.5.6" >"$constraints"
compile() { # constraints, output file, …
    uv pip compile pyproject.toml --extra postgres --universal --no-strip-extras --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 \
        --quiet --constraint "$1" --output-file "${@:2}"
}
compile "$constraints" requirements.lock --extra dev "$@"
compile requirements.lock deploy/requirements.lock
scripts/check_lock.sh
