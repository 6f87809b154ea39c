"""Partitions by time: how long a goal's windows are, and the first one that is expected."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, field_validator

from cdp_assets.config.base import Strict
from cdp_assets.config.date_patterns import split_pattern

FIRST_YEAR, LAST_YEAR = 1990, 2100
Unit = Literal["hour", "day", "week", "month"]

_NEEDS = {"hour": "an hour (HH)", "day": "a day (DD)", "week": "a day (DD)", "month": "a month (MM)"}


class TimeWindows(Strict):
    """Partitions by the date in the file name, in `files.timezone`, instead of by its wildcard value."""

    by: Unit
    """How long a window is; weeks begin on Monday."""
    start: date
    """A day such as 2026-01-31; the window it lies in is the first one that is expected to have a file."""
    due_after_s: int = Field(default=0, ge=0)
    """Seconds from the end of a window until it counts as missing without a file."""

    @field_validator("start", mode="before")
    @classmethod
    def _is_a_day(cls, value: Any) -> Any:
        plain = isinstance(value, str) or (isinstance(value, date) and not isinstance(value, datetime))
        day = value if isinstance(value, date) else _day(value) if plain else None
        if not plain or day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
            message = f"start is a day from {FIRST_YEAR} to {LAST_YEAR}, such as 2026-01-31"
            raise ValueError(message)
        return day


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def windows_problem(by: Unit, date_format: str | None, *, named: bool) -> str | None:
    """Why file names cannot tell their window; None = they can. `named`: the root's name is always the same."""
    if named:
        return "partitions by time need a date in the file name: give root a `*` where it stands"
    letters = {run[0] for run, _ in split_pattern(date_format or "") if run}
    wanted = {"hour": "Hh", "month": "M"}.get(by, "Dd")
    if date_format is not None and not letters & set(wanted):
        return f"partitions by {by} need {_NEEDS[by]} in date_format; {date_format!r} has none"
    return None
