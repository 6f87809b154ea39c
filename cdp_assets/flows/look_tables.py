"""What stands in the tables of events and products, for people: rows, columns and a few rows, masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cdp_assets.flows.fit_columns import Shape
from cdp_assets.flows.import_files import masked
from cdp_assets.sql import tables
from cdp_assets.sql.schema import Table
from cdp_assets.sql.text import ident, joined, literal, sql
from cdp_assets.warehouse import Database

SAMPLE = 5
"""Rows of a table that are shown."""


@dataclass(frozen=True)
class TableFacts:
    """One table as it is."""

    name: str
    rows: int
    columns: tuple[str, ...]
    """Those of the sample."""
    sample: tuple[tuple[str, ...], ...]
    """Texts are masked, the profile is left out."""


def event_facts(database: Database, shape: Shape) -> tuple[TableFacts, ...]:
    """The tables of events, and that of products."""
    return tuple(_facts(database, table) for table in (*shape.event_tables, tables.PRODUCTS))


def _facts(database: Database, table: Table) -> TableFacts:
    (rows,) = database.row(sql("SELECT count(*) FROM {table}", table=table.path))
    columns = [column.name for column in table.columns if column.name != "profile_id"]
    named = joined(", ", [ident(name) for name in columns])
    # Which rows these are does not matter; nothing is worth sorting all of them for.
    found = database.rows(
        sql("SELECT {named} FROM {table} LIMIT {n}", named=named, table=table.path, n=literal(SAMPLE))
    )
    return TableFacts(table.name, int(rows), tuple(columns), tuple(tuple(map(_shown, row)) for row in found))


def _shown(value: object) -> str:
    """A value for people: texts masked, also those of a list."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " | ".join(map(_shown, value))
    if isinstance(value, str):
        return masked(value)
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
