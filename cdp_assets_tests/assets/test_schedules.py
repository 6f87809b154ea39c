"""What Dagster makes of the schedules, over two years, held against the calendar of the standard library."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

# Dagster's daemon asks the same; there is no public way to ask when a schedule runs.
from dagster._utils.schedules import schedule_execution_time_iterator
from pydantic import ValidationError

from cdp_assets.assets.sensors import connection_schedule
from cdp_assets.config.schedules import Schedule, Week, Weekday
from cdp_assets_tests.assets.world import connection, definitions, deployment
from cdp_assets_tests.oracle.clock import moment, runs

FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
ZONES = ["UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
JOB = definitions(deployment()).get_job_def("shop__run_now")
NIGHT = {"at": "02:30"}
"""Falls into the hour that is skipped or comes twice."""


def of_dagster(schedule):
    """Every run that Dagster's daemon would start in the two years."""
    (one,) = deployment(connection(schedule=schedule)).connections
    found = connection_schedule(one, JOB)
    start = datetime.combine(FIRST, time(), tzinfo=ZoneInfo(found.execution_timezone))
    end = datetime.combine(LAST, time.max, tzinfo=start.tzinfo)
    ticks = schedule_execution_time_iterator(
        (start - timedelta(seconds=1)).timestamp(), found.cron_schedule, found.execution_timezone
    )
    return [tick.astimezone(UTC) for tick in itertools.takewhile(lambda tick: tick <= end, ticks)]


FORMS = [
    *({"times_per_day": number} for number in (1, 2, 5, 24)),
    {"days_of_week": ["mon", "thu"], "at": "06:30"},
    {"days_of_week": ["sun"], **NIGHT},
    {"days_of_week": list(Weekday), "at": "00:00"},
    {"days_of_month": [1, 15], "at": "23:59"},
    {"days_of_month": [31], **NIGHT},
    {"days_of_month": [30], "at": "00:00"},
    {"days_of_month": [29], **NIGHT},
    {"days_of_month": [28, 29, 30, 31], "at": "12:00"},
    {"days_of_month": [29, 30], "at": "12:00"},
    {"weekday_of_month": {"week": "second", "day": "sun"}, **NIGHT},
    {"weekday_of_month": {"week": "last", "day": "sun"}, **NIGHT},
]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"times_per_day": 1}, "at midnight (UTC)"),
        ({"times_per_day": 5}, "5 times a day, evenly from midnight (UTC)"),
        ({"days_of_week": list(Weekday), "at": "00:00"}, "every day at 00:00 (UTC)"),
        ({"days_of_week": ["mon", "thu"], "at": "06:30"}, "on Mon, Thu at 06:30 (UTC)"),
        ({"days_of_month": [1, 15], "at": "23:59"}, "on day 1, 15 of the month at 23:59 (UTC)"),
        ({"weekday_of_month": {"week": "last", "day": "sun"}, **NIGHT}, "on the last Sun of the month at 02:30 (UTC)"),
    ],
)
def test_a_schedule_tells_itself_in_words(form, told):
    assert Schedule.model_validate(form).told == told


# Dagster counts hours by the world's clock; where clocks change by half an hour, it then runs at half past.
CASES = [(form, zone) for form in FORMS for zone in ZONES if (form, zone) != ({"times_per_day": 24}, ZONES[3])]


@pytest.mark.parametrize(("form", "zone"), CASES, ids=str)
def test_dagster_runs_a_schedule_when_the_calendar_says(form, zone):
    schedule = form | {"timezone": zone}
    expected = runs(schedule, FIRST, LAST)
    assert len(expected) >= 24
    assert of_dagster(schedule) == expected


@pytest.mark.parametrize("form", [form for form in FORMS if form != {"times_per_day": 24}], ids=str)
def test_where_clocks_change_at_midnight_each_time_counts_once(form):
    """Of 00:00 that comes twice Dagster takes now the first, now the second."""
    schedule, zone = form | {"timezone": "America/Havana"}, ZoneInfo("America/Havana")
    found, expected = of_dagster(schedule), runs(schedule, FIRST, LAST)
    assert [at.astimezone(zone).replace(tzinfo=None, fold=0) for at in found] == [
        at.astimezone(zone).replace(tzinfo=None, fold=0) for at in expected
    ]


