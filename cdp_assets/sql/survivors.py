"""Profiles that become one in a pass: who they are, what the survivor holds, and what is left of the others.

Everything here is about the few profiles that merge. `flows/combine_merged.py` decides, without seeing a value, of
which old values and which cells each property of a survivor is made; the engine then puts these together.

Reads   id_trees (single_rows), births, key_targets, batch_rows, main.profiles
Writes  (temporary)
        merged_people  person (a number), profile_id, root_id (who they are in the end), root, merged_at (row; NULL =
                       lives)
        merged_pairs   profile_id, replaced_by, merged_at: of every profile that the pass replaces, who it is now
        merged_last    profile_id, ordinal: of every survivor, the row at which it merged for the last time
        merged_rows    ordinal, profile_id (of the survivor) and the operations of the rows that act
        merged_refs    root, property (a number), place, and of what the value there is made: person (whose old value)
                       or ordinal and mapping (the cell); none of both = it is empty
        merged_consents  person (a survivor), level, zone, given, refused
        merged_values  profile_id, last_ordinal, and per property that its last merge left not as it was r<n> (true)
                       and v<n>
        merged_now     the survivors as their last merge left them, as rows of main.profiles
        merged_changed  those of them that later rows of the pass changed, as they are after it
        main.replaced_profiles, main.profiles, main.identifiers, main.imported_profiles
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.consent import TARGETS
from cdp_assets.config.goals import Rule
from cdp_assets.sql.dialect import distinct_in_order, patched
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.records import PROFILES
from cdp_assets.sql.single_rows import rows_from_json
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write


@dataclass(frozen=True)
class Held:
    """One property as a column of `profiles`, whoever wrote it."""

    number: int
    name: str
    type: Sql
    several: bool
    """Whether it holds a LIST."""
    mappings: tuple[int, ...] = ()
    """Of the pass's goal that write it."""
    sums: bool = False
    """Whether one of them adds up."""

    @property
    def is_object(self) -> bool:
        """Whether it holds a JSON object, which rows patch."""
        return self.type == Sql("JSON")


def held_properties(columns: Sequence[tuple[str, str]], writes: Sequence[Write]) -> list[Held]:
    """The properties among the columns of `profiles`. `columns`: name and type of those that are no own ones."""
    written = {write.prop.name: write for write in writes}
    return [
        Held(
            number,
            name,
            Sql(kind),
            kind.endswith("[]"),
            tuple(mapping for mapping, _ in written[name].mappings) if name in written else (),
            name in written and Rule.sum in written[name].rules,
        )
        for number, (name, kind) in enumerate(columns)
    ]


MERGED_PEOPLE = [
    Sql(
        "CREATE OR REPLACE TEMP TABLE merged_people AS\n"
        "WITH named AS (SELECT person, coalesce(id_trees.profile_id, births.profile_id) AS profile_id, merged_at, root"
        " FROM id_trees LEFT JOIN births USING (birth))\n"
        "SELECT named.*, roots.profile_id AS root_id FROM named JOIN named AS roots ON roots.person = named.root"
    ),
    Sql(
        "CREATE OR REPLACE TEMP TABLE merged_pairs AS SELECT profile_id, root_id AS replaced_by, merged_at"
        " FROM merged_people WHERE person <> root"
    ),
    Sql(
        "CREATE OR REPLACE TEMP TABLE merged_last AS SELECT replaced_by AS profile_id, max(merged_at) AS ordinal"
        " FROM merged_pairs GROUP BY replaced_by"
    ),
    Sql(
        "UPDATE key_targets SET profile_id = replaced_by, is_new = replaced_by IN (SELECT profile_id FROM births)"
        " FROM merged_pairs WHERE merged_pairs.profile_id = key_targets.profile_id"
    ),
]
"""From then on every row of somebody who merged goes to the survivor."""
IS_SURVIVOR = Sql("profile_id IN (SELECT replaced_by FROM merged_pairs)")


def merged_rows(targeted: Sql) -> Sql:
    """Makes merged_rows. `targeted`: the rows that act and go to survivors, with their operations."""
    return sql("CREATE OR REPLACE TEMP TABLE merged_rows AS\n{rows}", rows=targeted)


