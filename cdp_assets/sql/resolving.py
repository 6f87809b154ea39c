"""Which profile each tuple of a pass belongs to (spec.md 6.2).

The rule is sequential: row by row, the first listed identifier that finds a profile decides, and the row's
other identifiers become that profile's, unless another holds them. A tuple that shares no identifier and no
profile with another tuple of the pass is decided here, all at once; for the others order matters, and
`flows/resolve_rows.py` goes through them row by row. With a single identifier no two tuples share anything.

Reads   batch_rows_read (identifier, id<n>), applied, main.identifiers, main.profiles
Writes  (temporary)
        id_repeated  property, id: identifiers of several rows
        id_alias     ordinal, key: rows that have one of them; of the others the key is the ordinal
        id_keys      view: key, id0, id1, …: every tuple once
        id_acting    key, first_ordinal: tuples some of whose rows act, with the first of these (full files only)
        id_making    key, first_ordinal: tuples some of whose rows may make a profile, with the first of these (only
                     where batches of goals that make profiles share a pass with batches of such that do not)
        id_held      key, place, profile_id: who holds the tuple's identifiers
        id_hits      key, profile_id, alone, places: one of them, whether it is the only one, and of which places it
                     then holds identifiers (bit n = place n)
        id_shared    key: tuples for which the order of rows matters
        id_torn      key: tuples decided here whose identifiers may lead to several profiles, or to none
        id_found     key, profile_id: tuples, or outcomes of single rows, that found a profile
        id_unborn    key, birth, created_by_property, created_by_value: those that make one; birth is the row's ordinal
        id_slow_births  birth: those of them that were decided row by row
        id_refused   key, place, ids: identifiers that another profile holds
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.identifiers import places_of
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.records import records_of
from cdp_assets.sql.text import Sql, Step, chain, ident, joined, literal, sql


def repeated_ids(config: BatchConfig) -> Sql:
    """Makes id_repeated.

    Counting hashes first takes half the time; what they leave, which is little, is counted again as it is.
    """
    places = places_of(config)
    steps = [Step("identifying", Sql("SELECT * FROM batch_rows_read WHERE identifier IS NOT NULL"))]
    parts = []
    for number, name in enumerate(dict.fromkeys(place.name for place in places)):
        given = Step(f"given{number}", joined(" UNION ALL ", [p.ids("identifying") for p in places if p.name == name]))
        steps.append(given)
        parts.append(
            sql(
                "SELECT {name} AS property, id FROM {given} WHERE hash(id) IN"
                " (SELECT hash(id) FROM {given} GROUP BY hash(id) HAVING count(*) > 1) GROUP BY id HAVING count(*) > 1",
                given=ident(given.name),
                name=literal(name),
            )
        )
    query = chain(steps, joined("\nUNION ALL ", parts))
    return sql("CREATE OR REPLACE TEMP TABLE id_repeated AS\n{query}", query=query)


def aliases(config: BatchConfig) -> Sql:
    """Makes id_alias, of rows that share an identifier with another row: equal ones get one key."""
    places = places_of(config)
    tests = []
    for place in places:
        ids = sql("(SELECT id FROM id_repeated WHERE property = {name})", name=literal(place.name))
        if place.several:
            each = place.ids("batch_rows_read", "ordinal")
            tests.append(sql("ordinal IN (SELECT ordinal FROM ({each}) WHERE id IN {ids})", each=each, ids=ids))
        else:
            tests.append(sql("{c} IN {ids}", c=place.column, ids=ids))
    return sql(
        "CREATE OR REPLACE TEMP TABLE id_alias AS\nSELECT ordinal, min(ordinal) OVER (PARTITION BY {tuple}) AS key"
        " FROM batch_rows_read WHERE identifier IS NOT NULL AND ({tests})",
        tuple=joined(", ", [place.column for place in places]),
        tests=joined(" OR ", tests),
    )


NO_ALIASES = Sql("CREATE OR REPLACE TEMP TABLE id_alias (ordinal BIGINT, key BIGINT)")


def tuples(config: BatchConfig, *, aliased: bool) -> list[Sql]:
    """Makes id_keys, and for a full file id_acting."""
    first = Sql(" AND ordinal NOT IN (SELECT ordinal FROM id_alias WHERE ordinal <> key)" if aliased else "")
    columns = joined(", ", [place.column for place in places_of(config)])
    keys = sql(
        "CREATE OR REPLACE TEMP VIEW id_keys AS SELECT ordinal AS key, {columns} FROM batch_rows_read"
        " WHERE identifier IS NOT NULL{first}",
        columns=columns,
        first=first,
    )
    acting = Sql(
        "CREATE OR REPLACE TEMP TABLE id_acting AS\nSELECT coalesce(alias.key, applied.ordinal) AS key,"
        " min(applied.ordinal) AS first_ordinal FROM applied LEFT JOIN id_alias AS alias USING (ordinal) GROUP BY 1"
    )
    return [keys] if config.goal.files.delta else [keys, acting]


def holders(config: BatchConfig) -> list[Sql]:
    """Makes id_held and id_hits."""
    parts = [
        sql(
            "SELECT{each} key, {place}::UTINYINT AS place, profile_id FROM ({ids}) JOIN {held} AS held"
            " ON held.property = {name} AND held.value = id",
            held=records_of(config).held,
            each=Sql(" DISTINCT" if place.several else ""),
            place=literal(place.number),
            ids=place.ids("id_keys", "key"),
            name=literal(place.name),
        )
        for place in places_of(config)
    ]
    return [
        sql("CREATE OR REPLACE TEMP TABLE id_held AS\n{parts}", parts=joined("\nUNION ALL ", parts)),
        Sql(
            "CREATE OR REPLACE TEMP TABLE id_hits AS\nSELECT key, min(profile_id) AS profile_id,"
            " min(profile_id) = max(profile_id) AS alone, bit_or(1::BIGINT << place::BIGINT) AS places FROM id_held"
            " GROUP BY key"
        ),
    ]


def shared_tuples_of(config: BatchConfig, *, aliased: bool) -> Sql:
    """Makes id_shared. Where profiles merge, tuples that find several are among them."""
    torn = Sql(
        "SELECT key FROM id_hits WHERE NOT alone" if config.merging else "SELECT NULL::BIGINT AS key WHERE false"
    )
    if config.has_one_identifier:
        return sql("CREATE OR REPLACE TEMP TABLE id_shared AS\n{torn}", torn=torn)
    steps = [
        Step(
            "pairs",
            Sql(
                "SELECT key, profile_id FROM id_hits WHERE alone UNION ALL SELECT DISTINCT key, profile_id"
                " FROM id_held SEMI JOIN (FROM id_hits WHERE NOT alone) AS torn USING (key)"
            ),
        ),
        Step("busy", Sql("SELECT profile_id FROM pairs GROUP BY profile_id HAVING count(*) > 1")),
    ]
    meeting = Sql("SELECT key FROM pairs SEMI JOIN busy USING (profile_id)")
    if aliased:
        first = Sql("SELECT * FROM id_keys SEMI JOIN id_alias USING (key)")
        values = [
            sql("SELECT key, {name} AS property, id FROM ({ids})", name=literal(p.name), ids=p.ids("several", "key"))
            for p in places_of(config)
        ]
        steps += [
            Step("several", first),
            Step("ids", joined(" UNION ALL ", values)),
            Step("crossing", Sql("SELECT property, id FROM ids GROUP BY ALL HAVING count(DISTINCT key) > 1")),
        ]
        meeting = sql(
            "{meeting} UNION ALL SELECT key FROM ids SEMI JOIN crossing USING (property, id)", meeting=meeting
        )
    query = chain(steps, sql("SELECT DISTINCT key FROM ({meeting} UNION ALL {torn})", meeting=meeting, torn=torn))
    return sql("CREATE OR REPLACE TEMP TABLE id_shared AS\n{query}", query=query)


def decide_alone(config: BatchConfig) -> list[Sql]:
    """Makes id_found, id_unborn, id_slow_births and id_torn for the tuples that share nothing."""
    satisfied = joined(
        " OR ",
        [
            sql("places & {mask} = {mask}", mask=literal(sum(1 << place for place in rule)))
            for rule in config.goal.identifier_places
        ],
    )
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE id_found AS\nSELECT key, profile_id FROM id_hits ANTI JOIN id_shared"
            " USING (key) WHERE alone AND ({satisfied})",
            satisfied=satisfied,
        ),
        Sql(
            "CREATE OR REPLACE TEMP TABLE id_torn AS\nSELECT key FROM id_hits ANTI JOIN id_shared USING (key)"
            " ANTI JOIN id_found USING (key)"
        ),
    ]


def decide_torn(config: BatchConfig) -> Sql:
    """Adds the torn tuples to id_found: by the first rule that finds any profile, the one of them made first."""
    hits = [_hits(number, places) for number, places in enumerate(config.goal.identifier_places)]
    steps = [
        Step("held", Sql("SELECT * FROM id_held SEMI JOIN id_torn USING (key)")),
        Step("hits", joined(" UNION ALL ", hits)),
        Step("best", Sql("SELECT * FROM hits QUALIFY rule = min(rule) OVER (PARTITION BY key)")),
    ]
    chosen = sql(
        "SELECT key, arg_min(profile_id, (created_at_position, created_at_row)) FROM best"
        " JOIN (SELECT profile_id, created_at_position, created_at_row FROM {rows}) USING (profile_id)"
        " GROUP BY key",
        rows=records_of(config).rows,
    )
    return sql("INSERT INTO id_found\n{query}", query=chain(steps, chosen))


def making_tuples(making: Sequence[bool]) -> Sql:
    """Makes id_making. `making`: batch by batch, whether its rows may make profiles."""
    return sql(
        "CREATE OR REPLACE TEMP TABLE id_making AS\nSELECT coalesce(alias.key, given.ordinal) AS key,"
        " min(given.ordinal) AS first_ordinal FROM (SELECT ordinal FROM batch_rows_read WHERE identifier IS NOT NULL"
        " AND ordinal // {size} IN ({numbers})) AS given LEFT JOIN id_alias AS alias USING (ordinal) GROUP BY 1",
        size=literal(ROWS_PER_BATCH),
        numbers=joined(", ", [literal(number) for number, makes in enumerate(making) if makes]),
    )


LEAVE_OUT_EARLY_ROWS = sql(
    "UPDATE id_alias SET key = {nobody} FROM id_unborn AS made WHERE made.key = id_alias.key"
    " AND id_alias.ordinal < made.birth",
    nobody=literal(-(1 << 62)),
)
"""Gives rows that came before the one that makes their profile, and may not make it, a key that nobody has."""


def make_unborn(config: BatchConfig, *, some: bool) -> list[Sql]:
    """Makes id_unborn: the tuples that share nothing and find nobody, where a row of theirs acts and may make one.

    `some`: only rows of some batches may, those of `id_making`.
    """
    full = not config.goal.files.delta
    acting = Sql(" JOIN id_acting USING (key)" if full else " JOIN id_making USING (key)" if some else "")
    rest = sql("id_keys ANTI JOIN id_shared USING (key) ANTI JOIN id_found USING (key){acting}", acting=acting)
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE id_unborn AS\nSELECT key, {first} AS birth, {prop} AS created_by_property,"
            " {id} AS created_by_value FROM {rest}{none}",
            first=Sql("first_ordinal" if acting else "key"),
            prop=_first_complete(config, as_property=True),
            id=_first_complete(config, as_property=False),
            rest=rest,
            none=Sql("" if config.goal.allow_create else " WHERE false"),
        ),
        Sql("CREATE OR REPLACE TEMP TABLE id_slow_births (birth BIGINT)"),
    ]


NONE_REFUSED = Sql("CREATE OR REPLACE TEMP TABLE id_refused (key BIGINT, place INTEGER, ids VARCHAR[])")


def refuse_held(config: BatchConfig) -> Sql:
    """Adds to id_refused what torn tuples name and other profiles than theirs hold, where a row of them acts."""
    values = [
        sql(
            "SELECT key, {place} AS place, {name} AS property, id FROM ({ids})",
            place=literal(p.number),
            name=literal(p.name),
            ids=p.ids("torn", "key"),
        )
        for p in places_of(config)
    ]
    acting = Sql("" if config.goal.files.delta else " SEMI JOIN id_acting USING (key)")
    steps = [
        Step("torn", Sql("SELECT * FROM id_keys SEMI JOIN id_torn USING (key)")),
        Step("ids", joined(" UNION ALL ", values)),
        Step(
            "held",
            sql(
                "SELECT key, place, id, profile_id FROM ids JOIN {held} AS held"
                " ON held.property = ids.property AND held.value = ids.id",
                held=records_of(config).held,
            ),
        ),
        Step(
            "decided",
            sql(
                "SELECT key, profile_id FROM id_found SEMI JOIN id_torn USING (key){acting} UNION ALL"
                " SELECT key, NULL FROM id_unborn SEMI JOIN id_torn USING (key)",
                acting=acting,
            ),
        ),
        Step("own", Sql("SELECT DISTINCT key, place, id FROM held JOIN decided USING (key, profile_id)")),
    ]
    final = Sql(
        "SELECT key, place, list(DISTINCT id) FROM held SEMI JOIN decided USING (key)"
        " ANTI JOIN own USING (key, place, id) GROUP BY key, place"
    )
    return sql("INSERT INTO id_refused\n{query}", query=chain(steps, final))


def _hits(rule: int, places: tuple[int, ...]) -> Sql:
    """The profiles that a rule finds for each tuple."""
    return sql(
        "SELECT {rule} AS rule, key, profile_id FROM held WHERE place IN ({places}) GROUP BY key, profile_id"
        " HAVING count(DISTINCT place) = {all}",
        rule=literal(rule),
        places=Sql(", ".join(str(place) for place in places)),
        all=literal(len(places)),
    )


def _first_complete(config: BatchConfig, *, as_property: bool) -> Sql:
    """Property or value of the first column of the first rule that the tuple has all columns of."""
    known = places_of(config)
    cases = []
    for places in config.goal.identifier_places:
        complete = joined(" AND ", [sql("{id} IS NOT NULL", id=known[place].column) for place in places])
        first = known[places[0]]
        value = literal(first.name)
        if not as_property:
            value = sql("{id}[1]", id=first.column) if first.several else first.column
        cases.append(sql("WHEN {complete} THEN {value}", complete=complete, value=value))
    return sql("CASE {cases} END", cases=joined(" ", cases))
