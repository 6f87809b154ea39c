"""Profiles and what is known of them while deliveries are folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cdp_assets_tests.oracle.cells import Said, in_range
from cdp_assets_tests.oracle.described import Delivery, Goal, Merging, Property
from cdp_assets_tests.oracle.events import Event, Happened, Key

Maker = tuple[str, str, str, int]
"""Domain group, property, value and number of the row that made a profile."""
Date = tuple[int, datetime]
"""Number of a row, and the look that first saw its file."""


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
    consent_mismatch: int = 0
    events: Happened = field(default_factory=Happened)


@dataclass
class Profile:
    maker: Maker
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Per property its values in order; a property without one is absent."""
    written: dict[str, int] = field(default_factory=dict)
    """Per property with a value, the number of the row that wrote it last."""
    created: Date | None = None
    modified: Date | None = None
    """When a row last changed it."""
    into: Profile | None = None
    """Who this is now; None = itself."""

    @property
    def living(self) -> Profile:
        return self.into.living if self.into else self


@dataclass
class World:
    """Everything the deliveries made: profiles in the order they came to be."""

    properties: dict[str, Property]
    merging: Merging | None = None
    profiles: list[Profile] = field(default_factory=list)
    """Those that live."""
    replaced: list[Profile] = field(default_factory=list)
    """Those that are others now."""
    born: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many profiles a value of a property has made in a domain group, whatever became of them."""
    rows: int = 0
    imported: set[Maker] = field(default_factory=set)
    memory: dict[tuple[str, str], Counter[Any]] = field(default_factory=dict)
    """(goal, identifier cell) → what the last full file that applied said about it, row by row."""
    sequences: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    """The same in the order of the file, with the rows that could not act."""
    order: list[Delivery] = field(default_factory=list)
    events: dict[Key, Event] = field(default_factory=dict)
    counts: list[Counts] = field(default_factory=list)
    """In step with `order`."""
    after_row: Callable[[World, str, int], None] | None = None
    """Told of every row once it has done what it does: the world, the file and the row, from 1."""

    def among(self, domain_group: str) -> list[Profile]:
        return [profile for profile in self.profiles if profile.maker[0] == domain_group]

    def holders(self, domain_group: str, name: str, value: object) -> list[Profile]:
        return [profile for profile in self.among(domain_group) if value in profile.values.get(name, ())]

    def identifiers(self, goals: Sequence[Goal]) -> list[tuple[str, str, Maker]]:
        """(property, value, profile) of every property some batch looked profiles up in."""
        used = {
            name for goal in goals for batch in self.order if batch.goal == goal.name for _, name in goal.identifying
        }
        return sorted(
            (name, str(value), profile.maker)
            for name in used
            for profile in self.profiles
            for value in profile.values.get(name, ())
        )


GROUP_ID = "group_id"
WRITING = ("set", "set_or_clear", "patch")
OPT_OUT = ("CCPA",)
"""Zones in which what is not refused is allowed."""


LEVEL, ZONE, CONSENTED, REFUSED = TARGETS = (
    "permission_level",
    "privacy_legislation",
    "consented_objectives",
    "refused_objectives",
)


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
