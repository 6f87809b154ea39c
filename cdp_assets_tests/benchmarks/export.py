"""Export: a segment into one gzipped, encrypted file on a server, against the bare tools for the same bytes.

Ours    population, rows in their order, lines, gzip, gpg, upload, ledger
Floor   DuckDB's own COPY of the same query, then `gzip`, then `gpg`; no upload, no ledger
`ROWS=1000000` is the default, 15 columns. Memory is that of a third of the rows beside that of all.
"""

from __future__ import annotations

import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from cdp_assets.config.model import Deployment
from cdp_assets.flows import run_connection
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql import schema, tables
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, size, timed
from cdp_assets_tests.benchmarks._peak import peak_of_tree
from cdp_assets_tests.support.openpgp import new_keyring
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = ("first_name", "last_name", "city", "country", "street", "phone", "crm", "source", "note")
PROPERTIES: list[dict[str, object]] = [
    {"name": "email", "type": "email"},
    *[dict[str, object](name=name) for name in TEXTS],
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "visits", "type": "number"},
    {"name": "seen_at", "type": "datetime"},
]
ROWS_OF = """
    INSERT INTO main.profiles BY NAME SELECT
        ('00000000-0000-4000-8000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS profile_id, 'DEFAULT' AS domain_group,
        now() AS creation_date, now() AS last_modified_date, {columns}
    FROM range({rows}) AS r(i) ORDER BY md5(i::VARCHAR)
"""
VALUES = {
    "email": "'person' || i || '@example.com'",
    "first_name": "'First' || i % 1000",
    "last_name": "'Last' || i % 5000",
    "city": "'City' || i % 300",
    "country": "'Country' || i % 40",
    "street": "'Street ' || i % 9000 || ', ' || i % 120",
    "phone": "'+4420' || lpad(i::VARCHAR, 8, '0')",
    "crm": "'C' || lpad(i::VARCHAR, 9, '0')",
    "source": "'shop'",
    "note": "CASE WHEN i % 3 = 0 THEN 'said \"' || md5(i::VARCHAR) || '\"' END",
    "spend": "(i % 100000 / 100.0)::DECIMAL(18, 2)",
    "visits": "i % 9",
    "seen_at": "TIMESTAMPTZ '2026-01-01' + to_seconds(i % 86400)",
}


def run() -> str:
    """The figures, as one line of ratios."""
    rows = size("ROWS", 1_000_000)
    BUILD.mkdir(exist_ok=True)
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        new_keyring() as ring,
        tempfile.TemporaryDirectory(dir=BUILD) as made,
    ):
        work, key = Path(made), ring.key("reader")
        (work / "reader.asc").write_text(key.public)
        (work / "reader.asc").chmod(0o600)
        small = apart(_ours, _setup(sshd, work), work / "small", rows // 3)
        ours = apart(_ours, _setup(sshd, work), work / "data", rows)
        floor_s = apart(_floor, work, rows, str(ring.home), key.fingerprint)
    print(
        f"{rows:,} rows: ours {ours[0]:.1f} s, peak {ours[1]:.2f} GB; a third {small[1]:.2f} GB; floor {floor_s:.1f} s"
    )
    return f"export: {ours[0] / floor_s:.2f} x floor, peak {ours[1]:.2f} GB, {ours[1] / small[1]:.2f} x that of a third"


def _setup(sshd: Sshd, work: Path) -> Deployment:
    columns = [{"profile_id": {}}, *({"property": prop["name"]} for prop in PROPERTIES), {"text": "cdp", "as": "by"}]
    goal = {
        "type": "export_profiles",
        "name": "people",
        "segment": "everybody",
        "population": "all",
        "file": {"name": "people", "gzip": True},
        "columns": columns,
    }
    server = sshd.server_config(user_directory=str(sshd.folder("export-"))).model_dump(mode="json", exclude_none=True)
    pgp = {"public_keys": [{"file": str(work / "reader.asc")}]}
    segment = {"name": "everybody", "where": {"property": "email", "operator": "not_is_empty"}}
    return Deployment.model_validate(
        {
            "model": {"properties": PROPERTIES, "segments": [segment]},
            "connections": [{"name": "shop", "server": server, "pgp": pgp, "goals": [goal]}],
        }
    )


def _ours(setup: Deployment, data: Path, rows: int) -> tuple[float, float]:
    folders = DataFolders(data)
    apart(_fill, setup, folders, rows)
    settle()

    def deliver() -> None:
        (done,) = run_connection.deliver(setup, setup.connections[0], folders, NOW)
        assert not done.error, done.error
        assert done.exports[-1].rows == rows

    with peak_of_tree() as peak:
        seconds = timed("ours", deliver)
    return seconds, peak.gb


def _fill(setup: Deployment, folders: DataFolders, rows: int) -> None:
    folders.warehouse.parent.mkdir(parents=True)
    table = tables.profiles_table(setup.model.properties)
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        for statement in schema.create_table(table):
            database.run(statement)
        columns = ", ".join(f"{value} AS {name}" for name, value in VALUES.items())
        database.run(Sql(ROWS_OF.format(columns=columns, rows=rows)))
        database.run(
            Sql("INSERT INTO main.segment_members SELECT 'everybody', profile_id, creation_date FROM main.profiles")
        )


def _floor(work: Path, rows: int, home: str, fingerprint: str) -> float:
    plain = work / "floor.csv"
    columns = ", ".join(
        name if name != "seen_at" else "epoch_ms(seen_at) AS seen_at" for name in ("profile_id", *VALUES)
    )
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    con.execute(f"ATTACH '{work / 'data' / 'warehouse' / 'warehouse.duckdb'}' AS w (READ_ONLY)")
    members = "(SELECT profile_id FROM w.main.segment_members WHERE segment = 'everybody')"
    query = f"SELECT {columns}, 'cdp' AS \"by\" FROM w.main.profiles WHERE profile_id IN {members} ORDER BY profile_id"
    seconds = timed("COPY", lambda: con.execute(f"COPY ({query}) TO '{plain}' (FORMAT csv)"))
    seconds += timed("gzip", lambda: subprocess.run(["gzip", str(plain)], check=True))
    seal = ["gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always", "--recipient", fingerprint]
    seconds += timed("gpg", lambda: subprocess.run([*seal, "--encrypt", f"{plain}.gz"], check=True))
    return seconds
