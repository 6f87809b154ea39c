"""When a schedule runs, in plain Python and in the YAML's terms: day by day, by the standard library's calendar."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def runs(schedule, first, last):
    """Every moment, in UTC and in order, that falls on the local days from `first` to `last`."""
    zone = ZoneInfo(schedule.get("timezone", "UTC"))
    if schedule.get("times_per_day") == 24:
        return _every_hour(zone, first, last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return sorted({moment(datetime.combine(day, at), zone) for day in days for at in times(schedule, day)})


def times(schedule, day):
    """The times of a day at which the schedule runs."""
    if "times_per_day" in schedule:
        number = schedule["times_per_day"]
        return [(datetime.min + timedelta(hours=24 * turn) / number).time() for turn in range(number)]
    hour, minute = schedule["at"].split(":")
    return [time(int(hour), int(minute))] if _is_due(schedule, day) else []


def _is_due(schedule, day):
    length = calendar.monthrange(day.year, day.month)[1]
    if "days_of_week" in schedule:
        return DAYS[day.weekday()] in schedule["days_of_week"]
    if "days_of_month" in schedule:
        return day.day in {min(wanted, length) for wanted in schedule["days_of_month"]}
    wanted = schedule["weekday_of_month"]
    same = [number for number in range(1, length + 1) if date(day.year, day.month, number).weekday() == day.weekday()]
    place = ["first", "second", "third", "fourth", "last"].index(wanted["week"])
    return DAYS[day.weekday()] == wanted["day"] and day.day == (same[-1] if place == 4 else same[place])


def moment(clock, zone):
    """When a clock on the wall shows a time: the second time, if twice; if never, when it is put forward over it."""
    clock = clock.replace(second=0, microsecond=0)
    while True:
        found = clock.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None) == clock:
            return found
        clock += timedelta(minutes=1)


def _every_hour(zone, first, last):
    at = datetime.combine(first, time(), tzinfo=UTC) - timedelta(days=1)
    found = []
    while at < datetime.combine(last, time(), tzinfo=UTC) + timedelta(days=2):
        local = at.astimezone(zone)
        if first <= local.date() <= last and local.minute == 0:
            found.append(at)
        at += timedelta(minutes=15)
    return found
