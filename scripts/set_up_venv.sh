#!/usr/bin/env bash
# Makes .venv (or brings it up to date) with exactly what requirements.lock names, and this project, editable.
# Uses uv where it is there, venv and pip otherwise. PYTHON=… chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/find_python.sh

fail() {
    echo "$*" >&2
    exit 1
}

# Whether the .venv that is there will do; one of another version than a PYTHON that was asked for will not.
good_venv() {
    usable_python .venv/bin/python &&
        { [ -z "${PYTHON:-}" ] || [ "$(.venv/bin/python --version)" = "$("$PYTHON" --version)" ]; }
}

python=$(find_python) || true
[ -n "$python" ] || [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is no Python from 3.11 to 3.13."

# A name on PATH proves nothing here either.
if uv --version >/dev/null 2>&1; then
    echo "== setting up .venv with uv"
    good_venv || uv venv --quiet --clear --python "${python:->=3.11,<3.14}" .venv
    uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    exit
fi

[ -n "$python" ] || fail "No Python from 3.11 to 3.13 was found (tried: ${python_candidates[*]}).
Install one, on Debian or Ubuntu: apt-get install python3 python3-venv; or name one: make … PYTHON=/path/to/python3.12"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv module.
On Debian or Ubuntu: apt-get install python3-venv"

echo "== setting up .venv with $("$python" --version), venv and pip; the first time takes a few minutes"
if ! good_venv || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv
fi
pip() { .venv/bin/python -m pip -qq --disable-pip-version-check --no-input "$@"; }
pip install --require-hashes -r requirements.lock
pip install --no-deps --no-build-isolation -e .
