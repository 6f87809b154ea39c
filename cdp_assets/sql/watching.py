"""Questions of checks about the warehouse. Reads `main` and `ops`; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.sql.text import Sql, ident, joined, sql

SHARED_IDENTIFIERS = Sql(
    """
    SELECT domain_group, property, count(*) AS shared
    FROM (
        SELECT coalesce(domain_group, 'DEFAULT') AS domain_group, property, value
        FROM main.identifiers
        GROUP BY ALL
        HAVING min(profile_id) <> max(profile_id)
    )
    GROUP BY ALL
    ORDER BY domain_group, property
    """
)
"""How many values are held by more than one profile of their domain group, for each identifier property."""
IDENTIFIERS_HELD = Sql("SELECT count(*) FROM main.identifiers")
LAST_FOLD = Sql("SELECT max(folded_at) FROM ops.batches")
SIZES = Sql("SELECT computed_at, size FROM ops.segment_changes WHERE segment = ? ORDER BY computed_at, rowid")
"""Every computation of a segment, the latest last."""
LAST_DELIVERY = Sql(
    "SELECT export_id, path, rows, rows + no_identifier + unchanged + coalesce(excluded_segment, 0)"
    " + coalesce(filtered, 0) + coalesce(not_in_stage, 0) + coalesce(skipped_threshold, 0) + coalesce(consent, 0),"
    " started_at, delivered_at FROM ops.exports"
    " WHERE connection = ? AND goal = ? AND state = 'delivered' ORDER BY delivered_at DESC, export_id LIMIT 1"
)
"""The latest delivery of a goal: what it is, its rows, the members it accounts for, and when."""
WAITING_DELIVERY = Sql("SELECT max(started_at) FROM ops.exports WHERE connection = ? AND goal = ? AND state = 'staged'")
ROWS_IN_FILES = Sql(
    "SELECT coalesce(sum(rows), 0)::BIGINT FROM ops.export_files WHERE export_id = ? AND stream = 'profiles'"
)
FOLDED_BETWEEN = Sql("SELECT count(*) FROM ops.batches WHERE folded_at BETWEEN ? AND ?")


def filled(names: Sequence[str]) -> Sql:
    """One row: how many profiles there are, and how many have each of these properties."""
    counts = joined(", ", [sql("count({name})", name=ident(name)) for name in names])
    return sql("SELECT count(*), {counts} FROM main.profiles", counts=counts)
