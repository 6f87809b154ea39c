"""What a column of a sample looks like."""

from __future__ import annotations

import pytest

from cdp_assets.config.files import Format
from cdp_assets.flows.detect_columns import MOST_ROWS, profile_columns
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import scratch

COMMA = {"decimal": ","}
AMOUNTS = "amounts with blanks or signs, which a find_replace makes numbers: docs/importing.md#processors"


def profiled(texts, **layout):
    with scratch() as engine:
        engine.run(Sql("CREATE TABLE cells (line_no BIGINT, f0 VARCHAR)"))
        engine.run(Sql("INSERT INTO cells SELECT unnest(range(?)), unnest(?::VARCHAR[])"), [len(texts), list(texts)])
        (profile,) = profile_columns(engine, Sql("cells"), {"x": Sql("f0")}, Format(**layout))
    return profile


@pytest.mark.parametrize(
    ("texts", "layout", "told"),
    [
        (["a@x.com", "B@y.nl"], {}, "email"),
        (["1", "-20", "3000"], {}, "number"),
        (["1,000", "2"], {}, "number"),
        (["1.000", "2"], COMMA, "number"),
        (["1.5", "2", "1,000.25"], {}, "decimal with ."),
        (["1,5", "2", "1.000,25"], COMMA, "decimal with ,"),
        (["1,5", "2,25"], {}, "decimal with ,; numbers with decimal ,, but format.decimal is ."),
        (["5 657,26 €", "1\u202f000,5", "12,00 EUR"], COMMA, f"text; {AMOUNTS}"),
        (["1'234.50", "CHF"] + ["9.50 CHF"] * 9, {}, f"text; {AMOUNTS}"),
        (["061 234 567", "+31 612 345 678"], {}, "text"),
        (["0612345678", "0201234567"], {}, "text; digits with leading zeros"),
        (["0", "10"], {}, "number"),
        (["1700000000", "1700000001"], {}, "number; may be UNIX time in seconds"),
        (["1700000000000"], {}, "datetime x"),
        (["20240229", "19991231"], {}, "datetime YYYYMMDD"),
        (["20240229", "12345678"], {}, "number"),
        (["2024-02-29", "2024-02-28T10:00:00Z"], {}, "datetime YYYY-MM-DD with times"),
        (["29-02-2024", "28-02-2024 10:30"], {}, "datetime DD-MM-YYYY with times"),
        (["29.02.2024"], COMMA, "datetime DD.MM.YYYY"),
        (["03/04/2024", "25/04/2024"], {}, "datetime DD/MM/YYYY"),
        (["2024|02|29"], {"date_format": "YYYY|MM|DD", "multi_value": ";"}, "datetime YYYY|MM|DD"),
        (
            ["2024-02-29"],
            {"date_format": "DD-MM-YYYY"},
            "datetime YYYY-MM-DD; dates as YYYY-MM-DD[THH:mm[:ss[.S]]][Z], but format.date_format is DD-MM-YYYY",
        ),
        (["a|b", "c"], {}, "text, several values"),
        (["a;b", "c"], {}, "text"),
        (["Rome", "12"], {}, "text"),
        ([*["12"] * 19, "twelve"], {}, "number; 1 of another form"),
        (["", None, "  "], {}, "(empty)"),
    ],
)
def test_a_column_looks_like_its_type(texts, layout, told):
    assert profiled(texts, **layout).looks_like == told


@pytest.mark.parametrize(
    ("texts", "layout", "places"),
    [
        (["1.5", "2", "-1,000.250"], {}, 3),
        (["1,5", "2", "1.000,25"], COMMA, 2),
        (["1,5", "2,125"], {}, 3),
        ([*["0.5"] * 19, "1.2.3.4.5"], {}, 1),
        (["0.123456789"], {}, 9),
        (["1", "2"], {}, 0),
        (["52.370216, 4.895168"], {}, 0),
    ],
)
def test_decimals_are_told_with_the_places_they_are_written_with(texts, layout, places):
    assert profiled(texts, **layout).detected.places == places


def test_fill_rate_distinct_texts_and_the_first_examples():
    profile = profiled(["b", None, " b ", "a", "", "c", "d"])
    assert (profile.rows, profile.filled, profile.distinct) == (7, 5, 4)
    assert (profile.examples, profile.filled_share) == (("b", "a", "c"), "71.4 %")


def test_only_all_rows_filled_are_a_hundred_per_cent():
    assert profiled(["x"] * 9_999 + [None]).filled_share == "99.9 %"
    assert profiled(["x"] * 302 + [None]).filled_share == "99.7 %"
    assert profiled(["x"] * 303).filled_share == "100 %"


def test_no_rows_have_no_share():
    assert profiled([]).filled_share == ""


def test_the_first_rows_tell_what_a_long_column_is():
    profile = profiled(["1"] * MOST_ROWS + ["x"] * 100)
    assert (profile.rows, profile.looks_like) == (MOST_ROWS, "number")


def test_many_columns_are_profiled_in_their_order():
    names = {f"c{number}": Sql(f"'{number}'") for number in range(120)}
    with scratch() as engine:
        engine.run(Sql("CREATE TABLE cells AS SELECT 1 AS line_no"))
        profiles = list(profile_columns(engine, Sql("cells"), names, Format(), "more."))
    assert [(item.name, item.examples) for item in profiles] == [(f"more.c{n}", (str(n),)) for n in range(120)]


@pytest.mark.parametrize(
    ("texts", "layout", "days"),
    [
        (["1980-05-01", "", "2024-02-29"], {}, True),
        (["20240229"], {}, True),
        (["1 May 1980"], {"date_format": "D MMM YYYY"}, True),
        (["1980-05-01", "1980-05-01 10:00"], {}, False),
        (["1700000000000"], {}, False),
        (["198005011030"], {"date_format": "YYYYMMDDHHmm"}, False),
        (["Rome"], {}, False),
    ],
)
def test_dates_without_any_time_of_day_are_days(texts, layout, days):
    assert profiled(texts, **layout).detected.whole_days is days
