"""Timelines and product stores against plain Python: any files, late ones and corrections too, in any order."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from cdp_assets.config.check import check
from cdp_assets_tests.flows.test_against_oracle import FOLDS, SHUFFLED, assert_same, lab_of, oracle_of, repeatably
from cdp_assets_tests.oracle.events import products
from cdp_assets_tests.oracle.scenarios import Scenario
from cdp_assets_tests.oracle.timelines import ORDERED, SEEN, VIEWED, timelines
from cdp_assets_tests.oracle.world import World
from cdp_assets_tests.support.arrivals import Arrivals, arrivals, landed
from cdp_assets_tests.support.examples import drawn

MAKER = "(domain_group, created_by_property, created_by_value, created_by_number)"
MADE_ID = 40
"""Letters of an id that nobody gave."""


def told(value: Any) -> tuple[Any, ...]:
    return () if value is None else tuple(value) if isinstance(value, list) else (value,)


def stored(room: Arrivals) -> Counter[Any]:
    """Every event with its items, without ids that were made."""
    found: Counter[Any] = Counter()
    there = {
        name for (name,) in room.rows("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'events_')")
    }
    for kind in (ORDERED, SEEN, VIEWED):
        if f"events_{kind.id}" not in there:
            continue
        names = [prop.name for prop in kind.values]
        items: dict[Any, list[Any]] = {}
        keys = [prop.name for prop in kind.items]
        query = (
            f"SELECT profile_id, event_id, date, [{', '.join(f'{name}::VARCHAR' for name in keys)}]"
            f' FROM main.events_{kind.id}_{kind.nested} ORDER BY "index"'
        )
        for *key, values in room.rows(query) if kind.nested else ():
            items.setdefault(tuple(key), []).append(tuple(values))
        for maker, *key, store, values in room.rows(
            f"SELECT {MAKER}, profile_id, event_id, date, product_store, ({', '.join(names)})"
            f" FROM main.events_{kind.id} JOIN main.profiles USING (profile_id)"
        ):
            event_id = None if len(key[1]) == MADE_ID else key[1]
            parts = tuple(items.pop(tuple(key), []))
            found[maker, kind.id, event_id, key[2], store, tuple(map(told, values)), parts] += 1
        assert not items, "items without an event"
    return found


def expected(world: World) -> Counter[Any]:
    found: Counter[Any] = Counter()
    kinds = {kind.id: kind for kind in (ORDERED, SEEN, VIEWED)}
    for (maker, kind_id, event_id, date), event in world.events.items():
        kind = kinds[kind_id]
        values = tuple(event.values.get(prop.name, ()) for prop in kind.values)
        items = tuple(
            tuple(str(item[prop.name]) if prop.name in item else None for prop in kind.items) for item in event.items
        )
        given_id = event_id if isinstance(event_id, str) else None
        found[maker, kind_id, given_id, date, event.store, values, items] += 1
    return found


def assert_same_timelines(room: Arrivals, world: World) -> None:
    assert stored(room) == expected(world)
    columns = "store, product_id, name, ordered, first_date, last_date"
    assert sorted(room.rows(f"SELECT {columns} FROM main.products"), key=str) == sorted(
        (
            (*key, product["name"], product["ordered"], product["first"], product["last"])
            for key, product in products(world.events, "id").items()
            if any(event.items and "id" in event.items[0] for event in world.events.values())
        ),
        key=str,
    )


def counted(room: Arrivals, prefix: str = "") -> list[tuple[Any, ...]]:
    return room.rows(
        f"SELECT name, events_received, {prefix}events_created, {prefix}events_set, events_rejected,"
        f" {prefix}events_dropped FROM ops.batches WHERE position IS NOT NULL ORDER BY position"
    )


def expected_counts(world: World) -> list[tuple[Any, ...]]:
    return [
        (batch.name, of.received, of.created, of.set, of.rejected, of.dropped)
        for batch, counts in zip(world.order, world.counts, strict=True)
        for of in [counts.events]
    ]


def check_any_sequence(scenario: Scenario, folds: Sequence[bool], shuffled: Sequence[int]) -> None:
    world = oracle_of(scenario)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lab = lab_of(root / "source", scenario)
        assert check(lab.deployment) == []
        batches = [landed(lab, delivery) for delivery in scenario.deliveries]
        with arrivals(lab, root / "one", snapshots=True) as room:
            for place in shuffled:
                if place < len(batches):
                    room.deliver(batches[place])
                    if folds[place]:
                        room.fold()
            room.fold()
            assert_same(room, world, scenario)
            assert_same_timelines(room, world)
            dump = room.dump()
            room.fold(rebuild=True)
            assert room.dump() == dump
            assert counted(room, "replayed_") == expected_counts(world)


@repeatably(3)
@given(timelines(), FOLDS, SHUFFLED)
def test_any_files_in_any_order_make_the_timelines_the_oracle_makes(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@repeatably(3)
@given(timelines(identifiers=True), FOLDS, SHUFFLED)
def test_likewise_where_several_columns_identify(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@repeatably(3)
@given(timelines(merging=True), FOLDS, SHUFFLED)
def test_timelines_of_profiles_that_become_one_are_one(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(15))
@given(timelines(max_files=8, merging=True), FOLDS, SHUFFLED)
def test_timelines_of_many_profiles_that_become_one_are_one(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@repeatably(drawn(20))
@given(timelines(max_files=12, identifiers=True), FOLDS, SHUFFLED)
def test_many_files_in_any_order_make_the_timelines_the_oracle_makes(scenario, folds, shuffled):
    check_any_sequence(scenario, folds, shuffled)
