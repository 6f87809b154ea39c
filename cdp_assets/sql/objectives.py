"""What the rows of a pass say about consent, objective by objective (spec.md 9.1).

A decision counts where its profile is in a zone when the row comes, the row's own zone included. Of the decisions
about one objective the last counts; a row that both gives and refuses it refuses it. So an id is in one list at most.

Reads   consent_rows: ordinal, profile_id, old_zone, o<n> of the mappings into zone, consented and refused objectives
Writes  steps to said_of: profile_id, given, refused (lists of ids); changed, firm (see `last_decision`)
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.consent import CONSENTED, NO_ZONE, REFUSED, ZONE
from cdp_assets.sql.text import Sql, Step, ident, joined, literal, sql
from cdp_assets.sql.writes import Write

LISTS = (CONSENTED, REFUSED)


def decided(writes: Sequence[Write]) -> list[Step]:
    """The steps. `writes`: those of the zone and of the two lists."""
    zones = [ident(f"o{number}") for write in writes if write.prop.name == ZONE for number, _ in write.mappings]
    told = joined(", ", [*reversed(zones), Sql("NULL")])
    decisions = [
        sql(
            "SELECT profile_id, ordinal, {gives} AS gives, unnest({ids}) AS id FROM consent_zones"
            " WHERE zone <> {none} AND {ids} IS NOT NULL",
            gives=literal(write.prop.name == CONSENTED),
            ids=ident(f"o{number}"),
            none=literal(NO_ZONE),
        )
        for write in writes
        if write.prop.name in LISTS
        for number, _ in write.mappings
    ]
    return [
        Step(
            "consent_zones",
            sql(
                "SELECT *, coalesce(last_value(coalesce({told}) IGNORE NULLS) OVER (PARTITION BY profile_id"
                " ORDER BY ordinal ROWS UNBOUNDED PRECEDING), old_zone) AS zone FROM consent_rows",
                told=told,
            ),
        ),
        Step("decisions", joined("\nUNION ALL\n", decisions)),
        Step(
            "decided_by_row",
            Sql(
                "SELECT *, lag(gives) OVER (PARTITION BY profile_id, id ORDER BY ordinal) AS gave FROM"
                " (SELECT profile_id, id, ordinal, bool_and(gives) AS gives FROM decisions GROUP BY ALL)"
            ),
        ),
        Step(
            "final_decisions",
            Sql(
                "SELECT profile_id, id, arg_max(gives, ordinal) AS gives, min(ordinal) AS begun,"
                " max(ordinal) FILTER (gives <> gave) AS changed FROM decided_by_row GROUP BY ALL"
            ),
        ),
        Step(
            "said_of",
            Sql(
                "SELECT profile_id, coalesce(list(id) FILTER (gives), []) AS given,"
                " coalesce(list(id) FILTER (NOT gives), []) AS refused, max(changed) AS changed,"
                " list(struct_pack(id := id, gives := gives, at := begun)) FILTER (changed IS NULL) AS firm"
                " FROM final_decisions GROUP BY profile_id"
            ),
        ),
    ]


def last_decision(given: Sql, refused: Sql) -> Sql:
    """The last row that changed one of the lists; NULL = none did. `given`, `refused`: what they were."""
    return sql(
        "greatest(said_of.changed, list_max(list_transform(list_filter(said_of.firm, lambda one: NOT list_contains("
        "coalesce(CASE WHEN one.gives THEN {given} ELSE {refused} END, []), one.id)), lambda one: one.at)))",
        given=given,
        refused=refused,
    )


def after(name: str, old: Sql) -> Sql:
    """One of the two lists after the pass, sorted; NULL = nothing in it. `old`: what it was."""
    more, less = (Sql("said_of.given"), Sql("said_of.refused"))
    if name == REFUSED:
        more, less = less, more
    kept = sql("list_filter(coalesce({old}, []), lambda id: NOT list_contains({less}, id))", old=old, less=less)
    return sql(
        "CASE WHEN said_of.profile_id IS NULL THEN {old}"
        " ELSE nullif(list_sort(list_distinct(list_concat({kept}, {more}))), []) END",
        old=old,
        kept=kept,
        more=more,
    )
