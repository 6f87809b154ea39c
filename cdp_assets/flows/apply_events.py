"""Applies the events of one pass, once its rows have found their profiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.faults import step
from cdp_assets.sql import event_moves, events, products
from cdp_assets.sql.event_landing import STORE_FIELD, event_file
from cdp_assets.sql.event_tables import EVENT_TABLES
from cdp_assets.sql.events import Columns, EventsFile
from cdp_assets.sql.text import Sql, ident
from cdp_assets.warehouse import Database


@dataclass
class EventFates:
    """What became of the events of one batch that were not rejected."""

    created: int = 0
    set: int = 0
    """Written anew, as their key was there already."""
    dropped: int = 0
    """Their rows found no profile."""


def event_files(config: BatchConfig, folders: Sequence[Path], kind: str | None = None) -> list[EventsFile]:
    """The files of events of a pass's batches, in order; those of one type only."""
    return [
        EventsFile(number, entry, str(folder / event_file(entry)), not config.goal.files.linked, event.product_store)
        for number, folder in enumerate(folders)
        for entry, event in enumerate(config.goal.events)
        if kind in {None, event.type}
    ]


def move_events(database: Database) -> None:
    """Gives the events of profiles that the pass replaced to those they are now."""
    there = _tables(database)
    products_of = {source.table: source.items for source in products.sources(there)}
    database.run(products.NONE_TOUCHED)
    for of in event_moves.tables_by_type(there):
        database.run(event_moves.make_losers(of))
        if of.own in products_of and database.rows(_SOME_OLD):
            database.run(products.touch_old(of.paths[0], ident("main", products_of[of.own])))
        for statement in event_moves.move_events(of):
            database.run(statement)
    _renew_products(database, there)


def _tables(database: Database) -> dict[str, Collection[str]]:
    """The tables of events with their columns."""
    return {name: frozenset(names) for name, names in database.rows(EVENT_TABLES)}


def _renew_products(database: Database, there: dict[str, Collection[str]]) -> None:
    if database.rows(Sql("SELECT 1 FROM products_touched LIMIT 1")):
        for statement in products.renew(products.sources(there)):
            database.run(statement)


_SOME_OLD = Sql("SELECT 1 FROM event_old LIMIT 1")


def apply_events(database: Database, config: BatchConfig, folders: Sequence[Path]) -> dict[int, EventFates]:
    """Writes the events of the pass's batches and the products they touch; position → what became of them.

    Args:
        database: the warehouse, in a transaction, with `batch_rows`, `key_targets` and for a full file `applied`.
        config: the pass's goal.
        folders: those of its batches, in order.
    """
    fates: dict[int, EventFates] = defaultdict(EventFates)
    if not config.goal.events:
        return fates
    there = _tables(database)
    database.run(products.NONE_TOUCHED)
    for kind in config.event_types:
        columns = events.columns_there(kind, there)
        if columns is not None:
            _apply_type(database, config, columns, event_files(config, folders, kind.id), fates)
    for position, dropped in database.rows(events.dropped_events(event_files(config, folders))):
        fates[position].dropped += dropped
    step("fold: events written")
    _renew_products(database, there)
    return fates


def _apply_type(
    database: Database,
    config: BatchConfig,
    columns: Columns,
    files: Sequence[EventsFile],
    fates: dict[int, EventFates],
) -> None:
    database.run(events.make_event_rows(config, columns, files))
    for statement in events.make_keys(columns):
        database.run(statement)
    for position, created, again in database.rows(events.event_fates()):
        fates[position].created += created
        fates[position].set += again
    database.run(events.make_new(columns, brought_fields(config, columns.kind.id)))
    nested = products.nested_of(columns)
    if database.rows(_SOME_OLD):
        if nested is not None:
            database.run(products.touch_old(columns.table, columns.items(nested)))
        for statement in events.delete_old(columns):
            database.run(statement)
    if nested is not None:
        database.run(products.TOUCH_NEW)
    for statement in events.insert_new(columns):
        database.run(statement)


def brought_fields(config: BatchConfig, kind: str) -> frozenset[str] | None:
    """Keys of the fields that the goal's columns can bring; None = any, as columns are taken by their names."""
    entries = [event for event in config.goal.events if event.type == kind]
    if any(event.all_properties for event in entries):
        return None
    stores = frozenset(STORE_FIELD for event in entries if event.product_store)
    return stores | frozenset(mapping.property for event in entries for mapping in event.mappings)
