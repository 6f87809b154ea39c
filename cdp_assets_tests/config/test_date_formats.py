"""Where the YAML names a date pattern, a mistake in it is found before any file is read."""

from __future__ import annotations

import copy
import re

import pytest

from cdp_assets.config.check import check
from cdp_assets.config.date_patterns import parse_date_pattern, parse_readable_pattern
from cdp_assets.config.files import Format
from cdp_assets.config.model import Deployment
from cdp_assets_tests.config.test_check import GOOD


def findings(date_format):
    data = copy.deepcopy(GOOD)
    data["connections"][0]["goals"][0]["format"] = {"date_format": date_format}
    return [(finding.location, finding.message) for finding in check(Deployment.model_validate(data))]


def test_an_unknown_token_is_refused():
    with pytest.raises(ValueError, match=r'Unknown date token "Q" .* written as in DD.MM.YYYY HH:mm:ss'):
        Format(date_format="YYYY-Q")


@pytest.mark.parametrize("date_format", ["auto", "DD-MM-YYYY HH:mm", "x"])
def test_patterns_an_import_can_read_by(date_format):
    assert findings(date_format) == []


def test_a_pattern_that_only_writes_is_refused_for_an_import():
    ((location, message),) = findings("YYYY-mm-DD")
    assert location[-2:] == ("format", "date_format")
    assert "needs a month" in message


@pytest.mark.parametrize(
    ("pattern", "token"),
    [
        ("YYYY-MM-DD Q", "Q"), ("Do MMM YYYY", "o"), ("YYYY-MM-DD X", "X"), ("YYYYY", "YYYYY"), ("YYYY-ww", "ww"),
     ("EE", "EE"), ("year YYYY", "y"), ("S" * 10, "S" * 10), ("[YYYY", None)],
)  # fmt: skip
def test_unknown_tokens(pattern, token):
    if token is None:
        assert [piece.text for piece in parse_date_pattern(pattern)] == ["[", "YYYY"]
        return
    with pytest.raises(ValueError, match=f'^Unknown date token "{token}" '):
        parse_date_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("MM-DD", "needs a year: YYYY or YY"),
        ("YYYY-mm-DD", "needs a month"),
        ("YYYY-mm", 'has minutes ("m") and needs an hour; the month is "M"'),
        ("YYYY-MM-DD YY", "names the two-digit year and the year more than once"),
        ("DD/DD/YYYY", "names the day more than once"),
        ("YYYY-MM-DDD", "can have no month"),
        ("YYYY-MM-DD hh:mm", 'needs "A"'),
        ("YYYY-MM-DD HH:mm A", "needs a 12-hour hour"),
        ("YYYY-MM-DD HH:ss", "needs minutes"),
        ("YYYY-MM-DD HH:mm.SSS", "needs seconds"),
        ("YYYY-MM-DD[Z] Z", "has an offset beside a literal Z"),
    ],
)
def test_patterns_that_leave_the_moment_open(pattern, problem):
    parse_date_pattern(pattern)
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_readable_pattern(pattern)
