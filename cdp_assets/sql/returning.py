"""Which rows of a file go back to their sender, and why.

Reads   rejects as a reject file holds them (see `sql/landing.py`); event_lines(line_no, reason), the rows of events
Writes  line_no, and the reasons of the row that begins there: one row for each, in the order of the file
"""

from __future__ import annotations

from cdp_assets.sql.tables import BATCHES, RETURNED_REJECTS
from cdp_assets.sql.text import Sql, literal, sql

LONGEST_REASON = 2_000
"""Characters; a row may have thousands of bad cells."""
TO_RETURN = sql(
    "SELECT folder FROM {batches} WHERE connection = ? AND goal = ? AND state = 'folded'"
    " AND (rows_rejected > 0 OR events_rejected > 0)"
    " AND batch_id NOT IN (SELECT batch_id FROM {returned}) ORDER BY look_at, path",
    batches=BATCHES.path,
    returned=RETURNED_REJECTS.path,
)
"""Folded batches of a goal whose rejected rows and events were not dealt with yet."""
MAKE_EVENT_LINES = Sql("CREATE OR REPLACE TEMP TABLE event_lines (line_no BIGINT, reason VARCHAR)")


def add_event_lines(lines: Sql) -> Sql:
    """Adds rows of rejected events, as `event_rejects.event_lines` finds them."""
    return sql("INSERT INTO event_lines\n{lines}", lines=lines)


def readable_lines(rejects: Sql) -> Sql:
    """Rows that could be read and were refused for what is in them, and those of rejected events."""
    return _lines(_with_events(rejects), Sql("level IN ('row', 'event row') AND row_no IS NOT NULL"))


def unreadable_lines(rejects: Sql) -> Sql:
    """Rows that could not be read, or have too many cells."""
    return _lines(rejects, Sql("level = 'row' AND row_no IS NULL"))


def spoiled_lines(rejects: Sql) -> Sql:
    """As `readable_lines`, and rows that were applied without some of their cells."""
    return _lines(_with_events(rejects), Sql("level IN ('row', 'cell', 'event row') AND row_no IS NOT NULL"))


def _with_events(rejects: Sql) -> Sql:
    return sql(
        "(SELECT level, row_no, line_no, column_name, reason, file_name FROM {rejects} UNION ALL"
        " SELECT 'event row', 0, line_no, NULL, reason, NULL FROM event_lines)",
        rejects=rejects,
    )


def _lines(rejects: Sql, condition: Sql) -> Sql:
    """The reasons, each with its column. The name of our property, or what we could set, tells a sender nothing."""
    return sql(
        """
        SELECT
            line_no,
            left(string_agg(
                CASE
                    WHEN column_name IS NULL THEN regexp_replace(reason, ': set `format: .*$', '')
                    ELSE left(column_name, 100) || ': ' || regexp_replace(reason, '^[A-Za-z0-9_-]+: ', '')
                END,
                '; ' ORDER BY column_name, reason
            ), {longest}) AS reasons
        FROM {rejects}
        WHERE file_name IS NULL AND {condition}
        GROUP BY line_no
        ORDER BY line_no
        """,
        rejects=rejects,
        condition=condition,
        longest=literal(LONGEST_REASON),
    )


def write_lines(lines: Sql, path: str) -> Sql:
    """Puts them into a file that is read line by line, however many there are."""
    return sql(
        "COPY (\n{lines}\n) TO {path} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"')",
        lines=lines,
        path=literal(path),
    )
