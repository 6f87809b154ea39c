"""What deliveries do to profiles: row by row, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cdp_assets_tests.oracle.cells import Said, in_range, said, value_of
from cdp_assets_tests.oracle.described import Delivery, Goal, Mapping, Property
from cdp_assets_tests.oracle.ordering import in_order

Maker = tuple[str, str, int]
"""Property, value and number of the row that made a profile."""


@dataclass
class Counts:
    """What became of the rows of one batch."""

    received: int = 0
    created: int = 0
    modified: int = 0
    unchanged: int = 0
    not_found: int = 0
    no_identifier: int = 0
    rejected: int = 0
    cells_rejected: int = 0


@dataclass
class Profile:
    maker: Maker
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Per property its values in order; a property without one is absent."""


@dataclass
class World:
    """Everything the deliveries made: profiles in the order they came to be."""

    properties: dict[str, Property]
    profiles: list[Profile] = field(default_factory=list)
    imported: set[Maker] = field(default_factory=set)
    memory: dict[tuple[str, str], Counter[Any]] = field(default_factory=dict)
    """(goal, identifier cell) → what the last full file that applied said about it, row by row."""
    order: list[Delivery] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    """In step with `order`."""

    def holders(self, name: str, value: object) -> list[Profile]:
        return [profile for profile in self.profiles if profile.values.get(name) == (value,)]

    def identifiers(self, goals: Sequence[Goal]) -> list[tuple[str, str, Maker]]:
        """(property, value, profile) of every property some batch looked profiles up in."""
        used = {goal.property for goal in goals for batch in self.order if batch.goal == goal.name}
        return sorted(
            (name, str(profile.values[name][0]), profile.maker)
            for name in used
            for profile in self.profiles
            if name in profile.values
        )


def fold(properties: Sequence[Property], goals: Sequence[Goal], arrivals: Sequence[Delivery]) -> World:
    """The world after all deliveries, given in the order they arrived."""
    world = World({prop.name: prop for prop in properties})
    known = {goal.name: goal for goal in goals}
    for delivery in in_order(goals, arrivals):
        world.order.append(delivery)
        world.counts.append(_Batch(world, known[delivery.goal], delivery).applied())
    return world


class _Batch:
    def __init__(self, world: World, goal: Goal, delivery: Delivery) -> None:
        self.world, self.goal, self.delivery = world, goal, delivery
        self.counts = Counts()
        self.before = {profile.maker: dict(profile.values) for profile in world.profiles}
        self.changed_by: list[Profile] = []
        """The profile of every applied row that did not create it."""
        self.left = {key: Counter(seen) for (name, key), seen in world.memory.items() if name == goal.name}
        """Rows of earlier files that no row of this one was held against yet."""
        self.told: dict[str, Counter[Any]] = {}
        self.identifiers: dict[str, Any] = {}

    def applied(self) -> Counts:
        for cells in self.delivery.rows:
            self.counts.received += 1
            self._row({name: cell.strip(" \t") for name, cell in zip(self.delivery.header, cells, strict=True)})
        for profile in self.changed_by:
            if profile.values != self.before.get(profile.maker):
                self.counts.modified += 1
            else:
                self.counts.unchanged += 1
        for key, identifier in self.identifiers.items():
            for profile in self.world.holders(self.goal.property, identifier)[:1]:
                self.world.imported.add(profile.maker)
                if not self.goal.delta:
                    self.world.memory[self.goal.name, key] = self.told[key]
        return self.counts

    def _row(self, row: dict[str, str]) -> None:
        key = row[self.goal.column]
        identifier = value_of(key, self.world.properties[self.goal.property]) if key else None
        effects = [
            (mapping, said(row[mapping.column], self.world.properties[mapping.property], mapping.rule))
            for mapping in self.goal.mappings
            if mapping.column in row
        ]
        self.counts.cells_rejected += sum(what.invalid for _, what in effects)
        if not key:
            self.counts.no_identifier += 1
        elif identifier is None:
            self.counts.rejected += 1
        else:
            self._addressed(key, identifier, effects)

    def _addressed(self, key: str, identifier: Any, effects: list[tuple[Mapping, Said]]) -> None:
        self.identifiers[key] = identifier
        holders = self.world.holders(self.goal.property, identifier)
        if not self.goal.delta and self._seen_before(key, effects):
            self.counts.unchanged += 1
        elif holders:
            self.changed_by.append(holders[0])
            self._apply(holders[0], effects)
        elif self.goal.allow_create:
            self.counts.created += 1
            self._apply(self._create(identifier), effects)
        else:
            self.counts.not_found += 1

    def _seen_before(self, key: str, effects: list[tuple[Mapping, Said]]) -> bool:
        """Whether an earlier file said this about the key, as often as this one has by now."""
        row = tuple((mapping, what.values, mapping.rule == "set_or_clear" and what.empty) for mapping, what in effects)
        # A column the file lacks says as much as an empty cell, but that it does not clear.
        row = tuple(item for item in row if item[1] or item[2])
        self.told.setdefault(key, Counter())[row] += 1
        left = self.left.get(key, Counter())
        left[row] -= 1
        return left[row] >= 0

    def _create(self, identifier: Any) -> Profile:
        name = self.goal.property
        earlier = [profile for profile in self.world.profiles if profile.maker[:2] == (name, str(identifier))]
        profile = Profile((name, str(identifier), len(earlier) + 1), {name: (identifier,)})
        self.world.profiles.append(profile)
        return profile

    def _apply(self, profile: Profile, effects: list[tuple[Mapping, Said]]) -> None:
        for mapping, what in effects:
            prop = self.world.properties[mapping.property]
            old = profile.values.get(prop.name, ())
            new = written(prop, mapping.rule, old, what)
            profile.values.pop(prop.name, None)
            if new:
                profile.values[prop.name] = new


def written(prop: Property, rule: str, old: tuple[Any, ...], what: Said) -> tuple[Any, ...]:
    """What a property holds after one cell, by one merge rule."""
    if not what.values:
        return () if rule == "set_or_clear" and what.empty else old
    match rule:
        case "set" | "set_or_clear":
            return what.values
        case "set_if_empty":
            return old or what.values
        case "add":
            return (*old, *(value for value in what.values if value not in old))
        case "sum":
            total = in_range((old[0] if old else 0) + what.values[0], prop)
            assert total is not None, "a total that overflows is an error; give the oracle smaller numbers"
            return (total,)
    raise AssertionError(rule)
