"""Our warehouse against plain Python: any files, any rules, any order of arrival."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_assets.config.check import check
from cdp_assets_tests.oracle.described import Delivery, Goal, Property
from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.ordering import place_of, supersedes
from cdp_assets_tests.oracle.scenarios import (
    CROSSING_GOALS,
    KEYS,
    PROPERTIES,
    START,
    Scenario,
    at_looks,
    crossings,
    mergings,
    scenarios,
)
from cdp_assets_tests.oracle.world import World
from cdp_assets_tests.support.arrivals import Arrivals, arrivals, lab_for, landed
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import Lab

HOUR = timedelta(hours=1)
MAKER = "profiles.domain_group, created_by_property, created_by_value, created_by_number"
DATED = tuple(key for key in KEYS if key.isdigit())


def repeatably(examples: int) -> settings:
    return settings(
        deadline=None, derandomize=True, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )


def oracle_of(scenario: Scenario, files: int | None = None) -> World:
    """What the first files make, or all of them."""
    return fold(scenario.properties, scenario.goals, scenario.deliveries[:files], merging=scenario.merging)


def lab_of(root: Path, scenario: Scenario) -> Lab:
    return lab_for(root, scenario.properties, scenario.goals, scenario.merging)


def profiles_of(
    room: Arrivals, properties: Sequence[Property] = PROPERTIES
) -> dict[tuple[str, str, str, int], dict[str, tuple[Any, ...]]]:
    names = [prop.name for prop in properties]
    found: dict[tuple[str, str, str, int], dict[str, tuple[Any, ...]]] = {}
    for *maker, values in room.rows(f"SELECT {MAKER}, ({', '.join(names)}) FROM main.profiles"):
        assert tuple(maker) not in found, f"{maker} made two profiles"
        listed = {
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in zip(names, values, strict=True)
        }
        found[tuple(maker)] = {name: value for name, value in listed.items() if value != (None,)}
    return found


def dates_of(room: Arrivals, makers: str) -> dict[tuple[Any, ...], tuple[datetime, datetime]]:
    """Of every profile when it was made and last changed. `makers`: its maker and where it stands."""
    return {
        tuple(maker): (made, at)
        for made, at, *maker in room.rows(f"SELECT creation_date, last_modified_date, {makers}")
    }


def dates_in(world: World) -> dict[tuple[Any, ...], tuple[datetime, datetime]]:
    return {profile.maker: (profile.created[1], profile.modified[1]) for profile in world.profiles}


def assert_same(room: Arrivals, world: World, scenario: Scenario, properties: Sequence[Property] = PROPERTIES) -> None:
    """Profiles, identifiers, imports and ids are what the oracle says."""
    assert profiles_of(room, properties) == {profile.maker: profile.values for profile in world.profiles}
    assert dates_of(room, f"{MAKER} FROM main.profiles") == dates_in(world)
    held = room.rows(f"SELECT property, value, ({MAKER}) FROM main.identifiers JOIN main.profiles USING (profile_id)")
    assert sorted(held) == world.identifiers(scenario.goals)
    imported = room.rows(f"SELECT {MAKER} FROM main.imported_profiles JOIN main.profiles USING (profile_id)")
    assert sorted(imported) == sorted(world.imported)
    gone = f"SELECT ({MAKER}), replaced_by FROM main.replaced_profiles AS profiles"
    replaced = room.rows(
        f"SELECT gone.*, ({MAKER}) FROM ({gone}) AS gone JOIN main.profiles ON profile_id = replaced_by"
    )
    assert sorted((who, now) for who, _, now in replaced) == sorted(
        (profile.maker, profile.living.maker) for profile in world.replaced
    )
    ids = room.rows("SELECT profile_id FROM main.profiles UNION ALL SELECT profile_id FROM main.replaced_profiles")
    assert len(set(ids)) == len(ids), "two profiles share an id"


def assert_balanced(room: Arrivals) -> None:
    """Every row of every folded batch has exactly one fate (design.md, rule 4)."""
    for prefix in ("rows", "replayed"):
        names = ("created", "modified", "unchanged", "not_found", "consent_mismatch", "rejected")
        fates = " + ".join(f"{prefix}_{fate}" for fate in names)
        unbalanced = room.rows(
            f"SELECT name FROM ops.batches WHERE position IS NOT NULL AND {prefix}_created IS NOT NULL"
            f" AND rows_received <> {fates} + rows_no_identifier"
        )
        assert unbalanced == []


def counted(room: Arrivals, prefix: str) -> list[tuple[Any, ...]]:
    return room.rows(
        f"SELECT name, rows_received, {prefix}_created, {prefix}_modified, {prefix}_unchanged, {prefix}_not_found,"
        f" rows_no_identifier, rows_rejected, cells_rejected, {prefix}_consent_mismatch FROM ops.batches"
        " WHERE position IS NOT NULL ORDER BY position"
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
            counts.cells_rejected,
            counts.consent_mismatch,
        )
        for batch, counts in zip(world.order, world.counts, strict=True)
    ]


def summed(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Modified and unchanged in one: which of them a row is depends on the batches it shares a pass with."""
    return [(*row[:3], row[3] + row[4], *row[5:]) for row in rows]


def check_any_sequence(scenario: Scenario, folds: Sequence[bool], shuffled: Sequence[int]) -> None:
    world = oracle_of(scenario)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lab = lab_of(root / "source", scenario)
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
        with arrivals(lab, root / "two", snapshots=True) as room:
            for place in shuffled:
                if place < len(batches):
                    room.deliver(batches[place])
                    if folds[place]:
                        room.fold()
            room.fold()
            assert_same(room, world, scenario)
            assert room.dump() == dump


