"""Which profile each row of a pass belongs to, where several identifiers find profiles (spec.md 6.2).

The rule is sequential: row by row, the first listed identifier that finds a profile decides, and the row's
other identifiers become that profile's, unless another holds them. Rows that identify alike are one *tuple*.
A tuple that shares no identifier and no profile with another tuple of the pass is decided here, all at once;
for the others order matters, and `flows/resolve_rows.py` goes through them row by row.

Reads   batch_rows (identifier, id<n>), applied, main.identifiers, main.profiles
Writes  (temporary)
        id_keys     value (the tuple), first_ordinal (of its rows that act; NULL = none does), rows, id0, id1, …
        id_held     value, place, id, profile_id: who holds the tuple's identifiers
        id_shared   value: tuples for which the order of rows matters
        id_found    value, profile_id, first_ordinal: tuples, or outcomes of single rows, that found a profile
        id_unborn   value, birth, first_ordinal, created_by_property, created_by_value: those that make one
        id_nobody   value, first_ordinal: those that find none
        id_refused  value, place, ids: identifiers that another profile holds
"""

from __future__ import annotations

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.identifiers import id_name
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql


def tuples_of_pass(config: BatchConfig) -> list[Sql]:
    """Makes id_keys, id_held and id_shared."""
    full = not config.goal.files.delta
    places = range(len(config.goal.identifier_columns))
    ids = [sql("any_value({id}) AS {id}", id=ident(id_name(place))) for place in places]
    tuples = sql(
        "CREATE OR REPLACE TEMP TABLE id_keys AS\nSELECT identifier AS value, min({acting}) AS first_ordinal,"
        " count(*) AS rows, {ids}\nFROM batch_rows{applied} WHERE identifier IS NOT NULL GROUP BY identifier",
        acting=Sql("applied.ordinal" if full else "batch_rows.ordinal"),
        ids=joined(", ", ids),
        applied=Sql(" LEFT JOIN applied ON applied.ordinal = batch_rows.ordinal" if full else ""),
    )
    values = joined(
        " UNION ALL ",
        [
            sql(
                "SELECT value, {place} AS place, {prop} AS property, unnest({id}) AS id FROM id_keys",
                place=literal(place),
                prop=literal(item.property),
                id=ident(id_name(place)),
            )
            for place, item in enumerate(config.goal.identifier_columns)
        ],
    )
    held = Sql(
        "CREATE OR REPLACE TEMP TABLE id_held AS\nSELECT given.value, place, id, profile_id FROM id_values AS given"
        " JOIN main.identifiers AS held ON held.property = given.property AND held.value = given.id"
    )
    shared = Sql(
        "CREATE OR REPLACE TEMP TABLE id_shared AS\nSELECT DISTINCT value FROM ("
        "SELECT value, count(*) OVER (PARTITION BY property, id) AS tuples FROM id_values UNION ALL"
        " SELECT value, count(*) OVER (PARTITION BY profile_id) FROM (SELECT DISTINCT value, profile_id FROM id_held))"
        " WHERE tuples > 1"
    )
    return [tuples, sql("CREATE OR REPLACE TEMP TABLE id_values AS\n{values}", values=values), held, shared]


