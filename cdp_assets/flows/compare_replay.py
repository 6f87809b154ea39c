"""Compares the warehouse with what all batches give when they are folded anew; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.events import STANDARD_TYPES, whole_types
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.flows.canonical_dump import property_columns, table_digests
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.mirror import mirrored
from cdp_assets.flows.snapshots import only_used
from cdp_assets.sql.event_tables import EVENT_TABLES, event_tables
from cdp_assets.sql.records import GROUP_TABLES
from cdp_assets.sql.schema import Table
from cdp_assets.sql.tables import groups_table
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, open_warehouse


@dataclass(frozen=True)
class Compared:
    """One derived table, as it is and as a replay makes it."""

    table: str
    rows: int
    replayed_rows: int
    equal: bool
    """Whether the canonical rows are the same, ids and wall-clock times aside."""


def compare_replay(model: CustomerModelConfig, folders: DataFolders, now: datetime) -> list[Compared]:
    """Folds what waits and then everything anew, in a mirror of the data folder, and compares the two.

    Needs as much room as the warehouse, and about the time of a replay; nobody is kept waiting but for the copy.

    Raises:
        WarehouseBusyError: nobody need act: another process was writing for very long.
    """
    with mirrored(folders) as mirror, open_warehouse(mirror.warehouse, temporary=mirror.spill) as database:
        fold_batches(database, only_used(model), mirror, now)
        # A column whose property is no longer in the YAML is hidden, and the replay may drop it.
        hidden = set(property_columns(database)) - {prop.name for prop in model.properties}
        hidden |= _hidden(database, EVENT_TABLES, event_tables(whole_types(model.event_types, STANDARD_TYPES)))
        hidden |= _hidden(
            database, GROUP_TABLES, [groups_table(kind.id, kind.properties) for kind in model.group_types]
        )
        before = table_digests(database, hidden)
        fold_batches(database, only_used(model), mirror, now, rebuild=True)
        after = table_digests(database, hidden)
    return [Compared(name, *_counts(before[name], after[name])) for name in before]


def _hidden(database: Database, there: Sql, today: Sequence[Table]) -> set[str]:
    """Tables of events or groups, and columns of such, that stand in no type of today."""
    wanted = {table.name: table for table in today}
    hidden = set()
    for name, columns in database.rows(there):
        if name not in wanted:
            hidden.add(name)
            continue
        own = {column.name for column in wanted[name].columns}
        hidden |= {f"{name}.{column}" for column in columns if column not in own}
    return hidden


def _counts(before: tuple[int, str], after: tuple[int, str]) -> tuple[int, int, bool]:
    return before[0], after[0], before == after
