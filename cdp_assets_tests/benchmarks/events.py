"""Events: orders with their lines, one line a row, into an empty warehouse, against a hand-written script.

Ours    look, fetch verified, land (typed, rejects kept), fold (profiles matched and made, events by their key with
        their items, products of the store), commit
Script  OpenSSH `sftp` get, then DuckDB: profiles, orders and lines grouped from one CSV, without keys, types that
        fail, products or anything to do it twice with
`EVENTS=1000000` is the default; each has `LINES` (3) items, each profile four events.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from cdp_assets.config.model import Deployment
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, sftp_get, size, timed
from cdp_assets_tests.benchmarks._ours import bring_in
from cdp_assets_tests.support.lab import deployment
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

PROPERTIES = [{"name": "email", "type": "email"}]
PRODUCT = ("id", "name", "netprice", "quantity")
GOAL = {
    "type": "import_profiles",
    "name": "orders",
    "allow_create": True,
    "files": {"root": "orders_*.csv", "delta": True},
    "identifiers": [{"column": "email", "property": "email"}],
    "events": [
        {
            "type": "order",
            "id": "order_no",
            "date": "ordered_at",
            "mappings": [
                {"column": "total", "property": "total_revenue"},
                {"column": "currency", "property": "currency"},
            ],
            "nested": [
                {"property": "product", "mappings": [{"column": f"p_{key}", "property": key} for key in PRODUCT]}
            ],
            "product_store": "main",
        }
    ],
}
SCRIPT = """
    CREATE TEMP TABLE lines AS SELECT * FROM read_csv('{file}');
    CREATE TABLE profiles AS SELECT gen_random_uuid() AS profile_id, email FROM (SELECT DISTINCT email FROM lines);
    CREATE TABLE orders AS SELECT profile_id, order_no, ordered_at, last(total) AS total, last(currency) AS currency
        FROM lines JOIN profiles USING (email) GROUP BY ALL;
    CREATE TABLE items AS SELECT profile_id, order_no, ordered_at, p_id, p_name, p_netprice, p_quantity
        FROM lines JOIN profiles USING (email);
"""


def run() -> str:
    """The figures, as one line of ratios."""
    events, lines = size("EVENTS", 1_000_000), size("LINES", 3)
    BUILD.mkdir(exist_ok=True)
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        tempfile.TemporaryDirectory(dir=BUILD) as made,
    ):
        inbox = sshd.folder("inbox-")
        file = inbox / "orders_1.csv"
        apart(_write, file, events, lines)
        size_mb = file.stat().st_size / 1e6
        print("ours", flush=True)
        settle()
        ours = apart(bring_in, _setup(sshd, inbox), Path(made) / "data", publishing=False)
        print("script", flush=True)
        script_s = apart(_script, sshd, file, Path(made))
        found = apart(_counted, Path(made) / "data", Path(made) / "script.duckdb")
    assert found == (events, events * lines, events, events * lines), found
    per_minute = events / ours.committed_s * 60
    print(f"{events:,} events, {events * lines:,} items, {size_mb:.0f} MB: committed {ours.committed_s:.1f} s")
    return (
        f"events: {ours.committed_s / script_s:.2f} x script ({script_s:.1f} s), {per_minute:,.0f} events a minute,"
        f" peak {ours.peak_gb:.1f} GB"
    )


def _setup(sshd: Sshd, inbox: Path) -> Deployment:
    server = sshd.server_config(user_directory=str(inbox)).model_dump()
    return deployment(PROPERTIES, [], connections=[{"name": "shop", "server": server, "goals": [GOAL]}])


def _write(file: Path, events: int, lines: int) -> None:
    duckdb.execute(
        f"""
        COPY (
            SELECT 'person' || (event * 7919 % {max(events // 4, 1)}) || '@example.com' AS email, event AS order_no,
                strftime(TIMESTAMP '2025-01-01' + INTERVAL (event % 31536000) SECOND, '%Y-%m-%d %H:%M:%S')
                AS ordered_at,
                (event % 90000 / 100.0)::DECIMAL(9, 2) AS total, 'EUR' AS currency,
                'sku' || ((event + line * 131) % 20000) AS p_id, 'Product ' || ((event + line * 131) % 20000) AS p_name,
                (event % 9000 / 100.0)::DECIMAL(9, 2) AS p_netprice, 1 + line AS p_quantity
            FROM range({events}) AS e(event), range({lines}) AS l(line) ORDER BY event, line
        ) TO '{file}' (FORMAT csv)
        """
    )


def _script(sshd: Sshd, file: Path, work: Path) -> float:
    local = work / "fetched.csv"
    settle()
    seconds = timed("fetch", lambda: sftp_get(sshd, file, local))
    return seconds + timed("insert", lambda: _insert(work / "script.duckdb", local))


def _insert(target: Path, file: Path) -> None:
    with duckdb.connect(str(target)) as con:
        con.execute(SCRIPT.format(file=file))


def _counted(data: Path, script: Path) -> tuple[int, ...]:
    """Events and items of both."""
    found: list[int] = []
    for path, tables in (
        (data / "warehouse" / "warehouse.duckdb", ("events_order", "events_order_product")),
        (script, ("orders", "items")),
    ):
        with duckdb.connect(str(path), read_only=True) as con:
            found += [con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in tables]
    return tuple(found)
