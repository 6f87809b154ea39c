#!/usr/bin/env bash
# Reads what `pip install -r requirements.lock` says and tells how far it is, in a line for every 25 packages.
# Usage: pip install … | pip_progress.sh NUMBER_OF_PACKAGES
set -euo pipefail
number=0
while IFS= read -r line; do
    case $line in
        *"(from -r requirements.lock (line "*)
            number=$((number + 1))
            if [ $((number % 25)) -eq 0 ]; then echo "   $number of $1 packages are here"; fi
            ;;
        "Installing collected packages"*) echo "   all are here; unpacking them takes about as long again" ;;
    esac
done
