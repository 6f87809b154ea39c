"""Headline: a delta file from a real sshd into a full warehouse, against a hand-written script beside it.

Ours    look, fetch verified, land (typed, rejects kept), fold (match, rules, ledger), commit
Floor   OpenSSH `sftp` get, then the shortest DuckDB script: one MERGE by key straight from the CSV
Half of the rows match. `ROWS=6000000 make bench NAME=headline` is the full size; the default is a sixth.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.run_connection import fold_and_publish, import_new
from cdp_assets_tests.support.lab import deployment
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

ROWS = int(os.environ.get("ROWS", "1000000"))
KLAVIYO_ROWS_PER_SECOND = 6_000_000 / 3600
NOW = datetime(2026, 1, 2, tzinfo=UTC)
COLUMNS = "email, crm, phone, first_name, last_name, city, country, tags, spend, visits, seen_at"

PROPERTIES = [
    {"name": "email", "type": "email"},
    *({"name": name} for name in ("crm", "phone", "first_name", "last_name", "city", "country")),
    {"name": "tags", "multiple": True},
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "visits", "type": "number"},
    {"name": "seen_at", "type": "datetime"},
]
RULES = {"tags": "add", "spend": "sum", "visits": "sum"}


def write_rows(path: Path, first: int, count: int) -> None:
    """Rows `first` to `first + count` of the made-up people, in a shuffled order that is always the same."""
    duckdb.sql(
        f"""
        COPY (
            SELECT 'person' || i || '@example.com' AS email, 'C' || lpad(i::VARCHAR, 9, '0') AS crm,
                '+4420' || lpad((i % 100000000)::VARCHAR, 8, '0') AS phone, 'First' || i % 1000 AS first_name,
                'Last' || i % 5000 AS last_name, 'City' || i % 300 AS city, 'Country' || i % 40 AS country,
                't' || i % 7 || '|t' || i % 11 AS tags, (i % 100000 / 100.0)::DECIMAL(10, 2) AS spend,
                i % 9 AS visits, TIMESTAMP '2026-01-01' + to_seconds(i % 86400) AS seen_at
            FROM (SELECT {first} + range AS i FROM range({count})) ORDER BY md5(i::VARCHAR)
        ) TO '{path}' (HEADER)
        """
    )


def run() -> str:
    """The figures, as one line of ratios."""
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        tempfile.TemporaryDirectory() as made,
    ):
        work = Path(made)
        inbox = sshd.folder("inbox-")
        old, new = inbox / "people_1.csv", inbox / "people_2.csv"
        write_rows(old, 0, ROWS)
        write_rows(work / "new.csv", ROWS // 2, ROWS)
        ours = _ours(sshd, inbox, work, new)
        floor = _floor(sshd, work, old, new)
        size_mb = new.stat().st_size / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{ROWS:,} rows, {size_mb:.0f} MB; ours {ours:.1f} s, floor {floor:.1f} s")
    klaviyo = ROWS / ours / KLAVIYO_ROWS_PER_SECOND
    return f"headline: {klaviyo:.1f} x Klaviyo, {ours / floor:.2f} x floor, peak {peak:.1f} GB"


def _ours(sshd: Sshd, inbox: Path, work: Path, new: Path) -> float:
    goal = {
        "type": "import_profiles",
        "name": "people",
        "allow_create": True,
        "files": {"root": "people_*.csv", "delta": True, "keep_received": False},
        "identifiers": [{"column": "email", "property": "email"}],
        "mappings": [
            {"column": name, "property": name, "rule": RULES.get(name, "set")} for name in COLUMNS.split(", ")[1:]
        ],
    }
    server = sshd.server_config(user_directory=str(inbox)).model_dump()
    setup = deployment(PROPERTIES, [], connections=[{"name": "shop", "server": server, "goals": [goal]}])
    (connection,) = setup.connections
    folders = DataFolders(work / "data")

    def deliver() -> None:
        imported = import_new(setup, connection, folders, NOW)
        assert [outcome.error for outcome in imported.outcomes] == [""]

    deliver()
    fold_and_publish(setup.model, folders, NOW)
    shutil.move(work / "new.csv", new)
    landing = _timed("land", deliver)
    return landing + _timed("fold", lambda: fold_and_publish(setup.model, folders, NOW))


def _floor(sshd: Sshd, work: Path, old: Path, new: Path) -> float:
    target = work / "floor.duckdb"
    with duckdb.connect(str(target)) as con:
        con.execute(f"CREATE TABLE people AS FROM read_csv('{old}')")
    local = work / "fetched.csv"
    command = [
        *("sftp", "-q", "-P", str(sshd.port), "-i", str(sshd.private_key_path)),
        *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={work / 'known'}"),
        *(f"{sshd.username}@127.0.0.1:{new}", str(local)),
    ]

    def script() -> None:
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        sets = ", ".join(f"{name} = source.{name}" for name in COLUMNS.split(", ")[1:] if name not in RULES)
        with duckdb.connect(str(target)) as con:
            con.execute(
                f"""MERGE INTO people USING (FROM read_csv('{local}')) AS source USING (email)
                WHEN MATCHED THEN UPDATE SET {sets}, spend = people.spend + source.spend,
                    visits = people.visits + source.visits, tags = people.tags || '|' || source.tags
                WHEN NOT MATCHED THEN INSERT"""
            )

    return _timed("floor", script)


def _timed(name: str, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    print(f"  {name}: {seconds:.1f} s", flush=True)
    return seconds
