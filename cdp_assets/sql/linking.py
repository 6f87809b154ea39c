"""Linked files: which of their rows belong to each row of the root file, and their cells as lists.

Reads   cells_ready     the root's rows, processed: line_no, k<n> (cells that join, as in the file), fields
        raw_<alias>     a linked file's rows as in the file: f0, f1, … (NULL = empty), line_no if rewritten
        ready_<alias>   the same, processed: line_no, k<n>, fields
Writes  rows_<alias>    root_line, line_no: each row of the linked file once for every root row it belongs to
        lists_<alias>   root_line, l0, l1, …: the cells of those rows in the order of the file, empty ones left out
        cells_linked    cells_ready with these lists beside it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdp_assets.sql.text import Sql, Step, comma, ident, sql


@dataclass(frozen=True)
class Link:
    """How the rows of a linked file find their parents."""

    alias: str
    parent: str | None
    """Alias of the parent; None = the root file."""
    parent_place: int
    """0-based column of the parent's file."""
    place: int
    """0-based column of its own file."""


def table_of(stage: str, alias: str) -> Sql:
    """The table of a linked file at a stage: raw, ready, rows or lists."""
    return ident(f"{stage}_{alias}")


def carrying_keys(places: Sequence[int], source: str) -> Step:
    """The rows of a step with the cells that join beside them, which no processor changes."""
    keys = [sql("{field} AS {key}", field=ident(f"f{place}"), key=key_column(place)) for place in sorted(set(places))]
    return Step("with_keys", sql("SELECT {columns} FROM {rows}", columns=comma([Sql("*"), *keys]), rows=ident(source)))


def rows_of_roots(link: Link) -> Sql:
    """Makes `rows_<alias>`. Equal texts join, an empty one never does; two equal parents of one root count once."""
    parents = sql("SELECT line_no AS root_line, {key} AS k FROM cells_ready", key=key_column(link.parent_place))
    if link.parent is not None:
        parents = sql(
            "SELECT DISTINCT root_line, {key} AS k FROM {rows} JOIN {ready} USING (line_no)",
            key=key_column(link.parent_place),
            rows=table_of("rows", link.parent),
            ready=table_of("ready", link.parent),
        )
    return sql(
        "CREATE OR REPLACE TABLE {target} AS\nSELECT root_line, child.line_no\nFROM ({parents}) AS parent"
        " JOIN {ready} AS child ON parent.k = child.{key}",
        target=table_of("rows", link.alias),
        parents=parents,
        ready=table_of("ready", link.alias),
        key=key_column(link.place),
    )


def orphans(link: Link) -> Sql:
    """How many rows of a linked file name no row of their parent's file."""
    parent = Sql("raw") if link.parent is None else table_of("raw", link.parent)
    return sql(
        "SELECT count(*) FROM {child} AS child WHERE NOT EXISTS (FROM {parent} AS parent"
        " WHERE parent.{parent_field} = child.{field})",
        child=table_of("raw", link.alias),
        parent=parent,
        parent_field=ident(f"f{link.parent_place}"),
        field=ident(f"f{link.place}"),
    )


def lists_of_roots(alias: str, cells: Sequence[Sql]) -> Sql:
    """Makes `lists_<alias>` with the given columns of `ready_<alias>`."""
    lists = [
        sql("list({cell} ORDER BY line_no) FILTER ({cell} IS NOT NULL) AS {name}", cell=cell, name=ident(f"l{place}"))
        for place, cell in enumerate(cells)
    ]
    return sql(
        "CREATE OR REPLACE TABLE {target} AS\nSELECT\n    {columns}\nFROM {rows} JOIN {ready} USING (line_no)"
        "\nGROUP BY root_line",
        target=table_of("lists", alias),
        columns=comma([Sql("root_line"), *lists]),
        rows=table_of("rows", alias),
        ready=table_of("ready", alias),
    )


def list_column(alias: str, place: int) -> Sql:
    """Name of a list's column in `cells_linked`."""
    return ident(f"{alias}_l{place}")


def linked_cells(wanted: Mapping[str, int]) -> Sql:
    """Makes `cells_linked`. `wanted`: alias → how many lists it has."""
    lists = [
        sql("{table}.{place} AS {name}", table=table_of("lists", alias), place=ident(f"l{place}"), name=name)
        for alias, count in wanted.items()
        for place, name in ((place, list_column(alias, place)) for place in range(count))
    ]
    joins = [
        sql("LEFT JOIN {table} ON {table}.root_line = root.line_no", table=table_of("lists", alias)) for alias in wanted
    ]
    return sql(
        "CREATE OR REPLACE TABLE cells_linked AS\nSELECT\n    {columns}\nFROM cells_ready AS root\n{joins}"
        "\nORDER BY root.line_no",
        columns=comma([Sql("root.*"), *lists]),
        joins=Sql("\n".join(joins)),
    )


def key_column(place: int) -> Sql:
    """Name of the column that keeps a cell that joins."""
    return ident(f"k{place}")
