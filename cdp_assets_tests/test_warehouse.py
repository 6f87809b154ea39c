"""The door to DuckDB keeps rows visible that one transaction writes in several statements."""

from __future__ import annotations

import pytest

from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse

NONE = "INSERT INTO t SELECT n FROM empty"
MANY = "INSERT INTO t SELECT n FROM many"
FEW = "INSERT INTO t SELECT n FROM many LIMIT 10"
DELETED = "DELETE FROM t WHERE n = 5"
SEQUENCES = [
    ([NONE, MANY], 200_000),
    ([NONE, MANY, FEW], 200_010),
    ([NONE, MANY, DELETED], 199_999),
    ([MANY, NONE, MANY], 400_000),
    ([MANY, DELETED, NONE, MANY], 399_999),
]


def after(path, statements, *, in_order: bool) -> int:
    """How many rows the statements leave, told in the session that ran them."""
    with open_warehouse(path) as database:
        if in_order:
            database.run(Sql("SET preserve_insertion_order = true"))
        database.run(Sql("CREATE TABLE t (n BIGINT)"))
        database.run(Sql("CREATE TABLE empty (n BIGINT)"))
        database.run(Sql("CREATE TABLE many AS SELECT range AS n FROM range(200000)"))
        with database.transaction():
            for statement in statements:
                database.run(Sql(statement))
        return database.row(Sql("SELECT count(*) FROM t"))[0]


@pytest.mark.parametrize(("statements", "rows"), SEQUENCES)
def test_rows_written_after_an_insert_without_rows_are_there(tmp_path, statements, rows):
    assert after(tmp_path / "warehouse.duckdb", statements, in_order=False) == rows


def test_the_engine_still_needs_leave_to_forget_the_order_of_rows(tmp_path):
    """If this fails, the setting in `open_warehouse` can go."""
    assert after(tmp_path / "warehouse.duckdb", [NONE, MANY, DELETED], in_order=True) != 199_999
