"""Lifecycles in a warehouse of a few people: who is in which stage, since when, and what is noted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import ConfigError, NothingFoldedError
from cdp_assets.flows.compute_members import compute_members
from cdp_assets.sql.schema import create_table
from cdp_assets.sql.tables import profiles_table
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.support.fresh import make_fresh

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BUYERS = {"name": "buyers", "where": {"property": "spend", "in_range": {"min": 1}}}
STAGES = [
    {"id": "looking", "where": {"property": "visits", "in_range": {"min": 1}}},
    {"id": "buying", "where": {"segment": "buyers"}},
    {"id": "loyal", "where": {"sql": "spend >= 100 AND visits > 5"}},
]
CLUB = {
    "id": "club",
    "entrance": {"property": "city", "not_is_empty": True},
    "completion": {"property": "spend", "in_range": {"min": 1000}},
    "stages": STAGES,
}
#         city, spend, visits
PEOPLE = {
    1: ("Ede", 0, 0),
    2: ("Ede", 0, 3),
    3: ("Ede", 50, 0),
    4: ("Epe", 150, 9),
    5: ("Epe", 2000, 9),
    6: (None, 150, 9),
    7: ("Ede", 10, 3),
}


def model(*lifecycles):
    properties = [{"name": "city"}, {"name": "spend", "type": "number"}, {"name": "visits", "type": "number"}]
    return CustomerModelConfig.model_validate(
        {"properties": properties, "segments": [BUYERS], "lifecycles": lifecycles or [CLUB]}
    )


@pytest.fixture
def warehouse(tmp_path):
    make_fresh(tmp_path / "warehouse.duckdb")
    with open_warehouse(tmp_path / "warehouse.duckdb", temporary=tmp_path / "spill") as database:
        for statement in create_table(profiles_table(model().properties)):
            database.run(statement)
        rows = [[person(number), *given] for number, given in PEOPLE.items()]
        database.insert(Sql("main.profiles"), ["profile_id", "city", "spend", "visits"], rows)
        yield database


def person(number):
    return f"00000000-0000-0000-0000-{number:012d}"


def compute(database, at=NOW, setup=None):
    return compute_members(database, setup or model(), at, lifecycles=["club"]).lifecycles["club"].now


def standing(database, columns="coalesce(stage, state)"):
    query = Sql(f"SELECT profile_id, {columns} FROM main.lifecycle_members WHERE lifecycle = 'club'")
    return {row[0].int: row[1] if len(row) == 2 else row[1:] for row in database.rows(query)}


def test_the_last_stage_that_matches_wins_and_stages_may_be_skipped(warehouse):
    found = compute(warehouse)
    assert standing(warehouse) == {
        1: "not_assigned", 2: "looking", 3: "buying", 4: "loyal", 5: "completed", 7: "buying"
    }  # fmt: skip
    assert (found.size, found.entered, found.left, found.not_assigned, found.completed) == (5, 5, 0, 1, 1)
    assert found.stages == {"looking": 1, "buying": 2, "loyal": 1}
    numbers = standing(warehouse, "stage_number, state")
    assert [numbers[4], numbers[5], numbers[1]] == [(3, "in_stage"), (None, "completed"), (None, "not_assigned")]


def test_segments_it_asks_for_are_computed_before_it_where_they_are_out_of_date(warehouse):
    first = compute_members(warehouse, model(), NOW, lifecycles=["club"])
    second = compute_members(warehouse, model(), LATER, lifecycles=["club"])
    assert (list(first.segments), list(second.segments)) == (["buyers"], [])


ASKED = {
    "{}": [1, 2, 3, 4, 7],
    "state=in": [1, 2, 3, 4, 7],
    "state=not_in": [5, 6],
    "state=completed": [5],
    "state=not_completed": [1, 2, 3, 4, 6, 7],
    "state=in_no_stage": [1],
    "state=not_in_no_stage": [2, 3, 4, 5, 6, 7],
    "in_stage=buying,loyal": [3, 4, 7],
    "not_in_stage=buying,loyal": [1, 2, 5, 6],
}


def asking(name, text):
    key, _, values = text.strip("{}").partition("=")
    asked = {key: values if key == "state" else values.split(",")} if key else {}
    return {"name": name, "where": {"lifecycle": "club", **asked}}


def test_segments_ask_where_people_stand_and_the_lifecycle_is_computed_before_them(warehouse):
    setup = model()
    asked = [asking(f"s{index}", text) for index, text in enumerate(ASKED)]
    setup = CustomerModelConfig.model_validate(
        setup.model_dump(by_alias=True, exclude_defaults=True) | {"segments": [*asked, BUYERS]}
    )
    found = compute_members(warehouse, setup, NOW, segments=[one["name"] for one in asked])
    query = Sql("SELECT list(profile_id ORDER BY profile_id) FROM main.segment_members WHERE segment = ?")
    members = [[one.int for one in warehouse.row(query, [segment["name"]])[0]] for segment in asked]
    assert dict(zip(ASKED, members, strict=True)) == ASKED
    assert (set(found.lifecycles), "buyers" in found.segments) == ({"club"}, True)


def test_of_what_a_segment_needs_only_what_is_out_of_date_is_computed_if_not_anew(warehouse):
    setup = CustomerModelConfig.model_validate(
        model().model_dump(by_alias=True, exclude_defaults=True) | {"segments": [asking("members", "{}"), BUYERS]}
    )
    first = compute_members(warehouse, setup, NOW, segments=["members"], anew=False)
    second = compute_members(warehouse, setup, LATER, segments=["members"], anew=False)
    assert (list(first.segments), list(first.lifecycles)) == (["buyers", "members"], ["club"])
    assert (list(second.segments), list(second.lifecycles)) == (["members"], [])
    both = compute_members(warehouse, setup, LATER, segments=["members"], lifecycles=["club"])
    assert (list(both.segments), list(both.lifecycles)) == (["buyers", "members"], ["club"])
    assert len(warehouse.rows(Sql("SELECT 1 FROM ops.lifecycle_changes"))) == 2


def test_who_moves_on_keeps_the_time_of_entry_and_gets_a_new_one_of_the_stage(warehouse):
    compute(warehouse)
    warehouse.run(Sql("UPDATE main.profiles SET visits = 1 WHERE profile_id = ?"), [person(1)])
    warehouse.run(Sql("UPDATE main.profiles SET spend = 5000 WHERE profile_id = ?"), [person(4)])
    warehouse.run(Sql("UPDATE main.profiles SET city = 'Ede' WHERE profile_id = ?"), [person(6)])
    warehouse.run(Sql("UPDATE main.profiles SET city = NULL WHERE profile_id = ?"), [person(7)])
    found = compute(warehouse, LATER)
    times = standing(warehouse, "coalesce(stage, state), entered_at, stage_entered_at")
    assert times[1] == ("looking", NOW, LATER)
    assert times[2] == ("looking", NOW, NOW)
    assert times[4] == ("completed", NOW, LATER)
    assert times[6] == ("loyal", LATER, LATER)
    assert 7 not in times
    assert (found.size, found.entered, found.left, found.completed) == (4, 1, 2, 2)


def test_again_without_changes_nobody_enters_or_leaves_and_no_row_is_written_anew(warehouse):
    compute(warehouse)
    rows = Sql("SELECT rowid, * FROM main.lifecycle_members ORDER BY ALL")
    before = warehouse.rows(rows)
    found = compute(warehouse, LATER)
    assert (found.size, found.entered, found.left) == (5, 0, 0)
    assert warehouse.rows(rows) == before


def test_a_merged_profile_has_been_in_since_the_first_of_them_was(warehouse):
    compute(warehouse)
    warehouse.run(Sql("UPDATE main.lifecycle_members SET entered_at = ?::TIMESTAMPTZ - INTERVAL 9 DAY,"
                      " stage_entered_at = entered_at WHERE profile_id = ?"), [NOW, person(3)])  # fmt: skip
    warehouse.run(Sql("DELETE FROM main.profiles WHERE profile_id = ?"), [person(3)])
    warehouse.run(
        Sql("INSERT INTO main.replaced_profiles (profile_id, replaced_by) VALUES (?, ?)"), [person(3), person(7)]
    )
    found = compute(warehouse, LATER)
    times = standing(warehouse, "stage, entered_at, stage_entered_at")
    assert times[7] == ("buying", NOW - timedelta(days=9), NOW)
    assert (found.size, found.entered, found.left) == (4, 0, 1)


def test_one_that_is_switched_off_has_nobody_in_it(warehouse):
    compute(warehouse)
    found = compute(warehouse, LATER, model(CLUB | {"enabled": False}))
    assert (found.size, found.left, found.completed, standing(warehouse)) == (0, 5, 0, {})


def test_a_property_without_a_column_waits_for_the_fold(warehouse):
    new = {"id": "club", "entrance": {"property": "size", "values": ["XL"]}, "stages": STAGES[:1]}
    setup = CustomerModelConfig.model_validate(
        {"properties": [{"name": "size"}, {"name": "visits", "type": "number"}], "lifecycles": [new]}
    )
    with pytest.raises(NothingFoldedError, match="lifecycle club asks for size, new in the YAML"):
        compute(warehouse, NOW, setup)


def test_sql_that_is_no_condition_is_refused_before_it_runs(warehouse):
    wrong = CLUB | {"stages": [{"id": "looking", "where": {"sql": "seen > now()"}}]}
    with pytest.raises(ConfigError, match=r"lifecycle club: sql may not use now\(\)"):
        compute(warehouse, NOW, model(wrong))
