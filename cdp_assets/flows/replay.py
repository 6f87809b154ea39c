"""Rebuilds the derived tables, from the last snapshot whose batches are still the first ones, else from nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.errors import SnapshotError
from cdp_assets.faults import step
from cdp_assets.flows.fit_columns import Shape, drop_other_tables, make_views
from cdp_assets.flows.fold_pass import Folding, rows_of, told_of
from cdp_assets.flows.plan_passes import Placed, cut_into_passes
from cdp_assets.flows.snapshots import Snapshots
from cdp_assets.sql import ledger, schema, tables
from cdp_assets.sql.replaying import keep_published_ids, remember_published_ids
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import Database


def replay(database: Database, folding: Folding, shape: Shape, placed: Sequence[Placed], store: Snapshots) -> int:
    """Rebuilds in one transaction: old or new, never between. Returns how many batches it folded.

    It takes snapshots on its way, so that one that is killed need not begin again where it began. A snapshot
    that cannot be read or written only makes it begin again without.
    """
    while True:
        start = store.latest
        try:
            with database.transaction():
                _rebuild(database, folding.begun_anew(), shape, placed, store)
                step("fold: before the replay's commit")
        except SnapshotError:
            continue
        step("fold: replay committed")
        return len(placed) - start


def _rebuild(database: Database, folding: Folding, shape: Shape, placed: Sequence[Placed], store: Snapshots) -> None:
    remember = _has_profiles(database)
    for statement in remember_published_ids() if remember else []:
        database.run(statement)
    for table in (*shape.tables, *tables.DERIVED):
        for statement in schema.create_table(table, replace=True):
            database.run(statement)
    drop_other_tables(database, shape)
    make_views(database, shape, anew=True)
    for table in tables.FOUND:
        database.run(sql("DELETE FROM {table}", table=table.path))
    database.run(ledger.CLEAR_POSITIONS)
    start = store.latest
    if start:
        store.load(start, folding.now)
    folding.catch_up(placed[:start])
    folding.tell_warnings(placed[:start])
    progress = folding.progress(placed[start:])
    for group in cut_into_passes(placed[start:]):
        progress.begin(*told_of(group))
        folding.fold(group)
        progress.add(rows_of(group))
        store.take_if_due(group[-1].position)
    for statement in keep_published_ids(shape.event_tables) if remember else []:
        database.run(statement)


def _has_profiles(database: Database) -> bool:
    found = database.rows(
        Sql("SELECT 1 FROM information_schema.tables WHERE table_schema = 'main' AND table_name = 'profiles'")
    )
    return bool(found)
