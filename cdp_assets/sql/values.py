"""From the text of a cell to a typed value (spec.md 1.2, 4.2, 4.3). NULL in = NULL out; NULL = not valid.

Two stages, so that no expression is written twice into a statement: `prepared` turns a trimmed, non-empty
text into a form the engine can read (a number loses its grouping signs), `typed` reads that form.

Almost every cell is simple, so the costly expressions stand behind cheap tests: the engine works out a branch
of a CASE only for the rows that come to it. A cheap way may be taken only by texts for which both ways agree.
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.date_patterns import is_unix_time
from cdp_assets.config.files import Format
from cdp_assets.config.properties import MAX_TEXT_LENGTH, Property, PropertyType
from cdp_assets.sql.date_detection import KnownFormat, detected_moment, unmistakable_moment
from cdp_assets.sql.dates import moment
from cdp_assets.sql.dialect import day_of, has_unique_keys, matches, sorted_json, to_milliseconds, value_type
from cdp_assets.sql.text import Sql, joined, literal, sql

EMAIL = (
    r"^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}\p{N}][\p{L}\p{N}-]*[\p{L}\p{N}]$"
)
LONG_LABEL = r"[^.]{64}"
"""Apart from EMAIL: a counted repetition of \\p{L} in it makes the engine sixty times slower."""
SHORT_EMAIL = 64
"""So many bytes are too few for a long label: something and an @ stand before it."""
MAX_EMAIL_LENGTH = 254
INVALID = {
    PropertyType.text: f"longer than {MAX_TEXT_LENGTH} characters",
    PropertyType.email: "not a valid e-mail address",
    PropertyType.number: "not a whole number, or too large",
    PropertyType.decimal: "not a decimal number, or too large",
    PropertyType.currency: "not an amount, or too large",
    PropertyType.datetime: "not a date in the expected format",
    PropertyType.json: "not a JSON object, or one that names a key twice",
}
"""Why a cell of each type is refused, in the supplier's words."""
_EXAMPLES = {".": "1,234.56", ",": "1.234,56"}
"""An amount as a file with this decimal sign writes it."""


def trimmed(text: Sql) -> Sql:
    """A text without the blanks around it: spaces and tabs, as everywhere in a file.

    Looking at both ends costs a fifth of trimming, and few texts have blanks there. Blanks sort before `!`, so a
    text that does not begins with none.
    """
    return sql(
        "CASE WHEN {text} >= '!' AND NOT suffix({text}, ' ') AND NOT suffix({text}, chr(9)) THEN {text}"
        " ELSE trim({text}, ' ' || chr(9)) END",
        text=text,
    )


def cell_parts(text: Sql, layout: Format) -> Sql:
    """The trimmed, non-empty texts of a cell with several values."""
    return sql(
        "list_filter(list_transform(string_split({text}, {sign}), lambda t: {trimmed}), lambda t: t <> '')",
        text=text,
        sign=literal(layout.multi_value),
        trimmed=trimmed(Sql("t")),
    )


def prepared(prop: Property, text: Sql, layout: Format) -> Sql:
    """A text the second stage can read: plain digits for a number, NULL where it is none; else the text."""
    return _plain_digits(text, layout) if prop.is_numeric else text


def plain_number(prop: Property, text: Sql, layout: Format) -> Sql:
    """The number of a text of the plainest form; NULL for any other, which `prepared` and `typed` then read.

    A sign, digits, and no more of them behind the decimal sign than the property holds: there is nothing to group
    or to round, so the engine's own cast gives what those two give.
    """
    places = 0 if prop.type is PropertyType.number else prop.scale
    fraction = rf"(?:[{layout.decimal}]\d{{1,{places}}})?" if places else ""
    digits = sql("replace({text}, ',', '.')", text=text) if places and layout.decimal == "," else text
    return sql(
        "CASE WHEN {plain} THEN try_cast({digits} AS {kind}) END",
        plain=matches(text, rf"^[-+]?\d+{fraction}$"),
        digits=digits,
        kind=value_type(prop),
    )


def typed(prop: Property, text: Sql, layout: Format, decided: KnownFormat | None = None) -> Sql:
    """The value of a prepared text, of the property's value type.

    `decided` is the format of the column's dates where the layout says `auto`; without it each text is read by
    itself, in the formats that cannot be mistaken.
    """
    match prop.type:
        case PropertyType.text if prop.choices is not None:
            return _chosen(text, prop.choices)
        case PropertyType.text:
            # A text has no more characters than bytes, and those are counted already.
            return sql(
                "CASE WHEN strlen({text}) <= {limit} THEN {text} WHEN length({text}) <= {limit} THEN {text} END",
                text=text,
                limit=literal(MAX_TEXT_LENGTH),
            )
        case PropertyType.email:
            return _email(text)
        case PropertyType.number:
            return _number(text)
        case PropertyType.decimal | PropertyType.currency:
            return _decimal(prop, text)
        case PropertyType.datetime:
            read = _moment(text, layout, decided)
            return day_of(read, _zone_of_days(layout, decided)) if prop.whole_days else to_milliseconds(read)
        case PropertyType.json:
            return _object(text)


