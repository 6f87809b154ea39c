"""The derived tables as text that two equal warehouses share to the letter.

Ids are replaced by the key of the row that made the profile, rows are sorted, and wall-clock times are left
out. Memberships are left out too: they are computed, not folded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from cdp_assets.sql import tables
from cdp_assets.sql.dumping import dump_queries, rows_digest
from cdp_assets.sql.event_tables import EVENT_TABLES
from cdp_assets.sql.records import GROUP_TABLES
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database


def canonical_dump(database: Database) -> dict[str, list[str]]:
    """Table name → its rows, each as JSON text, sorted. For tests and small warehouses: it holds all rows."""
    return {name: [row for (row,) in database.rows(query)] for name, query in _queries(database).items()}


def table_digests(database: Database, without: Collection[str] = ()) -> dict[str, tuple[int, str]]:
    """Table name → number of its canonical rows and one digest of them, worked out in the engine.

    `without`: columns of `profiles` that do not count, tables of events and groups, and columns of such as
    `table.column`.
    """
    found = {}
    for name, query in _queries(database, without).items():
        count, digest = database.row(rows_digest(query))
        found[name] = (int(count), str(digest))
    return found


def property_columns(database: Database) -> list[str]:
    """The columns of `profiles` that hold properties."""
    own = {column.name for column in tables.PROFILE_COLUMNS}
    names = database.rows(
        Sql(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'main'"
            " AND table_name = 'profiles' ORDER BY column_name"
        )
    )
    return [name for (name,) in names if name not in own]


def _queries(database: Database, without: Collection[str] = ()) -> dict[str, Sql]:
    events, groups = (
        {
            table: [column for column in columns if f"{table}.{column}" not in without]
            for table, columns in database.rows(query)
            if table not in without
        }
        for query in (EVENT_TABLES, GROUP_TABLES)
    )
    return dump_queries([name for name in property_columns(database) if name not in without], events, groups)


def dump_digest(database: Database) -> str:
    """One digest of the canonical dump."""
    state = hashlib.sha256()
    for table, rows in sorted(canonical_dump(database).items()):
        state.update(f"{table}\n".encode())
        for row in rows:
            state.update(f"{row}\n".encode())
    return state.hexdigest()
