"""What passes check and is most likely not meant."""

from __future__ import annotations

import pytest

from cdp_assets.config.doubts import cut_days, idle_schedules
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets_tests.support.lab import deployment

GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv"},
    "identifiers": [{"column": "email", "property": "email"}],
    "mappings": [{"column": "email", "property": "email"}],
}
PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "born", "type": "datetime", "whole_days": True},
    {"name": "seen", "type": "datetime"},
    {"name": "points", "type": "number"},
]


def told(where: dict[str, object]) -> list[str]:
    segment = {"name": "some", "where": where}
    return list(cut_days(CustomerModelConfig.model_validate({"properties": PROPERTIES, "segments": [segment]})))


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ({"event": {"type": "order", "in_range": {"min": "2026-10-01", "max": "2026-10-31"}}}, "date of order"),
        ({"property": "seen", "in_range": {"max": "2026-10-31"}}, "seen"),
        (
            {"any": [{"property": "last_modified_date", "in_range": {"max": "2026-10-31T00:00:00Z"}}]},
            "last_modified_date",
        ),
        ({"property": "born", "in_range": {"max": "2026-10-31"}}, ""),
        ({"property": "seen", "in_range": {"min": "2026-10-31", "max": "2026-10-31T23:59:59.999Z"}}, ""),
        ({"property": "points", "in_range": {"max": 3}}, ""),
    ],
)
def test_a_range_that_ends_with_the_first_moment_of_a_day(where, what):
    end = "is the first moment of that day, in UTC; with the whole day: max: 2026-10-31T23:59:59.999Z"
    assert told(where) == ([f"segment some: max 2026-10-31 of {what} {end}"] if what else [])


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, ""),
        ({"run": "schedule", "schedule": {"at": "06:30"}}, ""),
        ({"schedule": {"at": "06:30"}}, ""),
        ({"run": "manual", "schedule": {"at": "06:30"}}, "manual"),
        ({"run": "arrival", "schedule": {"at": "06:30"}}, "arrival"),
    ],
)
def test_a_schedule_that_nothing_obeys(changes, mode):
    shop = deployment([{"name": "email"}], [], connections=[{"name": "shop", "goals": [GOAL]} | changes]).connections[0]
    told = f"its schedule is not obeyed, as it has run: {mode}; write run: schedule, or remove run"
    assert list(idle_schedules(shop)) == ([told] if mode else [])
