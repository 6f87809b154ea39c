"""Compares the warehouse with what all batches give when they are folded anew; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.flows.canonical_dump import property_columns, table_digests
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.mirror import mirrored
from cdp_assets.flows.snapshots import only_used
from cdp_assets.warehouse import open_warehouse


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
        before = table_digests(database, hidden)
        fold_batches(database, only_used(model), mirror, now, rebuild=True)
        after = table_digests(database, hidden)
    return [Compared(name, *_counts(before[name], after[name])) for name in before]


def _counts(before: tuple[int, str], after: tuple[int, str]) -> tuple[int, int, bool]:
    return before[0], after[0], before == after
