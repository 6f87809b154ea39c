"""What people are told of the tables of events, products and groups after a fold.

Reads   main.events_<type> and of its items, main.interactions, main.products, main.groups_<type>,
        main.groups_<type>_members
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.sql.schema import Table
from cdp_assets.sql.tables import PRODUCTS
from cdp_assets.sql.text import Sql, comma, ident, literal, sql


def count_of(table: Table) -> Sql:
    """Its rows."""
    return sql("SELECT count(*) FROM {table}", table=table.path)


def some_rows(table: Table, columns: Sequence[str], most: int) -> Sql:
    """A few rows, whichever come first."""
    return sql(
        "SELECT {columns} FROM {table} LIMIT {most}",
        columns=comma(ident(name) for name in columns),
        table=table.path,
        most=literal(most),
    )


def period_of(table: Table, time: str) -> Sql:
    """The earliest and the latest time."""
    return sql("SELECT min({time}), max({time}) FROM {table}", time=ident(time), table=table.path)


def counts_by(table: Table, column: str, most: int) -> Sql:
    """Values of a column with their rows, those with the most first."""
    return sql(
        "SELECT {column}, count(*) FROM {table} GROUP BY {column}"
        " ORDER BY count(*) DESC, {column} NULLS LAST LIMIT {most}",
        column=ident(column),
        table=table.path,
        most=literal(most),
    )


def most_ordered(columns: Sequence[str], most: int) -> Sql:
    """The products that were ordered most."""
    return sql(
        "SELECT {columns} FROM {table} ORDER BY ordered DESC NULLS LAST, store, product_id LIMIT {most}",
        columns=comma(ident(name) for name in columns),
        table=PRODUCTS.path,
        most=literal(most),
    )


def group_numbers(table: Table) -> Sql:
    """Groups; those without members; profiles that belong to one; ids nobody told of; profiles that name one."""
    return sql(
        "SELECT (SELECT count(*) FROM {groups}),"
        " (SELECT count(*) FROM {groups} ANTI JOIN {members} USING (group_id)),"
        " count(DISTINCT profile_id) FILTER (NOT is_dangling), count(DISTINCT group_id) FILTER (is_dangling),"
        " count(DISTINCT profile_id) FILTER (is_dangling) FROM {members}",
        groups=table.path,
        members=_members(table),
    )


def largest_groups(table: Table, columns: Sequence[str], most: int) -> Sql:
    """Number of members and columns of the groups with the most of them."""
    return sql(
        "SELECT sizes.members, {columns} FROM (SELECT group_id, count(DISTINCT profile_id) AS members FROM {view}"
        " WHERE NOT is_dangling GROUP BY group_id ORDER BY count(DISTINCT profile_id) DESC, group_id LIMIT {most})"
        " AS sizes JOIN {groups} AS held ON held.group_id = sizes.group_id ORDER BY sizes.members DESC, sizes.group_id",
        columns=comma(ident("held", name) for name in columns),
        view=_members(table),
        groups=table.path,
        most=literal(most),
    )


def _members(table: Table) -> Sql:
    return ident("main", f"{table.name}_members")
