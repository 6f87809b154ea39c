"""Dates as text, read and written by pattern (spec.md 4.1). NULL in = NULL out; NULL = not such a date.

The engine's strptime is lenient (blanks, short years, the 366th day of any year), so each pattern also gives
a regular expression for the whole text, and only what fits it is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cdp_assets.config.date_patterns import EPOCHS, OFFSETS, Part, Piece, parse_date_pattern, parse_readable_pattern
from cdp_assets.sql.dialect import instant, matches
from cdp_assets.sql.text import Sql, joined, literal, sql

_MONTHS = [date(2001, month, 1) for month in range(1, 13)]
_WEEK = [date(2001, 1, day) for day in range(1, 8)]
_OFFSET_HOUR, _OFFSET_MINUTE = r"[+-](?:[01]\d|2[0-3])", r"[0-5]\d"
_DAY_OF_YEAR = r"(?:0{0,2}[1-9]|0?[1-9]\d|[12]\d\d|3[0-5]\d|36[0-5])"
_FULL_DAY_OF_YEAR = r"(?:00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-5])"
_LEAP = {
    Part.year: r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)",
    Part.short_year: "(?:[02468][048]|[13579][26])",
    Part.day_of_year: "366",
}
_UNPADDED = frozenset("MDdHhms")
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""UNIX seconds of the years 1 to 9999."""


def _one_of(days: list[date], form: str) -> str:
    return f"(?i:{'|'.join(day.strftime(form) for day in days)})"


@dataclass(frozen=True)
class _Way:
    """How one part is read and written."""

    fits: str
    """Regular expression of its texts."""
    engine: str
    """Its name in strptime and strftime."""
    digits: bool = False
    full: str = ""
    """The expression beside other digits, where only a fixed width tells one from the other; empty = as `fits`."""


_WAYS = {
    Part.year: _Way(r"(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])", "%Y", digits=True),
    Part.short_year: _Way(r"\d\d", "%y", digits=True),
    Part.month: _Way(r"(?:0?[1-9]|1[0-2])", "%m", digits=True, full=r"(?:0[1-9]|1[0-2])"),
    Part.month_short: _Way(_one_of(_MONTHS, "%b"), "%b"),
    Part.month_name: _Way(_one_of(_MONTHS, "%B"), "%B"),
    Part.day: _Way(r"(?:0?[1-9]|[12]\d|3[01])", "%d", digits=True, full=r"(?:0[1-9]|[12]\d|3[01])"),
    Part.day_of_year: _Way(_DAY_OF_YEAR, "%j", digits=True, full=_FULL_DAY_OF_YEAR),
    Part.weekday_short: _Way(_one_of(_WEEK, "%a"), "%a"),
    Part.weekday_name: _Way(_one_of(_WEEK, "%A"), "%A"),
    Part.hour: _Way(r"(?:[01]?\d|2[0-3])", "%H", digits=True, full=r"(?:[01]\d|2[0-3])"),
    Part.hour_12: _Way(r"(?:0?[1-9]|1[0-2])", "%I", digits=True, full=r"(?:0[1-9]|1[0-2])"),
    Part.half_upper: _Way("(?i:am|pm)", "%p"),
    Part.half_lower: _Way("(?i:am|pm)", "%p"),
    Part.minute: _Way(r"[0-5]?\d", "%M", digits=True, full=r"[0-5]\d"),
    Part.second: _Way(r"[0-5]?\d", "%S", digits=True, full=r"[0-5]\d"),
    Part.fraction: _Way("", "%f", digits=True),
    Part.offset_colon: _Way(f"(?:{_OFFSET_HOUR}:{_OFFSET_MINUTE}|Z)", "%z"),
    Part.offset_plain: _Way(_OFFSET_HOUR + _OFFSET_MINUTE, "%z"),
    Part.offset_iso_colon: _Way(f"(?:{_OFFSET_HOUR}:{_OFFSET_MINUTE}|Z)", "%z"),
    Part.offset_iso_plain: _Way(f"(?:{_OFFSET_HOUR}{_OFFSET_MINUTE}|Z)", "%z"),
}


