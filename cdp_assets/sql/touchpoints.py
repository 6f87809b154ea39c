"""Export goals placed in a lifecycle: who is in their stages, and who was exported often enough (spec.md 9.3).

A place is an event to come: reserved when the rows are taken, so that what runs beside it counts it already, and
turned into an event when the delivery is settled, or given up when there will be none.

Reads   main.lifecycle_members, main.replaced_profiles, ops.lifecycle_events, ops.lifecycle_places
Writes  ops.lifecycle_events, ops.lifecycle_places
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.lifecycles import Lifecycle, Stage, Touchpoint
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.sql.text import Sql, joined, literal, sql

NOT_IN_STAGE = "not_in_stage"
SKIPPED_THRESHOLD = "skipped_threshold"
RELEASE_UNSTAGED = Sql(
    "DELETE FROM ops.lifecycle_places WHERE connection = ? AND goal = ? AND export_id NOT IN"
    " (SELECT export_id FROM ops.exports WHERE state = 'staged')"
)
"""Gives up the places of runs of a goal that ended, or died, before their intent was committed."""
RELEASE = Sql("DELETE FROM ops.lifecycle_places WHERE export_id = ?")
"""Gives up the places of a delivery that will never be."""
SETTLE = Sql(
    "INSERT INTO ops.lifecycle_events (lifecycle, stage, profile_id, connection, goal, export_id, time)"
    " SELECT lifecycle, stage, profile_id, connection, goal, export_id, ? FROM ops.lifecycle_places WHERE export_id = ?"
)
"""Turns the places of a delivery into events; `RELEASE` follows in the same transaction."""


@dataclass(frozen=True)
class Placed:
    """What the population of a goal needs for its place in a lifecycle."""

    joins: Sql = Sql("")  # noqa: RUF009 - a constant text
    """Beside `people`: `standing`, the stage of each, and `counted`, how often it was exported there."""
    verdicts: tuple[tuple[Sql, str], ...] = ()
    """Who is left out, and why, in the order they are asked."""
    stage: Sql = Sql("NULL::VARCHAR")  # noqa: RUF009 - a constant text


def placed(touchpoint: Touchpoint | None, model: CustomerModelConfig, now: datetime) -> Placed:
    """Who may be exported by a goal that is placed in a lifecycle, or nowhere."""
    if touchpoint is None:
        return Placed()
    lifecycle = model.find_lifecycle(touchpoint.id)
    assert lifecycle is not None, touchpoint.id
    stages = touchpoint.stages_of(lifecycle)
    joins = sql(
        "LEFT JOIN (SELECT profile_id, stage FROM main.lifecycle_members WHERE lifecycle = {lifecycle}"
        " AND stage IN ({stages})) AS standing ON standing.profile_id = people.profile_id",
        lifecycle=literal(lifecycle.id),
        stages=joined(", ", [literal(stage.id) for stage in stages]),
    )
    verdicts = [(Sql("standing.stage IS NULL"), NOT_IN_STAGE)]
    limited = [stage for stage in stages if stage.threshold]
    if touchpoint.add_event and limited:
        joins = sql("{joins}\n{counted}", joins=joins, counted=_counted(lifecycle, limited, now))
        views = [(stage.id, literal(stage.threshold.views)) for stage in limited if stage.threshold]
        verdicts.append((sql("counted.taken >= {most}", most=_by_stage("standing.stage", views)), SKIPPED_THRESHOLD))
    return Placed(joins, tuple(verdicts), Sql("standing.stage"))


def _counted(lifecycle: Lifecycle, stages: Sequence[Stage], now: datetime) -> Sql:
    """Events in the window of each stage, and places; those of a profile that became another are the other's."""
    since = [
        (stage.id, literal(now - stage.threshold.window))
        for stage in stages
        if stage.threshold and stage.threshold.window is not None
    ]
    is_recent = sql("coalesce(time > {since}, true)", since=_by_stage("stage", since)) if since else Sql("true")
    return sql(
        "LEFT JOIN (SELECT coalesce(replaced_by, profile_id) AS profile_id, stage, count(*) AS taken FROM"
        " (SELECT profile_id, stage FROM ops.lifecycle_events WHERE lifecycle = {lifecycle} AND {is_recent}"
        " UNION ALL SELECT profile_id, stage FROM ops.lifecycle_places WHERE lifecycle = {lifecycle})"
        " LEFT JOIN main.replaced_profiles USING (profile_id) GROUP BY ALL) AS counted"
        " ON counted.profile_id = standing.profile_id AND counted.stage = standing.stage",
        lifecycle=literal(lifecycle.id),
        is_recent=is_recent,
    )


def _by_stage(column: str, values: Sequence[tuple[str, Sql]]) -> Sql:
    """A value for each stage; NULL for others."""
    cases = [sql("WHEN {stage} THEN {value}", stage=literal(stage), value=value) for stage, value in values]
    return sql("CASE {column} {cases} END", column=Sql(column), cases=joined(" ", cases))


def reserve(touchpoint: Touchpoint, owner: tuple[str, str], export_id: str, now: datetime) -> Sql:
    """Takes a place for everybody in `population` who goes into the file."""
    connection, goal = owner
    return sql(
        "INSERT INTO ops.lifecycle_places (lifecycle, stage, profile_id, connection, goal, export_id, reserved_at)"
        " SELECT {lifecycle}, stage, profile_id, {connection}, {goal}, {export}, {now} FROM population"
        " WHERE excluded IS NULL",
        lifecycle=literal(touchpoint.id),
        connection=literal(connection),
        goal=literal(goal),
        export=literal(export_id),
        now=literal(now),
    )


def release_unwritten(export_id: str, delivered: str) -> Sql:
    """Gives up the places of those whom a processor dropped. `delivered`: Parquet file of those in the files."""
    return sql(
        "DELETE FROM ops.lifecycle_places WHERE export_id = {export}"
        " AND profile_id NOT IN (SELECT profile_id FROM read_parquet({path}))",
        export=literal(export_id),
        path=literal(delivered),
    )
