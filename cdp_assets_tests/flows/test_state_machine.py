"""Anything may happen to the files of a shop, in any order, and processes may die over it.

After every fold the warehouse is what plain Python makes of the files, and what a fold of all of them from
nothing makes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders, make_private
from cdp_assets.flows.manifests import Manifest
from cdp_assets.flows.withdrawals import reinstate, withdraw
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, open_warehouse, scratch
from cdp_assets_tests.flows.test_against_oracle import assert_balanced, assert_same
from cdp_assets_tests.flows.test_events_against_oracle import assert_same_timelines
from cdp_assets_tests.oracle.described import Delivery, Goal
from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.ordering import Version, version_of
from cdp_assets_tests.oracle.scenarios import (
    KEYS,
    MERGINGS,
    PROPERTIES,
    START,
    Body,
    Scenario,
    alike_goals,
    contents,
    goals,
    linking_contents,
    merged_properties,
)
from cdp_assets_tests.oracle.timelines import events
from cdp_assets_tests.support.arrivals import lab_for, landed
from cdp_assets_tests.support.driven import Driver, driver
from cdp_assets_tests.support.examples import drawn
from cdp_assets_tests.support.lab import EPOCH, with_snapshots

PLACE = st.integers(0, 1000)
"""Chooses one of a list, by its remainder."""
EVENTS = st.lists(events(), max_size=1)


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    folder = tmp_path_factory.mktemp("killer")
    with driver(folder, {}, folder) as process:
        yield process


class Opened:
    """A warehouse as the comparisons with the oracle read it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.rows(Sql(query))


