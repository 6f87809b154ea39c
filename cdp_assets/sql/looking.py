"""Questions about one profile, for a person who looks at it. Reads `main` and `ops`; writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql

Maker = tuple[str, str, int]

FOLDED = Sql("SELECT position, folder FROM ops.batches WHERE position IS NOT NULL ORDER BY position")
"""Every batch of the warehouse: its place in the order and its folder below the landing folder."""
IDENTIFYING = Sql("SELECT DISTINCT property FROM main.identifiers ORDER BY property")
HOLDERS = Sql(
    "SELECT DISTINCT property, profile_id, created_at_position, created_at_row FROM main.identifiers"
    " JOIN main.profiles USING (profile_id) WHERE value = ? ORDER BY created_at_position, created_at_row, property"
)
"""Who holds a value, the one made first before the others."""
BY_ID = Sql(
    "SELECT profile_id FROM main.profiles WHERE profile_id::VARCHAR = $id UNION ALL"
    " SELECT replaced_by FROM main.replaced_profiles WHERE profile_id::VARCHAR = $id"
)
"""Who has an id, or has become somebody else who lives."""
MADE_BY = Sql(
    "SELECT created_by_property, profile_id FROM (SELECT created_by_property, profile_id, created_at_position,"
    " created_at_row FROM main.profiles WHERE created_by_value = ? UNION ALL SELECT created_by_property, replaced_by,"
    " created_at_position, created_at_row FROM main.replaced_profiles WHERE created_by_value = ?)"
    " ORDER BY created_at_position, created_at_row"
)
"""Whom a value made, or has become who it made; asked where nobody holds it any more. Binds the value twice."""
IDENTIFIERS = Sql("SELECT property, value FROM main.identifiers WHERE profile_id = ? ORDER BY property, value")
REPLACED = Sql(
    "SELECT profile_id, created_by_property, created_by_value, created_by_number FROM main.replaced_profiles"
    " WHERE replaced_by = ? ORDER BY created_at_position, created_at_row"
)
SEGMENTS = Sql("SELECT segment, entered_at FROM main.segment_members WHERE profile_id = ? ORDER BY segment")
CONNECTIONS = Sql("SELECT connection FROM main.imported_profiles WHERE profile_id = ? ORDER BY connection")
CONFLICT_COLUMNS = ("file", "row", "property", "value", "profile_id", "other_profile_id", "reason")
CONFLICTS = Sql(
    "SELECT file.name AS file, row_no AS row, property, value, profile_id, other_profile_id, reason"
    " FROM ops.identity_conflicts LEFT JOIN ops.batches AS file USING (batch_id)"
    " WHERE profile_id = $id OR other_profile_id = $id ORDER BY file.position, row_no, property LIMIT 100"
)
COLUMNS = Sql(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'main' AND table_name = ?"
    " ORDER BY ordinal_position"
)

TEXT_PROPERTIES = Sql(
    "SELECT column_name, data_type = 'VARCHAR[]' FROM information_schema.columns WHERE table_schema = 'main'"
    " AND table_name = 'profiles' AND data_type IN ('VARCHAR', 'VARCHAR[]') ORDER BY ordinal_position"
)
"""Columns of profiles that hold texts, and whether several."""


def having(name: str, *, several: bool) -> Sql:
    """Whose property is, or has among its values, a text, however its letters are written. Binds the text."""
    same = (
        "list_contains(list_transform({c}, lambda one: lower(one)), lower(?))" if several else "lower({c}) = lower(?)"
    )
    return sql(
        "SELECT profile_id FROM main.profiles WHERE {same} ORDER BY created_at_position, created_at_row",
        same=sql(same, c=ident(name)),
    )


def profile_row(columns: Sequence[str]) -> Sql:
    """The whole row of a profile, in the order of these columns."""
    return sql(
        "SELECT {columns} FROM main.profiles WHERE profile_id = ?", columns=comma(ident(name) for name in columns)
    )


def rows_of_profile(table: str, columns: Sequence[str], latest: str = "") -> Sql:
    """What a table says of a profile. `latest`: a column of times; those rows come first. Binds id and how many."""
    first = [sql("{column} DESC", column=ident(latest))] if latest else []
    order = joined(", ", [*first, *map(ident, columns)])
    return sql(
        "SELECT {columns} FROM {table} WHERE profile_id = ? ORDER BY {order} LIMIT ?",
        columns=comma(ident(name) for name in columns),
        table=ident("main", table),
        order=order,
    )


def items_of_event(table: str, columns: Sequence[str]) -> Sql:
    """The items of one event, in their order. Binds the profile's id, and the event's id and date."""
    return sql(
        'SELECT {columns} FROM {table} WHERE profile_id = ? AND event_id = ? AND date = ? ORDER BY "index"',
        columns=comma(ident(name) for name in columns),
        table=ident("main", table),
    )


def count_of_profile(table: str) -> Sql:
    """How many rows of a table are about a profile."""
    return sql("SELECT count(*) FROM {table} WHERE profile_id = ?", table=ident("main", table))


_MAKER = Sql("created_by_property, created_by_value, created_by_number")


def _named(maker: Maker) -> Sql:
    name, value, number = maker
    return sql("({p}, {v}, {n})", p=literal(name), v=literal(value), n=literal(number))


def values_now(makers: Collection[Maker], names: Sequence[str]) -> Sql:
    """Maker and properties of these profiles, as far as they live."""
    return sql(
        "SELECT {maker}, {names} FROM main.profiles WHERE ({maker}) IN ({wanted})",
        maker=_MAKER,
        names=comma(ident(name) for name in names),
        wanted=joined(", ", map(_named, makers)),
    )


def became(maker: Maker) -> Sql:
    """The maker of the profile that another has become."""
    return sql(
        "SELECT now.created_by_property, now.created_by_value, now.created_by_number"
        " FROM main.replaced_profiles AS gone JOIN main.profiles AS now ON now.profile_id = gone.replaced_by"
        " WHERE (gone.created_by_property, gone.created_by_value, gone.created_by_number) = {maker}",
        maker=_named(maker),
    )
