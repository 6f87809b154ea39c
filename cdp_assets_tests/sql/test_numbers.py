import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdp_assets.config.files import Format
from cdp_assets.config.properties import Property
from cdp_assets.sql.values import prepared, typed

MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBER = Property(name="n", type="number")


@pytest.fixture
def value(evaluate):
    def run(texts, prop, point="."):
        layout = Format(decimal=point, separator=";")
        many = [texts] if isinstance(texts, str) else texts
        found = evaluate(lambda text: typed(prop, prepared(prop, text, layout), layout), many)
        return found[0] if isinstance(texts, str) else found

    return run


def decimal(scale):
    return Property(name="d", type="decimal", precision=scale)


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("1.234", ".", "1.234"),
        ("1.234", ",", "1234"),
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("1.234.567,89", ",", "1234567.89"),
        ("1,234,567.89", ".", "1234567.89"),
        ("-12,5", ",", "-12.5"),
        ("+12.5", ".", "12.5"),
        ("007", ".", "7"),
        ("0.5", ".", "0.5"),
        ("12.", ".", None),
        (".5", ".", None),
        ("1,23", ".", None),
        ("1234,567", ".", None),
        ("1,2345", ".", None),
        ("1,,234", ".", None),
        ("1.234,567", ".", None),
        ("1.2.3", ".", None),
        ("1 234", ".", None),
        ("1'234", ".", None),
        ("1e3", ".", None),
        ("1E3", ",", None),
        ("€5", ".", None),
        ("5 EUR", ".", None),
        ("$5.00", ".", None),
        ("--5", ".", None),
        ("5-", ".", None),
        ("0x10", ".", None),
        ("1_000", ".", None),
        ("NaN", ".", None),
        ("Infinity", ".", None),
        ("٣", ".", None),
        ("", ".", None),
    ],
)
def test_decimal_texts(value, text, point, expected):
    assert value(text, decimal(4), point) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("12.0", 12),
        ("12.000", 12),
        ("12.5", None),
        ("12.01", None),
        ("-0", 0),
        ("+1,000", 1000),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("1" * 40, None),
        ("0" * 40 + "7", 7),
        ("1e3", None),
    ],
)
def test_whole_numbers(value, text, expected):
    assert value(text, NUMBER) == expected


def half_even(text, scale):
    number = Decimal(text).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN, context=Context(prec=400))
    return number if abs(number).scaleb(scale, context=Context(prec=400)) < 10**18 else None


FRACTIONS = r"(\.[0-9]{1,7}|\.[0-9]{0,4}50{0,40}|\.[0-9]{0,4}49{1,60})?"
LONG = st.from_regex(r"-?[0-9]{1,14}" + FRACTIONS, fullmatch=True)
GROUPED = st.from_regex(r"[+-]?[0-9]{1,4}([.,][0-9]{2,3}){0,3}", fullmatch=True)


@MANY
@given(st.integers(0, 4), st.lists(LONG, min_size=1, max_size=10))
@example(0, ["0.5", "1.5", "2.5", "-0.5", "-1.5", "-2.5", "9.5", "0.50000000000000000000000000000000000000001"])
@example(2, ["0.005", "0.015", "-0.025", "0.995", "99999999999999.995", "9999999999999999.994", "9999999999999999.995"])
@example(4, ["1." + "4" + "9" * 60, "1.00005", "1.00015", "99999999999999.99995"])
def test_more_places_are_rounded_half_to_even(value, scale, texts):
    assert value(texts, decimal(scale)) == [half_even(text, scale) for text in texts]


@MANY
@given(st.sampled_from(".,"), st.lists(st.text("01.,-+ e", max_size=9) | GROUPED, min_size=1, max_size=12))
def test_signs_agree_with_the_plain_rule(value, point, texts):
    def plain(text):
        group = "," if point == "." else "."
        whole, *fraction = text.split(point)
        digits = whole.lstrip("+-")
        groups = digits.split(group)
        fine = re.fullmatch(r"[+-]?[0-9]+", whole.replace(group, "")) and re.fullmatch(r"[0-9]*", "".join(fraction))
        grouped = groups == [digits] or (1 <= len(groups[0]) <= 3 and all(len(part) == 3 for part in groups[1:]))
        if not fine or not grouped or len(fraction) > 1 or fraction == [""]:
            return None
        return half_even(whole.replace(group, "") + "." + (fraction[0] if fraction else "0"), 2)

    assert value(texts, decimal(2), point) == [plain(text) for text in texts]
