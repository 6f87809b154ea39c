"""What a pass leaves behind: its changes written into the profiles and their index, and the fate of every row.

Reads   changes, key_targets, batch_rows, applied (temporary; see merging and identity)
Writes  main.profiles, main.identifiers
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.identity import ROWS_PER_BATCH, values_of
from cdp_assets.sql.text import Sql, comma, ident, literal, sql
from cdp_assets.sql.writes import Write


def new_profiles(config: BatchConfig, writes: Sequence[Write], looks: Sql) -> Sql:
    """Inserts the profiles the pass makes. `looks`: first position and, per batch of the pass, its time."""
    identifier = config.find_property(config.goal.identifier_columns[0].property)
    columns = [ident(write.prop.name) for write in writes]
    values = [write.part("new") for write in writes]
    if config.has_one_identifier and identifier.name not in {write.prop.name for write in writes}:
        columns.append(ident(identifier.name))
        values.append(sql("created_by_value::{kind}", kind=column_type(identifier)))
    return sql(
        "INSERT INTO main.profiles (profile_id, domain_group, creation_date, last_modified_date,"
        " created_by_property, created_by_value, created_by_number, created_at_position, created_at_row,"
        "\n    {columns})\n"
        "SELECT profile_id, 'DEFAULT', first.look_at, last.look_at, created_by_property, created_by_value,"
        " created_by_number, first.position,"
        " first_ordinal % {size} + 1,\n    {values}\nFROM changes"
        " JOIN {looks} AS first ON first.number = first_ordinal // {size}"
        " JOIN {looks} AS last ON last.number = last_ordinal // {size} WHERE is_new",
        columns=comma(columns),
        values=comma(values),
        looks=looks,
        size=literal(ROWS_PER_BATCH),
    )


def changed_profiles(writes: Sequence[Write], looks: Sql) -> Sql:
    """Writes the properties of existing profiles that came out different."""
    columns = [sql("{name} = {new}", name=ident(write.prop.name), new=write.part("new")) for write in writes]
    return sql(
        "UPDATE main.profiles SET last_modified_date = last.look_at,\n    {columns}\nFROM changes"
        " JOIN {looks} AS last ON last.number = changes.last_ordinal // {size}"
        " WHERE changes.profile_id = profiles.profile_id AND changes.changed AND NOT changes.is_new",
        columns=comma(columns),
        looks=looks,
        size=literal(ROWS_PER_BATCH),
    )


def reindex(writes: Sequence[Write], config: BatchConfig, indexed: Sequence[str]) -> list[Sql]:
    """Keeps `identifiers` true for the profiles the pass changed."""
    own = config.goal.identifier_columns[0].property if config.has_one_identifier else None
    touched = [write for write in writes if write.prop.name in indexed and write.prop.name != own]
    statements = []
    if own is not None:
        statements.append(
            sql(
                "INSERT INTO main.identifiers (property, value, profile_id)"
                " SELECT {prop}, created_by_value, profile_id FROM changes WHERE is_new",
                prop=literal(own),
            )
        )
    for write in touched:
        statements += [
            sql(
                "DELETE FROM main.identifiers WHERE property = {prop} AND profile_id IN"
                " (SELECT profile_id FROM changes WHERE changed AND NOT is_new)",
                prop=literal(write.prop.name),
            ),
            sql(
                "INSERT INTO main.identifiers (property, value, profile_id) SELECT {prop}, {values},"
                " profile_id FROM changes WHERE changed AND {column} IS NOT NULL",
                prop=literal(write.prop.name),
                values=values_of(write.prop, write.part("new")),
                column=write.part("new"),
            ),
        ]
    return statements


def row_fates(config: BatchConfig) -> Sql:
    """Per batch of the pass: position, rows created, modified, unchanged, not found.

    A row of a full file that does not apply, because an earlier file had it, is `unchanged`.
    """
    full = not config.goal.files.delta
    query = sql(
        "SELECT position, {acts} AS acts, key.profile_id IS NOT NULL AS finds, coalesce(changed, false) AS changes,"
        " coalesce(key.is_new AND given.ordinal = key.first_ordinal, false) AS creates"
        " FROM batch_rows AS given JOIN key_targets AS key ON key.value = given.identifier"
        " LEFT JOIN changes USING (profile_id){applied}",
        acts=Sql("applied.ordinal IS NOT NULL" if full else "true"),
        applied=Sql(" LEFT JOIN applied ON applied.ordinal = given.ordinal" if full else ""),
    )
    return sql(
        "SELECT position, count(*) FILTER (acts AND creates),"
        " count(*) FILTER (acts AND finds AND NOT creates AND changes),"
        " count(*) FILTER (NOT acts OR (finds AND NOT creates AND NOT changes)),"
        " count(*) FILTER (acts AND NOT finds) FROM ({query}) GROUP BY position ORDER BY position",
        query=query,
    )
