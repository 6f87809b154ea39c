"""Whom an export goal delivers, and what its rows are (spec.md 10).

Reads   main.profiles, main.segment_members, ops.exported_rows, and what `touchpoints` does
Writes  (temporary) population: profile_id, row_digest, stage, excluded (NULL = goes into the file, else why not)
        (Parquet) rows: profile_id, row_digest, refused, action, one text per column, in the file's order
        (Parquet) before: profile_id, row_digest of what the consumer has, for differences
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.consent import FrozenObjective, frozen_objectives, is_gated
from cdp_assets.config.export_columns import PropertyColumn
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.dialect import digest64
from cdp_assets.sql.export_columns import Shown, ambiguous, find_exportable
from cdp_assets.sql.export_lines import column_of
from cdp_assets.sql.gate import allowed
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql
from cdp_assets.sql.touchpoints import NOT_IN_STAGE, SKIPPED_THRESHOLD, Placed, placed

NO_IDENTIFIER = "no_identifier"
UNCHANGED = "unchanged"
EXCLUDED_SEGMENT = "excluded_segment"
CONSENT = "consent"
REASONS = (EXCLUDED_SEGMENT, CONSENT, NOT_IN_STAGE, NO_IDENTIFIER, SKIPPED_THRESHOLD, UNCHANGED)
"""Why a member is left out, in the order they are asked; columns of `ops.exports`."""


def profile_digest(model: CustomerModelConfig) -> Sql:
    """Digest of everything a profile holds; a property nobody has filled yet does not change it.

    It is of the names of what is filled and then the values, a separator between two. A text that holds the separator
    itself is rare; then the digest is of JSON, which takes three times as long.
    """
    props = sorted(model.properties, key=lambda prop: prop.name)
    filled = [
        sql("CASE WHEN {c} IS NOT NULL THEN {name} END", c=ident(p.name), name=literal(f"{p.name} ")) for p in props
    ]
    joined_values = sql(
        "concat_ws({sign}, concat({filled}), {values})",
        sign=literal(_BETWEEN),
        filled=joined(", ", filled),
        values=joined(", ", [_whole_value(prop) for prop in props]),
    )
    texts = [ident(prop.name) for prop in props if _is_plain_text(prop)]
    if not texts:
        return digest64(joined_values)
    return sql(
        "CASE WHEN contains(concat({texts}), {sign}) THEN {careful} ELSE {quick} END",
        texts=joined(", ", texts),
        sign=literal(_BETWEEN),
        careful=_careful_digest(props),
        quick=digest64(joined_values),
    )


_BETWEEN = "\x1f"
_DIGEST = "row digest"
"""Beside the properties of a profile; none can be called so."""


def _is_plain_text(prop: Property) -> bool:
    return prop.type in {PropertyType.text, PropertyType.email} and not prop.multiple


def _whole_value(prop: Property) -> Sql:
    """A value as a text that only an equal one has; JSON spells control characters out."""
    column = ident(prop.name)
    if prop.multiple or prop.type is PropertyType.json:
        return sql("to_json({column})::VARCHAR", column=column)
    if prop.type is PropertyType.datetime:
        # Ten times as fast as the text of a moment.
        return sql("epoch_us({column})", column=column)
    return column


def _careful_digest(props: Sequence[Property]) -> Sql:
    pairs = [
        sql(
            "CASE WHEN {column} IS NOT NULL THEN [{name}, to_json({column})::VARCHAR] END",
            column=ident(prop.name),
            name=literal(prop.name),
        )
        for prop in props
    ]
    filled = sql("list_filter([{pairs}], lambda pair: pair IS NOT NULL)", pairs=joined(", ", pairs))
    return digest64(sql("to_json({filled})::VARCHAR", filled=filled))


def population(connection: Connection, goal: ExportProfilesGoal, model: CustomerModelConfig, now: datetime) -> Sql:
    """Every member of the goal's segment, with why it is left out where it is."""
    place = placed(goal.lifecycle, model, now)
    verdicts = _verdicts(goal, frozen_objectives(model.objectives, connection.objectives), place)
    delivered = sql(
        "LEFT JOIN (SELECT profile_id, row_digest FROM ops.exported_rows WHERE {own}) AS delivered"
        " ON delivered.profile_id = people.profile_id",
        own=_own(connection.name, goal.name),
    )
    verdict = sql("CASE {verdicts} END", verdicts=joined(" ", verdicts)) if verdicts else Sql("NULL::VARCHAR")
    return sql(
        "CREATE OR REPLACE TEMP TABLE population AS SELECT people.profile_id, {held} AS row_digest,"
        " {stage} AS stage, {verdict} AS excluded\nFROM (SELECT *, {digest} AS {name} FROM main.profiles"
        " WHERE profile_id IN (SELECT profile_id FROM main.segment_members WHERE segment = {segment})) AS people"
        "\n{delivered}\n{placed}",
        held=ident("people", _DIGEST),
        name=ident(_DIGEST),
        stage=place.stage,
        placed=place.joins,
        verdict=verdict,
        # Only `changed` asks whether a profile did; a difference has a digest of the row as written, worked out later.
        digest=profile_digest(model) if goal.population == "changed" else Sql("NULL::UBIGINT"),
        segment=literal(goal.segment),
        delivered=delivered if goal.population == "changed" else Sql(""),
    )


