"""Dates that may be month first or day first are read as the documents say, and warned of."""

from __future__ import annotations

import pytest

from cdp_assets_tests.support.lab import Lab, deployment

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "born", "type": "datetime", "whole_days": True}]
WARNED = (
    "Born: every date here may be month first or day first, and is read as MM/DD/YYYY (03/04/2026 is the 4th of March)."
    " If it is DD/MM/YYYY, say so with format.date_format; to say that it is right, too"
)


def goal(**changes):
    return {
        "type": "import_profiles",
        "name": "people",
        "files": {"root": "people_*.csv", "delta": True},
        "identifiers": [{"column": "Mail", "property": "email"}],
        "allow_create": True,
        "mappings": [{"column": "Born", "property": "born"}],
        **changes,
    }


def warned(tmp_path, rows: str, **changes) -> list[str]:
    room = Lab(tmp_path, deployment(PROPERTIES, [goal(**changes)]))
    return list(room.land("people", "people_1.csv", f"Mail,Born\n{rows}").manifest.warnings)


def several(number: int, born: str = "03/04/1990") -> str:
    return "".join(f"a{place}@x.com,{born}\n" for place in range(number))


@pytest.mark.parametrize(
    ("rows", "warnings"),
    [
        (several(3), [WARNED]),
        (several(3, "03/04/1990 10:30"), [WARNED]),
        (several(3) + "b@x.com,soon\n", [WARNED]),
        (several(3) + "b@x.com,04/25/1990\n", []),
        (several(3) + "b@x.com,25/04/1990\n", []),
        (several(3) + "b@x.com,1990-04-25\n", [WARNED]),
        (several(3, "1990-04-03"), []),
        (several(3, ""), []),
        # One date far behind the rows that are looked at first tells.
        (several(1_500) + "b@x.com,04/25/1990\n", []),
        (several(1_500), [WARNED]),
    ],
)
def test_a_file_whose_dates_fit_both_is_warned_of(tmp_path, rows, warnings):
    assert warned(tmp_path, rows) == warnings


@pytest.mark.parametrize("pattern", ["DD/MM/YYYY", "MM/DD/YYYY"])
def test_a_pattern_settles_it(tmp_path, pattern):
    assert warned(tmp_path, several(3), format={"date_format": pattern}) == []


def test_so_are_rows_that_processors_change(tmp_path):
    assert warned(tmp_path, several(3), processors=[{"fixed_value": {"field": "one", "value": "1"}}]) == [WARNED]


def test_so_are_the_dates_of_events_once_for_a_column(tmp_path):
    events = [{"type": "order", "date": "Born"}]
    assert warned(tmp_path, several(3), events=events) == [WARNED]
    (tmp_path / "more").mkdir()
    assert warned(tmp_path / "more", several(3), events=events, mappings=[]) == [WARNED]
