"""The date or time in a partition key, which places a batch in the order. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from cdp_assets.config.date_patterns import split_pattern
from cdp_assets.config.files import Files
from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.remote import shown

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Of dates that are looked for; longer numbers and other years are more likely ids."""

_TOKENS = {
    "YYYY": ("year", "[0-9]{4}"),
    "yyyy": ("year", "[0-9]{4}"),
    "YY": ("short_year", "[0-9]{2}"),
    "MM": ("month", "[0-9]{2}"),
    "M": ("month", "[0-9]{1,2}"),
    "DD": ("day", "[0-9]{2}"),
    "dd": ("day", "[0-9]{2}"),
    "D": ("day", "[0-9]{1,2}"),
    "HH": ("hour", "[0-9]{2}"),
    "hh": ("hour", "[0-9]{2}"),
    "H": ("hour", "[0-9]{1,2}"),
    "mm": ("minute", "[0-9]{2}"),
    "ss": ("second", "[0-9]{2}"),
}
_LAST_SHORT_YEAR = 68
"""Two digits above it are in the 1900s, as in every other date pattern here (spec.md 4.1)."""

_TIME = (
    r"(?P<hour>[0-9]{2})(?:"
    r"(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?"
    r"|(?P<sign>[-:.])(?P<minute2>[0-9]{2})(?:(?P=sign)(?P<second2>[0-9]{2}))?"
    r")(?![0-9])"
)
_FOUND = re.compile(
    r"(?<![0-9])(?P<year>[0-9]{4})(?P<gap>[-_.]?)(?P<month>[0-9]{2})(?P=gap)(?P<day>[0-9]{2})"
    rf"(?:(?P<tail>[0-9]{{6}})(?![0-9])|(?![0-9])(?:(?=[T_ -]{_TIME})|(?=T(?P<hour2>[0-9]{{2}})(?![0-9]))|))"
)


def effective_date(files: Files, partition_key: str) -> datetime | None:
    """When the data of a partition counts, in UTC; None when its key names no date.

    With `date_format` the key must hold exactly one date of that form. Without it a delimited one between
    1990 and 2100 is looked for, year first, with or without a time; an hour without minutes counts behind a `T` only,
    as two digits elsewhere may be a counter. Either is read in `files.timezone`.

    Raises:
        ConfigError: The format is not valid, or the key holds two different dates and no format says which.
        FileError: The key does not hold exactly one date of the configured format.
    """
    if files.date_format is not None:
        return _in_utc(files, _by_format(files.date_format, partition_key))
    dates = _looked_for(partition_key)
    if len(dates) > 1:
        days = {str(moment.date()) for moment in dates}
        listed = " and ".join(sorted(days if len(days) > 1 else map(str, dates)))
        raise ConfigError(
            f"partition key {shown(partition_key)!r} of {files.root!r} holds two dates ({listed}); "
            "set files.date_format"
        )
    return _in_utc(files, dates.pop()) if dates else None


def check_date_format(date_format: str) -> None:
    """Raises ConfigError, with what is wrong, unless the format can be used."""
    _compiled(date_format)


def _in_utc(files: Files, local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo(files.timezone)).astimezone(UTC)


def _by_format(date_format: str, key: str) -> datetime:
    pattern = _compiled(date_format)
    dates = []
    # A look-ahead finds overlapping candidates too; each is at its own start.
    for match in re.finditer(f"(?=(?P<whole>{pattern}))", key, re.S):
        found = _date({name: text for name, text in match.groupdict().items() if name != "whole"}, 1, 9998)
        if found is not None:
            dates.append(found)
    if len(dates) != 1:
        count = "none" if not dates else str(len(dates))
        raise FileError(
            f"partition key {shown(key)!r} must hold exactly one date of the form {date_format!r}; found {count}"
        )
    return dates[0]


def _compiled(date_format: str) -> str:
    """A regular expression with one named group per token, not beside further digits."""
    parts, seen = [], set()
    for letters, text in split_pattern(date_format):
        if letters is None or letters == "T":
            parts.append(re.escape(text))
            continue
        if letters not in _TOKENS:
            raise ConfigError(
                f'Unknown date token "{letters}" in date_format {date_format!r}; known are '
                f"{' '.join(_TOKENS)}, and [text] for letters that are meant as such"
            )
        name, digits = _TOKENS[letters]
        if name in seen:
            raise ConfigError(f"date_format {date_format!r} names the {name.replace('_', ' ')} twice")
        seen.add(name)
        parts.append(f"(?P<{name}>{digits})")
    if len(seen & {"year", "short_year"}) != 1:
        raise ConfigError(f"date_format {date_format!r} needs exactly one year: YYYY or YY")
    return "(?<![0-9])" + "".join(parts) + "(?![0-9])"


def _looked_for(key: str) -> set[datetime]:
    found = set()
    position = 0
    while (match := _FOUND.search(key, position)) is not None:
        # One sign further, not past the match: `2024-01-01_2024-01-31` holds a date where a time could be.
        position = match.start() + 1
        moment = _date_and_time(match)
        if moment is not None:
            found.add(moment)
    return found


def _date_and_time(match: re.Match[str]) -> datetime | None:
    groups = match.groupdict()
    day = {name: groups[name] for name in ("year", "month", "day")}
    tail = groups["tail"]
    if tail is not None:
        if groups["gap"]:
            return None
        clock = {"hour": tail[:2], "minute": tail[2:4], "second": tail[4:]}
        return _date(day | clock, FIRST_YEAR, LAST_YEAR)
    clock = {
        "hour": groups["hour"] or groups["hour2"],
        "minute": groups["minute"] or groups["minute2"],
        "second": groups["second"] or groups["second2"],
    }
    # What stands behind a date and is no time of day is a counter, not a mistake.
    return _date(day | clock, FIRST_YEAR, LAST_YEAR) or _date(day, FIRST_YEAR, LAST_YEAR)


def _date(texts: dict[str, str | None], first_year: int, last_year: int) -> datetime | None:
    numbers = {name: int(text) for name, text in texts.items() if text is not None}
    short = numbers.pop("short_year", None)
    if short is not None:
        numbers["year"] = short + (2000 if short <= _LAST_SHORT_YEAR else 1900)
    if not first_year <= numbers["year"] <= last_year:
        return None
    day = numbers["year"], numbers.get("month", 1), numbers.get("day", 1)
    clock = numbers.get("hour", 0), numbers.get("minute", 0), numbers.get("second", 0)
    try:
        # Its zone is added later, by the one caller that knows it.
        return datetime.combine(date(*day), time(*clock))
    except ValueError:
        return None
