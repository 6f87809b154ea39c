"""A tree of conditions as an expression over `profiles`: true or false, never NULL (spec.md 9.2).

Reads   main.profiles, main.segment_members, main.lifecycle_members
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from cdp_assets.config.conditions import (
    AllOf,
    AnyOf,
    Condition,
    InverseCondition,
    Leaf,
    LifecycleCondition,
    LifecycleState,
    NotOf,
    ObjectiveCondition,
    SegmentCondition,
    SqlCondition,
)
from cdp_assets.config.consent import frozen_objectives
from cdp_assets.config.events import STANDARD_TYPES, whole_types
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.questions import PropertyCondition
from cdp_assets.config.related import EventCondition, GroupCondition
from cdp_assets.sql.gate import in_state
from cdp_assets.sql.questions import answer
from cdp_assets.sql.related import has_events, has_groups
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql


@dataclass(frozen=True)
class Moment:
    """What conditions are read against."""

    model: CustomerModelConfig
    now: datetime
    """The start of the run."""
    found: Mapping[str, Sql] = field(default_factory=dict)
    """Segments worked out in the same scan, and the expression that tells their members there."""
    tables: Collection[str] = ()
    """Tables and views of `main`: without one of its own, a type has no events, or groups, yet."""
    selects: Collection[str] = ()
    """Texts of `sql` conditions that are a SELECT of profile ids; others are an expression over one profile."""


def predicate(condition: Condition, at: Moment) -> Sql:
    """Whether a profile meets a condition."""
    match condition:
        case AllOf():
            return sql("({all})", all=joined(" AND ", [predicate(part, at) for part in condition.all]))
        case AnyOf():
            return sql("({any})", any=joined(" OR ", [predicate(part, at) for part in condition.any]))
        case NotOf():
            return sql("(NOT {negated})", negated=predicate(condition.negated, at))
        case _:
            return _leaf(condition, at)


def _leaf(condition: Leaf, at: Moment) -> Sql:
    match condition:
        case PropertyCondition():
            prop = at.model.find_asked(condition.property)
            assert prop is not None, condition.property
            return answer(condition.asked, prop, ident(prop.name), at.now)
        case SegmentCondition() | InverseCondition():
            return _belongs(condition, at)
        case EventCondition():
            kinds = whole_types(at.model.event_types, STANDARD_TYPES)
            (kind,) = (one for one in kinds if one.id == condition.event.type)
            return has_events(condition.event, kind, at.now, at.tables)
        case GroupCondition():
            group_type = at.model.find_group_type(condition.group.type)
            assert group_type is not None, condition.group.type
            return has_groups(condition.group, group_type, at.now, at.tables)
        case ObjectiveCondition():
            (objective,) = frozen_objectives(at.model.objectives, [condition.objective])
            return in_state(objective, condition.state)
        case LifecycleCondition():
            return _stands(condition)
        case SqlCondition():
            return _written(condition.sql, at)
        case _:
            assert_never(condition)


def _belongs(condition: SegmentCondition | InverseCondition, at: Moment) -> Sql:
    if isinstance(condition, SegmentCondition):
        return _is_member(condition.segment, at)
    return sql("(NOT {member})", member=_is_member(condition.inverse_of, at))


def _is_member(segment: str, at: Moment) -> Sql:
    """Members as they were found in this scan, else as the segment was last computed."""
    return at.found.get(segment) or sql(
        "(profile_id IN (SELECT profile_id FROM main.segment_members WHERE segment = {segment}))",
        segment=literal(segment),
    )


_ASSIGNED = "in_stage", "not_assigned"
_STATES = {
    LifecycleState.in_it: _ASSIGNED,
    LifecycleState.not_in: _ASSIGNED,
    LifecycleState.completed: ("completed",),
    LifecycleState.not_completed: ("completed",),
    LifecycleState.in_no_stage: ("not_assigned",),
    LifecycleState.not_in_no_stage: ("not_assigned",),
}
"""Which states of `lifecycle_members` each asks for, or for none of them."""


def _stands(condition: LifecycleCondition) -> Sql:
    """Where everybody stood when the lifecycle was last computed."""
    stages = condition.in_stage or condition.not_in_stage
    state = condition.state or LifecycleState.in_it
    opposite = condition.not_in_stage is not None or state.startswith("not_")
    return sql(
        "(profile_id {verb} (SELECT profile_id FROM main.lifecycle_members WHERE lifecycle = {lifecycle}"
        " AND {column} IN ({wanted})))",
        verb=Sql("NOT IN" if opposite else "IN"),
        lifecycle=literal(condition.lifecycle),
        column=ident("stage" if stages else "state"),
        wanted=comma(literal(one) for one in stages or _STATES[state]),
    )


def _written(text: str, at: Moment) -> Sql:
    """What an analyst wrote, which must have passed `written.faults`.

    A line of its own ends a comment at its end. A NULL is no, as it is in a WHERE; among the ids of a SELECT it
    would make the answer for everybody else unknown.
    """
    if text in at.selects:
        return sql(
            "(profile_id IN (SELECT given.id FROM (\n{text}\n) AS given(id) WHERE given.id IS NOT NULL))",
            text=Sql(text),
        )
    return sql("coalesce((\n{text}\n), false)", text=Sql(text))
