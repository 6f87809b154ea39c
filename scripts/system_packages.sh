#!/usr/bin/env bash
# What the tests use beside Python. Root on Debian gets it installed; anybody else is told, and goes on:
# a test that lacks its program skips with the words "is not installed:".
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/find_python.sh

missing=()
need() { # program, package
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing+=("$2")
}
need sshd openssh-server
need gpg gnupg
need chromium chromium
need chromedriver chromium-driver
if ! uv --version >/dev/null 2>&1 && ! { python=$(find_python) && "$python" -c 'import ensurepip, venv' 2>/dev/null; }; then
    missing+=(python3-venv)
fi

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -eq 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
    echo "== installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
        exit 0
    fi
    tail -n 20 "$log" >&2
    echo "Installing ${missing[*]} failed; the tests that need them will be skipped." >&2
    exit 0
fi
echo "Not installed: ${missing[*]}; the tests that need them will be skipped." >&2
echo "On Debian or Ubuntu: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
