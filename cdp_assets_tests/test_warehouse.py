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


def test_a_memory_limit_is_never_more_than_the_engine_takes_by_itself(tmp_path):
    allowed = Sql("SELECT parse_formatted_bytes(current_setting('memory_limit'))")
    with open_warehouse(tmp_path / "warehouse.duckdb") as database:
        (own,) = database.row(allowed)
        database.limit_memory(200 << 20)
        assert database.row(allowed) == (200 << 20,)
        database.limit_memory(300 << 20)
        assert database.row(allowed) == (300 << 20,)
        database.limit_memory(1 << 60)
        assert 0.98 * own < database.row(allowed)[0] <= own, "told in rounded gigabytes"


def test_what_does_not_fit_into_a_memory_limit_is_spilled(tmp_path):
    sorted_rows = Sql("SELECT sum(hash(t)) FROM (SELECT * FROM range(2000000) AS r(t) ORDER BY hash(t))")
    grouped = Sql("SELECT count(*) FROM (SELECT md5(t::VARCHAR) AS m, count(*) FROM range(2000000) AS r(t) GROUP BY m)")
    with open_warehouse(tmp_path / "warehouse.duckdb", temporary=tmp_path / "spill") as database:
        wanted = [database.row(query) for query in (sorted_rows, grouped)]
        database.limit_memory(60 << 20)
        assert [database.row(query) for query in (sorted_rows, grouped)] == wanted
