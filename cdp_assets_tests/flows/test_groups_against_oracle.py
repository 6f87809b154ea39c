"""Groups of two types beside profiles, against plain Python: any files, any rules, any order of arrival."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from cdp_assets.config.check import check
from cdp_assets_tests.flows.test_against_oracle import (
    FOLDS,
    SHUFFLED,
    assert_balanced,
    assert_same,
    counted,
    dates_in,
    dates_of,
    expected_counts,
    repeatably,
    summed,
)
from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.ordering import in_order
from cdp_assets_tests.oracle.scenarios import PROPERTIES, Scenario, scenarios
from cdp_assets_tests.oracle.world import GROUP_ID, World
from cdp_assets_tests.support.arrivals import Arrivals, arrivals, lab_for, landed
from cdp_assets_tests.support.examples import drawn

KINDS = ("", "home", "home", "club")
MAKER = "domain_group, created_by_property, created_by_value, created_by_number"


def assert_same_groups(room: Arrivals, world: World, group_type: str, scenario: Scenario) -> None:
    """Groups, their ids, and what finds them are what the oracle says."""
    names = [GROUP_ID, *(prop.name for prop in PROPERTIES)]
    known = {profile.values[GROUP_ID][0] for profile in world.profiles}
    found: dict[tuple[Any, ...], dict[str, tuple[Any, ...]]] = {}
    ids: dict[str, str] = {}
    for *maker, values in room.rows(f"SELECT {MAKER}, ({', '.join(names)}) FROM main.groups_{group_type}"):
        group_id, *rest = values
        # Which id a group gets whose own is taken is not said, only that it is its own.
        ids[group_id] = group_id if group_id in known else f"another for {tuple(maker[1:])}"
        listed = {
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in zip(names, (ids[group_id], *rest), strict=True)
        }
        found[tuple(maker)] = {name: value for name, value in listed.items() if value != (None,)}
    assert found == {profile.maker: profile.values for profile in world.profiles}
    assert dates_of(room, f"{MAKER} FROM main.groups_{group_type}") == dates_in(world)
    assert len(ids) == len(world.profiles), "two groups share an id"
    held = room.rows(f"SELECT property, value, group_id FROM main.group_identifiers WHERE group_type = '{group_type}'")
    expected = world.identifiers([goal for goal in scenario.goals if goal.group_type == group_type])
    by_maker = {profile.maker: profile.values[GROUP_ID][0] for profile in world.profiles}
    told = sorted(
        (name, ids.get(value, value) if name == GROUP_ID else value, ids[held_by]) for name, value, held_by in held
    )
    assert told == sorted((name, value, by_maker[maker]) for name, value, maker in expected)


class Worlds:
    """What the deliveries make of profiles and of each type of group; the order is one."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.types = sorted({"", *(goal.group_type for goal in scenario.goals)})
        self.of = {kind: fold(PROPERTIES, scenario.goals, scenario.deliveries, group_type=kind) for kind in self.types}

    def assert_same(self, room: Arrivals) -> None:
        profiles = Scenario(tuple(goal for goal in self.scenario.goals if not goal.group_type), ())
        assert_same(room, self.of[""], profiles)
        for kind in self.types:
            if kind:
                assert_same_groups(room, self.of[kind], kind, self.scenario)

    def counts(self) -> list[tuple[Any, ...]]:
        """Of every batch, in the order that profiles and groups share."""
        kinds = {goal.name: goal.group_type for goal in self.scenario.goals}
        left = {kind: iter(expected_counts(world)) for kind, world in self.of.items()}
        return [next(left[kinds[item.goal]]) for item in in_order(self.scenario.goals, self.scenario.deliveries)]


def check_any_sequence(scenario: Scenario, folds: Sequence[bool], shuffled: Sequence[int]) -> None:
    worlds = Worlds(scenario)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lab = lab_for(root / "source", PROPERTIES, scenario.goals)
        assert check(lab.deployment) == []
        batches = [landed(lab, delivery) for delivery in scenario.deliveries]
        with arrivals(lab, root / "one") as room:
            for batch, now in zip(batches, folds, strict=False):
                room.deliver(batch)
                if now:
                    room.fold()
            room.fold()
            worlds.assert_same(room)
            assert_balanced(room)
            dump = room.dump()
            room.fold(rebuild=True)
            assert room.dump() == dump
            assert summed(counted(room, "replayed")) == summed(worlds.counts())
        with arrivals(lab, root / "two", snapshots=True) as room:
            for place in shuffled:
                if place < len(batches):
                    room.deliver(batches[place])
                    if folds[place]:
                        room.fold()
            room.fold()
            worlds.assert_same(room)
            assert room.dump() == dump


@repeatably(3)
@given(scenarios(group_types=KINDS), FOLDS, SHUFFLED)
def test_any_files_of_groups_and_profiles_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(20))
@given(scenarios(group_types=KINDS, max_files=12), FOLDS, SHUFFLED)
def test_many_files_of_groups_and_profiles_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)
