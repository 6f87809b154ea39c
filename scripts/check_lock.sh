#!/usr/bin/env bash
# The lock files must serve everybody: no index in them, every package with hashes; and say the same.
set -euo pipefail
cd "$(dirname "$0")/.."

for lock in requirements.lock deploy/requirements.lock; do
    if grep -nE '://|--(extra-)?index|--find-links' "$lock"; then
        echo "$lock names an index or address (above); run \`make lock\`." >&2
        exit 1
    fi
    if ! grep -q '^duckdb==1\.5\.6 ' "$lock"; then
        echo "$lock must hold duckdb at 1.5.6; run \`make lock\`." >&2
        exit 1
    fi
done
# A deployment runs what the tests ran with: the same versions, without what only developers need.
versions() { grep -oE '^[a-z0-9][^ ]*==[^ ]+' "$1" | sort -u; }
if comm -13 <(versions requirements.lock) <(versions deploy/requirements.lock) | grep .; then
    echo "deploy/requirements.lock has versions that requirements.lock has not (above); run \`make lock\`." >&2
    exit 1
fi
packages=$(grep -cE '^[a-z0-9].*==' requirements.lock)
echo "requirements.lock: $packages packages, no index named"
