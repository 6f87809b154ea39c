import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_assets.sql.dates import format_date, moment
from cdp_assets.sql.dialect import instant
from cdp_assets.sql.text import Sql, literal, sql

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def read(evaluate):
    def run(text, pattern, zone="UTC"):
        texts = [text] if isinstance(text, str) else text
        found = evaluate(lambda t: moment(t, pattern, zone), texts)
        return found[0] if isinstance(text, str) else found

    return run


@pytest.fixture
def write(engine):
    def run(value, pattern, zone="UTC"):
        return engine.row(sql("SELECT {text}", text=format_date(literal(value), pattern, zone)))[0]

    return run


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


PI_DAY = utc(2021, 3, 14)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("M/D/YY", "3/14/21", PI_DAY),
        ("MM/DD/YYYY", "03/14/2021", PI_DAY),
        ("YYYYMMDD", "20210314", PI_DAY),
        ("D-MMM-YY", "14-Mar-21", PI_DAY),
        ("MMMM D, YYYY", "March 14, 2021", PI_DAY),
        ("M/D/YY h:mm A", "3/14/21 1:30 PM", utc(2021, 3, 14, 13, 30)),
        ("DD-MM-YYYY HH:mm:ss", "14-03-2021 13:30:05", utc(2021, 3, 14, 13, 30, 5)),
        ("YYYY-MM-DD", "2019-11-30", datetime.fromtimestamp(1575072000, UTC)),
        ("yyyy-MM-dd", "2019-11-30", datetime.fromtimestamp(1575072000, UTC)),
        ("YYYY-MM-DD", "2019-12-30", utc(2019, 12, 30)),
        ("yyyy-MM-dd HH:mm", "2021-03-14 00:05", utc(2021, 3, 14, 0, 5)),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "2021-03-14T13:30:05.125+01:00", utc(2021, 3, 14, 12, 30, 5, 125_000)),
        ("YYYY-MM-DD HH:mm Z", "2021-03-14 13:30 Z", utc(2021, 3, 14, 13, 30)),
        ("YYYY-MM-DD HH:mm ZZ", "2021-03-14 13:30 -0330", utc(2021, 3, 14, 17, 0)),
        ("YYYY-MM-DD'T'HH:mm:ssXXX", "2021-03-14T13:30:05Z", utc(2021, 3, 14, 13, 30, 5)),
        ("YYYY-MM-DD'T'HH:mm:ssXXX", "2021-03-14T13:30:05-00:30", utc(2021, 3, 14, 14, 0, 5)),
        ("YYYY-MM-DDTHH:mm:ssXX", "2021-03-14T13:30:05Z", utc(2021, 3, 14, 13, 30, 5)),
        ("YYYY-DDDD", "2020-366", utc(2020, 12, 31)),
        ("YYYY-DDD", "2021-073", PI_DAY),
        ("YYYYDDDD", "2021073", PI_DAY),
        ("YYYY", "2021", utc(2021, 1, 1)),
        ("MMMM YYYY", "mARCH 2021", utc(2021, 3, 1)),
        ("DD MM YYYY", "1 3 2021", utc(2021, 3, 1)),
        ("D M YYYY", "01 03 2021", utc(2021, 3, 1)),
        ("ddd D MMM YYYY", "Fri 14 mar 2021", PI_DAY),
        ("EEEE, D MMMM YYYY", "sunday, 14 March 2021", PI_DAY),
        ("YYYYMMDDHHmmssSSS", "20210314133005125", utc(2021, 3, 14, 13, 30, 5, 125_000)),
        ("YYYY-MM-DD HH:mm:ss,S", "2021-03-14 13:30:05,5", utc(2021, 3, 14, 13, 30, 5, 500_000)),
        ("YYYY-MM-DD HH:mm:ss.SSSSSSSSS", "2021-03-14 13:30:05.123456789", utc(2021, 3, 14, 13, 30, 5, 123_456)),
        ("YYYY-MM-DD HH:mm:ss.SSS", "1066-10-14 09:00:00.250", utc(1066, 10, 14, 9, 0, 0, 250_000)),
        ("YYYY-MM-DD HH:mm:ss.SSS", "9999-12-31 23:59:59.999", utc(9999, 12, 31, 23, 59, 59, 999_000)),
        ("DD.MM.YYYY HH:mm:ss.SSSSSSSZ", "14.10.1066 09:00:00.2500009+00:00", utc(1066, 10, 14, 9, 0, 0, 250_000)),
        ("YYYY-DDD HH:mm:ss.SSSSSSSXXX", "1600-366 09:00:00.2500009Z", utc(1600, 12, 31, 9, 0, 0, 250_000)),
        ("YYYY-MM-DD h a", "2021-03-14 12 am", PI_DAY),
        ("YYYY-MM-DD h a", "2021-03-14 12 PM", utc(2021, 3, 14, 12)),
        ("[le] D/M [de l'an] YYYY", "le 14/3 de l'an 2021", PI_DAY),
        ("YYYY年M月D日", "2021年3月14日", PI_DAY),
        ("YYYY''MM", "2021'03", utc(2021, 3, 1)),
        ("100% YYYY", "100% 2021", utc(2021, 1, 1)),
        ("DD.MM.YY", "14.03.69", utc(1969, 3, 14)),
        ("DD.MM.YY", "14.03.68", utc(2068, 3, 14)),
        ("X", "1615680000", PI_DAY),
        ("X", "-1.5", utc(1969, 12, 31, 23, 59, 58, 500_000)),
        ("x", "1615680000125", utc(2021, 3, 14, 0, 0, 0, 125_000)),
    ],
)
def test_texts_that_fit_their_pattern(read, pattern, text, expected):
    assert read(text, pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("YYYY-MM-DD", "2021-02-30"),
        ("YYYY-MM-DD", "2021-13-01"),
        ("YYYY-MM-DD", "2021-00-01"),
        ("YYYY-MM-DD", "2021-01-00"),
        ("YYYY-MM-DD", " 2021-03-14"),
        ("YYYY-MM-DD", "2021-03-14 "),
        ("YYYY-MM-DD", "2021-03-14\n"),
        ("YYYY-MM-DD", "2021-03- 4"),
        ("YYYY-MM-DD", "2021-03-14 00:00"),
        ("YYYY-MM-DD", "21-03-14"),
        ("YYYY-MM-DD", "02021-03-14"),
        ("YYYY-MM-DD", "0000-03-14"),
        ("YYYY-MM-DD", "2021/03/14"),
        ("YYYY-MM-DD", "٢٠٢١-03-14"),
        ("YYYY-MM-DD", ""),
        ("YYYYMMDD", "2021314"),
        ("D/M/YY", "14/3/2021"),
        ("D-MMM-YY", "14-March-21"),
        ("D MMMM YYYY", "14 Mar 2021"),
        ("D MMMM YYYY", "14 maart 2021"),
        ("ddd D MMM YYYY", "zon 14 Mar 2021"),
        ("YYYY-DDDD", "2021-366"),
        ("YYYY-DDDD", "1900-366"),
        ("YYYY-DDDD", "2021-000"),
        ("YYYY-DDDD", "2020-367"),
        ("YY-DDD", "21-366"),
        ("YYYY-MM-DD HH:mm", "2021-03-14 24:00"),
        ("YYYY-MM-DD HH:mm", "2021-03-14 23:60"),
        ("YYYY-MM-DD HH:mm:ss", "2021-03-14 23:59:60"),
        ("YYYY-MM-DD h:mm A", "2021-03-14 13:00 PM"),
        ("YYYY-MM-DD h:mm A", "2021-03-14 0:30 AM"),
        ("YYYY-MM-DD HH:mm:ss.SSS", "2021-03-14 13:30:05.1"),
        ("YYYY-MM-DDTHH:mm", "2021-03-14t13:30"),
        ("YYYY-MM-DD HH:mm ZZ", "2021-03-14 13:30 +01:00"),
        ("YYYY-MM-DD HH:mm ZZ", "2021-03-14 13:30 Z"),
        ("YYYY-MM-DD HH:mm Z", "2021-03-14 13:30 +24:00"),
        ("YYYY-MM-DD HH:mm Z", "2021-03-14 13:30 +01:60"),
        ("X", "253402300800"),
        ("X", "1e9"),
        ("x", "161568000012a"),
    ],
)
def test_texts_that_do_not_fit_are_no_date(read, pattern, text):
    assert read(text, pattern) is None


