from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_assets.sql.date_detection import (
    DateColumn,
    DateCounts,
    KnownFormat,
    choose_format,
    date_counts,
    detected_moment,
    detection_query,
    unmistakable_moment,
)
from cdp_assets.sql.text import Sql, joined, literal, sql

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EXAMPLES = {
    KnownFormat.iso: ["2021-03-14", "2021-03-14T13:30", "2021-03-14 13:30:05.123456789", "2021-03-14T13:30:05+01:00"],
    KnownFormat.epoch_millis: ["1615728605000"],
    KnownFormat.epoch_seconds: ["1615728605"],
    KnownFormat.compact: ["20210314"],
    KnownFormat.year_slashes: ["2021/03/14", "2021/3/4"],
    KnownFormat.month_first: ["03/14/2021", "3/14/2021 13:30", "03/14/2021 13:30:05"],
    KnownFormat.month_first_short: ["3/14/21", "3/14/21 1:30 PM"],
    KnownFormat.day_first_dashes: ["14-03-2021", "14-03-2021 13:30", "4-3-2021 13:30:05"],
    KnownFormat.day_first_dots: ["14.03.2021", "14.03.2021 13:30", "4.3.2021 13:30:05"],
    KnownFormat.day_name_short: ["14-Mar-21", "4-MAR-21"],
    KnownFormat.day_name: ["14-Mar-2021"],
    KnownFormat.month_name: ["March 14, 2021", "may 4, 2021"],
    KnownFormat.day_first: ["14/03/2021", "14/3/2021 13:30", "14/03/2021 13:30:05"],
    KnownFormat.mail: ["Sun, 14 Mar 2021 13:30:05 +0100", "4 Mar 2021 13:30 GMT", "14 Mar 2021 13:30:05 -0330"],
}
EITHER = ["03/04/2021", "1/12/2021 13:30"]
NOTHING = [
    "",
    "2021-02-30",
    "30/02/2021",
    "tomorrow",
    "13/13/2021",
    "123456789",
    "2021-03-14T24:00",
    "14-Foo-21",
    "0000-01-01",
]
ALL = [text for texts in (*EXAMPLES.values(), EITHER, NOTHING) for text in texts]


@pytest.fixture
def counts(engine):
    def run(*columns, several=False):
        cell = texts_cell if several else text_cell
        rows = [sql("({cells})", cells=joined(", ", map(cell, row))) for row in zip(*columns, strict=True)]
        names = [Sql(f"c{number}") for number in range(len(columns))]
        relation = sql("(VALUES {r}) AS given({n})", r=joined(", ", rows), n=joined(", ", names))
        row = engine.row(detection_query([DateColumn(name, several) for name in names], relation))
        return [date_counts(found) for found in row]

    return run


def text_cell(value):
    return sql("{text}::VARCHAR", text=literal(value))


def texts_cell(values):
    return sql("[{texts}]::VARCHAR[]", texts=joined(", ", map(literal, values)))


@pytest.fixture
def chosen(counts):
    return lambda *texts: choose_format(counts(texts)[0])


@pytest.mark.parametrize("known", KnownFormat)
def test_every_known_format_is_found(chosen, known):
    assert chosen(*EXAMPLES[known]) is known


@pytest.mark.parametrize(("known", "text"), [(known, text) for known in KnownFormat for text in EXAMPLES[known]])
def test_an_unmistakable_text_is_read_by_one_format_only(counts, evaluate, known, text):
    assert {one for one, number in counts([text])[0].read.items() if number} == {known}
    read = {one for one in KnownFormat if evaluate(lambda t, one=one: detected_moment(t, one, "UTC"), [text])[0]}
    assert read == {known}


@pytest.mark.parametrize(
    ("texts", "known"),
    [
        (["03/04/2021", "25/04/2021"], KnownFormat.day_first),
        (["03/04/2021", "05/06/2021"], KnownFormat.month_first),
        (["03/04/2021", "04/25/2021", "25/04/2021"], KnownFormat.month_first),
        (["03/04/2021", "25/04/2021", "nothing"], KnownFormat.day_first),
        (["03/04/2021", None, "31/12/2021 10:00"], KnownFormat.day_first),
        (["2021-03-14", "14-03-2021", "15-03-2021"], KnownFormat.day_first_dashes),
        (["2021-03-14", "14-03-2021"], KnownFormat.iso),
        ([None, None], KnownFormat.iso),
        (["nothing"], KnownFormat.iso),
    ],
)
def test_the_format_of_a_column(chosen, texts, known):
    assert chosen(*texts) is known