_DIGITS = 6
"""Of a fraction that is kept. The engine's `%n` takes nine, and with them only the years 1678 to 2262."""
_DAY_366 = r"\d{1,3}"


@dataclass(frozen=True)
class Reading:
    """One way to read a text."""

    text: Sql
    fits: str
    """Anchored regular expression; only a text that fits is read."""
    value: Sql
    """What is read: a moment if `zoned`, else a wall clock; NULL = fits, but is no date (30 February)."""
    zoned: bool

    def moment(self, zone: str) -> Sql:
        """The moment; a wall clock is one in `zone`, and `instant` says what happens where clocks change."""
        return self.value if self.zoned else instant(self.value, zone)


def moment(text: Sql, pattern: str, zone: str) -> Sql:
    """The moment a text names; without an offset in the pattern the text is a wall clock in `zone`.

    Raises:
        ValueError: the pattern cannot be read by; the YAML author must act.
    """
    return first_moment([read_by(pattern, text)], zone)


def first_moment(readings: Sequence[Reading], zone: str) -> Sql:
    """The moment by the first reading whose text fits."""
    cases = [sql("WHEN {fits} THEN {m}", fits=matches(one.text, one.fits), m=one.moment(zone)) for one in readings]
    return sql("CASE {cases} END", cases=joined(" ", cases))


def read_by(pattern: str, text: Sql) -> Reading:
    """Reads by a pattern.

    The expression lets through almost nothing that strptime then refuses, for its refusals are ten times as
    slow as its successes.

    Raises:
        ValueError: as `moment`.
    """
    pieces = parse_readable_pattern(pattern)
    if pieces[0].part in EPOCHS:
        return _read_epoch(pieces[0].part, text)
    offsets = {piece.part for piece in pieces} & OFFSETS
    may_be_z = offsets - {Part.offset_plain}
    short = _micros_at_most(pieces, text)
    value = sql(
        "try_strptime({text}, {form})",
        text=sql("replace({text}, 'Z', '+00:00')", text=short) if may_be_z else short,
        form=literal(_engine_form(pieces)),
    )
    return Reading(text, f"^(?:{_whole(pieces)})$", value, zoned=bool(offsets))


def format_date(value: Sql, pattern: str, zone: str) -> Sql:
    """The text of a moment as its wall clock shows it in `zone`; names of months and days are English.

    Fractions are cut off, not rounded. `Z` and `ZZ` write +00:00 and +0000 for UTC, `XXX` and `XX` write Z.

    Raises:
        ValueError: the pattern holds an unknown token; the YAML author must act.
    """
    pieces = parse_date_pattern(pattern)
    local = sql("timezone({zone}, {value})", zone=literal(zone), value=value)
    texts, run = [], ""
    for piece in pieces:
        own = _written_apart(piece, value, local)
        if own is None:
            run += _written(piece)
            continue
        if run:
            texts.append(sql("strftime({local}, {form})", local=local, form=literal(run)))
        texts, run = [*texts, own], ""
    if run or not texts:
        texts.append(sql("strftime({local}, {form})", local=local, form=literal(run)))
    return sql("({texts})", texts=joined(" || ", texts))


def _whole(pieces: Sequence[Piece]) -> str:
    """What a text of this pattern looks like; the 366th day is there in leap years only."""
    fits = [_fits(pieces, index) for index in range(len(pieces))]
    place = next((index for index, piece in enumerate(pieces) if piece.part is Part.day_of_year), None)
    if place is None:
        return "".join(fits)
    leap = [_LEAP.get(piece.part, text) for piece, text in zip(pieces, fits, strict=True)]
    return f"{''.join(fits)}|{''.join(leap)}"