def test_no_text_is_no_date(read):
    assert read([None], "YYYY-MM-DD", "Europe/Amsterdam") == [None]


@pytest.mark.parametrize(
    ("local", "moment_utc"),
    [
        ("2023-03-27 12:36", datetime.fromtimestamp(1679913360, UTC)),
        ("2023-03-26 01:59", utc(2023, 3, 26, 0, 59)),
        ("2023-03-26 02:30", utc(2023, 3, 26, 1, 30)),
        ("2023-10-29 02:30", utc(2023, 10, 29, 0, 30)),
        ("2023-10-29 03:00", utc(2023, 10, 29, 2, 0)),
    ],
)
def test_clock_changes_in_amsterdam(read, local, moment_utc):
    assert read(local, "YYYY-MM-DD HH:mm", "Europe/Amsterdam") == moment_utc


ZONES = [
    "Europe/Amsterdam",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Atlantic/Azores",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Etc/GMT+5",
    "UTC",
]


def changes(zone, first=1980, last=2026):
    """Wall clocks around every change of the offset, in years for which the two time zone databases agree."""
    day, found = datetime(first, 1, 1, tzinfo=UTC), []
    while day.year < last:
        before, after = day, day + timedelta(days=1)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            while after - before > timedelta(minutes=1):
                middle = before + (after - before) / 2
                same = middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset()
                before, after = (middle, after) if same else (before, middle)
            wall = after.replace(second=0, microsecond=0).astimezone(zone).replace(tzinfo=None)
            found += [wall + timedelta(minutes=minutes) for minutes in range(-150, 151, 15)]
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_every_clock_change_is_read_as_the_standard_library_reads_it(engine, zone):
    walls = changes(ZoneInfo(zone)) + [datetime(year, month, 15, 12) for year in (1985, 2024) for month in (1, 7)]
    texts = Sql(", ".join(f"TIMESTAMP '{wall}'" for wall in walls))
    rows = engine.rows(sql("SELECT w, {m} FROM (SELECT unnest([{t}]) AS w)", m=instant(Sql("w"), zone), t=texts))
    wrong = [row for row in rows if row[1] != row[0].replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)]
    assert len(rows) == len(walls)
    assert wrong == []


