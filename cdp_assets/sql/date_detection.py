"""Which of the known date formats a column of a file is written in (spec.md 4.2).

One scan counts for every column how many of its texts each format reads; from the counts a pure function
chooses, so a column is read by one format throughout: `03/04/2021` beside `25/04/2021` is 3 April.

Reads   any relation of texts
Writes  one row with one LIST of counts a column: all texts, then those each format reads, in their order
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cdp_assets.sql.dates import Reading, first_moment, read_by
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql


class KnownFormat(StrEnum):
    """The formats that are looked for, the preferred one first; `[…]` may be absent."""

    iso = "YYYY-MM-DD[THH:mm[:ss[.S]]][Z]"
    epoch_millis = "x"
    epoch_seconds = "X"
    compact = "YYYYMMDD"
    year_slashes = "YYYY/MM/DD"
    month_first = "MM/DD/YYYY[ HH:mm[:ss]]"
    month_first_short = "M/D/YY[ h:mm A]"
    day_first_dashes = "DD-MM-YYYY[ HH:mm[:ss]]"
    day_first_dots = "DD.MM.YYYY[ HH:mm[:ss]]"
    day_name_short = "D-MMM-YY"
    day_name = "D-MMM-YYYY"
    month_name = "MMMM D, YYYY"
    day_first = "DD/MM/YYYY[ HH:mm[:ss]]"
    mail = "[ddd, ]D MMM YYYY HH:mm[:ss] ZZ"

    @property
    def shortest(self) -> str:
        """Without what may be absent."""
        pattern, found = self.value, 1
        while found:
            pattern, found = re.subn(r"\[[^\[\]]*\]", "", pattern)
        return pattern

    @property
    def may_have_time(self) -> bool:
        """Whether a time of day may stand behind the day, or not."""
        return "[ H" in self.value or "[ h" in self.value or "[T" in self.value


@dataclass(frozen=True)
class DateColumn:
    """A column whose format is to be found."""

    text: Sql
    """Its trimmed texts, NULL = empty; with `several` a LIST of them."""
    several: bool = False


@dataclass(frozen=True)
class DateCounts:
    """What one scan found about a column."""

    texts: int
    """Texts that are not empty."""
    read: Mapping[KnownFormat, int]
    """How many of them each format reads."""


_FORMATS = tuple(KnownFormat)
_EITHER = len(_FORMATS)
"""Kind of a text that both the month-first and the day-first format read."""
_CLOCK = ("", " HH:mm", " HH:mm:ss")
_PATTERNS = {
    KnownFormat.compact: ("YYYYMMDD",),
    KnownFormat.year_slashes: ("YYYY/MM/DD",),
    KnownFormat.month_first: tuple("MM/DD/YYYY" + clock for clock in _CLOCK),
    KnownFormat.month_first_short: ("M/D/YY", "M/D/YY h:mm A"),
    KnownFormat.day_first_dashes: tuple("DD-MM-YYYY" + clock for clock in _CLOCK),
    KnownFormat.day_first_dots: tuple("DD.MM.YYYY" + clock for clock in _CLOCK),
    KnownFormat.day_name_short: ("D-MMM-YY",),
    KnownFormat.day_name: ("D-MMM-YYYY",),
    KnownFormat.month_name: ("MMMM D, YYYY",),
    KnownFormat.day_first: tuple("DD/MM/YYYY" + clock for clock in _CLOCK),
    KnownFormat.mail: tuple(f"{day}D MMM YYYY {clock} ZZ" for day in ("ddd, ", "") for clock in ("HH:mm:ss", "HH:mm")),
}
_DIGITS = {KnownFormat.epoch_millis: r"^\d{13}$", KnownFormat.epoch_seconds: r"^\d{10}$"}
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
_DATE = r"(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])-\d{2}-\d{2}"
_OFFSET = r" ?(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"


def detected_moment(text: Sql, date_format: KnownFormat, zone: str) -> Sql:
    """The moment a text names in a decided format; without an offset it is a wall clock in `zone`."""
    return first_moment(_readings(date_format, text), zone)


def unmistakable_moment(text: Sql, zone: str) -> Sql:
    """The moment of a text that needs no decision about its column: ISO 8601, YYYYMMDD, UNIX time."""
    formats = (KnownFormat.iso, KnownFormat.compact, KnownFormat.epoch_millis, KnownFormat.epoch_seconds)
    return first_moment([reading for one in formats for reading in _readings(one, text)], zone)


def detection_query(columns: Sequence[DateColumn], relation: Sql) -> Sql:
    """Counts, in one scan, what each format reads of each column: one row of lists for `date_counts`."""
    kinds, counts = [], []
    for number, column in enumerate(columns):
        name = ident(f"d{number}")
        if column.several:
            kind = sql("list_transform({texts}, lambda t: {kind})", texts=column.text, kind=_kind(Sql("t")))
        else:
            kind = _kind(column.text)
        kinds.append(sql("{kind} AS {name}", kind=kind, name=name))
        counts.append(sql("[{counts}] AS {name}", counts=joined(", ", _counts(name, column.several)), name=name))
    return sql(
        "SELECT\n    {counts}\nFROM (\nSELECT\n    {kinds}\nFROM {relation}\n)",
        counts=comma(counts),
        kinds=comma(kinds),
        relation=relation,
    )


def detection_by_group(text: Sql, group: Sql, relation: Sql) -> Sql:
    """The same counts for each group of a relation's texts: rows of group and list."""
    return sql(
        "SELECT place, [{counts}] FROM (\nSELECT {group} AS place, {kind} AS d0 FROM {relation}\n) GROUP BY place",
        counts=joined(", ", _counts(Sql("d0"), several=False)),
        group=group,
        kind=_kind(text),
        relation=relation,
    )


