#!/usr/bin/env bash
# Names the Python files over 300 lines. A hint for the author, never a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

find cdp_assets cdp_assets_tests -name '*.py' -exec wc -l {} + |
    awk '$2 != "total" && $1 > 300 {print "long file: " $2 " has " $1 " lines; aim at 300 or fewer"; n++}
         END {if (!n) print "no file over 300 lines"}'
