"""The rows of a pass whose order matters: what `flows/resolve_rows.py` reads of them, and what it writes.

Reads   batch_rows, id_keys, id_shared, id_held, id_refused, key_targets, applied (see identity and resolving),
        main.profiles, main.identifiers
Writes  (temporary) id_slow: ordinal, key: what became of a row, as a key below 0; and rows of id_found, id_unborn,
        id_refused, id_slow_births and id_alias; ops.identity_conflicts; where profiles merge also
        id_trees     everybody who merged, or whom others became: person (a number), profile_id or birth, merged_at
                     (the row; NULL = lives), root (the person they are in the end)
        id_clashing  ordinal: rows that found profiles which must not merge
        id_unmerged  rows that found too many to merge: ordinal, property, value, and one of the others by profile_id
                     or birth
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.identifiers import places_of
from cdp_assets.sql.records import records_of
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql


def shared_rows(config: BatchConfig, clearing: Sequence[int]) -> Sql:
    """Rows whose order matters: ordinal, key, acts, counted, and per clearing mapping whether its cell clears.

    `clearing`: numbers of the mappings that may clear an identifier.
    """
    full = not config.goal.files.delta
    clears = [
        sql("(rows.{m} IS NULL AND rows.{bad} IS NULL)", m=ident(f"m{number}"), bad=ident(f"m{number}_invalid"))
        for number in clearing
    ]
    acts = Sql("applied.ordinal IS NOT NULL, applied.counted" if full else "true, NULL")
    return sql(
        "SELECT rows.ordinal, rows.key, {acts} FROM batch_rows AS rows SEMI JOIN id_shared"
        " USING (key){applied} ORDER BY rows.ordinal",
        acts=joined(", ", [acts, *clears]),
        applied=Sql(" LEFT JOIN applied ON applied.ordinal = rows.ordinal" if full else ""),
    )


def shared_tuples(config: BatchConfig) -> Sql:
    """Key and lists of ids, a list for each place, of the tuples whose order matters."""
    ids = comma([place.values for place in places_of(config)])
    return sql("SELECT key, {ids} FROM id_keys SEMI JOIN id_shared USING (key)", ids=ids)


def shared_holders(config: BatchConfig) -> Sql:
    """profile_id, when its identifiers were written last, and these as lists of text.

    Of every profile such a tuple may find, in the order they were made. When is told, as position and row, only of
    properties whose latest write decides as profiles merge.
    """
    lists, writes = [], []
    for item in config.goal.identifier_columns:
        name = ident(item.property)
        when = sql(
            "(SELECT [written_at_position, written_at_row] FROM main.latest_writes AS last"
            " WHERE last.profile_id = profiles.profile_id AND last.property = {name})",
            name=literal(item.property),
        )
        writes.append(when if config.merges_by_latest(item.property) else Sql("NULL::BIGINT[]"))
        several = config.find_property(item.property).multiple
        form = "{name}::VARCHAR[]" if several else "CASE WHEN {name} IS NOT NULL THEN [{name}::VARCHAR] END"
        lists.append(sql(form, name=name))
    return sql(
        "SELECT profile_id::VARCHAR, [{writes}], {lists} FROM main.profiles WHERE profile_id IN"
        " (SELECT profile_id FROM id_held SEMI JOIN id_shared USING (key))"
        " ORDER BY created_at_position, created_at_row",
        writes=comma(writes),
        lists=comma(lists),
    )


def rows_from_json(table: str, *types: str) -> Sql:
    """Adds rows that come as one JSON text, a list for each column: the engine takes lists of values very slowly."""
    shape = ", ".join(f'"c{place}": {_json_shape(kind)}' for place, kind in enumerate(types))
    columns = joined(
        ", ", [sql("unnest(given.{c})::{kind}", c=ident(f"c{n}"), kind=Sql(kind)) for n, kind in enumerate(types)]
    )
    return sql(
        "INSERT INTO {table} SELECT {columns} FROM (SELECT from_json(?::JSON, {shape}) AS given)",
        table=ident(table),
        columns=columns,
        shape=literal("{" + shape + "}"),
    )


def _json_shape(kind: str) -> str:
    return '[["VARCHAR"]]' if kind == "VARCHAR[]" else f'["{"VARCHAR" if kind == "UUID" else kind}"]'


HELD = "another profile holds it"
"""Why an identifier of a row is not given to the profile that the row finds."""
SLOW_ROWS_TABLE = Sql("CREATE OR REPLACE TEMP TABLE id_slow (ordinal BIGINT, key BIGINT)")
SLOW_ROWS = rows_from_json("id_slow", "BIGINT", "BIGINT")
FOUND = rows_from_json("id_found", "BIGINT", "UUID")
UNBORN = rows_from_json("id_unborn", "BIGINT", "BIGINT", "VARCHAR", "VARCHAR")
REFUSED = rows_from_json("id_refused", "BIGINT", "INTEGER", "VARCHAR[]")
TREES_TABLE = Sql(
    "CREATE OR REPLACE TEMP TABLE id_trees"
    " (person BIGINT, profile_id UUID, birth BIGINT, merged_at BIGINT, root BIGINT)"
)
TREES = rows_from_json("id_trees", "BIGINT", "UUID", "BIGINT", "BIGINT", "BIGINT")
UNMERGED_TABLE = Sql(
    "CREATE OR REPLACE TEMP TABLE id_unmerged"
    " (ordinal BIGINT, property VARCHAR, value VARCHAR, profile_id UUID, birth BIGINT)"
)
UNMERGED = rows_from_json("id_unmerged", "BIGINT", "VARCHAR", "VARCHAR", "UUID", "BIGINT")
CLASHING_TABLE = Sql("CREATE OR REPLACE TEMP TABLE id_clashing (ordinal BIGINT)")
CLASHING = rows_from_json("id_clashing", "BIGINT")
CLASH = "A profile already exists with one of these identifiers."
NOTE_CLASHES = sql(
    "INSERT INTO ops.rejects BY NAME SELECT given.batch_id, connection, goal, partition_key, name AS file,"
    " 'row' AS level, given.row_no, given.line_no, {reason} AS reason FROM id_clashing"
    " JOIN batch_rows_read AS given USING (ordinal) JOIN ops.batches USING (batch_id)"
    " ANTI JOIN ops.rejects AS known ON known.batch_id = given.batch_id AND known.line_no = given.line_no"
    " AND known.reason = {reason}",
    reason=literal(CLASH),
)
"""Enters the rows that found profiles which must not merge among the rejects, once; they find nobody."""
OUTCOMES_AS_KEYS = [
    Sql("INSERT INTO id_slow_births SELECT DISTINCT birth FROM id_unborn WHERE key < 0"),
    Sql(
        "CREATE OR REPLACE TEMP TABLE id_alias AS"
        " FROM id_slow UNION ALL FROM id_alias ANTI JOIN id_slow USING (ordinal)"
    ),
]
"""From then on rows whose order matters go by what came of them, not by their tuple."""


def note_conflicts(config: BatchConfig) -> Sql:
    """Enters every refused identifier once per profile and batch, at its first row, with both sides."""
    names = [
        sql("WHEN {place} THEN {prop}", place=literal(place), prop=literal(item.property))
        for place, item in enumerate(config.goal.identifier_columns)
    ]
    return sql(
        "INSERT INTO ops.identity_conflicts (batch_id, row_no, property, value, profile_id, other_profile_id, reason)\n"
        "WITH refused AS (SELECT key, CASE place {names} END AS property, unnest(ids) AS id FROM id_refused),\n"
        "sides AS (SELECT refused.*, profile_id FROM refused JOIN key_targets USING (key)),\n"
        "placed AS (SELECT property, id, sides.profile_id, batch_id, min(ordinal) AS ordinal FROM sides"
        " JOIN batch_rows AS given USING (key){applied} GROUP BY ALL)\n"
        "SELECT given.batch_id, given.row_no, placed.property, placed.id, placed.profile_id,"
        " (SELECT arg_min(held.profile_id, held.profile_id::VARCHAR) FROM {held} AS held"
        " WHERE held.property = placed.property AND held.value = placed.id AND held.profile_id <> placed.profile_id),"
        " {reason}"
        " FROM placed JOIN batch_rows AS given USING (ordinal)",
        names=joined(" ", names),
        reason=literal(HELD),
        held=records_of(config).held,
        applied=Sql("" if config.goal.files.delta else " JOIN applied USING (ordinal)"),
    )


def note_unmerged(limit: int) -> Sql:
    """Enters the rows that found too many profiles to merge, once per profile that they went to."""
    return sql(
        "INSERT INTO ops.identity_conflicts (batch_id, row_no, property, value, profile_id, other_profile_id, reason)\n"
        "SELECT given.batch_id, given.row_no, other.property, other.value, target.profile_id,"
        " coalesce(other.profile_id, births.profile_id), {reason} FROM id_unmerged AS other"
        " JOIN batch_rows AS given USING (ordinal) JOIN key_targets AS target USING (key)"
        " LEFT JOIN births ON births.birth = other.birth",
        reason=literal(f"more than {limit} profiles found"),
    )