def row_marks(mappings: Sequence[tuple[int, Rule]]) -> Sql:
    """Ordinal and a text of one digit for each mapping: 0 = does nothing, 1 = gives a value, 2 = clears."""
    marks = [
        sql(
            "CASE WHEN {value} IS NOT NULL THEN '1'{clears} ELSE '0' END",
            value=ident(f"o{number}"),
            clears=sql(" WHEN {c} THEN '2'", c=ident(f"o{number}_clears")) if rule is Rule.set_or_clear else Sql(""),
        )
        for number, rule in mappings
    ]
    return sql(
        "SELECT ordinal, concat({marks}) FROM merged_rows ORDER BY ordinal", marks=joined(", ", marks or [literal("")])
    )


def old_marks(properties: Sequence[Held]) -> Sql:
    """Person and a text of one digit for each property: whether it holds a value before the pass."""
    marks = [sql("CASE WHEN old.{c} IS NULL THEN '0' ELSE '1' END", c=ident(prop.name)) for prop in properties]
    return sql(
        "SELECT person, concat({marks}) FROM merged_people JOIN main.profiles AS old USING (profile_id)",
        marks=joined(", ", marks or [literal("")]),
    )


REFS_TABLE = Sql(
    "CREATE OR REPLACE TEMP TABLE merged_refs"
    " (root BIGINT, property INTEGER, place BIGINT, person BIGINT, ordinal BIGINT, mapping INTEGER)"
)
REFS = rows_from_json("merged_refs", "BIGINT", "INTEGER", "BIGINT", "BIGINT", "BIGINT", "INTEGER")


CONSENT_NAMES = frozenset(TARGETS)
OLD_CONSENTS = sql(
    "SELECT person, {columns} FROM merged_people JOIN main.profiles USING (profile_id)",
    columns=joined(", ", [ident(name) for name in TARGETS]),
)
"""Person, level, zone, and the objectives consented to and refused, before the pass."""
CONSENTS_TABLE = Sql(
    "CREATE OR REPLACE TEMP TABLE merged_consents"
    " (person BIGINT, level VARCHAR, zone VARCHAR, given VARCHAR[], refused VARCHAR[])"
)
CONSENTS = rows_from_json("merged_consents", "BIGINT", "VARCHAR", "VARCHAR", "VARCHAR[]", "VARCHAR[]")
_CONSENTS = Sql(
    "(SELECT profile_id, level, zone, nullif(given, []) AS given, nullif(refused, []) AS refused"
    " FROM merged_consents JOIN merged_people USING (person))"
)
_CONSENT_VALUES = [
    sql("consents.{value} AS {name}", value=ident(value), name=ident(name))
    for value, name in zip(("level", "zone", "given", "refused"), TARGETS, strict=True)
]


def consent_cells(mappings: Sequence[int]) -> Sql:
    """Ordinal, and the cells of these mappings, of all rows of survivors in their order."""
    columns = comma([Sql("ordinal"), *(ident(f"o{number}") for number in mappings)])
    return sql("SELECT {columns} FROM merged_rows ORDER BY ordinal", columns=columns)


def merged_values(properties: Sequence[Held]) -> Sql:
    """Makes merged_values. `properties`: those that stand in merged_refs."""
    steps, joins, columns = [], [], []
    for prop in properties:
        listed, made = f"listed{prop.number}", f"made{prop.number}"
        steps += [Step(listed, _parts(prop)), Step(made, _put_together(prop, listed))]
        joins.append(sql("LEFT JOIN {made} ON {made}.root = survivor.person", made=ident(made)))
        columns.append(
            sql(
                "{made}.root IS NOT NULL AS {changed}, {made}.value AS {value}",
                made=ident(made),
                changed=ident(f"r{prop.number}"),
                value=ident(f"v{prop.number}"),
            )
        )
    final = sql(
        "SELECT {columns} FROM merged_people AS survivor JOIN merged_last USING (profile_id) {joins}"
        " WHERE survivor.person = survivor.root",
        columns=comma([Sql("survivor.profile_id"), Sql("merged_last.ordinal AS last_ordinal"), *columns]),
        joins=joined(" ", joins),
    )
    query = chain(steps, final) if steps else final
    return sql("CREATE OR REPLACE TEMP TABLE merged_values AS\n{query}", query=query)


