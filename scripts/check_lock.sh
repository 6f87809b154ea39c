#!/usr/bin/env bash
# requirements.lock must serve everybody: no index in it, every package with hashes.
set -euo pipefail
cd "$(dirname "$0")/.."

if grep -nE '://|--(extra-)?index|--find-links' requirements.lock; then
    echo "requirements.lock names an index or address (above); run \`make lock\`." >&2
    exit 1
fi
if ! grep -q '^duckdb==1\.5\.6 ' requirements.lock; then
    echo "requirements.lock must hold duckdb at 1.5.6; run \`make lock\`." >&2
    exit 1
fi
packages=$(grep -cE '^[a-z0-9].*==' requirements.lock)
echo "requirements.lock: $packages packages, no index named"
