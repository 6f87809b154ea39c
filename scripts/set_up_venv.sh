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

packages=$(grep -cE '^[a-z0-9].*==' requirements.lock)
say() { echo "== setting up .venv, step $1 of 3: $2"; }

python=$(find_python) || true
[ -n "$python" ] || [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is no Python from 3.11 to 3.13."

# A name on PATH proves nothing here either.
if uv --version >/dev/null 2>&1; then
    say 1 "a Python environment, with uv"
    good_venv || uv venv --quiet --clear --python "${python:->=3.11,<3.14}" .venv
    say 2 "$packages packages; the first time they are downloaded, which takes a minute or so"
    uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
    say 3 "this project"
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    exit
fi

[ -n "$python" ] || fail "No Python from 3.11 to 3.13 was found (tried: ${python_candidates[*]}).
Install one, on Debian or Ubuntu: apt-get install python3 python3-venv; or name one: make … PYTHON=/path/to/python3.12"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv module.
On Debian or Ubuntu: apt-get install python3-venv"

say 1 "a Python environment, with $("$python" --version), venv and pip"
if ! good_venv || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv
fi
pip() { PIP_ROOT_USER_ACTION=ignore .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

say 2 "$packages packages; the first time they are downloaded, which takes a few minutes"
# Its warnings are about indexes and users, none of which a reader of this can mend; errors come through.
{ pip install --progress-bar off --require-hashes -r requirements.lock 2>&1 1>&3 | sed '/^WARNING: /d' >&2; } 3>&1 |
    scripts/pip_progress.sh "$packages"
say 3 "this project"
pip install -qq --no-deps --no-build-isolation -e .
