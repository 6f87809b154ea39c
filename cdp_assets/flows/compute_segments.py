"""Computes segments: who is in each now, who joined, who left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.segments import Segment
from cdp_assets.faults import step
from cdp_assets.sql.conditions import Moment
from cdp_assets.sql.segments import HISTORY, IS_CURRENT, refresh_members, scan
from cdp_assets.sql.text import Sql
from cdp_assets.sql.written import RUN_START
from cdp_assets.warehouse import Database

RUNS_SHOWN = 90


@dataclass(frozen=True)
class Computed:
    """What one computation of a segment found."""

    at: datetime
    size: int
    joined: int
    left: int


@dataclass(frozen=True)
class SegmentResult:
    """The latest computation of a segment."""

    size: int
    joined: int
    left: int
    profiles: int
    """Profiles in the warehouse, for the share."""
    history: tuple[Computed, ...] = ()
    """The last computations, this one at the end."""


def segment_is_current(database: Database, segment: Segment) -> bool:
    """Whether it was computed since the last fold, as it is written now."""
    found = database.rows(IS_CURRENT, [segment.definition, segment.name])
    return bool(found) and bool(found[0][0])


def compute_segments(
    database: Database, segments: Sequence[Segment], at: Moment, *, with_now: bool
) -> dict[str, SegmentResult]:
    """Brings segments up to date, each in one transaction, after one scan for all. They may need those before them.

    `with_now`: their SQL asks for the start of the run.
    """
    database.run(scan(segments, at), {RUN_START: at.now} if with_now else ())
    return {segment.name: _refresh(database, segment, at.now) for segment in segments}


def _refresh(database: Database, segment: Segment, now: datetime) -> SegmentResult:
    with database.transaction():
        for statement in refresh_members(segment, now):
            database.run(statement)
        (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
        step("select: before commit")
    step("select: committed")
    history = [Computed(*row) for row in database.rows(HISTORY, [segment.name, RUNS_SHOWN])]
    return SegmentResult(history[0].size, history[0].joined, history[0].left, int(profiles), tuple(history[::-1]))
