"""Lifecycles: where each profile stands now, and what changed since the last time (spec.md 9.3).

Reads   main.profiles, main.segment_members, main.lifecycle_members, ops.batches
Writes  main.lifecycle_members, ops.lifecycle_changes
        (temporary) standing: profile_id, stage_number (0 = in no stage, -1 = completed)
"""

from __future__ import annotations

from datetime import datetime

from cdp_assets.config.lifecycles import Lifecycle, Stage
from cdp_assets.sql.conditions import Moment, predicate
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql

HISTORY = Sql(
    'SELECT computed_at, size, entered, "left", not_assigned, completed, stages FROM ops.lifecycle_changes'
    " WHERE lifecycle = ? ORDER BY computed_at DESC, rowid DESC LIMIT ?"
)
IS_CURRENT = Sql(
    "SELECT definition IS NOT DISTINCT FROM ? AND computed_at >= (SELECT coalesce(max(folded_at), computed_at)"
    " FROM ops.batches) FROM ops.lifecycle_changes WHERE lifecycle = ? ORDER BY computed_at DESC, rowid DESC LIMIT 1"
)
"""Whether a lifecycle was computed as it is written now, after the last fold of new batches."""


def scan(lifecycle: Lifecycle, at: Moment) -> Sql:
    """The table `standing`: everybody in the lifecycle, and where. One scan of the profiles."""
    cases = [sql("WHEN {test} THEN -1", test=predicate(lifecycle.completion, at))] if lifecycle.completion else []
    cases += [
        sql("WHEN {test} THEN {number}", test=predicate(stage.where, at), number=literal(number))
        for number, stage in reversed(list(enumerate(lifecycle.stages, 1)))
    ]
    return sql(
        "CREATE OR REPLACE TEMP TABLE standing AS SELECT profile_id, CASE {cases} ELSE 0 END AS stage_number"
        "\nFROM main.profiles WHERE {enabled} AND {entrance}",
        cases=joined("\n    ", cases),
        enabled=literal(lifecycle.enabled),
        entrance=predicate(lifecycle.entrance, at),
    )


def refresh_members(lifecycle: Lifecycle, at: datetime) -> list[Sql]:
    """Brings `lifecycle_members` up to date from `standing` and notes what changed.

    Who stays keeps the time of entry; a profile that others became has been in since the first of them was.
    """
    holes = {"lifecycle": literal(lifecycle.id), "at": literal(at)}
    return [
        *_before(holes),
        _now(lifecycle, holes),
        _changes(lifecycle, holes),
        sql(
            "DELETE FROM main.lifecycle_members WHERE lifecycle = {lifecycle} AND rowid NOT IN"
            " (SELECT was.rowid FROM main.lifecycle_members AS was JOIN members_now AS now ON {same}"
            " WHERE was.lifecycle = {lifecycle})",
            **holes,
            same=_same(),
        ),
        sql(
            "INSERT INTO main.lifecycle_members (lifecycle, {columns}) SELECT {lifecycle}, {columns}"
            " FROM members_now AS now ANTI JOIN (SELECT * FROM main.lifecycle_members WHERE lifecycle = {lifecycle})"
            " AS was ON {same}",
            **holes,
            columns=comma(ident(name) for name in _COLUMNS),
            same=_same(),
        ),
    ]


_COLUMNS = ("profile_id", "state", "stage", "stage_number", "entered_at", "stage_entered_at")


def _same() -> Sql:
    pairs = [sql("was.{name} IS NOT DISTINCT FROM now.{name}", name=ident(name)) for name in _COLUMNS[1:]]
    return joined(" AND ", [Sql("was.profile_id = now.profile_id"), *pairs])


def _before(holes: dict[str, Sql]) -> list[Sql]:
    """Members of the last time under the ids they have now: since when in the lifecycle, since when in a stage."""
    were = sql(
        "SELECT coalesce(replaced_by, profile_id) AS profile_id, state, stage, entered_at, stage_entered_at"
        " FROM main.lifecycle_members LEFT JOIN main.replaced_profiles USING (profile_id)"
        " WHERE lifecycle = {lifecycle}",
        **holes,
    )
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE members_before AS SELECT profile_id, min(entered_at) AS entered_at,"
            " bool_or(state <> 'completed') AS was_in FROM ({were}) GROUP BY profile_id",
            were=were,
        ),
        sql(
            "CREATE OR REPLACE TEMP TABLE stages_before AS SELECT profile_id, state, stage,"
            " min(stage_entered_at) AS since FROM ({were}) GROUP BY ALL",
            were=were,
        ),
    ]


def _now(lifecycle: Lifecycle, holes: dict[str, Sql]) -> Sql:
    names = [sql("WHEN {n} THEN {id}", n=literal(n), id=literal(stage.id)) for n, stage in _numbered(lifecycle)]
    return sql(
        "CREATE OR REPLACE TEMP TABLE members_now AS SELECT now.profile_id, now.state, now.stage, now.stage_number,"
        " coalesce(members_before.entered_at, {at}) AS entered_at,"
        " coalesce(stages_before.since, {at}) AS stage_entered_at\nFROM (SELECT profile_id,"
        " CASE stage_number WHEN -1 THEN 'completed' WHEN 0 THEN 'not_assigned' ELSE 'in_stage' END AS state,"
        " CASE stage_number {names} END AS stage,"
        " CASE WHEN stage_number > 0 THEN stage_number::BIGINT END AS stage_number FROM standing) AS now"
        "\nLEFT JOIN members_before ON members_before.profile_id = now.profile_id"
        "\nLEFT JOIN stages_before ON stages_before.profile_id = now.profile_id AND stages_before.state = now.state"
        " AND stages_before.stage IS NOT DISTINCT FROM now.stage",
        **holes,
        names=joined(" ", names),
    )


def _changes(lifecycle: Lifecycle, holes: dict[str, Sql]) -> Sql:
    sizes = [sql("count(*) FILTER (stage_number = {n})", n=literal(n)) for n, _ in _numbered(lifecycle)]
    return sql(
        'INSERT INTO ops.lifecycle_changes (lifecycle, computed_at, size, entered, "left", not_assigned, completed,'
        " stages, definition)\nSELECT {lifecycle}, {at}, size, entered, size_before + entered - size, not_assigned,"
        " completed, stages, {definition} FROM (SELECT count(*) FILTER (state <> 'completed') AS size,"
        " count(*) FILTER (state <> 'completed' AND NOT coalesce(was_in, false)) AS entered,"
        " count(*) FILTER (state = 'not_assigned') AS not_assigned,"
        " count(*) FILTER (state = 'completed') AS completed, map([{ids}], [{sizes}]) AS stages"
        " FROM members_now LEFT JOIN members_before USING (profile_id)),"
        " (SELECT coalesce(last(size ORDER BY computed_at, rowid), 0) AS size_before FROM ops.lifecycle_changes"
        " WHERE lifecycle = {lifecycle})",
        **holes,
        definition=literal(lifecycle.definition),
        ids=joined(", ", [literal(stage.id) for stage in lifecycle.stages]),
        sizes=joined(", ", sizes),
    )


def _numbered(lifecycle: Lifecycle) -> list[tuple[int, Stage]]:
    return list(enumerate(lifecycle.stages, 1))