def decide_alone(config: BatchConfig) -> list[Sql]:
    """Makes id_found, id_unborn, id_nobody and id_refused for the tuples that share nothing."""
    hits = [_hits(number, places) for number, places in enumerate(config.goal.identifier_places)]
    steps = [
        Step("alone", Sql("SELECT * FROM id_keys ANTI JOIN id_shared USING (value)")),
        Step("held", Sql("SELECT * FROM id_held ANTI JOIN id_shared USING (value)")),
        Step("hits", joined(" UNION ALL ", hits)),
        Step("best", Sql("SELECT * FROM hits QUALIFY rule = min(rule) OVER (PARTITION BY value)")),
        Step("counted", Sql("SELECT *, count(*) OVER (PARTITION BY value) AS found FROM best")),
        Step(
            "chosen",
            Sql(
                "SELECT value, profile_id FROM counted WHERE found = 1 UNION ALL"
                " SELECT value, arg_min(profile_id, (created_at_position, created_at_row)) FROM counted"
                " JOIN (SELECT profile_id, created_at_position, created_at_row FROM main.profiles) USING (profile_id)"
                " WHERE found > 1 GROUP BY value"
            ),
        ),
    ]
    found = chain(steps, Sql("SELECT value, profile_id, first_ordinal FROM chosen JOIN alone USING (value)"))
    rest = "id_keys ANTI JOIN id_shared USING (value) ANTI JOIN id_found USING (value)"
    makes = Sql("first_ordinal IS NOT NULL" if config.goal.allow_create else "false")
    return [
        sql("CREATE OR REPLACE TEMP TABLE id_found AS\n{found}", found=found),
        sql(
            "CREATE OR REPLACE TEMP TABLE id_unborn AS\nSELECT value, value AS birth, first_ordinal,"
            " {prop} AS created_by_property, {id} AS created_by_value FROM {rest} WHERE {makes}",
            prop=_first_complete(config, as_property=True),
            id=_first_complete(config, as_property=False),
            rest=Sql(rest),
            makes=makes,
        ),
        sql(
            "CREATE OR REPLACE TEMP TABLE id_nobody AS\nSELECT value, first_ordinal FROM {rest} WHERE NOT ({makes})",
            rest=Sql(rest),
            makes=makes,
        ),
        Sql(
            "CREATE OR REPLACE TEMP TABLE id_refused AS\n"
            "WITH decided AS (SELECT value, profile_id FROM id_found WHERE first_ordinal IS NOT NULL"
            " UNION ALL SELECT value, NULL FROM id_unborn)\n"
            "SELECT value, place, list(DISTINCT id) AS ids FROM id_held JOIN decided USING (value)"
            " WHERE id_held.profile_id IS DISTINCT FROM decided.profile_id"
            " AND (value, place, id) NOT IN (SELECT (value, place, id) FROM id_held AS own JOIN id_found AS mine"
            " USING (value, profile_id)) GROUP BY value, place"
        ),
    ]


def _hits(rule: int, places: tuple[int, ...]) -> Sql:
    """The profiles that a rule finds for each tuple."""
    return sql(
        "SELECT {rule} AS rule, value, profile_id FROM held WHERE place IN ({places}) GROUP BY value, profile_id"
        " HAVING count(DISTINCT place) = {all}",
        rule=literal(rule),
        places=Sql(", ".join(str(place) for place in places)),
        all=literal(len(places)),
    )


def _first_complete(config: BatchConfig, *, as_property: bool) -> Sql:
    """Property or value of the first column of the first rule that the tuple has all columns of."""
    cases = []
    for places in config.goal.identifier_places:
        complete = joined(" AND ", [sql("{id} IS NOT NULL", id=ident(id_name(place))) for place in places])
        first = places[0]
        told = literal(config.goal.identifier_columns[first].property)
        value = told if as_property else sql("{id}[1]", id=ident(id_name(first)))
        cases.append(sql("WHEN {complete} THEN {value}", complete=complete, value=value))
    return sql("CASE {cases} END", cases=joined(" ", cases))


def shared_rows(config: BatchConfig, clearing: dict[int, int]) -> Sql:
    """Rows whose order matters: ordinal, tuple, acts, counted, and per clearing mapping whether its cell clears.

    `clearing`: place of an identifier → number of the mapping that may clear its property.
    """
    full = not config.goal.files.delta
    clears = [
        sql("(rows.{m} IS NULL AND rows.{bad} IS NULL)", m=ident(f"m{number}"), bad=ident(f"m{number}_invalid"))
        for number in clearing.values()
    ]
    acts = Sql("applied.ordinal IS NOT NULL, applied.counted" if full else "true, NULL")
    return sql(
        "SELECT rows.ordinal, rows.identifier, {acts} FROM batch_rows AS rows JOIN id_shared"
        " ON id_shared.value = rows.identifier{applied} ORDER BY rows.ordinal",
        acts=joined(", ", [acts, *clears]),
        applied=Sql(" LEFT JOIN applied ON applied.ordinal = rows.ordinal" if full else ""),
    )