def test_columns_are_decided_apart(counts):
    found = counts(["2021-03-14", "2021-03-15"], ["25/04/2021", None], ["x", "1615728605"])
    assert [choose_format(one) for one in found] == [KnownFormat.iso, KnownFormat.day_first, KnownFormat.epoch_seconds]
    assert [one.texts for one in found] == [2, 1, 2]


def test_cells_with_several_dates_count_each_of_them(counts):
    (found,) = counts([["03/04/2021", "25/04/2021"], [], ["x"]], several=True)
    assert found.texts == 3
    assert (found.read[KnownFormat.day_first], found.read[KnownFormat.month_first]) == (2, 1)


def test_a_column_is_read_by_one_format_throughout(evaluate):
    read = evaluate(
        lambda t: detected_moment(t, KnownFormat.day_first, "UTC"), ["03/04/2021", "25/04/2021", "04/25/2021"]
    )
    assert read == [datetime(2021, 4, 3, tzinfo=UTC), datetime(2021, 4, 25, tzinfo=UTC), None]


@MANY
@given(st.lists(st.none() | st.sampled_from(ALL), min_size=1, max_size=12))
def test_counts_agree_with_reading_each_text_by_each_format(counts, evaluate, texts):
    read = {}
    for one in KnownFormat:
        values = evaluate(lambda t, one=one: detected_moment(t, one, "Europe/Amsterdam"), texts)
        read[one] = sum(value is not None for value in values)
    assert counts(texts) == [DateCounts(sum(text is not None for text in texts), read)]


@given(st.dictionaries(st.sampled_from(KnownFormat), st.integers(0, 3)), st.integers(1, 3))
def test_the_first_format_that_reads_all_else_the_first_that_reads_most(read, texts):
    read = {one: min(read.get(one, 0), texts) for one in KnownFormat}
    order = list(KnownFormat)
    complete = [one for one in order if read[one] == texts]
    most = [one for one in order if read[one] == max(read.values())]
    assert choose_format(DateCounts(texts, read)) is (complete or most)[0]


ISO = [
    ("2021-03-14", (2021, 3, 13, 23)),
    ("2021-07-14 00:30", (2021, 7, 13, 22, 30)),
    ("2021-03-14T13:30:05.1", (2021, 3, 14, 12, 30, 5, 100_000)),
    ("2021-03-14T13:30:05.9999999", (2021, 3, 14, 12, 30, 5, 999_999)),
    ("2021-03-14T13:30Z", (2021, 3, 14, 13, 30)),
    ("2021-03-14 13:30 Z", (2021, 3, 14, 13, 30)),
    ("2021-03-14 13:30:05 +01", (2021, 3, 14, 12, 30, 5)),
    ("2021-03-14 13:30:05.25+0130", (2021, 3, 14, 12, 0, 5, 250_000)),
    ("2021-03-14T13:30-03:30", (2021, 3, 14, 17, 0)),
    ("2021-03-14T13:30-00:30", (2021, 3, 14, 14, 0)),
    ("2021-03-14T13:30 +23:59", (2021, 3, 13, 13, 31)),
    ("20210314", (2021, 3, 13, 23)),
    ("1615728605", (2021, 3, 14, 13, 30, 5)),
    ("1615728605125", (2021, 3, 14, 13, 30, 5, 125_000)),
    ("9999999999999", (2286, 11, 20, 17, 46, 39, 999_000)),
]


@pytest.mark.parametrize(("text", "expected"), ISO)
def test_texts_that_need_no_decision(evaluate, text, expected):
    assert evaluate(lambda t: unmistakable_moment(t, "Europe/Amsterdam"), [text]) == [datetime(*expected, tzinfo=UTC)]


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-14T24:00",
        "2021-03-14T13",
        "2021-03-14T13:30:60",
        "2021-03-14T13:30+24",
        "2021-03-14 +01:00",
        "2021-3-14",
        "20210230",
        "161572860",
        None,
    ],
)
def test_texts_that_are_no_date(evaluate, text):
    assert evaluate(lambda t: unmistakable_moment(t, "Europe/Amsterdam"), [text]) == [None]


@MANY
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["auto", "seconds", "minutes"]),
    st.sampled_from("T "),
    st.sampled_from(["", "Z", "+05:30", " -11:00"]),
)
def test_iso_texts_agree_with_the_standard_library(evaluate, value, precision, between, offset):
    text = value.isoformat(between, precision) + offset
    expected = datetime.fromisoformat(text.replace(" -", "-"))
    expected = expected if offset else expected.replace(tzinfo=UTC)
    assert evaluate(lambda t: detected_moment(t, KnownFormat.iso, "UTC"), [text]) == [expected]