def _parts(prop: Held) -> Sql:
    """Everything that a property's new values are made of, one under the other."""
    own = sql("merged_refs WHERE property = {number}", number=literal(prop.number))
    parts = [
        sql(
            "SELECT refs.root, place, old.{name} AS value FROM (FROM {own}) AS refs JOIN merged_people AS one"
            " ON one.person = refs.person JOIN main.profiles AS old ON old.profile_id = one.profile_id",
            name=ident(prop.name),
            own=own,
        ),
        sql(
            "SELECT root, place, NULL::{type} FROM {own} AND person IS NULL AND ordinal IS NULL",
            type=prop.type,
            own=own,
        ),
    ]
    parts += [
        sql(
            "SELECT refs.root, place, given.{cell}::{type} FROM (FROM {own} AND mapping = {number}) AS refs"
            " JOIN merged_rows AS given ON given.ordinal = refs.ordinal",
            cell=ident(f"o{number}"),
            type=prop.type,
            own=own,
            number=literal(number),
        )
        for number in prop.mappings
    ]
    return joined("\nUNION ALL ", parts)


def _put_together(prop: Held, listed: str) -> Sql:
    if prop.several:
        values = Sql("flatten(list(value ORDER BY place) FILTER (WHERE value IS NOT NULL))")
        return sql(
            "SELECT root, {value} AS value FROM (SELECT root, {values} AS gathered FROM {listed} GROUP BY root)",
            value=distinct_in_order(Sql("gathered")),
            values=values,
            listed=ident(listed),
        )
    value = Sql("sum(value)") if prop.sums else Sql("any_value(value)")
    if prop.is_object:
        value = patched(Sql("NULL::JSON"), Sql("list(value ORDER BY place) FILTER (WHERE value IS NOT NULL)"))
    return sql(
        "SELECT root, ({value})::{type} AS value FROM {listed} GROUP BY root",
        value=value,
        type=prop.type,
        listed=ident(listed),
    )


def merged_now(properties: Sequence[Held], group: str, looks: Sql) -> list[Sql]:
    """Makes merged_now."""
    return [
        Sql("CREATE OR REPLACE TEMP TABLE merged_now AS FROM main.profiles LIMIT 0"),
        sql("INSERT INTO merged_now BY NAME\n{rows}", rows=_old_survivors(properties, looks)),
        sql("INSERT INTO merged_now BY NAME\n{rows}", rows=_new_survivors(properties, group, looks)),
    ]


def merged_changed(changed: Sql) -> Sql:
    """Makes merged_changed. `changed`: of merged_now, what `merging.changed_profiles` gives."""
    return sql("CREATE OR REPLACE TEMP TABLE merged_changed AS\n{rows}", rows=changed)


NONE_CHANGED = Sql("CREATE OR REPLACE TEMP TABLE merged_changed AS FROM merged_now LIMIT 0")
SURVIVORS = Sql("FROM merged_changed UNION ALL BY NAME FROM merged_now ANTI JOIN merged_changed USING (profile_id)")
"""They as they are after the pass."""


def _old_survivors(properties: Sequence[Held], looks: Sql) -> Sql:
    """The survivors that were in the warehouse."""
    new = [
        sql(
            "CASE WHEN merged.{changed} THEN merged.{value} ELSE old.{name} END AS {name}",
            changed=ident(f"r{prop.number}"),
            value=ident(f"v{prop.number}"),
            name=ident(prop.name),
        )
        for prop in properties
    ]
    looked = [Sql("last.look_at AS last_modified_date"), Sql("last.position AS modified_at_position")]
    return sql(
        "SELECT old.* REPLACE ({new}) FROM merged_values AS merged JOIN main.profiles AS old USING (profile_id)"
        " JOIN {consents} AS consents USING (profile_id)"
        " JOIN {looks} AS last ON last.number = last_ordinal // {size}",
        new=comma([*new, *looked, *_CONSENT_VALUES]),
        consents=_CONSENTS,
        looks=looks,
        size=literal(ROWS_PER_BATCH),
    )


