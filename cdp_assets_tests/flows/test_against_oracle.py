"""Our warehouse against plain Python: any files, any rules, any order of arrival."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from cdp_assets.config.check import check
from cdp_assets_tests.oracle.folding import World, fold
from cdp_assets_tests.oracle.scenarios import PROPERTIES, Scenario, at_looks, scenarios
from cdp_assets_tests.support.arrivals import Arrivals, arrivals, lab_for, landed

BATCH = "name, modified_at, sha256"
SUMS = "created, modified + unchanged, not_found"


def quickly(examples: int) -> settings:
    return settings(
        deadline=None, derandomize=True, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )


def thoroughly(examples: int) -> settings:
    return settings(
        deadline=None, max_examples=examples, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
    )


def profiles_of(room: Arrivals) -> dict[tuple[str, str, int], dict[str, tuple[Any, ...]]]:
    names = [prop.name for prop in PROPERTIES]
    found = {}
    for *maker, profile_id, values in room.rows(
        "SELECT created_by_property, created_by_value, created_by_number, profile_id,"
        f" list_value({', '.join(f'struct_pack(v := {name})' for name in names)}) FROM main.profiles"
        if False
        else "SELECT created_by_property, created_by_value, created_by_number, profile_id,"
        f" ({', '.join(names)}) FROM main.profiles"
    ):
        assert tuple(maker) not in found, f"{maker} made two profiles, {profile_id} is one"
        listed = {name: tuple(value) if isinstance(value, list) else (value,) for name, value in zip(names, values, strict=True)}
        found[tuple(maker)] = {name: value for name, value in listed.items() if value != (None,)}
    return found


def assert_same(room: Arrivals, world: World, scenario: Scenario) -> None:
    """Profiles, identifiers, imports and ids are what the oracle says."""
    assert profiles_of(room) == {profile.maker: profile.values for profile in world.profiles}
    maker = "created_by_property, created_by_value, created_by_number"
    held = room.rows(f"SELECT property, value, ({maker}) FROM main.identifiers JOIN main.profiles USING (profile_id)")
    assert sorted(held) == world.identifiers(scenario.goals)
    imported = room.rows(f"SELECT {maker} FROM main.imported_profiles JOIN main.profiles USING (profile_id)")
    assert sorted(imported) == sorted(world.imported)
    ids = [profile_id for (profile_id,) in room.rows("SELECT profile_id FROM main.profiles")]
    assert len(set(ids)) == len(ids), "two profiles share an id"


def assert_balanced(room: Arrivals) -> None:
    """Every row of every folded batch has exactly one fate (design.md, rule 4)."""
    for prefix in ("rows", "replayed"):
        fates = " + ".join(f"{prefix}_{fate}" for fate in ("created", "modified", "unchanged", "not_found"))
        unbalanced = room.rows(
            f"SELECT name FROM ops.batches WHERE position IS NOT NULL AND {prefix}_created IS NOT NULL"
            f" AND rows_received <> {fates} + rows_no_identifier + rows_rejected"
        )
        assert unbalanced == []


def counted(room: Arrivals, prefix: str) -> list[tuple[Any, ...]]:
    return room.rows(
        f"SELECT name, rows_received, {prefix}_created, {prefix}_modified, {prefix}_unchanged, {prefix}_not_found,"
        " rows_no_identifier, rows_rejected, cells_rejected FROM ops.batches WHERE position IS NOT NULL"
        " ORDER BY position"
    )


def expected_counts(world: World) -> list[tuple[Any, ...]]:
    return [
        (
            batch.name,
            counts.received,
            counts.created,
            counts.modified,
            counts.unchanged,
            counts.not_found,
            counts.no_identifier,
            counts.rejected,
            counts.cells_rejected + counts.rejected * 0,
        )
        for batch, counts in zip(world.order, world.counts, strict=True)
    ]


def summed(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Modified and unchanged in one: which of them a row is depends on the batches it shares a pass with."""
    return [(*row[:3], row[3] + row[4], *row[5:]) for row in rows]


def check_any_sequence(scenario: Scenario, folds: Sequence[bool], shuffled: Sequence[int]) -> None:
    world = fold(PROPERTIES, scenario.goals, scenario.deliveries)
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
            assert_same(room, world, scenario)
            assert_balanced(room)
            dump = room.dump()
            room.fold(rebuild=True)
            assert room.dump() == dump
            assert_balanced(room)
            assert summed(counted(room, "replayed")) == summed(expected_counts(world))
        with arrivals(lab, root / "two") as room:
            for place in shuffled:
                if place < len(batches):
                    room.deliver(batches[place])
                    if folds[place]:
                        room.fold()
            room.fold()
            assert_same(room, world, scenario)
            assert room.dump() == dump


FOLDS = st.lists(st.booleans(), min_size=12, max_size=12)
SHUFFLED = st.permutations(range(12))


@quickly(25)
@given(scenarios(), FOLDS, SHUFFLED)
def test_any_files_in_any_order_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@thoroughly(600)
@given(scenarios(max_files=12), FOLDS, SHUFFLED)
def test_many_files_in_any_order_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)
