"""Computes who is in which segment and lifecycle, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.needs import Need, in_order_of_need, key_of, lifecycle_id, needed, needs, segment_id
from cdp_assets.config.segments import Segment
from cdp_assets.errors import ConfigError, Problem
from cdp_assets.flows.check_written import Written, read_written
from cdp_assets.flows.compute_lifecycles import LifecycleResult, compute_lifecycle, lifecycle_is_current
from cdp_assets.flows.compute_segments import SegmentResult, compute_segments, segment_is_current
from cdp_assets.flows.ledger import prepare_schemas, require_columns, require_profiles
from cdp_assets.sql.conditions import Moment
from cdp_assets.sql.segments import TABLES
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class Members:
    """What was computed: also what the named segments and lifecycles need, where it was out of date."""

    segments: dict[str, SegmentResult] = field(default_factory=dict)
    lifecycles: dict[str, LifecycleResult] = field(default_factory=dict)


def compute_members(
    database: Database,
    model: CustomerModelConfig,
    now: datetime,
    *,
    segments: Collection[str] = (),
    lifecycles: Collection[str] = (),
    anew: bool = True,
) -> Members:
    """Brings these segments and lifecycles up to date and what they need, each in one transaction, in that order.

    What a segment needs is computed anew, too, and what a lifecycle needs where it was not since the last fold, as it
    is written now; not `anew`: the first likewise. Again without changes: nobody joins or leaves. Where SQL is
    written, the database reaches no other file from here on.

    Raises:
        ConfigError: the author of the YAML must act: what is written as SQL is no condition.
        WarehouseError: likewise, if that SQL fails on the profiles there are; else we.
    """
    prepare_schemas(database)
    require_profiles(database)
    due = _due(
        database, model, frozenset(map(segment_id, segments)), frozenset(map(lifecycle_id, lifecycles)), anew=anew
    )
    for one in due:
        require_columns(database, _name(one), one.properties)
    written = read_written(database, [(_name(one), text) for one in due for _, text in one.written])
    if written.mistakes:
        raise ConfigError([Problem("", 0, f"{name}: sql {told}") for name, told in written.mistakes])
    if any(one.written for one in due):
        database.shut_out_files()
    at = Moment(model, now, tables={name for (name,) in database.rows(TABLES)}, selects=written.selects)
    return _compute(database, due, at, written)


def _compute(database: Database, due: Sequence[Need], at: Moment, written: Written) -> Members:
    found = Members()
    for group in _scans(due):
        with_now = any(_name(one) in written.with_now for one in group)
        scanned = [one for one in group if isinstance(one, Segment)]
        if scanned:
            found.segments.update(compute_segments(database, scanned, at, with_now=with_now))
        for one in group:
            if not isinstance(one, Segment):
                found.lifecycles[one.id] = compute_lifecycle(database, one, at, with_now=with_now)
    return found


def _name(one: Need) -> str:
    return f"segment {one.name}" if isinstance(one, Segment) else f"lifecycle {one.id}"


def _due(
    database: Database, model: CustomerModelConfig, segments: frozenset[str], lifecycles: frozenset[str], *, anew: bool
) -> tuple[Need, ...]:
    """What is computed: one that needs one that is, or is asked for itself, or is not current."""
    those: tuple[Need, ...] = (*model.segments, *model.lifecycles)
    fresh = lifecycles | (needed(those, segments) if anew else segments)
    wanted = needed(those, segments | lifecycles)
    due: dict[str, Need] = {}
    for one in in_order_of_need(those):
        key = key_of(one)
        needs_new = any(name in due for name in needs(one))
        if key in wanted and (key in fresh or needs_new or not _is_current(database, one)):
            due[key] = one
    return tuple(due.values())


def _is_current(database: Database, one: Need) -> bool:
    if isinstance(one, Segment):
        return segment_is_current(database, one)
    return lifecycle_is_current(database, one)


def _scans(due: Sequence[Need]) -> Iterator[list[Need]]:
    """As many segments in one scan as can be; one with SQL of its author may fail, and does so alone."""
    group: list[Need] = []
    for one in due:
        if isinstance(one, Segment) and not one.written:
            group.append(one)
            continue
        if group:
            yield group
        yield [one]
        group = []
    if group:
        yield group
