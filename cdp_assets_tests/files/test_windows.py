"""The window a file name stands for, compared with Dagster's own partitions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_assets.assets.partitions import partitions_of
from cdp_assets.config.files import Files
from cdp_assets.errors import FileError
from cdp_assets.files.windows import expected_names, first_key, is_called, partition_of, window_key, windows_until
from cdp_assets_tests.assets.world import CUSTOMERS, connection, deployment

UNITS = ("hour", "day", "week", "month")
ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata")


def windowed(by, start=date(2026, 1, 1), root="orders_*.csv", **settings):
    return Files(root=root, partitions={"by": by, "start": start}, **settings)


def of_dagster(files):
    (shop,) = deployment(connection(goals=[CUSTOMERS | {"files": files.model_dump()}])).connections
    return partitions_of(shop, shop.imports[0])


@pytest.mark.parametrize(
    ("by", "name", "window"),
    [
        ("hour", "20260304_1359", "2026-03-04-13:00"),
        ("hour", "20260304", "2026-03-04-00:00"),
        ("day", "2026-03-04", "2026-03-04"),
        ("day", "eu_20260304_1359", "2026-03-04"),
        ("week", "20260304", "2026-03-02"),
        ("week", "20260302", "2026-03-02"),
        ("week", "20260301", "2026-02-23"),
        ("month", "20260304", "2026-03-01"),
    ],
)
def test_a_name_stands_for_the_window_its_date_lies_in(by, name, window):
    assert partition_of(windowed(by), name) == window


def test_a_month_may_be_named_without_a_day():
    assert partition_of(windowed("month", date_format="YYYYMM"), "202603") == "2026-03-01"


def test_without_windows_the_wildcard_value_is_the_partition():
    assert partition_of(Files(root="orders_*.csv"), "20260304") == "20260304"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("eu", r"partition key 'eu' of 'orders_\*\.csv' holds no date that could be found"),
        ("20260101_20260202", r"holds two dates .* set files\.date_format"),
        ("2026w10", "holds no date"),
    ],
)
def test_a_name_without_one_date_is_no_guess(key, told):
    with pytest.raises(FileError, match=told):
        partition_of(windowed("day"), key)


@pytest.mark.parametrize("by", UNITS)
@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=40, deadline=None)
@given(
    start=st.dates(date(2023, 1, 1), date(2026, 12, 31)),
    later_h=st.integers(0, 24 * 90),
)
def test_windows_are_those_of_dagster(by, zone, start, later_h):
    files = windowed(by, start, timezone=zone)
    now = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(hours=later_h + 48)
    keys = of_dagster(files).get_partition_keys(current_time=now)
    once = [key for key in keys if "+" not in key and key.count("-") < 5 and len(key) <= 16]
    assert first_key(files) == keys[0]
    assert window_key(files, now) == keys[-1][:16]
    assert [window.key for window in windows_until(files, now)] == [key for key in once if key < keys[-1][:16]]


def test_an_hour_that_comes_twice_is_one_and_one_that_is_skipped_is_none():
    files = windowed("hour", date(2025, 10, 26), timezone="Europe/Amsterdam")
    keys = [window.key for window in windows_until(files, datetime(2025, 10, 27, 12, tzinfo=UTC))]
    assert len([key for key in keys if key.startswith("2025-10-26")]) == 24
    files = windowed("hour", date(2026, 3, 29), timezone="Europe/Amsterdam")
    keys = [window.key for window in windows_until(files, datetime(2026, 3, 30, 12, tzinfo=UTC))]
    assert "2026-03-29-02:00" not in keys


def test_the_first_window_is_the_one_the_start_lies_in():
    assert first_key(windowed("week", date(2026, 1, 1))) == "2025-12-29"
    assert first_key(windowed("month", date(2026, 1, 31))) == "2026-01-01"


def test_the_present_window_is_not_over():
    keys = [window.key for window in windows_until(windowed("day"), datetime(2026, 1, 3, 23, 59, tzinfo=UTC))]
    assert keys == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize(
    ("files", "key", "told"),
    [
        (
            windowed("day"),
            "2026-03-04",
            "names like 'orders_*.csv' with a date of 2026-03-04, such as orders_20260304.csv",
        ),
        (
            windowed("hour", root="o_*", timezone="Asia/Kolkata"),
            "2026-03-04-13:00",
            "names like 'o_*' with a date of 2026-03-04, 13:00 to 14:00 (Asia/Kolkata), such as o_20260304_1300",
        ),
        (
            windowed("week", date_format="DD.MM.YY"),
            "2026-03-02",
            "names like 'orders_*.csv' with a date from 2026-03-02 to 2026-03-08, such as orders_02.03.26.csv",
        ),
        (
            windowed("month", root="*_orders_*.csv"),
            "2026-02-01",
            "names like '*_orders_*.csv' with a date from 2026-02-01 to 2026-02-28",
        ),
    ],
)
def test_what_a_window_takes_is_told_in_words(files, key, told):
    assert expected_names(files, key) == told


def test_a_partition_answers_to_its_wildcard_value_and_to_its_window():
    files = windowed("day")
    assert [name for name in ("20260304", "2026-03-04", "2026-03-05") if is_called(files, "20260304", [name])] == [
        "20260304",
        "2026-03-04",
    ]
