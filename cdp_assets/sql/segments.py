"""Segments: who is in them now, and what changed since the last time (spec.md 9.2).

Reads   main.profiles, main.segment_members, ops.batches
Writes  main.segment_members, ops.segment_changes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cdp_assets.config.segments import Segment
from cdp_assets.sql.conditions import Moment, predicate
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql

HISTORY = Sql(
    'SELECT computed_at, size, joined, "left" FROM ops.segment_changes WHERE segment = ?'
    " ORDER BY computed_at DESC, rowid DESC LIMIT ?"
)
IS_CURRENT = Sql(
    "SELECT definition IS NOT DISTINCT FROM ? AND computed_at >= (SELECT coalesce(max(folded_at), computed_at)"
    " FROM ops.batches) FROM ops.segment_changes WHERE segment = ? ORDER BY computed_at DESC, rowid DESC LIMIT 1"
)
"""Whether a segment was computed as it is written now, after the last fold of new batches."""

COLUMNS = Sql(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'main' AND table_name = 'profiles'"
)
"""Columns of the profiles; a property has one since the first fold after it was written down."""
TABLES = Sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'")
"""Tables and views a condition may ask."""


def scan(segments: Sequence[Segment], at: Moment) -> Sql:
    """The table `found`: profiles that are in any of the segments, and a column for each that tells whether.

    One scan of the profiles; a segment may need those before it.
    """
    columns = []
    for segment in segments:
        name = _column(segment)
        columns.append(sql("{test} AS {name}", test=predicate(segment.where, at), name=name))
        at = replace(at, found={**at.found, segment.name: name})
    return sql(
        "CREATE OR REPLACE TEMP TABLE found AS SELECT * FROM (\nSELECT\n    profile_id,\n    {columns}\n"
        "FROM main.profiles\n) WHERE {any}",
        columns=comma(columns),
        any=joined(" OR ", [_column(segment) for segment in segments]),
    )


def _column(segment: Segment) -> Sql:
    """No property can have such a name."""
    return ident(f"segment {segment.name}")


def refresh_members(segment: Segment, at: datetime) -> list[Sql]:
    """Brings `segment_members` up to date from `found` and notes what changed.

    Who stays keeps the time of entry; a profile that others became has been in since the first of them was. Who was
    erased in between counts as left, so that the sizes of two runs go with who came and went.
    """
    name = literal(segment.name)
    now_in = sql("SELECT profile_id FROM found WHERE {column}", column=_column(segment))
    were_in = sql("SELECT profile_id FROM main.segment_members WHERE segment = {name}", name=name)
    holes = {"name": name, "at": literal(at), "now_in": now_in, "were_in": were_in}
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE members_before AS SELECT coalesce(replaced_by, profile_id) AS profile_id,"
            " min(entered_at) AS entered_at FROM main.segment_members"
            " LEFT JOIN main.replaced_profiles USING (profile_id) WHERE segment = {name} GROUP BY 1",
            **holes,
        ),
        sql(
            'INSERT INTO ops.segment_changes (segment, computed_at, size, joined, "left", definition) SELECT {name},'
            " {at}, size, joined, size_before + joined - size, {definition} FROM"
            " (SELECT (SELECT count(*) FROM ({now_in})) AS size,"
            " (SELECT count(*) FROM ({now_in}) ANTI JOIN members_before USING (profile_id)) AS joined,"
            " coalesce((SELECT last(size ORDER BY computed_at, rowid) FROM ops.segment_changes WHERE segment = {name}),"
            " 0) AS size_before)",
            **holes,
            definition=literal(segment.definition),
        ),
        sql(
            "DELETE FROM main.segment_members WHERE segment = {name} AND (profile_id, entered_at) NOT IN"
            " (SELECT profile_id, entered_at FROM members_before SEMI JOIN ({now_in}) USING (profile_id))",
            **holes,
        ),
        sql(
            "INSERT INTO main.segment_members (segment, profile_id, entered_at) SELECT {name}, profile_id,"
            " coalesce(entered_at, {at}) FROM ({now_in}) LEFT JOIN members_before USING (profile_id)"
            " ANTI JOIN ({were_in}) USING (profile_id)",
            **holes,
        ),
    ]