def _zone_of_days(layout: Format, decided: KnownFormat | None) -> str:
    """Where a moment's day is looked up; UNIX time counts days in UTC, and an export writes them so."""
    if layout.date_format == "auto":
        unix = decided in {KnownFormat.epoch_millis, KnownFormat.epoch_seconds}
    else:
        unix = is_unix_time(layout.date_format)
    return "UTC" if unix else layout.timezone


def _object(text: Sql) -> Sql:
    """With its keys in order, as `patched` keeps them, and without fields that are null: these say nothing.

    One that names a key twice says two things of it, so it is none.
    """
    unique = has_unique_keys(sql("json({text})", text=text))
    value = sql("CASE WHEN {unique} THEN {value} END", unique=unique, value=sorted_json(_without_nulls(text)))
    return _if_object(text, value)


def object_in_order(text: Sql) -> Sql:
    """As `typed` makes it, of a text whose keys are in order on every level: most of the work is to put them so."""
    return _if_object(text, _without_nulls(text))


def _if_object(text: Sql, value: Sql) -> Sql:
    return sql(
        "CASE WHEN json_valid({text}) AND json_type({text}) = 'OBJECT' THEN ({value})::JSON END",
        text=text,
        value=value,
    )


def _without_nulls(text: Sql) -> Sql:
    return sql("json_merge_patch('{{}}'::JSON, {text}::JSON)", text=text)


def invalid_reason(prop: Property, layout: Format | None, decided: KnownFormat | None = None) -> str:
    """Why a cell of this property is refused, and how it would be written: dates in the format of their column.

    `layout`: of the file; None = how it would be written is not told.
    """
    if prop.choices is None:
        reason = INVALID[prop.type]
        if layout is None:
            return reason
        if prop.type is PropertyType.datetime:
            return f"{reason} ({_date_format(layout, decided)})"
        if prop.type in {PropertyType.decimal, PropertyType.currency}:
            return f"{reason} (as in {_EXAMPLES[layout.decimal]}, no blanks, no €)"
        return reason
    return f"none of: {', '.join(prop.choices)}" if prop.choices else "there is nothing to choose from"


def _date_format(layout: Format, decided: KnownFormat | None) -> str:
    if layout.date_format != "auto":
        return layout.date_format
    if decided is None:
        return "YYYY-MM-DD, YYYYMMDD or UNIX time"
    return f"{decided.shortest}, also with a time" if decided.may_have_time else decided.shortest


def _chosen(text: Sql, choices: Sequence[str]) -> Sql:
    cases = [sql("WHEN {low} THEN {choice}", low=literal(one.lower()), choice=literal(one)) for one in choices]
    return sql("CASE lower({text}) {cases} END", text=text, cases=joined(" ", cases)) if cases else Sql("NULL::VARCHAR")


def _email(text: Sql) -> Sql:
    return sql(
        "CASE WHEN length({text}) <= {limit} AND {fits}"
        " AND CASE WHEN strlen({text}) <= {short} THEN true ELSE NOT {long} END THEN lower({text}) END",
        text=text,
        limit=literal(MAX_EMAIL_LENGTH),
        fits=matches(text, EMAIL),
        short=literal(SHORT_EMAIL),
        long=matches(sql("split_part({text}, '@', 2)", text=text), LONG_LABEL),
    )


def _plain_digits(text: Sql, layout: Format) -> Sql:
    point = layout.decimal
    group = "," if point == "." else "."
    fits = rf"^[-+]?(\d+|\d{{1,3}}([{group}]\d{{3}})+)([{point}]\d+)?$"
    cleaned = sql("replace({text}, {group}, '')", text=text, group=literal(group))
    if point == ",":
        cleaned = sql("replace({text}, ',', '.')", text=cleaned)
    return sql("CASE WHEN {fits} THEN {cleaned} END", fits=matches(text, fits), cleaned=cleaned)


def _number(digits: Sql) -> Sql:
    """A fraction of zeros is accepted; the engine would round any other."""
    return sql(
        "CASE WHEN {whole} THEN try_cast(split_part({digits}, '.', 1) AS BIGINT) END",
        whole=matches(digits, r"^[-+]?\d+(\.0+)?$"),
        digits=digits,
    )


def _decimal(prop: Property, digits: Sql) -> Sql:
    """Rounded half to even: the engine rounds half away from zero, so exact ties are mended."""
    exact_tie = rf"\.\d{{{prop.scale - 1}}}[02468]50*$" if prop.scale else r"[02468]\.50*$"
    return sql(
        "try_cast(CASE WHEN {tie} THEN regexp_replace({digits}, '50*$', '0') ELSE {digits} END AS {kind})",
        tie=matches(digits, exact_tie),
        kind=value_type(prop),
        digits=digits,
    )


def _moment(text: Sql, layout: Format, decided: KnownFormat | None) -> Sql:
    if layout.date_format != "auto":
        return moment(text, layout.date_format, layout.timezone)
    if decided is not None:
        return detected_moment(text, decided, layout.timezone)
    return unmistakable_moment(text, layout.timezone)
