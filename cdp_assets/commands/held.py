"""How many rows the warehouse holds: profiles, groups, events and what belongs to them."""

from __future__ import annotations

from cdp_assets.flows.folders import DataFolders
from cdp_assets.sql.event_tables import EVENT_TABLES
from cdp_assets.sql.records import GROUP_TABLES
from cdp_assets.sql.tables import LIST_MEMBERSHIPS, PRODUCTS
from cdp_assets.sql.text import ident, sql
from cdp_assets.warehouse import Database, read_copy


def held_beside(database: Database) -> dict[str, int]:
    """Table → rows: groups, events, their items, products and lists; empty ones with 0."""
    names = [name for query in (GROUP_TABLES, EVENT_TABLES) for name, _ in database.rows(query)]
    return {f"main.{name}": _count(database, name) for name in (*names, PRODUCTS.name, LIST_MEMBERSHIPS.name)}


def published_rows(folders: DataFolders) -> dict[str, int]:
    """Table → rows of the readers' copy, profiles first; empty = there is none yet."""
    if not folders.published.exists():
        return {}
    with read_copy(folders.published) as database:
        return {"main.profiles": _count(database, "profiles"), **held_beside(database)}


def _count(database: Database, name: str) -> int:
    (count,) = database.row(sql("SELECT count(*) FROM {table}", table=ident("main", name)))
    return int(count)
