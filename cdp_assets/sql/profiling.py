"""What the columns of a sample hold, and whom its rows are about: counts for people who look before they import.

Reads   any relation of text columns, NULL or blank = empty, with line_no; or the published warehouse
Writes  tall: line_no, place of the column, text; and from it one LIST of counts a column, and its first texts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cdp_assets.config.files import Format
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.sql.dates import moment
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.records import Records
from cdp_assets.sql.text import Sql, comma, joined, literal, sql
from cdp_assets.sql.values import prepared, trimmed, typed

FIRST_TEXTS = 40
"""Of each column, so many filled cells are looked at for examples."""
Sign = Literal[".", ","]
_EMAIL, _NUMBER, _DECIMAL = (
    Property(name="probe", type=kind) for kind in (PropertyType.email, PropertyType.number, PropertyType.decimal)
)
_BLANK = r"[ '\x{A0}\x{202F}\x{2019}]"
_AMOUNT = (
    rf"^[-+]?\d{{1,3}}({_BLANK}?\d{{3}})*([.,]\d+{_BLANK}?(€|EUR|£|GBP|CHF|\$|USD)?|{_BLANK}?(€|EUR|£|GBP|CHF|\$|USD))$"
)
"""With a fraction or a sign of currency: phone numbers have blanks too."""
_DIGITS = {
    "compact_dates": r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$",
    "epoch_millis": r"^1\d{12}$",
    "epoch_seconds": r"^1\d{9}$",
}
"""Digits that may well be a date of this century or the last."""


def holders(records: Records) -> Sql:
    """Value → the records that hold it, the one made first in front; only values that some record holds."""
    return sql(
        "SELECT held.value, list(profile_id::VARCHAR ORDER BY created_at_position, created_at_row) FROM {held}"
        " AS held JOIN {rows} AS records USING (profile_id) WHERE held.property = ?"
        " AND held.value IN (SELECT unnest(?::VARCHAR[])) GROUP BY held.value",
        held=records.held,
        rows=records.rows,
    )


@dataclass(frozen=True)
class ColumnCounts:
    """How many cells of a column are what."""

    filled: int
    distinct: int
    """Different texts among the filled ones."""
    email: int
    number: int
    """Whole numbers, with the layout's own decimal and grouping signs."""
    decimal: int
    other_decimal: int
    """Numbers where point and comma change places."""
    leading_zeros: int
    """Digits that a number would lose."""
    several: int
    """Cells with the sign between values in them."""
    dates: int
    """Dates in the layout's own format; 0 where it is to be found out."""
    compact_dates: int
    epoch_millis: int
    epoch_seconds: int
    clocks: int
    """Cells with a `:`, as every time of day has that is written with signs."""
    amounts: int
    """Numbers with blanks or apostrophes between their digits, or a sign of currency behind: no numbers as they are."""
    places: int
    """The most decimal places a number is written with."""
    other_places: int
    """The same where point and comma change places."""


def tall_cells(columns: Sequence[Sql], relation: Sql, most_rows: int) -> Sql:
    """Makes the table `tall` of the first rows: line_no, place (0-based, of the column), text (NULL = empty).

    One row a cell, so that what is asked of a column is worked out once for all of them: spelled out for each
    column of a wide file, the statement alone would take minutes.
    """
    texts = [sql("nullif({cell}, '')", cell=trimmed(column)) for column in columns]
    return sql(
        "CREATE OR REPLACE TABLE tall AS SELECT line_no, unnest(range({n})) AS place, unnest([{texts}]) AS text"
        " FROM (SELECT * FROM {relation} ORDER BY line_no LIMIT {most})",
        n=literal(len(columns)),
        texts=comma(texts),
        relation=relation,
        most=literal(most_rows),
    )


def counts_query(layout: Format) -> Sql:
    """From `tall`, for each place: a list for `column_counts`, and the column's first texts (NULL = none)."""
    text = Sql("text")
    return sql(
        "SELECT place, [{counts}], arg_min({text}, line_no, {n}) FILTER ({text} IS NOT NULL) FROM tall GROUP BY place",
        counts=joined(", ", _counts(text, layout)),
        text=text,
        n=literal(FIRST_TEXTS),
    )


def column_counts(cell: Sequence[int]) -> ColumnCounts:
    """One of the lists that `counts_query` gives."""
    return ColumnCounts(*cell)


def sketches_query(most: int) -> Sql:
    """From `tall`, for each place: the smallest hashes of its different texts, so many, in their order."""
    return sql(
        "SELECT place, min(mark, {most}) FROM (SELECT DISTINCT place, hash(text) AS mark FROM tall"
        " WHERE text IS NOT NULL) GROUP BY place",
        most=literal(most),
    )


def _counts(name: Sql, layout: Format) -> list[Sql]:
    own: Sign = layout.decimal
    swapped: Sign = "," if own == "." else "."
    other = layout.model_copy(update={"decimal": swapped})
    wanted = [
        sql("{email} IS NOT NULL", email=typed(_EMAIL, name, layout)),
        sql("{number} IS NOT NULL", number=typed(_NUMBER, prepared(_NUMBER, name, layout), layout)),
        sql("{digits} IS NOT NULL", digits=prepared(_DECIMAL, name, layout)),
        sql("{digits} IS NOT NULL", digits=prepared(_DECIMAL, name, other)),
        matches(name, r"^[-+]?0\d"),
        sql("contains({name}, {sign})", name=name, sign=literal(layout.multi_value)),
        _own_dates(name, layout),
        *(matches(name, pattern) for pattern in _DIGITS.values()),
        sql("contains({name}, ':')", name=name),
        matches(name, _AMOUNT),
    ]
    filtered = [sql("count(*) FILTER ({wanted})", wanted=one) for one in wanted]
    places = [_most_places(prepared(_DECIMAL, name, signs)) for signs in (layout, other)]
    return [sql("count({name})", name=name), sql("count(DISTINCT {name})", name=name), *filtered, *places]


def _most_places(digits: Sql) -> Sql:
    return sql("coalesce(max(strlen(split_part({digits}, '.', 2))), 0)", digits=digits)


def _own_dates(name: Sql, layout: Format) -> Sql:
    if layout.date_format == "auto":
        return Sql("false")
    return sql("{moment} IS NOT NULL", moment=moment(name, layout.date_format, layout.timezone))
