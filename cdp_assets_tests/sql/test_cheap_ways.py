"""The cheap ways of reading a cell say what the thorough ones say, or nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdp_assets.config.files import Format
from cdp_assets.config.properties import MAX_TEXT_LENGTH, Property
from cdp_assets.sql.dialect import to_milliseconds
from cdp_assets.sql.text import Sql, sql
from cdp_assets.sql.values import EMAIL, SHORT_EMAIL, plain_number, prepared, trimmed, typed

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = [Property(name="n", type="number"), *(Property(name="d", type="decimal", precision=n) for n in range(5))]
ODD_NUMBERS = [
    *("", " ", "+", "-", ".", ",", "+-1", "--1", "-0", "+0.0", "00", "007", "0x10", "0b1", "1_000", "1e5", "1E-2"),
    *("inf", "nan", "Infinity", "NULL", "true", " 1", "1 ", "1\t", "\n1", "1\n", "1\x00", "1.\n", "1 000", "1'000"),
    *("1.", ".1", "1.2.3", "1,2,3", "1,234", "1.234", "1,23", "12,345.67", "12.345,67", "1.5", "1,5", "1.50", "-1,05"),
    *("0.5", "1.5", "2.5", "0.125", "0.005", "0.015", "0,025", "1.00005", "1,00015", "99999999999999.99995"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("999999999999999999", "1000000000000000000", "9999999999999999.99", "9999999999999999.995", "9" * 40, "0" * 60),
    *(
        "0" * 50 + "1.5",
        "1." + "0" * 50,
        "1." + "4" + "9" * 60,
        "\u0663",
        "\uff11\uff12",
        "1\u066b5",
        "\u22121",
        "½",
        "€5",
        "5 EUR",
        "$5.00",
    ),
    *("1\u00a0", "\u20031", "\ufeff1"),
]
written_numbers = st.one_of(
    st.sampled_from(ODD_NUMBERS),
    st.from_regex(r"[-+ ]?[0-9]{1,20}([.,][0-9]{0,6})?[ ]?", fullmatch=True),
    st.from_regex(r"[-+]?[0-9]{1,3}([.,][0-9]{3}){1,3}([.,][0-9]{1,3})?", fullmatch=True),
    st.text("0159.,+-eE_x \u0663", max_size=8),
)


def check_plain_numbers(evaluate, prop, texts, point):
    layout = Format(decimal=point, separator=";")
    plain = evaluate(lambda text: plain_number(prop, text, layout), texts)
    thorough = evaluate(lambda text: typed(prop, prepared(prop, text, layout), layout), texts)
    assert [(text, value) for text, value in zip(texts, plain, strict=True) if value is not None] == [
        (text, whole) for text, value, whole in zip(texts, plain, thorough, strict=True) if value is not None
    ]


each_number = pytest.mark.parametrize("prop", NUMBERS, ids=lambda prop: f"{prop.type}-{prop.scale}")
lists_of_numbers = given(st.lists(written_numbers, min_size=1, max_size=30), st.sampled_from(".,"))


@each_number
@settings(MANY, max_examples=30)
@example(ODD_NUMBERS, ".")
@example(ODD_NUMBERS, ",")
@lists_of_numbers
def test_a_plain_number_is_what_the_thorough_way_reads(evaluate, prop, texts, point):
    check_plain_numbers(evaluate, prop, texts, point)


@pytest.mark.slow
@each_number
@MANY
@lists_of_numbers
def test_very_many_plain_numbers_are_what_the_thorough_way_reads(evaluate, prop, texts, point):
    check_plain_numbers(evaluate, prop, texts, point)


@pytest.mark.parametrize(("text", "point"), [("12", "."), ("-12.5", "."), ("+1,25", ","), ("007", ",")])
def test_usual_numbers_take_the_plain_way(evaluate, text, point):
    layout = Format(decimal=point, separator=";")
    assert evaluate(lambda one: plain_number(NUMBERS[3], one, layout), [text]) != [None]


@MANY
@example(
    ["", " ", "\t", " \t ", "a", " a", "a ", "\ta", "a\t", "!", "\x01a", "\x1f ", "\n a", "a \n", " é", "é ", "\u00a0"]
)
@given(st.lists(st.text(" \t!ab\n\x01é\u00a0😀", max_size=6), min_size=1, max_size=30))
def test_looking_at_the_ends_first_trims_as_trimming_does(evaluate, texts):
    assert evaluate(trimmed, texts) == [text.strip(" \t") for text in texts]


@MANY
@example([-1, -1_000, -1_500, 1, 999, 1_001, -62_135_596_800_000_000 + 1])
@given(st.lists(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999), min_size=1, max_size=20))
def test_milliseconds_are_cut_as_the_engine_cuts_them(evaluate, micros):
    texts = [str(number) for number in micros]

    def moment(text: Sql) -> Sql:
        return sql("make_timestamptz({text}::BIGINT)", text=text)

    cut = evaluate(lambda text: to_milliseconds(moment(text)), texts)
    assert cut == evaluate(lambda text: sql("date_trunc('milliseconds', {m})", m=moment(text)), texts)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert cut == [epoch + timedelta(milliseconds=number // 1_000) for number in micros]


labels = st.builds("{}{}".format, st.text("aÉ", min_size=1, max_size=4), st.integers(0, 66).map("b".__mul__))


@settings(MANY, max_examples=30)
@example([f"{'a' * n}@{'b' * label}.com" for n in (1, 2, 9) for label in range(50, 66)])
@example([f"a@b.{'c' * label}" for label in range(55, 66)])
@given(st.lists(st.builds("{}@{}.{}".format, labels, labels, labels), min_size=1, max_size=20))
def test_a_short_address_needs_no_search_for_long_labels(evaluate, texts):
    layout = Format()
    found = evaluate(lambda text: typed(Property(name="e", type="email"), text, layout), texts)
    fits = evaluate(
        lambda text: sql("regexp_matches({text}, '{fits}')", text=text, fits=Sql(EMAIL.replace("'", "''"))), texts
    )
    for text, value, fit in zip(texts, found, fits, strict=True):
        short = all(len(label) < SHORT_EMAIL for label in text.split("@")[1].split("."))
        assert (value is not None) == (fit and short and len(text) <= 254), text


@pytest.mark.parametrize("sign", ["a", "é", "😀"])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_length_of_a_text_counts_characters(evaluate, sign, more):
    text = sign * (MAX_TEXT_LENGTH + more)
    found = evaluate(lambda one: typed(Property(name="t"), one, Format()), [text])
    assert found == [text if more <= 0 else None]
