"""Folds landed batches into the warehouse: appends what comes after everything folded, else replays.

One process at a time does this, behind the warehouse's lock. A batch's rows, its outcome and its place in
the order commit in one transaction, so that a fold that dies is simply done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import SnapshotError
from cdp_assets.faults import step
from cdp_assets.flows.fit_columns import fit_tables, need_replay, wanted_shape
from cdp_assets.flows.fold_pass import Folding, rows_of, told_of
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.keep_out import keep_out
from cdp_assets.flows.ledger import ledger_entries, note_folded, prepare_schemas, register, told_states
from cdp_assets.flows.look_tables import Facts, table_facts
from cdp_assets.flows.plan_order import Plan, plan_order
from cdp_assets.flows.plan_passes import Placed, cut_into_passes
from cdp_assets.flows.replay import replay
from cdp_assets.flows.snapshot_files import remove_snapshots
from cdp_assets.flows.snapshots import Snapshots
from cdp_assets.flows.superseded import superseded_since
from cdp_assets.flows.withdrawals import withdrawn_versions
from cdp_assets.sql import ledger
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import Database

PASS_MEMORY = 3 << 30
"""Bytes of memory for a pass, whatever the size of the warehouse: more would only hold blocks that were read once."""
MEMORY_PER_BYTE = 20
"""What each byte of its packed batches adds to that."""


@dataclass(frozen=True)
class FoldResult:
    """What a fold did."""

    folded: tuple[dict[str, object], ...]
    """Ledger rows of the batches whose rows came in now for the first time, in order."""
    left_out: tuple[dict[str, object], ...]
    """Ledger rows of batches that were new to this fold and do not count, with their note."""
    replayed: bool
    """Whether the warehouse was rebuilt, because a batch came before one already in."""
    profiles: int
    """Profiles in the warehouse now."""
    refolded: int
    """Batches that were folded for it, as no snapshot had them; 0 where nothing was rebuilt."""
    problems: tuple[str, ...]
    """What was wrong with snapshots; the fold did without them."""
    facts: Facts
    """What stands in the tables of events, products and groups now."""
    superseded: dict[str, str]
    """Batch folded now → a sentence on the earlier one, counting till then, whose place it takes."""
    changed: tuple[dict[str, object], ...]
    """Ledger rows of other batches whose state is not what Dagster was told last, as after a withdrawal."""
    states: dict[str, str]
    """What there is to tell now, for `note_told`."""
    news: bool
    """Whether anything of it was not told yet."""


def fold_batches(
    database: Database, model: CustomerModelConfig, folders: DataFolders, now: datetime, *, rebuild: bool = False
) -> FoldResult:
    """Brings the warehouse up to date with the landing folder; a second call with nothing new does nothing.

    Args:
        database: the warehouse, open for writing.
        model: today's properties; the batches' own configs decide everything else.
        folders: where the batches are.
        now: recorded in the ledger as the time of the fold; nothing is derived from it.
        rebuild: replay everything even if nothing calls for it.

    Raises:
        ConfigError: the YAML author must act: a property's type no longer fits batches already landed.
        WarehouseError: we must act; nothing of the failed pass is in.
    """
    prepare_schemas(database)
    keep_out(database, folders)
    known = {batch_id for (batch_id,) in database.rows(ledger.REGISTERED)}
    batches = register(database, folders)
    fresh = batches.keys() - known
    step("fold: registered")
    plan = plan_order([manifest for manifest, _ in batches.values()], withdrawn_versions(folders))
    shape = wanted_shape(model, plan.current)
    done = [batch_id for (batch_id,) in database.rows(ledger.FOLDED)]
    already = set(done)
    wanted = [manifest.batch_id for manifest in plan.current]
    replays = rebuild or wanted[: len(done)] != done or need_replay(database, shape, plan.current[: len(done)])
    placed = [Placed(place, *batches[batch_id]) for place, batch_id in enumerate(wanted, start=1)]
    if rebuild:
        remove_snapshots(folders)
    store = Snapshots(database, folders, model.snapshots, placed, shape)
    folding = Folding(database, plan, now, replays)
    if replays:
        refolded = replay(database, folding, shape, placed, store)
    else:
        refolded = 0
        fit_tables(database, shape)
        _append(database, folding, placed, len(done), store)
    _note_left_out(database, plan)
    folded = [batch_id for batch_id in wanted if batch_id not in already]
    left_out = [batch_id for batch_id in fresh if batch_id in plan.left_out]
    profiles, facts = _count(database, Sql("main.profiles")), table_facts(database, shape)
    states = note_folded(database, folders, {"profiles": profiles, **facts.row_counts()})
    told = told_states(folders) or states
    return FoldResult(
        ledger_entries(database, folded),
        ledger_entries(database, left_out),
        replays and bool(done),
        profiles,
        refolded,
        tuple(store.problems),
        facts,
        superseded_since(database, now),
        ledger_entries(
            database, sorted({name for name in batches if told.get(name) != states[name]} - {*folded, *left_out})
        ),
        states,
        bool(folded or left_out) or told != states,
    )


def _count(database: Database, table: Sql) -> int:
    return int(database.row(sql("SELECT count(*) FROM {table}", table=table))[0])


def _append(database: Database, folding: Folding, placed: Sequence[Placed], done: int, store: Snapshots) -> None:
    """Applies what comes after everything folded, one transaction a pass."""
    folding.catch_up(placed[:done])
    progress = folding.progress(placed[done:])
    for group in cut_into_passes(placed[done:]):
        progress.begin(*told_of(group))
        packed = sum(Path(item.parquet).stat().st_size for item in group)
        database.limit_memory(PASS_MEMORY + MEMORY_PER_BYTE * packed)
        with database.transaction():
            folding.fold(group)
            step("fold: before commit")
        step("fold: committed")
        progress.add(rows_of(group))
        with suppress(SnapshotError):
            store.take_if_due(group[-1].position)


def _note_left_out(database: Database, plan: Plan) -> None:
    with database.transaction():
        for batch_id, (state, note) in plan.left_out.items():
            database.run(ledger.SET_STATE, [state, note, batch_id])
