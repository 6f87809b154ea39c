"""The canonical dump of the derived tables: equal text for equal warehouses (design.md, Ids and clocks)."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.sql.text import Sql, comma, ident, literal, sql

KEY = Sql("created_by_property || chr(31) || created_by_value || chr(31) || created_by_number")


def dump_queries(properties: Sequence[str]) -> dict[str, Sql]:
    """Table name → a query of one text column, one row per row, sorted.

    `goal_rows` leaves out which batch remembered a row: its name holds the modification time of the file.
    """
    fields = [sql("{name} := {column}", name=ident(name), column=ident(name)) for name in sorted(properties)]
    people = sql("SELECT profile_id, {key} AS maker FROM main.profiles", key=KEY)
    return {
        "profiles": sql(
            "SELECT to_json(struct_pack(maker := {key}, domain_group := domain_group, properties := struct_pack(\n"
            "    {fields}\n)))::VARCHAR AS line FROM main.profiles ORDER BY line",
            key=KEY,
            fields=comma(fields) if fields else literal("none"),
        ),
        "identifiers": sql(
            "SELECT to_json(struct_pack(property := property, value := value, maker := maker))::VARCHAR AS line"
            " FROM main.identifiers JOIN ({people}) USING (profile_id) ORDER BY line",
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
    }


def rows_digest(query: Sql) -> Sql:
    """How many rows a dump query gives, and a digest of them that does not depend on their order.

    Two sums of halves of md5: equal multisets of rows give equal sums, others practically never do.
    """
    return sql(
        "SELECT count(*), coalesce(sum(md5_number_upper(line)::HUGEINT), 0)::VARCHAR || '-'"
        " || coalesce(sum(md5_number_lower(line)::HUGEINT), 0)::VARCHAR FROM ({query})",
        query=query,
    )