LONGHAND = {
    "YYYY-MM-DD HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "DD.MM.YY": "%d.%m.%y",
    "dd MMM yyyy": "%d %b %Y",
    "dddd, MMMM DD YYYY, hh:mm A": "%A, %B %d %Y, %I:%M %p",
    "E DDDD YYYY [hour] HH": "%a %j %Y hour %H",
    "YYYYMMDDHHmmss": "%Y%m%d%H%M%S",
    "YYYY-MM-DDTHH:mm:ssXX": "%Y-%m-%dT%H:%M:%S%z",
    "YYYY-MM-DD HH:mm:ss.SSSSSS": "%Y-%m-%d %H:%M:%S.%f",
}
MOMENTS = st.datetimes(datetime(1980, 1, 2), datetime(2025, 12, 30)).map(lambda value: value.replace(tzinfo=UTC))


@MANY
@given(MOMENTS, st.sampled_from(sorted(LONGHAND)), st.sampled_from(ZONES))
def test_written_as_the_standard_library_writes_and_read_back(read, write, value, pattern, zone):
    wall = value.astimezone(ZoneInfo(zone))
    written = wall.strftime(LONGHAND[pattern])
    if "XX" in pattern:
        written = written.replace("+0000", "Z")
    assert write(value, pattern, zone) == written
    # Only what the text says can come back; what it leaves out is the smallest there is.
    said = datetime.strptime(written, LONGHAND[pattern])
    expected = said if said.tzinfo else said.replace(tzinfo=ZoneInfo(zone), fold=0)
    assert read(written, pattern, zone) == expected


SHAPES = {
    "D/M/YYYY H:m": r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4}) (?P<hour>\d{1,2}):(?P<minute>\d{1,2})",
    "YYYYMMDD": r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
}


@MANY
@given(st.sampled_from(sorted(SHAPES)), st.lists(st.text("0123/: 9", max_size=16), max_size=5), MOMENTS, st.data())
def test_a_damaged_text_is_read_as_the_plain_rule_reads_it(read, pattern, texts, value, data):
    whole = value.strftime({"D/M/YYYY H:m": "%d/%m/%Y %H:%M", "YYYYMMDD": "%Y%m%d"}[pattern])
    for _ in range(5):
        place = data.draw(st.integers(0, len(whole) - 1))
        texts.append(whole[:place] + data.draw(st.sampled_from(["", "0", "3", " ", "/"])) + whole[place + 1 :])
    assert read(texts, pattern) == [strict(text, SHAPES[pattern]) for text in texts]


def strict(text, shape):
    found = re.fullmatch(shape, text, re.ASCII)
    try:
        return datetime(**{name: int(part) for name, part in found.groupdict().items()}, tzinfo=UTC) if found else None
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("M/D/YY h:mm a", "3/4/21 5:06 am"),
        ("MM/DD/YYYY HH:mm:ss.SSS", "03/04/2021 05:06:07.891"),
        ("D d MMM MMMM ddd dddd", "4 4 Mar March Thu Thursday"),
        ("DDD DDDD", "63 063"),
        ("H h hh A", "5 5 05 AM"),
        ("S SS SSSSSSSSS", "8 89 891234000"),
        ("YYYY-MM-DDTHH:mm:ssZ ZZ XX XXX", "2021-03-04T05:06:07+00:00 +0000 Z Z"),
        ("X", "1614834367"),
        ("x", "1614834367891"),
        ("[at] 'it' 50%", "at it 50%"),
    ],
)
def test_written_forms(write, pattern, text):
    assert write(utc(2021, 3, 4, 5, 6, 7, 891_234), pattern) == text


def test_offsets_are_written_for_the_zone(write):
    assert write(utc(2021, 7, 4), "HH:mm Z ZZ", "America/St_Johns") == "21:30 -02:30 -0230"
    assert write(utc(2021, 7, 4), "HH:mm XXX XX", "Asia/Kathmandu") == "05:45 +05:45 +0545"


def test_the_zone_of_an_offset_does_not_matter(read):
    expected = datetime(2021, 3, 14, 13, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert read("2021-03-14 13:30 +0545", "YYYY-MM-DD HH:mm ZZ", "Europe/Amsterdam") == expected


@MANY
@given(st.text(st.characters(exclude_categories=["L", "Cs"], exclude_characters="[]'\x00"), max_size=8))
def test_literal_text_means_itself(read, write, text):
    pattern = f"YYYY{text}MM"
    assert write(PI_DAY, pattern) == f"2021{text}03"
    assert read(f"2021{text}03", pattern) == utc(2021, 3, 1)
