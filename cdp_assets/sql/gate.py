"""Which rows of a pass may not act, as their connection's objectives are not allowed for their profile (spec.md 9.1).

A row is judged by its profile as it would be after the row's own zone and decisions. That depends on the rows before
it only where one of several rows of the profile tells of consent: these are decided one by one (`flows/gate.py`).
All others are decided here, at once.

Reads   batch_rows, applied, id_making, main.profiles
Writes  (temporary)
        gate_rows  ordinal, key, zone, given, refused: what each acting row says of consent; NULL = nothing
        id_shut    ordinal, key, profile_id, birth, zone: the rows that may not act, and whose they would be: of the
                   profile, or of the one that this row made; none of both = they would make one
        rows of id_shared; id_alias, id_found and id_unborn without the rows that may not act
        ops.consent_mismatches
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.conditions import ObjectiveState
from cdp_assets.config.consent import CONSENTED, NO_ZONE, REFUSED, ZONE, FrozenObjective
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.single_rows import rows_from_json
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql

NOBODY = -(1 << 61)
"""Key of the rows that may not act."""


def gate_rows(config: BatchConfig, present: frozenset[int], counted: dict[int, frozenset[int]]) -> Sql:
    """Makes gate_rows. `present`: mappings that some batch has; `counted`: as in `merging.Touched`."""
    full = not config.goal.files.delta
    return sql(
        "CREATE OR REPLACE TEMP TABLE gate_rows AS SELECT given.ordinal, key, {zone} AS zone, {given} AS given,"
        " {refused} AS refused FROM batch_rows AS given{applied} WHERE key IS NOT NULL",
        zone=_cells(config, present, counted, ZONE),
        given=_cells(config, present, counted, CONSENTED),
        refused=_cells(config, present, counted, REFUSED),
        applied=Sql(" JOIN applied ON applied.ordinal = given.ordinal" if full else ""),
    )


def _cells(config: BatchConfig, present: frozenset[int], counted: dict[int, frozenset[int]], target: str) -> Sql:
    """What a row's cells say of one target: its last zone, or all ids."""
    cells = []
    for number, mapping in enumerate(config.goal.mappings):
        if number in present and mapping.property == target:
            cell = ident(f"m{number}")
            if counted.get(number):
                groups = Sql(", ".join(str(group) for group in sorted(counted[number])))
                cell = sql("CASE WHEN NOT coalesce(counted IN ({g}), false) THEN {c} END", g=groups, c=cell)
            cells.append(cell)
    if target == ZONE:
        return sql("coalesce({cells})::VARCHAR", cells=joined(", ", [*reversed(cells), Sql("NULL")]))
    if not cells:
        return Sql("NULL::VARCHAR[]")
    return sql("nullif(flatten(list_filter([{cells}], lambda l: l IS NOT NULL)), [])", cells=comma(cells))


def share_telling(objectives: Sequence[FrozenObjective]) -> Sql:
    """Adds to id_shared the tuples of several rows that tell of consent, unless each of them may act in any case."""
    return sql(
        "INSERT INTO id_shared SELECT key FROM gate_rows ANTI JOIN id_shared USING (key) GROUP BY key"
        " HAVING count(*) > 1 AND bool_or(coalesce(zone, given[1], refused[1]) IS NOT NULL) AND NOT bool_and({sure})",
        sure=joined(" OR ", [_surely(objective) for objective in objectives]),
    )


def _surely(objective: FrozenObjective) -> Sql:
    """Whether a row says by itself that the objective is allowed, whatever its profile was."""
    outside = sql("zone NOT IN ({zones})", zones=_listed(objective.legislations))
    counts = sql("coalesce(zone, {old}) <> {none}", old=literal(_unknown(objective)), none=literal(NO_ZONE))
    given = sql("list_contains(given, {id})", id=literal(objective.id))
    refused = sql("list_contains(refused, {id})", id=literal(objective.id))
    decided = sql("({c} AND coalesce({g}, false) AND NOT coalesce({r}, false))", c=counts, g=given, r=refused)
    return sql("(coalesce({outside}, false) OR {decided})", outside=outside, decided=decided)


def _unknown(objective: FrozenObjective) -> str:
    """Stands for the zone of a profile that is not looked at: if it may be none, consent need not count."""
    return NO_ZONE if NO_ZONE in objective.legislations else ""


def _listed(words: Sequence[str]) -> Sql:
    return joined(", ", [literal(word) for word in words])


def shut_alone(objectives: Sequence[FrozenObjective], making: Sequence[bool] | None) -> Sql:
    """Makes id_shut of the tuples that are decided at once.

    `making`: batch by batch, whether its rows may make profiles; None = where one may, all may.
    """
    makes = Sql("")
    if making is not None:
        numbers = joined(", ", [literal(number) for number, may in enumerate(making) if may])
        makes = sql(" WHERE ordinal // {size} IN ({n})", size=literal(ROWS_PER_BATCH), n=numbers)
    return sql(
        "CREATE OR REPLACE TEMP TABLE id_shut AS\nWITH judged AS ("
        "SELECT said.*, profile_id, {z} AS old_zone, {c} AS old_given, {r} AS old_refused"
        " FROM gate_rows AS said JOIN id_found USING (key) JOIN main.profiles USING (profile_id) UNION ALL"
        " SELECT said.*, NULL, {none}, NULL, NULL FROM gate_rows AS said JOIN id_unborn USING (key){makes}),\n"
        "placed AS (SELECT *, coalesce(zone, old_zone) AS now_zone FROM judged)\n"
        "SELECT ordinal, key, profile_id, NULL::BIGINT AS birth, now_zone AS zone FROM placed WHERE NOT ({open})",
        z=ident(ZONE),
        c=ident(CONSENTED),
        r=ident(REFUSED),
        none=literal(NO_ZONE),
        makes=makes,
        open=joined(" OR ", [_allowed(objective) for objective in objectives]),
    )