def shared_tuples(config: BatchConfig) -> Sql:
    """Value and id0, id1, … of the tuples whose order matters."""
    ids = comma([ident(id_name(place)) for place in range(len(config.goal.identifier_columns))])
    return sql("SELECT value, {ids} FROM id_keys SEMI JOIN id_shared USING (value)", ids=ids)


def shared_holders(config: BatchConfig) -> Sql:
    """profile_id and its identifier properties as lists of text, of every profile such a tuple may find, in order."""
    lists = []
    for item in config.goal.identifier_columns:
        name = ident(item.property)
        several = config.find_property(item.property).multiple
        form = "{name}::VARCHAR[]" if several else "CASE WHEN {name} IS NOT NULL THEN [{name}::VARCHAR] END"
        lists.append(sql(form, name=name))
    return sql(
        "SELECT profile_id::VARCHAR, {lists} FROM main.profiles WHERE profile_id IN"
        " (SELECT profile_id FROM id_held SEMI JOIN id_shared USING (value))"
        " ORDER BY created_at_position, created_at_row",
        lists=comma(lists),
    )


def _rows_from_json(table: str, *types: str) -> Sql:
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


NO_SLOW_ROWS = Sql("CREATE OR REPLACE TEMP TABLE id_slow (ordinal BIGINT, outcome VARCHAR)")
SLOW_ROWS = _rows_from_json("id_slow", "BIGINT", "VARCHAR")
FOUND = _rows_from_json("id_found", "VARCHAR", "UUID", "BIGINT")
UNBORN = _rows_from_json("id_unborn", "VARCHAR", "VARCHAR", "BIGINT", "VARCHAR", "VARCHAR")
NOBODY = _rows_from_json("id_nobody", "VARCHAR", "BIGINT")
REFUSED = _rows_from_json("id_refused", "VARCHAR", "INTEGER", "VARCHAR[]")
OUTCOMES_AS_KEYS = Sql(
    "CREATE OR REPLACE TEMP VIEW batch_rows AS SELECT given.* REPLACE (coalesce(slow.outcome, identifier) AS"
    " identifier) FROM batch_rows_read AS given LEFT JOIN id_slow AS slow ON slow.ordinal = given.ordinal"
)
"""From then on rows whose order matters go by what came of them, not by their tuple."""


def note_conflicts(config: BatchConfig) -> Sql:
    """Enters every refused identifier once per profile, at its first row, with both sides."""
    names = [
        sql("WHEN {place} THEN {prop}", place=literal(place), prop=literal(item.property))
        for place, item in enumerate(config.goal.identifier_columns)
    ]
    return sql(
        "INSERT INTO ops.identity_conflicts (batch_id, row_no, property, value, profile_id, other_profile_id)\n"
        "WITH refused AS (SELECT value, CASE place {names} END AS property, unnest(ids) AS id FROM id_refused),\n"
        "sides AS (SELECT refused.*, key.profile_id FROM refused JOIN key_targets AS key USING (value)),\n"
        "placed AS (SELECT property, id, sides.profile_id, min(ordinal) AS ordinal FROM sides"
        " JOIN batch_rows AS given ON given.identifier = sides.value{applied} GROUP BY ALL)\n"
        "SELECT given.batch_id, given.row_no, placed.property, placed.id, placed.profile_id,"
        " (SELECT arg_min(held.profile_id, held.profile_id::VARCHAR) FROM main.identifiers AS held"
        " WHERE held.property = placed.property AND held.value = placed.id AND held.profile_id <> placed.profile_id)"
        " FROM placed JOIN batch_rows AS given USING (ordinal)",
        names=joined(" ", names),
        applied=Sql("" if config.goal.files.delta else " JOIN applied USING (ordinal)"),
    )
