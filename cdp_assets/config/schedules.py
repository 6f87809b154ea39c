"""When a connection runs by the clock (spec.md 11.1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from cdp_assets.config.base import Strict
from cdp_assets.config.timezones import check_timezone


class Weekday(StrEnum):
    """Days as cron names them."""

    mon = "mon"
    tue = "tue"
    wed = "wed"
    thu = "thu"
    fri = "fri"
    sat = "sat"
    sun = "sun"


class Week(StrEnum):
    """Which of the days of one name in a month."""

    first = "first"
    second = "second"
    third = "third"
    fourth = "fourth"
    last = "last"


class WeekdayOfMonth(Strict):
    """Such as the last Friday."""

    week: Week
    """Which of them in the month."""
    day: Weekday
    """Day of the week."""


_CRON_DAYS = {day: number % 7 for number, day in enumerate(Weekday, start=1)}
_CRON_WEEKS = {week: number for number, week in enumerate(Week, start=1) if week is not Week.last}
_LONG_MONTHS = "1,3-12"
"""Those that have at least thirty days."""


class Schedule(Strict):
    """When a connection runs: times per day; or days of the week, days of the month, or one weekday of it, at a time.

    A time that is skipped when clocks go forward is the moment at which they do; of one that comes twice the second
    counts. Of a run every hour every hour counts.
    """

    times_per_day: int | None = Field(default=None, ge=1, le=24)
    """Every 24/n hours from midnight, to the minute."""
    days_of_week: tuple[Weekday, ...] = ()
    """Runs on each of these days; left out beside `at` alone = on every day."""
    days_of_month: tuple[Annotated[int, Field(ge=1, le=31)], ...] = ()
    """In a month that is shorter, its last day."""
    weekday_of_month: WeekdayOfMonth | None = None
    """Runs on such a day, as the last Friday of the month."""
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """Time of day, `HH:MM`."""
    timezone: str = "UTC"
    """Zone of the times, e.g. `Europe/Amsterdam`."""

    _zone = field_validator("timezone")(check_timezone)

    @model_validator(mode="before")
    @classmethod
    def _every_day(cls, data: Any) -> Any:
        """A time alone is that of every day."""
        if isinstance(data, dict) and set(data) <= {"at", "timezone"} and data.get("at") is not None:
            return {**data, "days_of_week": [str(day) for day in Weekday]}
        return data

    @model_validator(mode="after")
    def _one_form(self) -> Schedule:
        forms = {
            "times_per_day": self.times_per_day is not None,
            "days_of_week": bool(self.days_of_week),
            "days_of_month": bool(self.days_of_month),
            "weekday_of_month": self.weekday_of_month is not None,
        }
        given = [name for name, is_given in forms.items() if is_given]
        if len(given) != 1:
            message = f"give one of {', '.join(forms)}{', not ' + ' and '.join(given) if given else ''}"
            raise ValueError(message)
        if (self.at is not None) == (self.times_per_day is not None):
            needs = "takes no at: it counts from midnight" if self.at else 'needs at, such as at: "06:30"'
            message = f"{given[0]} {needs}"
            raise ValueError(message)
        return self

    @property
    def told(self) -> str:
        """The same in words, such as `on Mon, Thu at 06:30 (Europe/Amsterdam)`."""
        if self.times_per_day is not None:
            days = (
                f"{self.times_per_day} times a day, evenly from midnight" if self.times_per_day > 1 else "at midnight"
            )
            return f"{days} ({self.timezone})"
        if self.weekday_of_month is not None:
            days = f"on the {self.weekday_of_month.week} {self.weekday_of_month.day.capitalize()} of the month"
        elif self.days_of_week:
            every = set(self.days_of_week) == set(Weekday)
            days = "every day" if every else f"on {', '.join(day.capitalize() for day in self.days_of_week)}"
        else:
            numbers = ", ".join(str(day) for day in self.days_of_month)
            days = f"on day {numbers} of the month"
        return f"{days} at {self.at} ({self.timezone})"

    @property
    def crons(self) -> tuple[str, ...]:
        """The schedule as cron lines in its own time zone; it runs at every moment that one of them names."""
        if self.times_per_day is not None:
            return _times_per_day(self.times_per_day)
        hour, minute = (self.at or "").split(":")
        time = f"{int(minute)} {int(hour)}"
        if self.days_of_week:
            return (f"{time} * * {','.join(self.days_of_week)}",)
        if self.weekday_of_month is not None:
            day, week = _CRON_DAYS[self.weekday_of_month.day], self.weekday_of_month.week
            return (f"{time} * * {f'L{day}' if week is Week.last else f'{day}#{_CRON_WEEKS[week]}'}",)
        return _days_of_month(self.days_of_month, time)


def _times_per_day(times: int) -> tuple[str, ...]:
    if times == 1:
        return ("0 0 * * *",)
    if 24 % times == 0:
        return (f"0 */{24 // times} * * *",)
    minutes = [turn * 24 * 60 // times for turn in range(times)]
    return tuple(f"{minute % 60} {minute // 60} * * *" for minute in minutes)


def _days_of_month(days: tuple[int, ...], time: str) -> tuple[str, ...]:
    """Cron leaves out what a month has not; so the end of short months has lines of its own."""
    always = ",".join(str(day) for day in sorted(set(days)) if day <= 28)
    lines = [f"{time} {always} * *"] if always else []
    lines += [f"{time} {day} {_LONG_MONTHS} *" for day in sorted({29, 30} & set(days))]
    if 31 in days:
        lines.append(f"{time} L * *")
    elif {29, 30} & set(days):
        lines.append(f"{time} L 2 *")
    return tuple(lines)
