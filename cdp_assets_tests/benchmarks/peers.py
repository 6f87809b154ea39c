"""Peers: the same file into the same number of profiles, ours beside dlt and beside a row-by-row tool.

Ours            as in headline.py: three identifiers, merge rules, rejects kept, a ledger
dlt             upsert by one key, no merge rules: its Arrow path, the faster of its own SFTP and `sftp` before it
row by row      Singer's `tap-sftp | target-duckdb`, merge by one key: over fewer rows onto fewer profiles, which is
                in its favour; rates are compared

Makes an environment for each in the build folder, from wherever this machine's pip takes its packages; the versions
are pinned in `_dlt.py` and `_singer.py`. `ROWS=6000000` and `SLOW_ROWS=200000` are the defaults.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from cdp_assets_tests.benchmarks._dlt import PACKAGES, measure_dlt
from cdp_assets_tests.benchmarks._environments import environment
from cdp_assets_tests.benchmarks._measure import BUILD, size
from cdp_assets_tests.benchmarks._ours import prepared
from cdp_assets_tests.benchmarks._singer import TAP, TARGET, measure_singer
from cdp_assets_tests.benchmarks.headline import measure_ours
from cdp_assets_tests.support.sshd import running_sshd, throw_away_account


def run() -> str:
    """The figures, as one line of ratios."""
    rows, slow_rows = size("ROWS", 6_000_000), size("SLOW_ROWS", 200_000)
    for name, packages in (("dlt", PACKAGES), ("tap-sftp", TAP), ("target-duckdb", TARGET)):
        environment(name, packages)
    with throw_away_account() as account, running_sshd(account) as sshd:
        ready = prepared(sshd, rows)
        with tempfile.TemporaryDirectory(dir=BUILD) as made:
            ours = measure_ours(sshd, ready, Path(made))
            dlt = measure_dlt(sshd, ready, Path(made))
            slow_s = measure_singer(sshd, Path(made), slow_rows)
    print(
        f"{rows:,} rows: ours {ours.committed_s:.1f} s, dlt {dlt.fetched_s:.1f} s after `sftp`,"
        f" {dlt.over_sftp_s:.1f} s over its own SFTP; row by row {slow_s:.1f} s for {slow_rows:,} rows"
    )
    faster = (rows / ours.committed_s) / (slow_rows / slow_s)
    return (
        f"peers: {ours.committed_s / dlt.best_s:.2f} x dlt, {faster:.1f} times the rate of tap-sftp | target-duckdb"
        f" (over {slow_rows:,} rows), peak {ours.peak_gb:.1f} GB"
    )