@pytest.mark.parametrize("week", Week)
@pytest.mark.parametrize("day", Weekday)
def test_every_weekday_of_a_month(week, day):
    schedule = {"weekday_of_month": {"week": str(week), "day": str(day)}, "at": "01:15", "timezone": "Europe/Amsterdam"}
    assert of_dagster(schedule) == runs(schedule, FIRST, LAST)


@pytest.mark.parametrize("day", range(1, 32))
def test_every_day_of_a_month(day):
    schedule = {"days_of_month": [day], "at": "02:00", "timezone": "Europe/Amsterdam"}
    found = of_dagster(schedule)
    assert found == runs(schedule, FIRST, LAST)
    assert len(found) == 24


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"days_of_month": [31]}, ["2024-02-29T01:30", "2024-03-31T01:00", "2024-04-30T00:30", "2025-02-28T01:30"]),
        ({"weekday_of_month": {"week": "last", "day": "sun"}}, ["2024-03-31T01:00", "2024-10-27T01:30"]),
        ({"days_of_week": ["sun"]}, ["2024-03-31T01:00", "2024-10-27T01:30", "2024-11-03T01:30"]),
        ({"times_per_day": 12}, ["2024-03-31T01:00", "2024-10-27T01:00"]),
    ],
)
def test_ends_of_months_and_changes_of_clocks(form, expected):
    at = {} if "times_per_day" in form else NIGHT
    found = of_dagster(form | at | {"timezone": "Europe/Amsterdam"})
    assert {datetime.fromisoformat(text).replace(tzinfo=UTC) for text in expected} <= set(found)
    assert datetime(2024, 10, 27, 0, 30, tzinfo=UTC) not in found


def test_the_oracle_knows_skipped_and_repeated_times():
    zone = ZoneInfo("Europe/Amsterdam")
    assert moment(datetime(2024, 3, 31, 2, 30), zone) == datetime(2024, 3, 31, 1, 0, tzinfo=UTC)
    assert moment(datetime(2024, 10, 27, 2, 30), zone) == datetime(2024, 10, 27, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "give one of times_per_day, days_of_week, days_of_month, weekday_of_month"),
        ({"timezone": "UTC"}, "give one of times_per_day, "),
        ({"times_per_day": 2, "days_of_month": [1]}, "weekday_of_month, not times_per_day and days_of_month"),
        ({"times_per_day": 2, "at": "06:30"}, "times_per_day takes no at: it counts from midnight"),
        ({"days_of_month": [1]}, 'days_of_month needs at, such as at: "06:30"'),
        ({"days_of_month": [0], "at": "06:30"}, "greater than or equal to 1"),
        ({"days_of_month": [32], "at": "06:30"}, "less than or equal to 31"),
        ({"weekday_of_month": {"week": "fifth", "day": "mon"}, "at": "06:30"}, "'first', 'second', 'third', 'fourth'"),
        ({"weekday_of_month": {"week": "last"}, "at": "06:30"}, "Field required"),
        ({"times_per_day": 25}, "less than or equal to 24"),
        ({"times_per_day": 2, "timezone": "Amsterdam"}, "unknown time zone 'Amsterdam'"),
    ],
)
def test_a_schedule_has_one_form_with_what_belongs_to_it(given, told):
    with pytest.raises(ValidationError, match=re.escape(told)):
        Schedule.model_validate(given)


def test_a_time_alone_is_that_of_every_day():
    alone = Schedule.model_validate({"at": "06:30", "timezone": "Europe/Amsterdam"})
    assert alone == Schedule(days_of_week=tuple(Weekday), at="06:30", timezone="Europe/Amsterdam")
    assert alone.told == "every day at 06:30 (Europe/Amsterdam)"
