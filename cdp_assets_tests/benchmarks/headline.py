"""Headline: a delta file from a real sshd into a full warehouse, against a hand-written script and dlt beside it.

Ours    look, fetch verified, land (typed, rejects kept), fold (match by three identifiers, rules, ledger), commit;
        then the readers' copy, which is not counted
Floor   OpenSSH `sftp` get, then the shortest DuckDB script: one MERGE by one key straight from the CSV
dlt     see peers.py, which also makes its environment; left out where that is missing
As many profiles as rows; half of the rows match. `ROWS=6000000` is the default; the filled warehouse is kept in the
build folder for the next run.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import duckdb

from cdp_assets_tests.benchmarks._dlt import dlt_is_there, measure_dlt
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, sftp_get, size, timed
from cdp_assets_tests.benchmarks._ours import Done, bring_in, prepared, shop
from cdp_assets_tests.benchmarks._people import COLUMNS, RULES
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

KLAVIYO_ROWS_PER_SECOND = 6_000_000 / 3600


def run() -> str:
    """The figures, as one line of ratios."""
    rows = size("ROWS", 6_000_000)
    with throw_away_account() as account, running_sshd(account) as sshd:
        ready = prepared(sshd, rows)
        with tempfile.TemporaryDirectory(dir=BUILD) as made:
            ours = measure_ours(sshd, ready, Path(made))
            floor_s = apart(_floor, sshd, ready, Path(made))
            dlt_s = measure_dlt(sshd, ready, Path(made)).best_s if dlt_is_there() else None
        size_mb = (ready / "new.csv").stat().st_size / 1e6
    print(
        f"{rows:,} rows, {size_mb:.0f} MB: committed {ours.committed_s:.1f} s,"
        f" readers' copy {ours.publish_s:.1f} s more; floor {floor_s:.1f} s"
    )
    print(f"dlt {dlt_s:.1f} s" if dlt_s else "dlt not measured: run make bench NAME=peers first")
    klaviyo = rows / ours.committed_s / KLAVIYO_ROWS_PER_SECOND
    ratios = [f"{klaviyo:.1f} x Klaviyo", f"{ours.committed_s / floor_s:.2f} x floor"]
    ratios += [f"{ours.committed_s / dlt_s:.2f} x dlt"] if dlt_s else []
    return f"headline: {', '.join(ratios)}, peak {ours.peak_gb:.1f} GB"


def measure_ours(sshd: Sshd, ready: Path, work: Path) -> Done:
    """Ours, onto a copy of the prepared warehouse."""
    print("ours", flush=True)
    shutil.copytree(ready / "data", work / "data")
    inbox = delivered(sshd, ready)
    settle()
    done = apart(bring_in, shop(sshd, inbox), work / "data", minute=1)
    for folder in (inbox, work / "data"):
        shutil.rmtree(folder)
    return done


def delivered(sshd: Sshd, ready: Path) -> Path:
    """A folder on the server with the new file in it."""
    inbox = sshd.folder("inbox-")
    shutil.copyfile(ready / "new.csv", inbox / "people_2.csv")
    return inbox


def _floor(sshd: Sshd, ready: Path, work: Path) -> float:
    print("floor", flush=True)
    target, local = work / "floor.duckdb", work / "fetched.csv"
    with duckdb.connect(str(target)) as con:
        con.execute(f"CREATE TABLE people AS FROM read_csv('{ready / 'old.csv'}')")
    inbox = delivered(sshd, ready)
    settle()
    seconds = timed("fetch", lambda: sftp_get(sshd, inbox / "people_2.csv", local))
    seconds += timed("merge", lambda: _merge(target, local))
    for path in (target, local):
        path.unlink()
    shutil.rmtree(inbox)
    return seconds


def _merge(target: Path, local: Path) -> None:
    sets = ", ".join(f"{name} = source.{name}" for name in COLUMNS[1:] if name not in RULES)
    with duckdb.connect(str(target)) as con:
        con.execute(
            f"""MERGE INTO people USING (FROM read_csv('{local}')) AS source USING (email)
            WHEN MATCHED THEN UPDATE SET {sets}, spend = people.spend + source.spend,
                visits = people.visits + source.visits, tags = people.tags || '|' || source.tags
            WHEN NOT MATCHED THEN INSERT"""
        )
