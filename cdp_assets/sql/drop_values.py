"""What the cells of a drop folder's file hold (spec.md K3 to K5). NULL in = NULL out; NULL = not such a value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.drop_headers import DropColumn
from cdp_assets.sql.date_detection import KnownFormat, detected_moment
from cdp_assets.sql.dates import moment
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

_AMERICAN = ("MM/DD/YYYY", "MM/DD/YYYY HH:mm", "MM/DD/YYYY HH:mm:ss", "MM/DD/YY HH:mm", "MM/DD/YY HH:mm:ss")
_ISO = r"^\d{4}-\d\d-\d\d([T ].*)?$"
_UNIX_SECONDS = r"^\d{9,10}$"
_PHONE = r"^\+[1-9]\d{6,14}$"
_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?$"
_MOST_DIGITS = 15
"""A longer number would lose digits in JSON."""
SUBSCRIBED, UNSUBSCRIBED = "SUBSCRIBED", "UNSUBSCRIBED"
_STATUSES = {
    "SUBSCRIBE": SUBSCRIBED,
    "SUBSCRIBED": SUBSCRIBED,
    "UNSUBSCRIBE": UNSUBSCRIBED,
    "UNSUBSCRIBED": UNSUBSCRIBED,
    "NEVER SUBSCRIBED": "NEVER_SUBSCRIBED",
    "NEVER_SUBSCRIBED": "NEVER_SUBSCRIBED",
}


def dropped_moment(text: Sql) -> Sql:
    """The moment of a date in one of Klaviyo's forms; what it leaves out is 0, and without a zone it is UTC."""
    american = [moment(text, pattern, "UTC") for pattern in _AMERICAN]
    return sql(
        "CASE WHEN {iso} THEN {read_iso} WHEN contains({text}, '/') THEN coalesce({american})"
        " WHEN {unix} THEN make_timestamptz({text}::BIGINT * 1000000) END",
        text=text,
        iso=matches(text, _ISO),
        read_iso=detected_moment(text, KnownFormat.iso, "UTC"),
        american=joined(", ", american),
        unix=matches(text, _UNIX_SECONDS),
    )


def iso_text(when: Sql) -> Sql:
    """A moment as JSON holds it: ISO 8601 in UTC, with a fraction only where there is one."""
    return sql(
        "replace(strftime(make_timestamp(epoch_us({when})), '%Y-%m-%dT%H:%M:%S.%fZ'), '.000000Z', 'Z')", when=when
    )


def phone(text: Sql) -> Sql:
    """A telephone number as E.164 has it."""
    bare = sql("regexp_replace(regexp_replace({text}, '^ *tel:', '', 'i'), '[ ()./-]', '', 'g')", text=text)
    return sql(
        "list_transform([{bare}], lambda n: CASE WHEN {fits} THEN n END)[1]", bare=bare, fits=matches(Sql("n"), _PHONE)
    )


def number(text: Sql) -> Sql:
    """A number as JSON holds it."""
    digits = sql("length(regexp_replace({text}, '[^0-9]', '', 'g'))", text=text)
    return sql(
        "CASE WHEN {fits} AND {digits} <= {most} THEN json({text})::VARCHAR END",
        fits=matches(text, _NUMBER),
        digits=digits,
        most=literal(_MOST_DIGITS),
        text=text,
    )


def coordinate(text: Sql, most: int) -> Sql:
    """Degrees up to `most` on either side, with four decimal places."""
    return sql(
        "list_transform([try_cast({text} AS DECIMAL(18, 9))], lambda d: CASE WHEN abs(d) <= {most}"
        " THEN json(round(d, 4)::VARCHAR)::VARCHAR END)[1]",
        text=text,
        most=literal(most),
    )


def is_list(text: Sql) -> Sql:
    """Whether a cell is a JSON array."""
    return sql("(starts_with({text}, '[') AND json_valid({text}))", text=text)


def listed_texts(text: Sql) -> Sql:
    """The values of a list as texts, in order; of any other cell the cell alone."""
    return sql(
        "CASE WHEN {is_list} THEN list_filter(list_transform(json_extract(CASE WHEN {is_list} THEN {text} END, '$[*]'),"
        " lambda v: v ->> '$'), lambda v: v IS NOT NULL) WHEN {text} IS NOT NULL THEN [{text}] END",
        is_list=is_list(text),
        text=text,
    )


def inferred(text: Sql) -> Sql:
    """A cell as the JSON value it looks like, as text."""
    return sql(
        "CASE WHEN {text} IS NULL THEN NULL"
        " WHEN {is_list} THEN json(CASE WHEN {is_list} THEN {text} END)::VARCHAR"
        " WHEN lower({text}) IN ('true', 'false') THEN lower({text})"
        " ELSE coalesce({number}, CASE WHEN regexp_matches({text}, '^\\d+[-/]') THEN to_json({date})::VARCHAR END,"
        " to_json({text})::VARCHAR) END",
        text=text,
        is_list=is_list(text),
        number=number(text),
        date=iso_text(dropped_moment(text)),
    )


def consent_status(text: Sql) -> Sql:
    """SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED."""
    cases = [
        sql("WHEN {given} THEN {status}", given=literal(given), status=literal(status))
        for given, status in _STATUSES.items()
    ]
    return sql("CASE upper({text}) {cases} END", text=text, cases=joined(" ", cases))


def cell_of(column: DropColumn) -> Sql:
    """The text of a column."""
    return ident(f"f{column.place}")


def custom_of(column: DropColumn) -> Sql:
    """What is made of it for a JSON object."""
    return ident(f"custom:{column.place}")


def object_of(columns: Sequence[DropColumn], above: tuple[str, ...] = ()) -> Sql | None:
    """One JSON object of the columns, those below a common name in an object of their own; keys are in order."""
    entries = []
    for key in sorted({column.path[len(above)] for column in columns}):
        path = (*above, key)
        inside = [column for column in columns if column.path[: len(path)] == path]
        value = custom_of(inside[0]) if inside[0].path == path else object_of(inside, path)
        name = json.dumps(key, ensure_ascii=False)
        entries.append(sql("{name} || ':' || ({value})", name=literal(name), value=value or Sql("NULL")))
    if not entries:
        return None
    return sql(
        "list_transform([array_to_string([{entries}], ',')],"
        " lambda t: CASE WHEN t <> '' THEN '{{' || t || '}}' END)[1]",
        entries=joined(", ", entries),
    )


@dataclass(frozen=True)
class Note:
    """What something is told about: a column, and its cell."""

    column: DropColumn | None
    """None = the row as a whole."""
    cell: Sql


def note(about: Note, condition: Sql, reason: Sql) -> Sql:
    """A reject of the rows for which a condition holds; NULL for the others."""
    return sql(
        "CASE WHEN {condition} THEN struct_pack(column_name := {column}::VARCHAR, raw_text := {cell}::VARCHAR,"
        " reason := {reason}::VARCHAR) END",
        condition=condition,
        column=literal(about.column.header if about.column else None),
        cell=about.cell,
        reason=reason,
    )
