"""Where the values of a profile came from, against plain Python: the row that the oracle names, for every value."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cdp_assets.errors import ConfigError, WarehouseBusyError
from cdp_assets.flows.look_up import LookedUp, look_up
from cdp_assets.flows.publish import publish
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.oracle.origins import told_origins
from cdp_assets_tests.oracle.scenarios import Scenario, mergings, scenarios
from cdp_assets_tests.support.arrivals import lab_for, landed
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import Lab, deployment


def repeatably(examples: int) -> settings:
    return settings(
        deadline=None, derandomize=True, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )


def sums_identify(scenario: Scenario) -> bool:
    """Whether some profile may be found by a total, which stands in no row."""
    found_by = {name for goal in scenario.goals for _, name in goal.identifying}
    return any(item.rule == "sum" and item.property in found_by for goal in scenario.goals for item in goal.mappings)


def origins_of(found: LookedUp) -> dict[str, tuple[str, int]]:
    """Property with a value → file and row of the latest change."""
    return {
        name: (found.trace.standing(name)[0].place.file, found.trace.standing(name)[0].place.row)
        for name, value in found.known.properties.items()
        if value is not None
    }


def as_tuples(values: dict[str, Any], names: Collection[str]) -> dict[str, tuple[Any, ...]]:
    held = {name: value for name, value in values.items() if value is not None and name in names}
    return {name: tuple(value) if isinstance(value, list) else (value,) for name, value in held.items()}


def check_origins(scenario: Scenario, chosen: int) -> None:
    """One profile of the scenario: what it holds, and which row each value came from."""
    told = told_origins(scenario)
    assume(told.profiles)
    profile = told.profiles[chosen % len(told.profiles)]
    with tempfile.TemporaryDirectory() as folder:
        lab = lab_for(Path(folder), scenario.properties, scenario.goals, scenario.merging)
        for delivery in scenario.deliveries:
            landed(lab, delivery)
        lab.fold()
        (profile_id,) = lab.rows(
            "SELECT profile_id FROM main.profiles"
            " WHERE (domain_group, created_by_property, created_by_value, created_by_number)"
            f" = {profile.maker!r}"
        )[0]
        found = look_up(lab.model, lab.folders, str(profile_id))
    assert found.differing == {}
    values = {name: profile.values.get(name) for name in (prop.name for prop in scenario.properties)}
    held = {name: value for name, value in values.items() if value is not None}
    assert as_tuples(found.trace.values, values) == as_tuples(found.known.properties, values) == held
    assert {name: row for name, row in origins_of(found).items() if name in held} == {
        name: told.origin(profile, name) for name in held
    }


CHOSEN = st.integers(0, 50)


@repeatably(3)
@given(scenarios(identifiers=True, max_files=4), CHOSEN)
def test_every_value_comes_from_the_row_that_the_oracle_names(scenario, chosen):
    assume(not sums_identify(scenario))
    check_origins(scenario, chosen)


@repeatably(3)
@given(mergings(max_files=3), CHOSEN)
def test_a_value_of_a_merged_profile_comes_from_the_row_that_wrote_it_there(scenario, chosen):
    assume(not sums_identify(scenario))
    check_origins(scenario, chosen)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(15))
@given(st.one_of(scenarios(identifiers=True, max_files=9), mergings(max_files=8)), CHOSEN)
def test_every_value_of_many_files_comes_from_the_row_that_the_oracle_names(scenario, chosen):
    assume(not sums_identify(scenario))
    check_origins(scenario, chosen)


PROPERTIES = [{"name": "email", "type": "email"}, {"name": "city"}, {"name": "spend", "type": "decimal"}]
VISITS = {
    "type": "import_profiles",
    "name": "visits",
    "files": {"root": "visits_*.csv"},
    "identifiers": [{"column": "mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "city", "property": "city"}, {"column": "paid", "property": "spend", "rule": "sum"}],
    "events": [{"type": "order", "id": "order", "date": "day"}],
}


@pytest.fixture
def room(tmp_path):
    """Two full files of visits; the second says a row again with another event, and another row to the letter."""
    room = Lab(tmp_path, deployment(PROPERTIES, [VISITS]))
    head = "mail,city,paid,order,day\n"
    room.land("visits", "visits_20260101.csv", head + "a@x.com,Breda,1,o1,2026-01-01\na@x.com,Breda,2,o2,2026-01-01\n")
    room.land("visits", "visits_20260102.csv", head + "a@x.com,Breda,2,o2,2026-01-01\na@x.com,Breda,1,o3,2026-01-02\n")
    room.fold()
    return room


def test_events_tell_whether_a_row_of_a_full_file_counts_again(room):
    found = look_up(room.model, room.folders, " A@X.com")
    assert found.differing == {}
    assert [(change.place.file, change.place.line, change.after) for change in found.trace.history("spend")] == [
        ("visits_20260101.csv", 2, 1),
        ("visits_20260101.csv", 3, 3),
        ("visits_20260102.csv", 3, 4),
    ]
    assert found.known.events["events_order"].total == 3


def test_rows_of_a_full_file_that_say_what_it_said_before_are_no_change(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [VISITS]))
    text = "mail,city,paid,order,day\na@x.com,Breda,1,o1,2026-01-01\na@x.com,Rome,2,o2,2026-01-01\n"
    for day in ("20260101", "20260102"):
        room.land("visits", f"visits_{day}.csv", text)
    room.fold()
    found = look_up(room.model, room.folders, "a@x.com")
    assert [(change.place.file, change.place.line, change.after) for change in found.trace.history("city")] == [
        ("visits_20260101.csv", 2, "Breda"),
        ("visits_20260101.csv", 3, "Rome"),
    ]


def test_more_rows_than_the_limit_are_refused(room):
    assert look_up(room.model, room.folders, "a@x.com", limit=4).trace.rows == 4
    with pytest.raises(ConfigError, match="more than 3 rows share identifiers"):
        look_up(room.model, room.folders, "a@x.com", limit=3)


def test_while_somebody_writes_the_published_copy_is_read(room):
    with open_warehouse(room.folders.warehouse), pytest.raises(WarehouseBusyError):
        look_up(room.model, room.folders, "a@x.com")
    publish(room.folders)
    with open_warehouse(room.folders.warehouse):
        found = look_up(room.model, room.folders, "a@x.com")
    assert found.as_of is not None
    assert found.known.properties["city"] == "Breda"


def test_a_warehouse_that_is_not_what_its_files_make_is_told(room):
    with open_warehouse(room.folders.warehouse) as database:
        database.run(Sql("UPDATE main.profiles SET city = 'Rome'"))
    assert look_up(room.model, room.folders, "a@x.com").differing == {"city": ("Rome", "Breda")}


@pytest.mark.parametrize(
    ("value", "name", "told"),
    [
        ("b@x.com", None, "no profile has this value in email, or as its id"),
        ("Breda", "city", "no import finds profiles by city; identifiers are: email"),
    ],
)
def test_a_value_that_finds_nobody_is_told(room, value, name, told):
    with pytest.raises(ConfigError, match=told):
        look_up(room.model, room.folders, value, name)
