"""Conditions: what profiles are asked, in trees, and what a tree asks for (spec.md 9.2)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from cdp_assets.config.base import Name, PropertyName, Strict
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


class LifecycleState(StrEnum):
    """Where a profile stands in a lifecycle."""

    in_it = "in"
    not_in = "not_in"
    completed = "completed"
    not_completed = "not_completed"
    in_no_stage = "in_no_stage"
    not_in_no_stage = "not_in_no_stage"


StageNames = Annotated[tuple[Name, ...], Field(min_length=1)]


class LifecycleCondition(Strict):
    """True for profiles that are in a lifecycle, in some of its stages, or have completed it.

    With neither `state` nor stages: that are in it.
    """

    lifecycle: Name
    """Id of the lifecycle."""
    state: LifecycleState | None = None
    """`in` = in it, in a stage or not, and not completed; `in_no_stage` = in it, and not assigned to a stage. The
    `not_` forms are true for everybody else."""
    in_stage: StageNames | None = None
    """Is in one of these stages."""
    not_in_stage: StageNames | None = None
    """Is in none of these stages, or not in the lifecycle."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> LifecycleCondition:
        given = {"state": self.state, "in_stage": self.in_stage, "not_in_stage": self.not_in_stage}
        told = [name for name, value in given.items() if value is not None]
        if len(told) > 1:
            message = f"give one of {', '.join(told)}; join two conditions with all or any"
            raise ValueError(message)
        return self

    @property
    def stages(self) -> tuple[tuple[Literal["in_stage", "not_in_stage"], int, str], ...]:
        """The stages that are named: under which key, at which place, and which."""
        return (
            *(("in_stage", index, name) for index, name in enumerate(self.in_stage or ())),
            *(("not_in_stage", index, name) for index, name in enumerate(self.not_in_stage or ())),
        )


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
    LifecycleCondition: "lifecycle",
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
    | Annotated[LifecycleCondition, Tag("lifecycle")]
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
    | LifecycleCondition
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


class Asking(Strict):
    """What asks profiles by trees of conditions: a segment, a lifecycle."""

    @property
    def trees(self) -> Iterator[tuple[Path, Condition]]:
        """Its trees, with their places."""
        raise NotImplementedError

    @property
    def leaves(self) -> Iterator[tuple[Path, Leaf]]:
        """Every condition that holds no other, with its place."""
        return (found for at, condition in self.trees for found in leaves(condition, at))

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments whose members it asks for."""
        named = (
            leaf.segment if isinstance(leaf, SegmentCondition) else leaf.inverse_of
            for _, leaf in self.leaves
            if isinstance(leaf, SegmentCondition | InverseCondition)
        )
        return tuple(dict.fromkeys(named))

    @property
    def lifecycles(self) -> tuple[str, ...]:
        """The lifecycles it asks for."""
        return tuple(dict.fromkeys(leaf.lifecycle for _, leaf in self.leaves if isinstance(leaf, LifecycleCondition)))

    @property
    def group_types(self) -> tuple[str, ...]:
        """The types of groups it asks for."""
        return tuple(dict.fromkeys(leaf.group.type for _, leaf in self.leaves if isinstance(leaf, GroupCondition)))

    @property
    def event_types(self) -> tuple[str, ...]:
        """The types of events it asks for."""
        return tuple(dict.fromkeys(leaf.event.type for _, leaf in self.leaves if isinstance(leaf, EventCondition)))

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties it asks for, but for those in SQL."""
        return tuple(dict.fromkeys(leaf.property for _, leaf in self.leaves if isinstance(leaf, PropertyCondition)))

    @property
    def written(self) -> list[tuple[Path, str]]:
        """The SQL of its conditions, with its place."""
        return list(sql_texts(self))


def sql_texts(one: Asking) -> Iterator[tuple[Path, str]]:
    """The SQL in the conditions of a segment or lifecycle, one after the other, with its place."""
    return (((*where, "sql"), leaf.sql) for where, leaf in one.leaves if isinstance(leaf, SqlCondition))


AllOf.model_rebuild()
AnyOf.model_rebuild()
NotOf.model_rebuild()
