"""What a pass leaves behind: its changes written into the profiles and their index, and the fate of every row.

A changed profile is a new row and the deletion of the old one: nothing is worked out twice or kept in between.
What a pass wrote is what stands at its positions or behind.

Reads   key_targets, births, batch_rows, applied (temporary; see merging and identity)
Writes  main.profiles and main.identifiers, or what the records are instead (`records`), main.imported_profiles;
        (temporary) id_moved
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.identifiers import places_of
from cdp_assets.sql.identity import ROWS_PER_BATCH, values_of
from cdp_assets.sql.records import Records, records_of
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql
from cdp_assets.sql.writes import Write

NOBODY_ELSE = Sql("")


def _changed(first: int) -> Sql:
    """Whether a profile was written, but not made, by the pass whose first batch stands at `first`."""
    return sql("modified_at_position >= {first} AND created_at_position < {first}", first=literal(first))


def _before(first: int) -> Sql:
    """Whether it was not; a row of an older format tells no position."""
    return sql("(modified_at_position < {first} OR modified_at_position IS NULL)", first=literal(first))


def suspects(config: BatchConfig, writes: Sequence[Write], moving: Sequence[Property]) -> Sql | None:
    """One row for each profile of which the pass may change a property that identifies; None = any.

    Who holds all identifiers of a row keeps them as they are, where nothing else is written into these properties.
    """
    places = {place.name: place for place in places_of(config) if place.mapping is not None}
    mappings = {write.prop.name: [number for number, _ in write.mappings] for write in writes}
    if any(prop.name not in places or mappings[prop.name] != [places[prop.name].mapping] for prop in moving):
        return None
    return sql(
        "SELECT profile_id FROM key_targets WHERE NOT is_new AND (key < 0 OR key IN"
        " (SELECT key FROM id_hits WHERE NOT alone OR places & {all} <> {all}))",
        all=literal(sum(1 << places[prop.name].number for prop in moving)),
    )


def none_moved(records: Records) -> Sql:
    """Makes id_moved where no property that identifies can have changed."""
    return sql("CREATE OR REPLACE TEMP TABLE id_moved (profile_id {type})", type=records.id_type)


def moved_identifiers(records: Records, old: Sql, properties: Sequence[Property], first: int) -> Sql:
    """Makes id_moved: the profiles of which the pass changed a property that identifies. `old`: what to look at."""
    names = [ident(prop.name) for prop in properties]
    differs = [sql("new.{name} IS DISTINCT FROM old.{name}", name=name) for name in names]
    return sql(
        "CREATE OR REPLACE TEMP TABLE id_moved AS\nSELECT profile_id FROM"
        " (SELECT profile_id, {names} FROM {rows} WHERE {changed}) AS new"
        " JOIN (SELECT profile_id, {names} FROM {old} AS old WHERE {before}) AS old USING (profile_id)"
        " WHERE {differs}",
        rows=records.rows,
        old=old,
        names=joined(", ", names),
        changed=_changed(first),
        before=_before(first),
        differs=joined(" OR ", differs),
    )


def drop_old_rows(records: Records, first: int) -> Sql:
    """Deletes what changed profiles were before the pass."""
    return sql(
        "DELETE FROM {path} WHERE {before} AND {id} IN (SELECT {id} FROM {path} WHERE {changed})",
        path=records.path,
        id=records.id,
        before=_before(first),
        changed=_changed(first),
    )


def identifying(writes: Sequence[Write], config: BatchConfig, indexed: Sequence[str]) -> list[Property]:
    """The properties that the pass writes and some goal identifies by. A single identifier never changes."""
    own = config.goal.identifier_columns[0].property if config.has_one_identifier else None
    return [write.prop for write in writes if write.prop.name in indexed and write.prop.name != own]


def index_moved(records: Records, properties: Sequence[Property]) -> list[Sql]:
    """Renews the index for the profiles in id_moved, of the properties the pass may have changed."""
    names = joined(", ", [literal(prop.name) for prop in properties])
    moved = Sql("profile_id IN (FROM id_moved)")
    return [
        records.forgotten(sql("property IN ({names}) AND {id} IN (FROM id_moved)", names=names, id=records.id)),
        *(_index(records, prop, moved) for prop in properties),
    ]


def index_new(records: Records, properties: Sequence[Property], first: int) -> list[Sql]:
    """Enters into the index the profiles that the pass made."""
    made = sql("created_at_position >= {first}", first=literal(first))
    return [_index(records, prop, made) for prop in properties]


def _index(records: Records, prop: Property, which: Sql) -> Sql:
    column = ident(prop.name)
    some = sql("{rows} WHERE {which} AND {column} IS NOT NULL", rows=records.rows, which=which, column=column)
    return records.entered(literal(prop.name), values_of(prop, column), some)


def unsure_imports(connection: str) -> Sql:
    """Makes id_unsure: the profiles found that this connection has not made, so that it may never have touched them."""
    return sql(
        "CREATE OR REPLACE TEMP TABLE id_unsure AS\nSELECT DISTINCT profile_id FROM key_targets ANTI JOIN"
        " (SELECT profile_id FROM id_rows JOIN ops.batches ON position = created_at_position"
        " WHERE connection = {name}) AS sure USING (profile_id) WHERE NOT is_new",
        name=literal(connection),
    )


def note_made(connection: str) -> Sql:
    """Notes the profiles that the pass made, where it found only such as the connection made before."""
    return sql(
        "INSERT INTO main.imported_profiles (connection, profile_id) SELECT DISTINCT {name}, profile_id"
        " FROM key_targets WHERE is_new",
        name=literal(connection),
    )


def note_imported(connections: Sequence[str], *, repeated: bool) -> Sql:
    """Notes which profiles each connection has touched.

    Args:
        connections: those of the batches, in their order.
        repeated: whether some profiles are the target of several rows.
    """
    if len(set(connections)) == 1:
        return sql(
            "INSERT INTO main.imported_profiles (connection, profile_id) SELECT {distinct} {name}, profile_id FROM"
            " (SELECT profile_id FROM key_targets WHERE is_new UNION ALL SELECT profile_id FROM"
            " (FROM key_targets WHERE NOT is_new) AS found ANTI JOIN"
            " (SELECT profile_id FROM main.imported_profiles WHERE connection = {name}) AS known USING (profile_id))",
            name=literal(connections[0]),
            distinct=Sql("DISTINCT" if repeated else ""),
        )
    numbers = comma(
        sql("({number}, {name})", number=literal(number), name=literal(name)) for number, name in enumerate(connections)
    )
    return sql(
        "INSERT INTO main.imported_profiles (connection, profile_id) SELECT DISTINCT connection, profile_id FROM"
        " (SELECT key, ordinal // {size} AS number FROM batch_rows) JOIN key_targets USING (key)"
        " JOIN (VALUES {numbers}) AS told(number, connection) USING (number)"
        " ANTI JOIN main.imported_profiles USING (connection, profile_id)",
        size=literal(ROWS_PER_BATCH),
        numbers=numbers,
    )


def simple_row_fates(records: Records, first: int) -> Sql:
    """As `row_fates`, for a pass of delta files in which no two rows share an identifier.

    Then every row goes by its own ordinal and every profile has one row, so counting is enough.
    """
    return sql(
        "WITH rows AS (SELECT ordinal // {size} AS number, count(*) AS given FROM batch_rows_read"
        " WHERE identifier IS NOT NULL GROUP BY 1),\n"
        "made AS (SELECT first_ordinal // {size} AS number, count(*) AS created FROM births GROUP BY 1),\n"
        "met AS (SELECT key // {size} AS number, count(*) AS found FROM id_found GROUP BY 1),\n"
        "other AS (SELECT modified_at_position - {first} AS number, count(*) AS modified FROM {path}"
        " WHERE {changed} GROUP BY 1)\n"
        "SELECT number + {first}, coalesce(created, 0), coalesce(modified, 0), coalesce(found, 0) -"
        " coalesce(modified, 0), given - coalesce(found, 0) - coalesce(created, 0) FROM rows"
        " LEFT JOIN made USING (number) LEFT JOIN met USING (number) LEFT JOIN other USING (number)"
        " ORDER BY number",
        path=records.path,
        size=literal(ROWS_PER_BATCH),
        first=literal(first),
        changed=_changed(first),
    )


def row_fates(config: BatchConfig, first: int, also: Sql = NOBODY_ELSE) -> Sql:
    """Per batch of the pass: position, rows created, modified, unchanged, not found.

    A row of a full file that does not apply, because an earlier file had it, is `unchanged`.
    `also`: more profiles that the pass changed, as what stands behind their SELECT.
    """
    full = not config.goal.files.delta
    query = sql(
        "SELECT position, {acts} AS acts, target.key IS NOT NULL AS finds, births.profile_id IS NOT NULL AS creates,"
        " changed.profile_id IS NOT NULL AS changes"
        " FROM (SELECT position, ordinal, key FROM batch_rows WHERE key IS NOT NULL) AS given"
        " LEFT JOIN key_targets AS target ON target.key = given.key"
        " LEFT JOIN births ON births.first_ordinal = given.ordinal"
        " LEFT JOIN (SELECT profile_id FROM {rows} WHERE modified_at_position >= {first}{also}) AS changed"
        " ON changed.profile_id = target.profile_id{applied}",
        rows=records_of(config).rows,
        also=also,
        acts=Sql("applied.ordinal IS NOT NULL" if full else "true"),
        applied=Sql(" LEFT JOIN applied ON applied.ordinal = given.ordinal" if full else ""),
        first=literal(first),
    )
    return sql(
        "SELECT position, count(*) FILTER (acts AND creates),"
        " count(*) FILTER (acts AND finds AND NOT creates AND changes),"
        " count(*) FILTER (NOT acts OR (finds AND NOT creates AND NOT changes)),"
        " count(*) FILTER (acts AND NOT finds) FROM ({query}) GROUP BY position ORDER BY position",
        query=query,
    )
