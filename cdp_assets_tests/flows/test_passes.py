"""Batches of several goals in one pass: which may share one, and that they do what they do one by one."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_assets.config.check import check
from cdp_assets.flows import find_profiles, plan_passes
from cdp_assets.flows.plan_passes import Placed, cut_into_passes
from cdp_assets_tests.flows.test_against_oracle import (
    assert_balanced,
    assert_same,
    check_any_sequence,
    counted,
    expected_counts,
    summed,
)
from cdp_assets_tests.flows.test_fold import PROPERTIES as COLUMNS
from cdp_assets_tests.flows.test_fold import goal
from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.scenarios import PROPERTIES, Scenario, interleavings, scenarios
from cdp_assets_tests.support.arrivals import Arrivals, arrivals, lab_for, landed
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

SET = {"column": "points", "property": "points"}
SUM, CLEAR, IF_EMPTY = (SET | {"rule": rule} for rule in ("sum", "set_or_clear", "set_if_empty"))
EMAIL, CRM = {"column": "email", "property": "email"}, {"column": "crm", "property": "crm"}
ROWS = "email,E-Mail,crm,points\na@x.com,a@x.com,1,1\n"


def passes_of(root: Path, *goals: dict[str, Any], days: int = 2) -> list[str]:
    """Per pass the goals of its batches, if every day brings a file of each."""
    room = Lab(root, deployment(COLUMNS, list(goals)))
    assert check(room.deployment) == []
    placed = []
    for day in range(days):
        for item in goals:
            name = item["name"]
            batch = room.land(name, f"{name}_{day}.csv", ROWS, look_at=EPOCH + timedelta(days=day))
            placed.append(Placed(len(placed) + 1, batch.manifest, batch.folder))
    return ["".join(item.manifest.config.goal.name for item in group) for group in cut_into_passes(placed)]


TOGETHER = {
    "other rules": goal("b", mappings=[SUM]),
    "other properties": goal("b", mappings=[{"column": "city", "property": "city"}]),
    "another column": goal("b", mappings=[SET], identifier=("E-Mail", "email")),
    "no profiles made": goal("b", mappings=[SET], allow_create=False),
    "another format": goal("b", mappings=[SET], format={"decimal": ","}),
}
APART = {
    "another identifier": goal("b", mappings=[SET], identifier=("crm", "crm")),
    "one more identifier": goal("b", mappings=[SET]) | {"identifiers": [EMAIL, CRM]},
    "full files": goal("b", mappings=[SET], files={"delta": False}),
}


@pytest.mark.parametrize("second", TOGETHER.values(), ids=list(TOGETHER))
def test_goals_that_find_profiles_alike_share_a_pass(tmp_path, second):
    assert passes_of(tmp_path, goal("a", mappings=[SET]), second) == ["abab"]


@pytest.mark.parametrize("second", APART.values(), ids=list(APART))
def test_goals_that_do_not_are_folded_one_after_the_other(tmp_path, second):
    assert passes_of(tmp_path, goal("a", mappings=[SET]), second) == ["a", "b", "a", "b"]


def test_a_pass_holds_so_many_batches_and_mappings_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_passes, "MAX_BATCHES", 3)
    goals = [goal("a", mappings=[SET]), goal("b", mappings=[SUM])]
    assert passes_of(tmp_path / "batches", *goals) == ["aba", "b"]
    monkeypatch.setattr("cdp_assets.sql.combining.MAX_MAPPINGS", 1)
    assert passes_of(tmp_path / "mappings", *goals) == ["a", "b", "a", "b"]
    wide = goal("a", mappings=[SET, SUM])
    assert passes_of(tmp_path / "wide", wide) == ["aa"]


def values_after(root: Path, goals: list[dict[str, Any]], *files: tuple[str, str]) -> list[tuple[Any, ...]]:
    """What `points` are after files (goal, cell) for one person in turn, folded at once."""
    room = Lab(root, deployment(COLUMNS, goals))
    for number, (name, text) in enumerate(files):
        room.land(name, f"{name}_{number}.csv", text, look_at=EPOCH + timedelta(hours=number))
    room.fold()
    return room.rows("SELECT points FROM main.profiles")


def test_operations_of_several_goals_on_one_property_stay_in_their_order(tmp_path):
    goals = [goal("a", mappings=[SET]), goal("b", mappings=[SUM]), goal("c", mappings=[CLEAR])]
    goals.append(goal("d", mappings=[IF_EMPTY]))
    files = [(name, f"email,points\na@x.com,{cell}\n") for name, cell in (("a", 5), ("b", 2), ("d", 9), ("b", 1))]
    assert values_after(tmp_path / "1", goals, *files) == [(8,)]
    cleared = [*files, ("c", "email,points\na@x.com,\n"), ("d", "email,points\na@x.com,4\n"), files[1]]
    assert values_after(tmp_path / "2", goals, *cleared) == [(6,)]


def test_a_file_without_a_column_clears_nothing_in_a_pass_with_one_that_has_it(tmp_path):
    goals = [goal("a", mappings=[CLEAR]), goal("b", mappings=[{"column": "city", "property": "city"}])]
    files = [("a", "email,points\na@x.com,5\n"), ("b", "email,city\na@x.com,Ann\n"), ("a", "email\na@x.com\n")]
    assert values_after(tmp_path, goals, *files) == [(5,)]


def test_a_row_that_may_make_no_profile_finds_only_those_made_before_it(tmp_path):
    room = Lab(
        tmp_path, deployment(COLUMNS, [goal("a", mappings=[SUM]), goal("b", mappings=[SUM], allow_create=False)])
    )
    files = [("b", "a@x.com,1\nb@x.com,1\n"), ("a", "a@x.com,10\n"), ("b", "a@x.com,100\nc@x.com,1\n")]
    for number, (name, rows) in enumerate(files):
        look = EPOCH + timedelta(hours=number)
        room.land(name, f"{name}_{number}.csv", f"email,points\n{rows}", look_at=look)
    room.fold()
    assert room.rows("SELECT email, points, created_at_position FROM main.profiles") == [("a@x.com", 110, 2)]
    counts = "SELECT rows_created, rows_modified, rows_not_found FROM ops.batches ORDER BY position"
    assert room.rows(counts) == [(0, 0, 2), (1, 0, 0), (0, 1, 1)]


def test_each_connection_notes_the_profiles_of_its_own_files(tmp_path):
    connections = [{"name": name, "goals": [goal("people", mappings=[SUM])]} for name in ("east", "west")]
    room = Lab(tmp_path, deployment(COLUMNS, [], connections=connections))
    files = [("east", "a@x.com,1\nb@x.com,1\n"), ("west", "b@x.com,1\nc@x.com,1\n"), ("east", "d@x.com,1\n")]
    for number, (name, rows) in enumerate(files):
        look = EPOCH + timedelta(hours=number)
        room.land("people", f"people_{number}.csv", f"email,points\n{rows}", look_at=look, connection=name)
    room.fold()
    imported = room.rows(
        "SELECT connection, left(email, 1) FROM main.imported_profiles JOIN main.profiles USING (profile_id)"
    )
    assert sorted(imported) == [("east", "a"), ("east", "b"), ("east", "d"), ("west", "b"), ("west", "c")]


def test_a_connection_notes_profiles_of_another_once_however_they_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(find_profiles, "FEW", 0)
    connections = [{"name": name, "goals": [goal("people", mappings=[SUM])]} for name in ("east", "west")]
    room = Lab(tmp_path, deployment(COLUMNS, [], connections=connections))
    for number, name in enumerate(("east", "west", "west", "east")):
        look = EPOCH + timedelta(hours=number)
        text = f"email,points\na@x.com,{number}\n{name}{number}@x.com,1\n"
        room.land("people", f"people_{number}.csv", text, look_at=look, connection=name)
        room.fold()
    imported = "SELECT connection, email FROM main.imported_profiles JOIN main.profiles USING (profile_id) ORDER BY ALL"
    east, west = ["a@x.com", "east0@x.com", "east3@x.com"], ["a@x.com", "west1@x.com", "west2@x.com"]
    assert room.rows(imported) == [*(("east", email) for email in east), *(("west", email) for email in west)]


def conflicts(room: Arrivals) -> list[tuple[Any, ...]]:
    return room.rows("SELECT batch_id, row_no, property, value FROM ops.identity_conflicts ORDER BY ALL")


SHARED: Counter[bool] = Counter()
"""Whether a pass had batches of several goals, over all examples."""


def check_interleaved(scenario: Scenario) -> None:
    """Folded at once, one by one and in two halves, the warehouse is what the oracle says."""
    world = fold(PROPERTIES, scenario.goals, scenario.deliveries)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lab = lab_for(root / "source", PROPERTIES, scenario.goals)
        assert check(lab.deployment) == []
        batches = [landed(lab, delivery) for delivery in scenario.deliveries]
        placed = [Placed(number, item.manifest, item.folder) for number, item in enumerate(batches, start=1)]
        SHARED.update(len({item.manifest.goal_id for item in group}) > 1 for group in cut_into_passes(placed))
        found = []
        for name, size in (("at once", len(batches)), ("one by one", 1), ("halves", 1 + len(batches) // 2)):
            with arrivals(lab, root / name) as room:
                for number, batch in enumerate(batches, start=1):
                    room.deliver(batch)
                    if number % size == 0 or number == len(batches):
                        room.fold()
                assert_same(room, world, scenario)
                assert_balanced(room)
                assert summed(counted(room, "rows")) == summed(expected_counts(world))
                found.append((room.dump(), conflicts(room)))
        assert found[0] == found[1] == found[2]


def repeatably(examples: int) -> settings:
    return settings(
        deadline=None, derandomize=True, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )


@repeatably(3)
@given(interleavings())
def _check_few(scenario: Scenario) -> None:
    check_interleaved(scenario)


def test_interleaved_goals_fold_as_one_by_one_and_as_the_oracle_says():
    SHARED.clear()
    _check_few()
    assert SHARED[True] > 0


@repeatably(3)
@given(interleavings())
def _check_few_more(scenario: Scenario) -> None:
    check_interleaved(scenario)


@pytest.mark.slow
def test_profiles_that_are_looked_for_first_fold_as_the_oracle_says(monkeypatch):
    monkeypatch.setattr(find_profiles, "FEW", 0)
    _check_few_more()


@repeatably(drawn(30))
@given(scenarios(max_files=8, identifiers=True), st.lists(st.booleans(), min_size=12, max_size=12))
def _check_many_more(scenario: Scenario, folds: list[bool]) -> None:
    check_any_sequence(scenario, folds, range(12))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_many_profiles_that_are_looked_for_first_fold_as_the_oracle_says(monkeypatch):
    monkeypatch.setattr(find_profiles, "FEW", 0)
    _check_many_more()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(30))
@given(interleavings(max_files=14))
def test_many_interleaved_files_fold_as_one_by_one_and_as_the_oracle_says(scenario):
    check_interleaved(scenario)
