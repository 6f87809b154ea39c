"""The canonical dump of the derived tables: equal text for equal warehouses (design.md, Ids and clocks)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdp_assets.config.consent import TARGETS
from cdp_assets.sql.tables import GROUP_COLUMNS
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql

KEY = Sql(
    "domain_group || chr(31) || created_by_property || chr(31) || created_by_value || chr(31) || created_by_number"
)

_DATES = Sql("created_in := created_at_position, modified_in := modified_at_position")
"""The files whose dates are a record's dates, by their places in the order: the dates are those of arrivals."""


def dump_queries(
    properties: Sequence[str], events: Mapping[str, Sequence[str]], groups: Mapping[str, Sequence[str]]
) -> dict[str, Sql]:
    """Table name → a query of one text column, one row per row, sorted.

    `events`, `groups`: tables of events, and of groups, with the columns that count.
    `goal_rows` leaves out which batch remembered a row: its name holds the modification time of the file.
    """
    fields = [sql("{name} := {column}", name=ident(name), column=ident(name)) for name in sorted(properties)]
    people = sql("SELECT profile_id, {key} AS maker FROM main.profiles", key=KEY)
    return {
        "profiles": sql(
            "SELECT to_json(struct_pack(maker := {key}, domain_group := domain_group, {dates}, {consent}, properties :="
            " struct_pack(\n    {fields}\n)))::VARCHAR AS line FROM main.profiles ORDER BY line",
            key=KEY,
            dates=_DATES,
            consent=joined(", ", [sql("{name} := {name}", name=ident(name)) for name in TARGETS]),
            fields=comma(fields) if fields else literal("none"),
        ),
        "identifiers": sql(
            "SELECT to_json(struct_pack(property := property, value := value, maker := maker))::VARCHAR AS line"
            " FROM main.identifiers JOIN ({people}) USING (profile_id) ORDER BY line",
            people=people,
        ),
        "replaced_profiles": sql(
            "SELECT to_json(struct_pack(maker := {key}, domain_group := domain_group,"
            " replaced_by := now.maker))::VARCHAR AS line FROM main.replaced_profiles AS gone JOIN ({people}) AS now"
            " ON now.profile_id = gone.replaced_by"
            " ORDER BY line",
            key=KEY,
            people=people,
        ),
        "latest_writes": sql(
            "SELECT to_json(struct_pack(maker := maker, property := property, batch_no := written_at_position,"
            " row_no := written_at_row))::VARCHAR AS line FROM main.latest_writes JOIN ({people}) USING (profile_id)"
            " ORDER BY line",
            people=people,
        ),
        "goal_rows": Sql(
            "SELECT to_json(struct_pack(goal := goal_id, key := key, digest := row_digest, n := occurrences))::VARCHAR"
            " AS line FROM main.goal_rows ORDER BY line"
        ),
        "imported_profiles": sql(
            "SELECT to_json(struct_pack(connection := connection, maker := maker))::VARCHAR AS line"
            " FROM main.imported_profiles JOIN ({people}) USING (profile_id) ORDER BY line",
            people=people,
        ),
        "consents": sql(
            "SELECT to_json(struct_pack(maker := maker, channel := channel, status := status,"
            " at := epoch_us(timestamp)))::VARCHAR AS line FROM main.consents JOIN ({people}) USING (profile_id)"
            " ORDER BY line",
            people=people,
        ),
        "list_memberships": sql(
            "SELECT to_json(struct_pack(maker := maker, list := list_id, name := list_name))::VARCHAR AS line"
            " FROM main.list_memberships JOIN ({people}) USING (profile_id) ORDER BY line",
            people=people,
        ),
        "consent_changes": sql(
            "SELECT to_json(struct_pack(maker := now.maker, former := gone.maker, changed_in := changed_at_position,"
            " changed_at_row := changed_at_row, said := struct_pack({told})))::VARCHAR AS line"
            " FROM main.consent_changes AS changes JOIN ({people}) AS now USING (profile_id)"
            " LEFT JOIN (SELECT profile_id, {key} AS maker FROM main.replaced_profiles) AS gone"
            " ON gone.profile_id = changes.former_id ORDER BY line",
            people=people,
            key=KEY,
            told=joined(", ", [sql("{name} := {name}", name=ident(name)) for name in _TOLD_OF_CONSENT]),
        ),
        "products": Sql("SELECT to_json(products)::VARCHAR AS line FROM main.products ORDER BY line"),
        **{name: _events(name, columns, people) for name, columns in events.items()},
        **{name: _groups(name, columns) for name, columns in groups.items()},
        **({"group_identifiers": _GROUP_IDENTIFIERS} if groups else {}),
    }


_TOLD_OF_CONSENT = (
    *("from_level", "to_level", "from_legislation", "to_legislation", "from_consented", "to_consented"),
    *("from_refused", "to_refused", "connection", "goal", "line", "message"),
)
_GROUP_IDENTIFIERS = Sql(
    "SELECT to_json(identifiers)::VARCHAR AS line FROM main.group_identifiers AS identifiers ORDER BY line"
)


def _groups(table: str, columns: Sequence[str]) -> Sql:
    """Of our own columns, times are left out, as of profiles."""
    own = {column.name for column in GROUP_COLUMNS}
    fields = [sql("{name} := {name}", name=ident(name)) for name in columns if name not in own]
    return sql(
        "SELECT to_json(struct_pack(id := group_id, maker := {key}, domain_group := domain_group, {dates},"
        " properties := struct_pack(\n    {fields}\n)))::VARCHAR AS line FROM {table} ORDER BY line",
        key=KEY,
        dates=_DATES,
        fields=comma(fields) if fields else literal("none"),
        table=ident("main", table),
    )


def _events(table: str, columns: Sequence[str], people: Sql) -> Sql:
    """Where an event comes from is left out, as of profiles."""
    fields = [sql("{name} := {name}", name=ident(name)) for name in columns if name not in _UNTOLD]
    return sql(
        "SELECT to_json(struct_pack(maker := maker, event := struct_pack({fields})))::VARCHAR AS line"
        " FROM {table} JOIN ({people}) USING (profile_id) ORDER BY line",
        fields=comma(fields),
        table=ident("main", table),
        people=people,
    )


_UNTOLD = frozenset({"profile_id", "set_at_position", "set_at_row"})


def rows_digest(query: Sql) -> Sql:
    """How many rows a dump query gives, and a digest of them that does not depend on their order.

    Two sums of halves of md5: equal multisets of rows give equal sums, others practically never do.
    """
    return sql(
        "SELECT count(*), coalesce(sum(md5_number_upper(line)::HUGEINT), 0)::VARCHAR || '-'"
        " || coalesce(sum(md5_number_lower(line)::HUGEINT), 0)::VARCHAR FROM ({query})",
        query=query,
    )
