"""Computes segments: who is in each now, who joined, who left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.questions import PropertyCondition
from cdp_assets.config.segments import Segment
from cdp_assets.errors import ConfigError, NothingFoldedError, Problem
from cdp_assets.faults import step
from cdp_assets.flows.check_written import read_written
from cdp_assets.flows.ledger import prepare_schemas, require_profiles
from cdp_assets.sql.conditions import Moment
from cdp_assets.sql.segments import COLUMNS, HISTORY, IS_CURRENT, TABLES, refresh_members, scan
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


def compute_segments(
    database: Database,
    model: CustomerModelConfig,
    names: Collection[str],
    now: datetime,
    *,
    anew: bool = True,
    also: Collection[str] = (),
) -> dict[str, SegmentResult]:
    """Brings the named segments and those they need up to date, each in one transaction, in the order of need.

    Not `anew`: a needed one that was computed since the last fold, as it is written now, stays as it is. `also`:
    segments that something else needs, so that they count as needed ones.
    Again without changes: nobody joins or leaves. Where SQL is written, the database reaches no other file from
    here on.

    Raises:
        ConfigError: the author of the YAML must act: what is written as SQL is no condition.
        WarehouseError: likewise, if that SQL fails on the profiles there are; else we.
    """
    prepare_schemas(database)
    require_profiles(database)
    segments = _due(database, model, names, also, anew=anew)
    for segment in segments:
        asked = (leaf.property for _, leaf in segment.leaves if isinstance(leaf, PropertyCondition))
        require_columns(database, f"segment {segment.name}", asked)
    written = read_written(database, [(segment.name, text) for segment in segments for _, text in segment.written])
    if written.mistakes:
        raise ConfigError([Problem("", 0, f"segment {name}: sql {told}") for name, told in written.mistakes])
    if any(segment.written for segment in segments):
        database.shut_out_files()
    at = Moment(model, now, tables={name for (name,) in database.rows(TABLES)}, selects=written.selects)
    results: dict[str, SegmentResult] = {}
    for group in _scans(segments):
        uses_now = any(segment.name in written.with_now for segment in group)
        database.run(scan(group, at), {RUN_START: now} if uses_now else ())
        for segment in group:
            results[segment.name] = _refresh(database, segment, now)
    return results


def require_columns(database: Database, owner: str, asked: Iterable[str]) -> None:
    """A property that is new in the YAML gets its column at the next fold, whatever waits for it.

    `owner`: who asks for these properties.

    Raises:
        NothingFoldedError: nobody need act, but for letting the fold run.
    """
    there = {name for (name,) in database.rows(COLUMNS)}
    if missing := sorted(set(asked) - there):
        message = f"{owner} asks for {', '.join(missing)}, new in the YAML: let the fold run first"
        raise NothingFoldedError(message)


def _due(
    database: Database, model: CustomerModelConfig, names: Collection[str], also: Collection[str], *, anew: bool
) -> tuple[Segment, ...]:
    """What is computed: a segment that needs one that is, or is asked for itself, or is not current."""
    due: dict[str, Segment] = {}
    for segment in model.segments_needed({*names, *also}):
        needs_new = any(name in due for name in segment.needs)
        if anew or segment.name in names or needs_new or not _is_current(database, segment):
            due[segment.name] = segment
    return tuple(due.values())


def _is_current(database: Database, segment: Segment) -> bool:
    found = database.rows(IS_CURRENT, [segment.definition, segment.name])
    return bool(found) and bool(found[0][0])


def _scans(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """As many segments in one scan as can be; one with SQL of its author may fail, and does so alone."""
    group: list[Segment] = []
    for segment in segments:
        if not segment.written:
            group.append(segment)
            continue
        if group:
            yield group
        yield [segment]
        group = []
    if group:
        yield group


def _refresh(database: Database, segment: Segment, now: datetime) -> SegmentResult:
    with database.transaction():
        for statement in refresh_members(segment, now):
            database.run(statement)
        (profiles,) = database.row(Sql("SELECT count(*) FROM main.profiles"))
        step("select: before commit")
    step("select: committed")
    history = [Computed(*row) for row in database.rows(HISTORY, [segment.name, RUNS_SHOWN])]
    return SegmentResult(history[0].size, history[0].joined, history[0].left, int(profiles), tuple(history[::-1]))
