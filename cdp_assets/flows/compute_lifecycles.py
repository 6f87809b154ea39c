"""Computes lifecycles: in which stage everybody is now, who entered, who left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import ConfigError, Problem
from cdp_assets.faults import step
from cdp_assets.flows.check_written import Written, read_written
from cdp_assets.flows.compute_segments import RUNS_SHOWN, SegmentResult, compute_segments, require_columns
from cdp_assets.sql.conditions import Moment
from cdp_assets.sql.lifecycles import HISTORY, refresh_members, scan
from cdp_assets.sql.segments import TABLES
from cdp_assets.sql.text import Sql
from cdp_assets.sql.written import RUN_START
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class Staged:
    """What one computation of a lifecycle found."""

    at: datetime
    size: int
    """Profiles in it, in a stage or not; not those that have completed it."""
    entered: int
    left: int
    not_assigned: int
    completed: int
    stages: Mapping[str, int]
    """Profiles in each stage, as the stages were then."""


@dataclass(frozen=True)
class LifecycleResult:
    """The latest computation of a lifecycle."""

    now: Staged
    profiles: int
    """Profiles in the warehouse, for the share."""
    history: tuple[Staged, ...] = ()
    """The last computations, this one at the end."""


def compute_lifecycles(
    database: Database, model: CustomerModelConfig, ids: Collection[str], now: datetime
) -> tuple[dict[str, LifecycleResult], dict[str, SegmentResult]]:
    """Brings the lifecycles of these ids up to date, each in one transaction, and before them what they need.

    Segments they ask for are computed where they are out of date; the second result tells of these. Again without
    changes: nobody enters or leaves. Where SQL is written, the database reaches no other file from here on.

    Raises:
        ConfigError: the author of the YAML must act: what is written as SQL is no condition.
        WarehouseError: likewise, if that SQL fails on the profiles there are; else we.
    """
    lifecycles = [lifecycle for lifecycle in model.lifecycles if lifecycle.id in ids]
    needed = {name for lifecycle in lifecycles for name in lifecycle.needs}
    segments = compute_segments(database, model, (), now, anew=False, also=needed)
    for lifecycle in lifecycles:
        require_columns(database, f"lifecycle {lifecycle.id}", lifecycle.properties)
    written = read_written(database, [(item.id, text) for item in lifecycles for _, text in item.written])
    if written.mistakes:
        raise ConfigError([Problem("", 0, f"lifecycle {name}: sql {told}") for name, told in written.mistakes])
    if any(lifecycle.written for lifecycle in lifecycles):
        database.shut_out_files()
    return {item.id: _compute(database, model, item, written, now) for item in lifecycles}, segments


def _compute(
    database: Database, model: CustomerModelConfig, lifecycle: Lifecycle, written: Written, now: datetime
) -> LifecycleResult:
    at = Moment(model, now, tables={name for (name,) in database.rows(TABLES)}, selects=written.selects)
    database.run(scan(lifecycle, at), {RUN_START: now} if lifecycle.id in written.with_now else ())
    with database.transaction():
        for statement in refresh_members(lifecycle, now):
            database.run(statement)
        (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
        step("lifecycle: before commit")
    step("lifecycle: committed")
    history = [Staged(*row) for row in database.rows(HISTORY, [lifecycle.id, RUNS_SHOWN])]
    return LifecycleResult(history[0], int(profiles), tuple(history[::-1]))
