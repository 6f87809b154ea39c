"""The bilingual date pattern language of spec.md 4.1: Moment and Java tokens, read alike.

`YYYY` and `yyyy` are the calendar year, `DD` and `dd` the day of the month: never week-year, never day-of-year.
Where the two languages differ on a token (`Z`, `a`), Moment decides.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What a piece of a pattern stands for, in the words of a message."""

    year = "year"
    short_year = "two-digit year"
    month = "month"
    month_short = "short month name"
    month_name = "month name"
    day = "day"
    day_of_year = "day of the year"
    weekday_short = "short weekday name"
    weekday_name = "weekday name"
    hour = "hour"
    hour_12 = "12-hour hour"
    half_upper = "AM or PM"
    half_lower = "am or pm"
    minute = "minute"
    second = "second"
    fraction = "fraction of a second"
    offset_colon = "offset +01:00"
    offset_plain = "offset +0100"
    offset_iso_colon = "offset +01:00 or Z"
    offset_iso_plain = "offset +0100 or Z"
    epoch_seconds = "UNIX seconds"
    epoch_millis = "UNIX milliseconds"
    literal = "literal text"


_TOKENS = {
    "YYYY": Part.year,
    "yyyy": Part.year,
    "YY": Part.short_year,
    "yy": Part.short_year,
    "M": Part.month,
    "MM": Part.month,
    "MMM": Part.month_short,
    "MMMM": Part.month_name,
    "D": Part.day,
    "DD": Part.day,
    "d": Part.day,
    "dd": Part.day,
    "DDD": Part.day_of_year,
    "DDDD": Part.day_of_year,
    "ddd": Part.weekday_short,
    "dddd": Part.weekday_name,
    "E": Part.weekday_short,
    "EEE": Part.weekday_short,
    "EEEE": Part.weekday_name,
    "H": Part.hour,
    "HH": Part.hour,
    "h": Part.hour_12,
    "hh": Part.hour_12,
    "A": Part.half_upper,
    "a": Part.half_lower,
    "m": Part.minute,
    "mm": Part.minute,
    "s": Part.second,
    "ss": Part.second,
    "Z": Part.offset_colon,
    "ZZ": Part.offset_plain,
    "XXX": Part.offset_iso_colon,
    "XX": Part.offset_iso_plain,
    "T": Part.literal,
} | {"S" * digits: Part.fraction for digits in range(1, 10)}
_WHOLE = {"X": Part.epoch_seconds, "x": Part.epoch_millis}
"""Tokens that mean this only as the whole pattern."""

OFFSETS = frozenset({Part.offset_colon, Part.offset_plain, Part.offset_iso_colon, Part.offset_iso_plain})
YEARS = frozenset({Part.year, Part.short_year})
MONTHS = frozenset({Part.month, Part.month_short, Part.month_name})
WEEKDAYS = frozenset({Part.weekday_short, Part.weekday_name})
HALVES = frozenset({Part.half_upper, Part.half_lower})
HOURS = frozenset({Part.hour, Part.hour_12})
EPOCHS = frozenset(_WHOLE.values())
DAYS = frozenset({Part.day, Part.day_of_year})

_PIECES = re.compile(
    r"\[(?P<square>[^\]]*)\]|'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\4*)|(?P<other>[^A-Za-z])", re.ASCII
)


@dataclass(frozen=True)
class Piece:
    """One token of a pattern, or literal text."""

    part: Part
    text: str
    """The token's letters (their number may be the width), or the text that is meant literally."""


def split_pattern(pattern: str) -> list[tuple[str | None, str]]:
    """Runs of one letter as (letters, letters), everything that is meant literally as (None, text).

    Knows no token; `''` is an apostrophe, as in Java.
    """
    found = []
    for match in _PIECES.finditer(pattern):
        letters, quoted = match["letters"], match["quoted"]
        text = next(part for part in (letters, match["square"], quoted, match["other"]) if part is not None)
        found.append((letters, text if text or quoted is None else "'"))
    return found


def parse_date_pattern(pattern: str) -> tuple[Piece, ...]:
    """Reads a pattern for either direction.

    Raises:
        ValueError: it is empty, or a letter means nothing; write it as `[text]` or `'text'` if it is meant literally.
    """
    if not pattern:
        message = "a date pattern needs at least one token, such as YYYY-MM-DD"
        raise ValueError(message)
    if pattern in _WHOLE:
        return (Piece(_WHOLE[pattern], pattern),)
    pieces = []
    for letters, text in split_pattern(pattern):
        if letters is not None and letters not in _TOKENS:
            message = (
                f'Unknown date token "{letters}" in {pattern!r}; day, month, year and time are written as in'
                " DD.MM.YYYY HH:mm:ss, and letters that are meant as such stand in [ ]"
            )
            raise ValueError(message)
        pieces.append(Piece(Part.literal if letters is None else _TOKENS[letters], text))
    return tuple(pieces)


def parse_readable_pattern(pattern: str) -> tuple[Piece, ...]:
    """Reads a pattern that must say which moment a text names: it is the stricter check for imports.

    Raises:
        ValueError: as `parse_date_pattern`, or the tokens leave the moment open or contradict each other.
    """
    pieces = parse_date_pattern(pattern)
    problem = _unreadable(pieces)
    if problem:
        message = f"date pattern {pattern!r} {problem}"
        raise ValueError(message)
    return pieces


def is_unix_time(pattern: str) -> bool:
    """Whether a pattern is a count of seconds or milliseconds.

    Raises:
        ValueError: as `parse_date_pattern`.
    """
    return any(piece.part in EPOCHS for piece in parse_date_pattern(pattern))


def is_of_days(pattern: str) -> bool:
    """Whether a pattern names a day and no time of day.

    Raises:
        ValueError: as `parse_date_pattern`.
    """
    return not {piece.part for piece in parse_date_pattern(pattern)} & (HOURS | EPOCHS)


def _unreadable(pieces: tuple[Piece, ...]) -> str | None:
    parts = {piece.part for piece in pieces}
    if parts & EPOCHS:
        return None
    if not parts & YEARS:
        return "needs a year: YYYY or YY"
    for group in (YEARS, MONTHS, DAYS, WEEKDAYS, HOURS, HALVES, OFFSETS, {Part.minute}, {Part.second}, {Part.fraction}):
        found = Counter(piece.part for piece in pieces if piece.part in group)
        if found.total() > 1:
            return f"names the {' and the '.join(sorted(found))} more than once"
    needs = (
        (Part.day in parts, parts & MONTHS, "has a day of the month and needs a month: M, MM, MMM or MMMM"),
        (Part.day_of_year in parts, not parts & MONTHS, "has a day of the year and can have no month"),
        (Part.minute in parts, parts & HOURS, 'has minutes ("m") and needs an hour; the month is "M"'),
        (Part.second in parts, Part.minute in parts, "has seconds and needs minutes"),
        (Part.fraction in parts, Part.second in parts, "has a fraction (S) and needs seconds (s)"),
        (Part.hour_12 in parts, parts & HALVES, 'has a 12-hour hour ("h") and needs "A"; 0 to 23 is "H"'),
        (parts & HALVES, Part.hour_12 in parts, 'has AM or PM and needs a 12-hour hour ("h")'),
    )
    for there, fulfilled, problem in needs:
        if there and not fulfilled:
            return problem
    if parts & OFFSETS and any("Z" in piece.text for piece in pieces if piece.part is Part.literal):
        return "has an offset beside a literal Z"
    return None