def _allowed(objective: FrozenObjective) -> Sql:
    return _in_zone(objective, Sql("now_zone"), _has(objective, "given"), _has(objective, "refused"))


def _has(objective: FrozenObjective, name: str) -> Sql:
    """Whether the objective is in a list after the row; what a row both gives and refuses, it refuses."""
    cases = [
        sql(
            "WHEN list_contains({list}, {id}) THEN {what}",
            list=ident(one),
            id=literal(objective.id),
            what=literal(one == name),
        )
        for one in ("refused", "given")
    ]
    return sql(
        "CASE WHEN now_zone = {none} THEN coalesce(list_contains({old}, {id}), false) {cases}"
        " ELSE coalesce(list_contains({old}, {id}), false) END",
        none=literal(NO_ZONE),
        cases=joined(" ", cases),
        old=ident(f"old_{name}"),
        id=literal(objective.id),
    )


def allowed(objectives: Sequence[FrozenObjective], people: str) -> Sql:
    """Whether one of the objectives is allowed for a profile, from its own columns. `people`: what holds these."""
    return joined(" OR ", [_allowed_now(objective, people) for objective in objectives])


def _allowed_now(objective: FrozenObjective, *people: str) -> Sql:
    if objective.is_open:
        return literal(True)
    consented, refused = (_holds(objective, *people, name) for name in (CONSENTED, REFUSED))
    return _in_zone(objective, ident(*people, ZONE), consented, refused)


def _holds(objective: FrozenObjective, *column: str) -> Sql:
    return sql("coalesce(list_contains({list}, {id}), false)", list=ident(*column), id=literal(objective.id))


def in_state(objective: FrozenObjective, state: ObjectiveState) -> Sql:
    """Whether a row of `profiles` says this of an objective."""
    consented, refused = _holds(objective, CONSENTED), _holds(objective, REFUSED)
    match state:
        case ObjectiveState.consented:
            return consented
        case ObjectiveState.consented_or_unneeded:
            return sql("({consented} OR {allowed})", consented=consented, allowed=_allowed_now(objective))
        case ObjectiveState.refused:
            return refused
        case ObjectiveState.unknown:
            return sql("(NOT {consented} AND NOT {refused})", consented=consented, refused=refused)
        case ObjectiveState.refused_or_unknown:
            return sql("(NOT {consented})", consented=consented)


def _in_zone(objective: FrozenObjective, zone: Sql, consented: Sql, refused: Sql) -> Sql:
    decided = consented
    if objective.opt_out:
        decided = sql(
            "CASE WHEN {zone} IN ({out}) THEN NOT {no} ELSE {yes} END",
            zone=zone,
            out=_listed(objective.opt_out),
            no=refused,
            yes=consented,
        )
    return sql("({zone} NOT IN ({zones}) OR {d})", zone=zone, zones=_listed(objective.legislations), d=decided)


def leave_out(config: BatchConfig) -> list[Sql]:
    """Takes the rows of id_shut away from their profiles; of a full file, rows that do not act stay."""
    rest = Sql("")
    if not config.goal.files.delta:
        rest = Sql(
            " AND key NOT IN (SELECT key FROM batch_rows ANTI JOIN id_shut USING (ordinal) WHERE key IS NOT NULL)"
        )
    return [
        Sql("DELETE FROM id_unborn WHERE key IN (SELECT key FROM id_shut)"),
        sql("DELETE FROM id_found WHERE key IN (SELECT key FROM id_shut){rest}", rest=rest),
        Sql("DELETE FROM id_alias WHERE ordinal IN (SELECT ordinal FROM id_shut)"),
        sql("INSERT INTO id_alias SELECT ordinal, {nobody} FROM id_shut", nobody=literal(NOBODY)),
    ]


SHARED_SAID = Sql(
    "SELECT ordinal, zone, given, refused FROM gate_rows SEMI JOIN id_shared USING (key)"
    " WHERE coalesce(zone, given[1], refused[1]) IS NOT NULL"
)
"""What the rows that are decided one by one say of consent."""
SHARED_STATES = sql(
    "SELECT profile_id::VARCHAR, {zone}, {given}, {refused} FROM main.profiles WHERE profile_id IN"
    " (SELECT profile_id FROM id_held SEMI JOIN id_shared USING (key))",
    zone=ident(ZONE),
    given=ident(CONSENTED),
    refused=ident(REFUSED),
)
"""What the profiles said that they may find."""
SHUT = rows_from_json("id_shut", "BIGINT", "BIGINT", "UUID", "BIGINT", "VARCHAR")
NOTE_SHUT = Sql(
    "INSERT INTO ops.consent_mismatches (batch_id, row_no, profile_id, privacy_legislation)"
    " SELECT batch_id, row_no, coalesce(shut.profile_id, births.profile_id), shut.zone FROM id_shut AS shut"
    " JOIN batch_rows_read USING (ordinal) LEFT JOIN births ON births.birth = shut.birth ORDER BY shut.ordinal"
)
"""Enters the rows that may not act."""
COUNT_SHUT = sql("SELECT ordinal // {size}, count(*) FROM id_shut GROUP BY 1", size=literal(ROWS_PER_BATCH))
"""Number of the batch within the pass, and how many of its rows may not act."""