def _micros_at_most(pieces: Sequence[Piece], text: Sql) -> Sql:
    """A text that fits, without the digits of a fraction that no moment here can hold."""
    place = next((index for index, piece in enumerate(pieces) if piece.part is Part.fraction), None)
    if place is None or len(pieces[place].text) <= _DIGITS:
        return text
    fits = [_DAY_366 if piece.part is Part.day_of_year else _fits(pieces, i) for i, piece in enumerate(pieces)]
    before, after = "".join(fits[:place]), "".join(fits[place + 1 :])
    long = rf"^({before}\d{{{_DIGITS}}})\d{{{len(pieces[place].text) - _DIGITS}}}({after})$"
    return sql("regexp_replace({text}, {long}, '\\1\\2')", text=text, long=literal(long))


def _fits(pieces: Sequence[Piece], index: int) -> str:
    piece = pieces[index]
    if piece.part is Part.literal:
        return re.escape(piece.text)
    if piece.part is Part.fraction:
        return rf"\d{{{len(piece.text)}}}"
    way = _WAYS[piece.part]
    neighbours = [pieces[near] for near in (index - 1, index + 1) if 0 <= near < len(pieces)]
    return (way.full or way.fits) if any(map(_has_digits, neighbours)) else way.fits


def _has_digits(piece: Piece) -> bool:
    if piece.part is Part.literal:
        return any(sign.isdigit() for sign in piece.text)
    return _WAYS[piece.part].digits


def _engine_form(pieces: Sequence[Piece]) -> str:
    return "".join(
        piece.text.replace("%", "%%") if piece.part is Part.literal else _WAYS[piece.part].engine for piece in pieces
    )


def _read_epoch(part: Part, text: Sql) -> Reading:
    if part is Part.epoch_millis:
        fits, micros = r"^-?\d{1,15}$", sql("try_cast({text} AS BIGINT) * 1000", text=text)
    else:
        fits = r"^-?\d{1,12}(?:\.\d{1,6})?$"
        micros = sql("(try_cast({text} AS DECIMAL(38, 6)) * 1000000)::BIGINT", text=text)
    value = sql(
        "list_transform([{micros}],"
        " lambda us: CASE WHEN us BETWEEN {first} AND {last} THEN make_timestamptz(us) END)[1]",
        micros=micros,
        first=literal(_FIRST_SECOND * 1_000_000),
        last=literal(_LAST_SECOND * 1_000_000 + 999_999),
    )
    return Reading(text, fits, value, zoned=True)


def _written(piece: Piece) -> str:
    """A piece in the words of strftime: single letters are written without leading zeros."""
    if piece.part is Part.literal:
        return piece.text.replace("%", "%%")
    engine = _WAYS[piece.part].engine
    if piece.part is Part.day_of_year:
        return "%-j" if len(piece.text) == 3 else engine
    return engine.replace("%", "%-") if piece.text in _UNPADDED else engine


def _written_apart(piece: Piece, value: Sql, local: Sql) -> Sql | None:
    """A piece that strftime cannot write, or None."""
    match piece.part:
        case Part.epoch_seconds:
            return sql("(epoch_us({value}) // 1000000)::VARCHAR", value=value)
        case Part.epoch_millis:
            return sql("epoch_ms({value})::VARCHAR", value=value)
        case Part.fraction:
            digits = literal(len(piece.text))
            return sql("left(strftime({local}, '%f') || '000', {digits})", local=local, digits=digits)
        case Part.half_lower:
            return sql("lower(strftime({local}, '%p'))", local=local)
        case part if part in OFFSETS:
            return _offset(part, value, local)
        case _:
            return None


def _offset(part: Part, value: Sql, local: Sql) -> Sql:
    colon = ":" if part in {Part.offset_colon, Part.offset_iso_colon} else ""
    nothing = "Z" if part in {Part.offset_iso_colon, Part.offset_iso_plain} else f"+00{colon}00"
    return sql(
        "list_transform([date_diff('minute', timezone('UTC', {value}), {local})], lambda o:"
        " CASE WHEN o = 0 THEN {nothing} ELSE (CASE WHEN o < 0 THEN '-' ELSE '+' END)"
        " || lpad((abs(o) // 60)::VARCHAR, 2, '0') || {colon} || lpad((abs(o) % 60)::VARCHAR, 2, '0') END)[1]",
        value=value,
        local=local,
        nothing=literal(nothing),
        colon=literal(colon),
    )