def _verdicts(goal: ExportProfilesGoal, objectives: Sequence[FrozenObjective], place: Placed) -> list[Sql]:
    by_reason = {
        reason: sql("WHEN {test} THEN {reason}", test=test, reason=literal(reason)) for test, reason in place.verdicts
    }
    found = []
    if goal.exclude_segments:
        members = sql(
            "people.profile_id IN (SELECT profile_id FROM main.segment_members WHERE segment IN ({names}))",
            names=joined(", ", [literal(name) for name in goal.exclude_segments]),
        )
        found.append(sql("WHEN {members} THEN {reason}", members=members, reason=literal(EXCLUDED_SEGMENT)))
    if is_gated(objectives):
        found.append(
            sql("WHEN NOT ({allowed}) THEN {reason}", allowed=allowed(objectives, "people"), reason=literal(CONSENT))
        )
    found += [by_reason[reason] for reason in (NOT_IN_STAGE,) if reason in by_reason]
    required = [
        sql("{column} IS NULL", column=ident("people", column.property))
        for column in goal.columns
        if isinstance(column, PropertyColumn) and column.identifier
    ]
    if required:
        found.append(
            sql("WHEN {missing} THEN {reason}", missing=joined(" OR ", required), reason=literal(NO_IDENTIFIER))
        )
    found += [by_reason[reason] for reason in (SKIPPED_THRESHOLD,) if reason in by_reason]
    if goal.population == "changed":
        same = sql("delivered.row_digest = {held}", held=ident("people", _DIGEST))
        found.append(sql("WHEN {same} THEN {reason}", same=same, reason=literal(UNCHANGED)))
    return found


COUNTS = Sql("SELECT coalesce(excluded, 'due'), count(*) FROM population GROUP BY 1")
"""How many of the members are due, and how many are left out, by reason."""


def keep_rows(columns: Sequence[Shown], goal: ExportProfilesGoal, model: CustomerModelConfig, path: str) -> Sql:
    """Writes the rows of the file, in its order, to a Parquet file; gives their number."""
    texts = [sql("{text} AS {name}", text=column.text, name=column_of(place)) for place, column in enumerate(columns)]
    refused = Sql("NULL::VARCHAR")
    if goal.format.multi_value_inside == "fail":
        refused = ambiguous(columns, goal.format.multi_value)
    return sql(
        "COPY (\nSELECT\n    population.profile_id,\n    population.row_digest,\n    {refused} AS refused,"
        "\n    'added' AS action,"
        "\n    {texts}\n"
        "FROM main.profiles AS profiles JOIN population ON population.profile_id = profiles.profile_id\n{joins}\n"
        "WHERE population.excluded IS NULL ORDER BY {order}\n) TO {path} (FORMAT parquet)",
        refused=refused,
        texts=comma(texts),
        joins=joined("\n", [column.join for column in columns if column.join]),
        order=joined(", ", [*_order(goal, model), Sql("profiles.profile_id")]),
        path=literal(path),
    )


def _order(goal: ExportProfilesGoal, model: CustomerModelConfig) -> list[Sql]:
    return [
        sql(
            "{column} {direction} NULLS LAST",
            column=ident("profiles", find_exportable(model, order.property).name),
            direction=Sql("DESC" if order.descending else "ASC"),
        )
        for order in goal.order_by
    ]


def keep_before(connection: str, goal: str, path: str) -> Sql:
    """Writes what the consumer has by now to a Parquet file."""
    return sql(
        "COPY (SELECT profile_id, row_digest FROM ops.exported_rows WHERE {own} ORDER BY profile_id)"
        " TO {path} (FORMAT parquet)",
        own=_own(connection, goal),
        path=literal(path),
    )


def remember_delivered(connection: str, goal: str, export_id: str, path: str) -> list[Sql]:
    """After a delivery: what the consumer now has of each profile. `path` holds profile_id, row_digest, action."""
    return [
        sql(
            "DELETE FROM ops.exported_rows WHERE {own} AND profile_id IN (SELECT profile_id FROM read_parquet({path}))",
            own=_own(connection, goal),
            path=literal(path),
        ),
        sql(
            "INSERT INTO ops.exported_rows (connection, goal, profile_id, row_digest, export_id)"
            " SELECT {connection}, {goal}, profile_id, row_digest, {export} FROM read_parquet({path})"
            " WHERE action <> 'removed'",
            connection=literal(connection),
            goal=literal(goal),
            export=literal(export_id),
            path=literal(path),
        ),
    ]


def _own(connection: str, goal: str) -> Sql:
    return sql("connection = {connection} AND goal = {goal}", connection=literal(connection), goal=literal(goal))
