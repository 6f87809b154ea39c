"""Dates with slashes that may be month first or day first: they are read as always, and warned of."""

from __future__ import annotations

from collections.abc import Mapping

from cdp_assets.sql.date_detection import DateColumn, KnownFormat, date_counts, detection_query, reads_either_way
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

FIRST_ROWS = 1_000
"""Looked at first: most columns have a date there that can only be one of both."""


def date_doubts(engine: Database, columns: Mapping[str, DateColumn], first: Sql, whole: Sql) -> list[str]:
    """One warning for each of these columns, all read month first, that day first would read as well.

    Args:
        engine: holds the relations.
        columns: by the name in the file.
        first: their first rows.
        whole: all of their rows.
    """
    left = dict(columns)
    for relation in (first, whole):
        if left:
            counts = engine.row(detection_query(list(left.values()), relation))
            found = zip(left.items(), counts, strict=True)
            left = {name: column for (name, column), cell in found if reads_either_way(date_counts(cell))}
    return [
        f"{name}: every date here may be month first or day first, and is read as {KnownFormat.month_first.shortest}"
        f" (03/04/2026 is the 4th of March). If it is {KnownFormat.day_first.shortest}, say so with format.date_format;"
        " to say that it is right, too"
        for name in left
    ]