def ids_of(room: Arrivals) -> dict[tuple[str, str, str, int], object]:
    query = f"SELECT {MAKER}, profile_id FROM main.profiles"
    return {tuple(maker): profile_id for *maker, profile_id in room.rows(query)}


def check_every_moment(scenario: Scenario) -> None:
    """After each file the warehouse is what the files so far make, and whoever is still there keeps the id."""
    with tempfile.TemporaryDirectory() as folder:
        lab = lab_of(Path(folder) / "source", scenario)
        with arrivals(lab, Path(folder) / "one", snapshots=True) as room:
            known: dict[tuple[str, str, str, int], object] = {}
            for number, delivery in enumerate(scenario.deliveries, start=1):
                room.deliver(landed(lab, delivery))
                room.fold()
                assert_same(room, oracle_of(scenario, number), scenario)
                now = ids_of(room)
                assert {maker: now[maker] for maker in known.keys() & now.keys()} == {
                    maker: known[maker] for maker in known.keys() & now.keys()
                }
                known = now
            room.fold(rebuild=True)
            assert ids_of(room) == known


def belongs_before(goals: Sequence[Goal], delivery: Delivery, current: Delivery) -> bool:
    """Whether a fold that ends with `current` must know this version of its partition."""
    if (delivery.goal, delivery.key) != (current.goal, current.key):
        return False
    goal = next(goal for goal in goals if goal.name == current.goal)
    return supersedes(goal, current.key) or place_of(goals, delivery) <= place_of(goals, current)


def check_counts_one_batch_at_a_time(scenario: Scenario) -> None:
    """Folded alone and in order, every batch counts each of its rows as the oracle does."""
    world = oracle_of(scenario)
    with tempfile.TemporaryDirectory() as folder:
        lab = lab_of(Path(folder) / "source", scenario)
        with arrivals(lab, Path(folder) / "one") as room:
            for current in world.order:
                for delivery in scenario.deliveries:
                    if belongs_before(scenario.goals, delivery, current):
                        room.deliver(landed(lab, delivery))
                room.fold()
            assert counted(room, "rows") == expected_counts(world)


def check_looks_do_not_matter(scenario: Scenario, shuffled: Sequence[int]) -> None:
    """Files whose keys hold a date end in the same warehouse whenever they are seen."""
    files = [replace(item, modified_at=START + number * HOUR) for number, item in enumerate(scenario.deliveries)]
    dumps = []
    for places in (range(len(files)), shuffled):
        with tempfile.TemporaryDirectory() as folder:
            lab = lab_of(Path(folder) / "source", scenario)
            with arrivals(lab, Path(folder) / "one") as room:
                for delivery in at_looks([files[place] for place in places if place < len(files)]):
                    room.deliver(landed(lab, delivery))
                room.fold()
                dumps.append(room.dump())
    assert dumps[0] == dumps[1]


FOLDS = st.lists(st.booleans(), min_size=12, max_size=12)
SHUFFLED = st.permutations(range(12))


@repeatably(4)
@given(scenarios(), FOLDS, SHUFFLED)
def test_any_files_in_any_order_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@repeatably(3)
@given(scenarios(keys=DATED), SHUFFLED)
def test_dated_files_end_alike_whenever_they_are_seen(scenario, shuffled):
    check_looks_do_not_matter(scenario, shuffled)


@repeatably(3)
@given(scenarios())
def test_every_row_of_every_batch_is_counted_as_the_oracle_counts_it(scenario):
    check_counts_one_batch_at_a_time(scenario)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(40))
@given(scenarios(max_files=9))
def test_every_row_of_many_batches_is_counted_as_the_oracle_counts_it(scenario):
    check_counts_one_batch_at_a_time(scenario)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(40))
@given(scenarios(max_files=12), FOLDS, SHUFFLED)
def test_many_files_in_any_order_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@repeatably(3)
@given(scenarios(identifiers=True), FOLDS, SHUFFLED)
def test_any_files_with_several_identifiers_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@repeatably(4)
@given(scenarios(identifiers=True))
def test_every_row_with_several_identifiers_is_counted_as_the_oracle_counts_it(scenario):
    check_counts_one_batch_at_a_time(scenario)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(30))
@given(scenarios(max_files=9, identifiers=True), FOLDS, SHUFFLED)
def test_many_files_with_several_identifiers_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@repeatably(4)
@given(crossings())
def test_ids_stay_while_late_files_and_corrections_change_who_makes_whom(scenario):
    check_every_moment(scenario)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(40))
@given(crossings(max_files=10))
def test_ids_stay_through_many_late_files_and_corrections(scenario):
    check_every_moment(scenario)


def test_an_id_that_went_to_another_maker_is_never_given_out_twice(tmp_path):
    """Found by the property test above: two people once shared an id, and with it each other's operations."""
    rows = [("20260102", ("a@x.com", "1", "1")), ("20260101", ("a@x.com", "1", "1")), ("20260101", ("", "2", "1"))]
    rows.append(("20260101", ("", "1", "1")))
    files = [
        Delivery(f"g{min(hour, 1)}", key, ("mail", "crm", "card"), (row,), START + hour * HOUR, START + hour * HOUR)
        for hour, (key, row) in enumerate(rows)
    ]
    check_every_moment(Scenario(CROSSING_GOALS, tuple(files)))


@repeatably(3)
@given(mergings(), FOLDS, SHUFFLED)
def test_any_files_whose_rows_merge_profiles_fold_as_the_oracle_says(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@repeatably(8)
@given(mergings())
def test_every_row_is_counted_as_the_oracle_counts_it_where_profiles_merge(scenario):
    check_counts_one_batch_at_a_time(scenario)