def _new_survivors(properties: Sequence[Held], group: str, looks: Sql) -> Sql:
    """The survivors that the pass made."""
    values = [
        sql("merged.{value} AS {name}", value=ident(f"v{prop.number}"), name=ident(prop.name)) for prop in properties
    ]
    columns = [
        Sql("births.profile_id"),
        sql("{group} AS domain_group", group=literal(group)),
        Sql("first.look_at AS creation_date"),
        Sql("last.look_at AS last_modified_date"),
        Sql("created_by_property"),
        Sql("created_by_value"),
        Sql("created_by_number"),
        Sql("first.position AS created_at_position"),
        sql("first_ordinal % {size} + 1 AS created_at_row", size=literal(ROWS_PER_BATCH)),
        Sql("last.position AS modified_at_position"),
        *_CONSENT_VALUES,
        *values,
    ]
    return sql(
        "SELECT {columns} FROM births JOIN merged_values AS merged USING (profile_id)"
        " JOIN {consents} AS consents USING (profile_id)"
        " JOIN {looks} AS first ON first.number = first_ordinal // {size}"
        " JOIN {looks} AS last ON last.number = last_ordinal // {size}",
        columns=comma(columns),
        consents=_CONSENTS,
        looks=looks,
        size=literal(ROWS_PER_BATCH),
    )


def replace_profiles(group: str, looks: Sql) -> list[Sql]:
    """Keeps of those that merged who they are now, and takes them out of `profiles` and its index."""
    made = sql(
        "SELECT profile_id, created_by_property, created_by_value, created_by_number, created_at_position,"
        " created_at_row FROM main.profiles UNION ALL SELECT births.profile_id, created_by_property, created_by_value,"
        " created_by_number, first.position, first_ordinal % {size} + 1 FROM births JOIN {looks} AS first"
        " ON first.number = first_ordinal // {size}",
        looks=looks,
        size=literal(ROWS_PER_BATCH),
    )
    return [
        Sql(
            "UPDATE main.replaced_profiles SET replaced_by = now.replaced_by FROM merged_pairs AS now"
            " WHERE now.profile_id = replaced_profiles.replaced_by"
        ),
        sql(
            "INSERT INTO main.replaced_profiles BY NAME SELECT pairs.profile_id, replaced_by, {group} AS domain_group,"
            " made.* EXCLUDE (profile_id), looks.position AS replaced_at_position,"
            " merged_at % {size} + 1 AS replaced_at_row FROM merged_pairs AS pairs JOIN ({made}) AS made"
            " USING (profile_id) JOIN {looks} AS looks ON looks.number = merged_at // {size}",
            group=literal(group),
            made=made,
            looks=looks,
            size=literal(ROWS_PER_BATCH),
        ),
        sql("DELETE FROM {path} WHERE profile_id IN (SELECT profile_id FROM merged_pairs)", path=PROFILES.path),
        PROFILES.forgotten(Sql("profile_id IN (SELECT profile_id FROM merged_people)")),
    ]


def index_survivors(columns: Sequence[tuple[str, str]]) -> list[Sql]:
    """Enters the survivors into the index, in which they do not stand. `columns`: name and type of what identifies."""
    entries = []
    for name, kind in columns:
        values = sql("unnest({c}::VARCHAR[])" if kind.endswith("[]") else "{c}::VARCHAR", c=ident(name))
        rows = sql("{rows} WHERE {some} AND {c} IS NOT NULL", rows=PROFILES.rows, some=IS_SURVIVOR, c=ident(name))
        entries.append(PROFILES.entered(literal(name), values, rows))
    return entries


IMPORTED = [
    Sql(
        "INSERT INTO main.imported_profiles (connection, profile_id) SELECT DISTINCT connection, replaced_by"
        " FROM main.imported_profiles JOIN merged_pairs USING (profile_id) ANTI JOIN main.imported_profiles AS known"
        " ON known.connection = imported_profiles.connection AND known.profile_id = replaced_by"
    ),
    Sql("DELETE FROM main.imported_profiles WHERE profile_id IN (SELECT profile_id FROM merged_pairs)"),
]
"""What a connection has touched of somebody who merged it has touched of the survivor."""