def date_counts(cell: Sequence[int]) -> DateCounts:
    """One list that `detection_query` or `detection_by_group` gives."""
    texts, *read = cell
    return DateCounts(texts, dict(zip(_FORMATS, read, strict=True)))


def choose_format(counts: DateCounts) -> KnownFormat:
    """The first format that reads every text, else the one that reads most, the earlier one of equals.

    So dates with slashes are month-first unless a text says otherwise. ISO 8601 where there is no text, or none
    that any format reads.
    """
    return max(_FORMATS, key=lambda one: counts.read.get(one, 0))


def reads_either_way(counts: DateCounts) -> bool:
    """Whether all dates with slashes of a column that is read month first may be day first as well."""
    month_first = counts.read.get(KnownFormat.month_first, 0)
    is_chosen = choose_format(counts) is KnownFormat.month_first
    return is_chosen and 0 < month_first == counts.read.get(KnownFormat.day_first, 0)


def _readings(date_format: KnownFormat, text: Sql) -> list[Reading]:
    match date_format:
        case KnownFormat.iso:
            return _iso(text)
        case KnownFormat.epoch_millis | KnownFormat.epoch_seconds:
            return [Reading(text, _DIGITS[date_format], read_by(date_format.value, text).value, zoned=True)]
        case KnownFormat.mail:
            text = _numeric_zone(text)
    return [read_by(pattern, text) for pattern in _PATTERNS[date_format]]


def _iso(text: Sql) -> list[Reading]:
    """The engine casts no offset after a blank or after minutes, so those become the form it does cast."""
    spelled = sql(
        "left({text}, 10) || 'T' || substr({text}, 12, 5)"
        " || CASE WHEN substr({text}, 17, 1) = ':' THEN '' ELSE ':00' END || replace(substr({text}, 17), ' ', '')",
        text=text,
    )
    return [
        Reading(text, f"^{_DATE}(?:[T ]{_TIME})?$", sql("try_cast({text} AS TIMESTAMP)", text=text), zoned=False),
        Reading(text, f"^{_DATE}[T ]{_TIME}{_OFFSET}$", sql("try_cast({t} AS TIMESTAMPTZ)", t=spelled), zoned=True),
    ]


def _numeric_zone(text: Sql) -> Sql:
    """The obsolete zone names of RFC 2822 that mean +0000."""
    return sql("regexp_replace({text}, {zone}, ' +0000')", text=text, zone=literal(" (?:GMT|UTC|UT|Z)$"))


def _kind(text: Sql) -> Sql:
    """Index of the format that reads a text, `_EITHER`, -1 for none, NULL for no text.

    No text fits two formats, but for the two that differ in the order of day and month.
    """
    cases = [sql("WHEN {text} IS NULL THEN NULL", text=text)]
    for index, one in enumerate(_FORMATS):
        readings = _readings(one, text)
        found = sql("CASE WHEN {v} IS NULL THEN -1 ELSE {index} END", v=_parsed(readings), index=literal(index))
        if one is KnownFormat.month_first:
            others = _readings(KnownFormat.day_first, text)
            found, readings = _month_or_day(readings, others), [*readings, *others]
        if one is not KnownFormat.day_first:
            fits = matches(readings[0].text, "|".join(reading.fits for reading in readings))
            cases.append(sql("WHEN {fits} THEN {found}", fits=fits, found=found))
    return sql("CASE {cases} ELSE -1 END", cases=joined(" ", cases))


def _parsed(readings: Sequence[Reading]) -> Sql:
    """NULL where none of the readings gives a date; their clocks are no moments yet."""
    cases = [
        sql("WHEN {fits} THEN ({v})::TIMESTAMP", fits=matches(one.text, one.fits), v=one.value) for one in readings
    ]
    return sql("CASE {cases} END", cases=joined(" ", cases))


def _month_or_day(month_first: Sequence[Reading], day_first: Sequence[Reading]) -> Sql:
    return sql(
        "CASE WHEN {m} IS NULL THEN CASE WHEN {d} IS NULL THEN -1 ELSE {day} END"
        " WHEN {d} IS NULL THEN {month} ELSE {either} END",
        m=_parsed(month_first),
        d=_parsed(day_first),
        month=literal(_FORMATS.index(KnownFormat.month_first)),
        day=literal(_FORMATS.index(KnownFormat.day_first)),
        either=literal(_EITHER),
    )


def _counts(name: Sql, several: bool) -> list[Sql]:
    if several:
        form = "coalesce(sum(len(list_filter({name}, lambda k: {wanted}))), 0)::BIGINT"
        return [sql(form, name=name, wanted=wanted) for wanted in _wanted(Sql("k"))]
    return [sql("count(*) FILTER (WHERE {wanted})", wanted=wanted) for wanted in _wanted(name)]


def _wanted(kind: Sql) -> list[Sql]:
    """Whether a kind counts as a text, and for each format in order whether it counts as read by it."""
    wanted = [sql("{kind} IS NOT NULL", kind=kind)]
    for index, one in enumerate(_FORMATS):
        kinds = [index, _EITHER] if one in {KnownFormat.month_first, KnownFormat.day_first} else [index]
        wanted.append(sql("{kind} IN ({kinds})", kind=kind, kinds=joined(", ", map(literal, kinds))))
    return wanted
