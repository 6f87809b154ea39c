"""Folds landed batches into the warehouse: appends what comes after everything folded, else replays.

One process at a time does this, behind the warehouse's lock. A batch's rows, its outcome and its place in
the order commit in one transaction, so that a fold that dies is simply done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property
from cdp_assets.errors import ConfigError, WarehouseError
from cdp_assets.faults import step
from cdp_assets.flows.apply_pass import Fates, Placed, apply_pass, cut_into_passes
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import note_folded, prepare_schemas, register
from cdp_assets.flows.manifests import Manifest
from cdp_assets.flows.plan_order import Plan, plan_order
from cdp_assets.flows.withdrawals import withdrawn_versions
from cdp_assets.sql import ledger, schema, tables
from cdp_assets.sql.replaying import keep_published_ids, remember_published_ids
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

Batches = dict[str, tuple[Manifest, Path]]


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
    known = {batch_id for (batch_id,) in database.rows(ledger.REGISTERED)}
    batches = register(database, folders)
    fresh = batches.keys() - known
    step("fold: registered")
    plan = plan_order([manifest for manifest, _ in batches.values()], withdrawn_versions(folders))
    properties = _columns(model, plan)
    done = [batch_id for (batch_id,) in database.rows(ledger.FOLDED)]
    already = set(done)
    wanted = [manifest.batch_id for manifest in plan.current]
    replay = rebuild or wanted[: len(done)] != done
    placed = [Placed(place, *batches[batch_id]) for place, batch_id in enumerate(wanted, start=1)]
    if replay:
        _replay(database, properties, placed, plan, now)
    else:
        _add_missing_columns(database, properties)
        _append(database, placed, len(done), plan, now)
    _note_left_out(database, plan)
    note_folded(database, folders)
    (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
    return FoldResult(
        _entries(database, [batch_id for batch_id in wanted if batch_id not in already]),
        _entries(database, [batch_id for batch_id in fresh if batch_id in plan.left_out]),
        replay and bool(done),
        int(profiles),
    )


def _entries(database: Database, batch_ids: Sequence[str]) -> tuple[dict[str, object], ...]:
    names = [column.name for column in tables.BATCHES.columns]
    rows = database.rows(ledger.batch_counts(batch_ids))
    return tuple(dict(zip(names, row, strict=True)) for row in rows)


def _columns(model: CustomerModelConfig, plan: Plan) -> list[Property]:
    """Today's properties, and identifiers that only older batches know; types must agree with all batches."""
    columns = {prop.name: prop for prop in model.properties}
    clashes: dict[tuple[str, str, str], str] = {}
    for manifest in plan.current:
        config = manifest.config
        known = {identifier.property for identifier in config.goal.identifier_columns}
        for prop in config.properties:
            column = columns.setdefault(prop.name, prop) if prop.name in known else columns.get(prop.name)
            if column is not None and column.type_signature != prop.type_signature:
                clashes[(prop.name, column.type_signature, prop.type_signature)] = config.goal_id.replace("/", " ")
    if clashes:
        message = "; ".join(
            f"property {name} is {today}, but files of {goal} were imported while it was {then}:"
            f" run `python -m cdp_assets reland {goal}` or change the type back"
            for (name, today, then), goal in sorted(clashes.items())
        )
        raise ConfigError(message)
    return list(columns.values())


def _add_missing_columns(database: Database, properties: Sequence[Property]) -> None:
    """Makes `profiles`, or gives it the columns of new properties, in a transaction of its own."""
    table = tables.profiles_table(properties)
    present = {
        name
        for (name,) in database.rows(
            Sql(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'main' AND table_name = 'profiles'"
            )
        )
    }
    with database.transaction():
        if not present:
            for statement in schema.create_table(table):
                database.run(statement)
            return
        for column in table.columns:
            for statement in [] if column.name in present else schema.add_column(table, column):
                database.run(statement)


def _append(database: Database, placed: Sequence[Placed], done: int, plan: Plan, now: datetime) -> None:
    """Applies what comes after everything folded, one transaction a pass."""
    earlier = {item.manifest.batch_id: item for item in placed[:done]}
    for group in cut_into_passes(placed[done:]):
        with database.transaction():
            _fold_pass(database, group, earlier, plan, now, replaying=False)
            step("fold: before commit")
        step("fold: committed")
        earlier |= {item.manifest.batch_id: item for item in group}


def _replay(
    database: Database, properties: Sequence[Property], placed: Sequence[Placed], plan: Plan, now: datetime
) -> None:
    """Rebuilds the derived tables from all batches, in one transaction: old or new, never between."""
    with database.transaction():
        remember = _has_profiles(database)
        for statement in remember_published_ids() if remember else []:
            database.run(statement)
        for table in (tables.profiles_table(properties), *tables.DERIVED):
            for statement in schema.create_table(table, replace=True):
                database.run(statement)
        database.run(ledger.CLEAR_POSITIONS)
        database.run(Sql("DELETE FROM ops.identity_conflicts"))
        earlier: dict[str, Placed] = {}
        for group in cut_into_passes(placed):
            _fold_pass(database, group, earlier, plan, now, replaying=True)
            earlier |= {item.manifest.batch_id: item for item in group}
        for statement in keep_published_ids() if remember else []:
            database.run(statement)
        step("fold: before the replay's commit")
    step("fold: replay committed")


def _has_profiles(database: Database) -> bool:
    found = database.rows(
        Sql("SELECT 1 FROM information_schema.tables WHERE table_schema = 'main' AND table_name = 'profiles'")
    )
    return bool(found)


def _fold_pass(
    database: Database,
    group: Sequence[Placed],
    earlier: dict[str, Placed],
    plan: Plan,
    now: datetime,
    *,
    replaying: bool,
) -> None:
    indexed = frozenset(
        identifier.property for item in earlier.values() for identifier in item.manifest.config.goal.identifier_columns
    )
    fates = {fate.position: fate for fate in apply_pass(database, group, indexed, earlier)}
    for item in group:
        _enter_outcome(database, item, fates[item.position], plan, now, replaying=replaying)


def _enter_outcome(
    database: Database, item: Placed, fates: Fates, plan: Plan, now: datetime, *, replaying: bool
) -> None:
    batch_id = item.manifest.batch_id
    counts = [fates.created, fates.modified, fates.unchanged, fates.not_found]
    database.run(ledger.SET_POSITION, [item.position, plan.warnings.get(batch_id, ""), batch_id])
    database.run(ledger.FIRST_COUNTS, [*counts, now, batch_id])
    if replaying:
        database.run(ledger.REPLAY_COUNTS, [*counts, batch_id])
    manifest = item.manifest
    accounted = sum(counts) + manifest.rows_no_identifier + manifest.rows_rejected + manifest.rows_filtered
    if accounted != manifest.rows_received:
        message = (
            f"{manifest.name}: {manifest.rows_received} rows came in, {accounted} are accounted for;"
            " nothing of this file was applied"
        )
        raise WarehouseError(message)


def _note_left_out(database: Database, plan: Plan) -> None:
    with database.transaction():
        for batch_id, (state, note) in plan.left_out.items():
            database.run(ledger.SET_STATE, [state, note, batch_id])
