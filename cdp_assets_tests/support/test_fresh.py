"""A copied fresh warehouse is the one the product makes."""

from __future__ import annotations

from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse, scratch
from cdp_assets_tests.support.fresh import fill_fresh, make_fresh

HELD = [
    "SELECT schema_name, comment FROM duckdb_schemas()",
    "SELECT schema_name, table_name, comment, sql FROM duckdb_tables()",
    "SELECT schema_name, view_name, comment, sql FROM duckdb_views()",
    "SELECT COLUMNS('schema_name|table_name|column_.*|comment|data_type') FROM duckdb_columns()",
]


def held(database):
    ours = "WHERE database_name = current_database() AND NOT internal ORDER BY ALL"
    return [database.rows(Sql(f"{query} {ours}")) for query in HELD]


def test_both_copies_hold_what_a_warehouse_made_now_holds(tmp_path):
    make_fresh(tmp_path / "copied" / "warehouse.duckdb")
    with open_warehouse(tmp_path / "made" / "warehouse.duckdb") as made:
        prepare_schemas(made)
        expected = held(made)
    assert all(expected)
    with open_warehouse(tmp_path / "copied" / "warehouse.duckdb") as copied:
        assert held(copied) == expected
    with scratch() as filled:
        fill_fresh(filled)
        assert held(filled) == expected