class Warehouse(RuleBasedStateMachine):
    """What can happen to files, goals and processes, beside what the oracle needs to know of it."""

    killer: Driver

    def __init__(self) -> None:
        super().__init__()
        self.made = tempfile.TemporaryDirectory()
        self.deliveries: list[Delivery] = []
        self.landings: dict[Version, Manifest] = {}
        self.withdrawn: set[Version] = set()
        self.replayed = 0

    @initialize(
        data=st.data(),
        several=st.lists(st.booleans(), min_size=1, max_size=3),
        alike=st.booleans(),
        snapshots=st.booleans(),
        merging=st.booleans(),
    )
    def set_up(self, data: st.DataObject, several: list[bool], alike: bool, snapshots: bool, merging: bool) -> None:
        self.properties = data.draw(merged_properties()) if merging else PROPERTIES
        self.merging = data.draw(MERGINGS) if merging else None
        self.written = data.draw(st.lists(st.sampled_from(PROPERTIES), min_size=1, max_size=4, unique=True))
        if alike:
            self.goals = data.draw(alike_goals(self.written, several=several[0]))
        else:
            named = [(f"g{number}", many) for number, many in enumerate(several)]
            self.goals = [data.draw(goals(name, self.written, several=many)) for name, many in named]
        self.goals = [replace(goal, events=tuple(data.draw(EVENTS))) for goal in self.goals]
        self.bodies: list[Body] = data.draw(linking_contents() if merging else contents())
        self.snapshots = snapshots
        self.root = Path(self.made.name)
        self.room = lab_for(self.root / "data", self.properties, self.goals, self.merging)
        self.keep_snapshots()

    def keep_snapshots(self) -> None:
        model = with_snapshots(self.room.deployment.model, keep=3 if self.snapshots else 0)
        self.room.deployment = self.room.deployment.model_copy(update={"model": model})

    def deliver(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self.landings.setdefault(version_of(delivery), landed(self.room, delivery).manifest)

    def now(self) -> Any:
        return START + timedelta(days=1, hours=len(self.deliveries))

    @rule(files=st.lists(st.tuples(PLACE, st.sampled_from(KEYS), PLACE, st.integers(0, 3)), min_size=1, max_size=3))
    def files_arrive(self, files: list[tuple[int, str, int, int]]) -> None:
        """One, or several as a backfill brings them."""
        look = self.now()
        for goal, key, body, age in files:
            header, rows = self.bodies[body % len(self.bodies)]
            name = self.goals[goal % len(self.goals)].name
            self.deliver(Delivery(name, key, header, rows, look - timedelta(hours=age), look))

    @precondition(lambda self: self.deliveries)
    @rule(place=PLACE, body=PLACE)
    def a_corrected_version_arrives(self, place: int, body: int) -> None:
        old, (header, rows) = self.deliveries[place % len(self.deliveries)], self.bodies[body % len(self.bodies)]
        self.deliver(replace(old, header=header, rows=rows, modified_at=self.now(), look_at=self.now()))

    @precondition(lambda self: self.deliveries)
    @rule(place=PLACE, touched=st.booleans())
    def the_same_bytes_arrive_again(self, place: int, touched: bool) -> None:
        old = self.deliveries[place % len(self.deliveries)]
        self.deliver(replace(old, look_at=self.now(), modified_at=self.now() if touched else old.modified_at))

    @precondition(lambda self: self.landings)
    @rule(place=PLACE)
    def a_version_is_withdrawn(self, place: int) -> None:
        version = list(self.landings)[place % len(self.landings)]
        withdraw(self.room.folders, [self.landings[version]], EPOCH)
        self.withdrawn.add(version)

    @precondition(lambda self: self.withdrawn)
    @rule()
    def a_version_is_reinstated(self) -> None:
        version = sorted(self.withdrawn, key=repr)[0]
        reinstate(self.room.folders, [self.landings[version]])
        self.withdrawn.remove(version)

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), place=PLACE)
    def a_goal_is_changed_and_its_files_landed_anew(self, data: st.DataObject, place: int) -> None:
        old = self.goals[place % len(self.goals)]
        new: Goal = data.draw(goals(old.name, self.written, several=bool(old.rules)))
        new = replace(new, events=tuple(data.draw(EVENTS)))
        self.goals[self.goals.index(old)] = new
        self.room.deployment = lab_for(self.root / "data", self.properties, self.goals, self.merging).deployment
        self.keep_snapshots()
        self.room.reland(new.name)

    @precondition(lambda self: self.deliveries)
    @rule(step=st.integers(1, 40))
    def a_fold_is_killed(self, step: int) -> None:
        """At one of its steps, unless it has fewer; whatever it leaves, the next fold sets right."""
        setup = self.room.deployment.model_dump(mode="json", exclude_none=True)
        self.killer.run(EPOCH, ["fold"], kill_at=step, deployment=setup, data=self.root / "data")

    @precondition(lambda self: self.deliveries)
    @rule(rebuild=st.sampled_from((False, False, False, True)))
    def everything_is_folded(self, rebuild: bool) -> None:
        with open_warehouse(self.room.folders.warehouse) as database:
            fold_batches(database, self.room.model, self.room.folders, EPOCH, rebuild=rebuild)
            room, scenario = Opened(database), Scenario(tuple(self.goals), tuple(self.deliveries))
            world = fold(self.properties, self.goals, self.deliveries, self.withdrawn, merging=self.merging)
            assert_same(room, world, scenario)
            assert_same_timelines(room, world)
            assert_balanced(room)
            dump = canonical_dump(database)
        assert dump == self.from_nothing()
        assert list(self.room.folders.snapshots.glob(".*")) == []

    def from_nothing(self) -> dict[str, list[str]]:
        """The dump of another warehouse, which folds the same batches for the first time."""
        self.replayed += 1
        folders = DataFolders(make_private(self.root / f"again{self.replayed}"))
        (folders.root / "landing").symlink_to(self.room.folders.landing)
        with scratch() as database:
            fold_batches(database, self.room.model, folders, EPOCH)
            return canonical_dump(database)

    def teardown(self) -> None:
        if self.deliveries:
            self.everything_is_folded(rebuild=False)
        self.made.cleanup()


def check_machine(killer: Driver, examples: int, steps: int) -> None:
    Warehouse.killer = killer
    chosen = settings(
        deadline=None,
        derandomize=True,
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(Warehouse, settings=chosen)


@pytest.mark.timeout(300)
def test_whatever_happens_to_a_few_files_the_warehouse_is_what_they_make(killer):
    check_machine(killer, examples=2, steps=8)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_whatever_happens_to_many_files_the_warehouse_is_what_they_make(killer):
    check_machine(killer, examples=drawn(12), steps=25)
