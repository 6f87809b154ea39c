"""Segments: a name and a tree of conditions (spec.md 9.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.limits import SegmentChecks
from cdp_assets.config.questions import PropertyCondition
from cdp_assets.config.related import EventCondition, GroupCondition

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a tree to one of its parts."""


class SegmentCondition(Strict):
    """True for the members of another segment."""

    segment: Name
    """Name of the segment."""


class InverseCondition(Strict):
    """True for everybody who is no member of another segment."""

    inverse_of: Name
    """Name of the segment."""


class ObjectiveState(StrEnum):
    """What a profile says of an objective."""

    consented = "consented"
    consented_or_unneeded = "consented_or_unneeded"
    refused = "refused"
    unknown = "unknown"
    refused_or_unknown = "refused_or_unknown"


class ObjectiveCondition(Strict):
    """True for profiles that have consented to an objective, have refused it, or have said neither."""

    objective: PropertyName
    """Id of the objective."""
    state: ObjectiveState
    """`consented_or_unneeded` = the objective is allowed for the profile, by consent or by the law of its zone."""


def _without_end(text: str) -> str:
    """Blanks and the semicolon that ends a statement mean nothing."""
    return text.strip().rstrip(";").rstrip()


class SqlCondition(Strict):
    """True where an expression over `profiles` is, or for the profile ids that a SELECT gives."""

    sql: Annotated[str, AfterValidator(_without_end)] = Field(min_length=1)
    """`$now` stands for the start of the run."""


class AllOf(Strict):
    """True where every condition is."""

    all: tuple[Condition, ...] = Field(min_length=1)
    """The conditions."""


class AnyOf(Strict):
    """True where at least one condition is."""

    any: tuple[Condition, ...] = Field(min_length=1)
    """The conditions."""


class NotOf(Strict):
    """True where the condition is not."""

    model_config = ConfigDict(serialize_by_alias=True)

    negated: Condition = Field(alias="not")
    """The condition."""


_KINDS: dict[type, str] = {
    AllOf: "all",
    AnyOf: "any",
    NotOf: "not",
    SegmentCondition: "segment",
    InverseCondition: "inverse_of",
    SqlCondition: "sql",
    EventCondition: "event",
    GroupCondition: "group",
    ObjectiveCondition: "objective",
}


CONDITION_KINDS = (*_KINDS.values(), "property")
"""The keys one of which tells what a condition asks."""


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return next((key for key in _KINDS.values() if key in value), "property")
    return _KINDS.get(type(value), "property")


Condition = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NotOf, Tag("not")]
    | Annotated[SegmentCondition, Tag("segment")]
    | Annotated[InverseCondition, Tag("inverse_of")]
    | Annotated[SqlCondition, Tag("sql")]
    | Annotated[EventCondition, Tag("event")]
    | Annotated[GroupCondition, Tag("group")]
    | Annotated[ObjectiveCondition, Tag("objective")]
    | Annotated[PropertyCondition, Tag("property")],
    Discriminator(_kind),
]
Leaf = (
    PropertyCondition
    | SegmentCondition
    | InverseCondition
    | SqlCondition
    | EventCondition
    | GroupCondition
    | ObjectiveCondition
)


def leaves(condition: Condition, at: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Every condition of a tree that holds no other, with its place."""
    match condition:
        case AllOf():
            for index, part in enumerate(condition.all):
                yield from leaves(part, (*at, "all", index))
        case AnyOf():
            for index, part in enumerate(condition.any):
                yield from leaves(part, (*at, "any", index))
        case NotOf():
            yield from leaves(condition.negated, (*at, "not"))
        case _:
            yield at, condition


class Segment(Strict):
    """A named set of profiles, worked out anew from the warehouse each time it is materialised."""

    name: Name
    """Unique; part of its asset's name. Never change it: it says who joined and left."""
    title: str = ""
    """The name people see in files and columns; empty = the name itself."""
    description: str = ""
    """What people read about it."""
    where: Condition
    """The condition every member meets."""
    checks: SegmentChecks = SegmentChecks()
    """What is checked of its members, and within which limits."""

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name

    @property
    def leaves(self) -> list[tuple[Path, Leaf]]:
        """Every condition of the tree that holds no other, with its place below `where`."""
        return list(leaves(self.where))

    @property
    def needs(self) -> tuple[str, ...]:
        """The segments whose members this one asks for."""
        named = (
            leaf.segment if isinstance(leaf, SegmentCondition) else leaf.inverse_of
            for _, leaf in self.leaves
            if isinstance(leaf, SegmentCondition | InverseCondition)
        )
        return tuple(dict.fromkeys(named))

    @property
    def group_types(self) -> tuple[str, ...]:
        """The types of groups it asks for."""
        return tuple(dict.fromkeys(leaf.group.type for _, leaf in self.leaves if isinstance(leaf, GroupCondition)))

    @property
    def event_types(self) -> tuple[str, ...]:
        """The types of events it asks for."""
        return tuple(dict.fromkeys(leaf.event.type for _, leaf in self.leaves if isinstance(leaf, EventCondition)))

    @property
    def written(self) -> list[tuple[Path, str]]:
        """The SQL of its conditions, with its place."""
        return [(("where", *where, "sql"), leaf.sql) for where, leaf in self.leaves if isinstance(leaf, SqlCondition)]

    @property
    def definition(self) -> str:
        """A digest that changes with the condition, and not with its words for people."""
        return hashlib.sha256(self.model_dump_json(include={"where"}, exclude_defaults=True).encode()).hexdigest()[:16]


AllOf.model_rebuild()
AnyOf.model_rebuild()
NotOf.model_rebuild()


def in_order_of_need(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """The segments so that each follows those it needs, else as listed; what is part of a circle keeps its place."""
    known = {segment.name: segment for segment in segments}
    placed: dict[str, Segment] = {}

    def place(segment: Segment, under_way: frozenset[str]) -> None:
        for name in segment.needs:
            if name in known and name not in placed and name not in under_way:
                place(known[name], under_way | {name})
        placed.setdefault(segment.name, segment)

    for segment in segments:
        if segment.name not in placed:
            place(segment, frozenset({segment.name}))
    return tuple(placed.values())


def circles(segments: tuple[Segment, ...]) -> list[tuple[str, ...]]:
    """For each segment that needs itself, the shortest way round, from the segment of it that is listed first."""
    needs = {segment.name: segment.needs for segment in segments}
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for name in needs:
        way = _way_back(name, needs)
        if way and not any(name in known for known in found):
            found[frozenset(way)] = way
    return list(found.values())


def _way_back(start: str, needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from a segment over needs back to it; empty = there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for name in needs.get(way[-1], ()):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return ()
