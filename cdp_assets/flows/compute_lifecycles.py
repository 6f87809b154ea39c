"""Computes lifecycles: in which stage everybody is now, who entered, who left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.faults import step
from cdp_assets.flows.compute_segments import RUNS_SHOWN
from cdp_assets.sql.conditions import Moment
from cdp_assets.sql.lifecycles import HISTORY, IS_CURRENT, refresh_members, scan
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


def lifecycle_is_current(database: Database, lifecycle: Lifecycle) -> bool:
    """Whether it was computed since the last fold, as it is written now."""
    found = database.rows(IS_CURRENT, [lifecycle.definition, lifecycle.id])
    return bool(found) and bool(found[0][0])


def compute_lifecycle(database: Database, lifecycle: Lifecycle, at: Moment, *, with_now: bool) -> LifecycleResult:
    """Brings a lifecycle up to date, in one transaction. `with_now`: its SQL asks for the start of the run."""
    database.run(scan(lifecycle, at), {RUN_START: at.now} if with_now else ())
    with database.transaction():
        for statement in refresh_members(lifecycle, at.now):
            database.run(statement)
        (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
        step("lifecycle: before commit")
    step("lifecycle: committed")
    history = [Staged(*row) for row in database.rows(HISTORY, [lifecycle.id, RUNS_SHOWN])]
    return LifecycleResult(history[0], int(profiles), tuple(history[::-1]))
