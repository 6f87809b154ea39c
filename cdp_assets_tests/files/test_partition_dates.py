from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_assets.config.files import Files
from cdp_assets.errors import ConfigError, FileError
from cdp_assets.files.partition_dates import check_date_format, effective_date


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def looked_for(key, **settings):
    return effective_date(Files(root="a_*.csv", **settings), key)


DAY, MINUTE, SECOND = utc(2024, 2, 29), utc(2024, 2, 29, 23, 5), utc(2024, 2, 29, 23, 5, 7)


@pytest.mark.parametrize(
    ("key", "date"),
    [
        ("20240229", DAY),
        ("2024-02-29", DAY),
        ("2024_02_29", DAY),
        ("2024.02.29", DAY),
        ("eu_20240229_full", DAY),
        ("v7-20240229-3", DAY),
        ("20240229230507", SECOND),
        ("20240229T230507", SECOND),
        ("20240229_2305", MINUTE),
        ("2024-02-29 23:05:07", SECOND),
        ("2024-02-29-23-05", MINUTE),
        ("2024-02-29T23-05-07", SECOND),
        ("2024.02.29_23.05", MINUTE),
        ("20240229T23", utc(2024, 2, 29, 23)),
        ("2024-02-29T23_eu", utc(2024, 2, 29, 23)),
        ("20240229T24", DAY),
        ("20240229T235", DAY),
        ("20240229_23", DAY),
        ("20240229_2505", DAY),
        ("20240229_20240229", DAY),
        ("20240229_0001", utc(2024, 2, 29, 0, 1)),
        ("", None),
        ("eu", None),
        ("20230229", None),
        ("2024-13-01", None),
        ("19891231", None),
        ("21010101", None),
        ("19900101", utc(1990, 1, 1)),
        ("21001231", utc(2100, 12, 31)),
        ("120240229", None),
        ("202402291", None),
        ("2024022923", None),
        ("202402292305", None),
        ("2024-0229", None),
        ("2024-02_29", None),
        ("29-02-2024", None),
        ("\u0662\u0660\u0662\u0664-02-29", None),
    ],
)
def test_dates_that_are_looked_for(key, date):
    assert looked_for(key) == date


@pytest.mark.parametrize(
    "key", ["20240101_20240102", "2024-01-01_2024-01-31", "20240101_to_2024-02-01", "20240101_20240101T1200"]
)
def test_two_different_dates_need_a_format(key):
    with pytest.raises(ConfigError, match=r"holds two dates .* set files\.date_format"):
        looked_for(key)


def test_a_date_is_read_in_the_goals_zone():
    assert looked_for("20240701", timezone="Europe/Amsterdam") == utc(2024, 6, 30, 22)
    assert looked_for("20240701", timezone="Europe/Amsterdam").tzinfo is UTC


@pytest.mark.parametrize(
    ("date_format", "key", "date"),
    [
        ("YYYYMMDD", "20240229", DAY),
        ("yyyyMMdd", "eu_20240229_x", DAY),
        ("DD-MM-YYYY", "29-02-2024", DAY),
        ("D.M.YY", "29.2.24", DAY),
        ("D.M.YY", "1.12.69", utc(1969, 12, 1)),
        ("YYYYMMDDHHmmss", "20240229230507", SECOND),
        ("YYYYMMDDTHHmm", "20240229T2305", MINUTE),
        ("[week]YYYY-MM", "week2024-02", utc(2024, 2, 1)),
        ("'DD'YYYY", "DD2024", utc(2024, 1, 1)),
        ("MMDD_YYYY", "0101_2024_0229_2024x", None),
        ("H[h]mm_YYYY.MM.DD", "7h05_2024.02.29", utc(2024, 2, 29, 7, 5)),
        ("YYYY-MM-DD", "2024-02-30_2024-02-29", DAY),
    ],
)
def test_a_configured_format_decides(date_format, key, date):
    if date is None:
        with pytest.raises(FileError, match="found 2"):
            looked_for(key, date_format=date_format)
    else:
        assert looked_for(key, date_format=date_format) == date


@pytest.mark.parametrize(
    ("key", "count"), [("eu", "none"), ("", "none"), ("20240101_20240102", "2"), ("120240101", "none")]
)
def test_a_key_without_exactly_one_date_of_the_format_is_the_suppliers_error(key, count):
    with pytest.raises(FileError, match=f"exactly one date of the form 'YYYYMMDD'; found {count}"):
        looked_for(key, date_format="YYYYMMDD")


@pytest.mark.parametrize(
    ("date_format", "message"),
    [
        ("YYYYQ", 'Unknown date token "Q"'),
        ("YYYYMMMDD", 'Unknown date token "MMM"'),
        ("MM-DD", "needs exactly one year"),
        ("YYYY-YY", "needs exactly one year"),
        ("YYYYMMDD-MM", "names the month twice"),
    ],
)
def test_a_format_that_cannot_be_used_is_a_config_error(date_format, message):
    with pytest.raises(ConfigError, match=message):
        check_date_format(date_format)


moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 31)).map(lambda moment: moment.replace(microsecond=0))


@given(moments, st.sampled_from(["%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y-%m-%d_%H-%M-%S", "%Y_%m_%d %H:%M:%S"]))
def test_every_written_moment_is_found_again(moment, form):
    assert looked_for(f"eu_{moment.strftime(form)}.full") == moment.replace(tzinfo=UTC)


@given(moments, st.sampled_from(["Europe/Amsterdam", "America/New_York", "Asia/Kolkata"]))
def test_local_moments_come_back_in_utc(moment, zone):
    expected = moment.replace(tzinfo=ZoneInfo(zone))
    found = looked_for(f"{moment:%Y%m%d%H%M%S}", timezone=zone, date_format="YYYYMMDDHHmmss")
    assert found - expected.astimezone(UTC) == timedelta(0)


@given(st.text("0123456789-_.T: ", max_size=30))
def test_whatever_the_key_the_search_finds_a_date_in_range_or_none_or_two(key):
    with suppress(ConfigError):
        found = looked_for(key)
        assert found is None or 1990 <= found.year <= 2100
