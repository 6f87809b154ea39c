"""Which deliveries count, and in which order they count.

The same version never counts twice. Of the versions of a dated partition the last counts, in the place of the
first. Every version of an undated partition counts. Bytes that repeat the version just before them in their
own partition do not count again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cdp_assets_tests.oracle.described import Delivery, Goal

Version = tuple[object, ...]
"""Goal, name, modification time and content."""


def in_order(goals: Sequence[Goal], arrivals: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries that count, in the order they count, whatever order they arrived in."""
    known = {goal.name: goal for goal in goals}
    partitions: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in _once_each(arrivals):
        partitions.setdefault((delivery.goal, delivery.key), []).append(delivery)
    placed: list[tuple[Any, Delivery]] = []
    for (name, key), versions in partitions.items():
        if supersedes(known[name], key):
            versions.sort(key=lambda version: (version.modified_at, version.look_at, version.sha))
            place = min(place_of(goals, version) for version in versions)
            placed.append((place, _without_repeats(versions)[-1]))
        else:
            versions.sort(key=lambda version: place_of(goals, version))
            placed += [(place_of(goals, version), version) for version in _without_repeats(versions)]
    placed.sort(key=lambda item: item[0])
    return _without_refused_twins(known, [delivery for _, delivery in placed])


def date_in(key: str) -> datetime | None:
    """The date of a partition key that is one."""
    return datetime.strptime(key, "%Y%m%d").replace(tzinfo=UTC) if re.fullmatch("[0-9]{8}", key) else None


def supersedes(goal: Goal, key: str) -> bool:
    """Whether a newer version of this partition replaces the older one."""
    return goal.redelivery == "supersede" or (goal.redelivery == "auto" and date_in(key) is not None)


def version_of(delivery: Delivery) -> Version:
    return delivery.goal, delivery.name, delivery.modified_at.replace(microsecond=0), delivery.sha


def _once_each(arrivals: Sequence[Delivery]) -> list[Delivery]:
    first: dict[tuple[object, ...], Delivery] = {}
    for delivery in arrivals:
        first.setdefault(version_of(delivery), delivery)
    return list(first.values())


def place_of(goals: Sequence[Goal], delivery: Delivery) -> tuple[Any, ...]:
    """Where a version stands among those of all goals, if nothing supersedes it."""
    return (
        date_in(delivery.key) or delivery.look_at,
        [goal.name for goal in goals].index(delivery.goal),
        delivery.modified_at,
        [int(part) if part.isdigit() else part for part in re.split("([0-9]+)", delivery.name)],
        delivery.sha,
    )


def _without_repeats(versions: Sequence[Delivery]) -> list[Delivery]:
    kept: list[Delivery] = []
    for version in versions:
        if not kept or kept[-1].sha != version.sha:
            kept.append(version)
    return kept


def _without_refused_twins(goals: dict[str, Goal], ordered: Sequence[Delivery]) -> list[Delivery]:
    first: dict[tuple[str, str], str] = {}
    kept = []
    for delivery in ordered:
        own = first.setdefault((delivery.goal, delivery.sha), delivery.key) == delivery.key
        if own or goals[delivery.goal].duplicate_content == "apply":
            kept.append(delivery)
    return kept
