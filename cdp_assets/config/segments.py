"""Segments: a name and a tree of conditions over properties (spec.md 9.2)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from cdp_assets.config.base import Name, PropertyName, Strict


class Operator(StrEnum):
    """What a condition asks of a property's values; text compares without regard to case."""

    contains_any = "contains_any"
    not_contains_any = "not_contains_any"
    contains_all = "contains_all"
    not_contains_all = "not_contains_all"
    is_empty = "is_empty"
    not_is_empty = "not_is_empty"
    in_range = "in_range"
    not_in_range = "not_in_range"


VALUE_OPERATORS = frozenset(
    {Operator.contains_any, Operator.not_contains_any, Operator.contains_all, Operator.not_contains_all}
)
RANGE_OPERATORS = frozenset({Operator.in_range, Operator.not_in_range})

Bound = Annotated[Decimal, Field(allow_inf_nan=False)] | datetime
Value = str | int | Decimal


class PropertyCondition(Strict):
    """One question about one property. The `not_` forms are true for an empty property."""

    property: PropertyName
    operator: Operator
    values: tuple[Value, ...] = ()
    """For the `contains` operators: the values looked for."""
    min: Bound | None = None
    """For ranges: the lowest value that fits, inclusive; left out = open."""
    max: Bound | None = None
    """For ranges: the highest value that fits, inclusive; left out = open."""

    @model_validator(mode="after")
    def _operands_fit_the_operator(self) -> PropertyCondition:
        wants_values = self.operator in VALUE_OPERATORS
        wants_range = self.operator in RANGE_OPERATORS
        has_range = self.min is not None or self.max is not None
        if wants_values != bool(self.values):
            message = f"{self.operator} {'needs' if wants_values else 'takes no'} values"
            raise ValueError(message)
        if wants_range != has_range:
            message = f"{self.operator} {'needs min, max or both' if wants_range else 'takes no min or max'}"
            raise ValueError(message)
        return self


class AllOf(Strict):
    """True where every condition is."""

    all: tuple[Condition, ...] = Field(min_length=1)


class AnyOf(Strict):
    """True where at least one condition is."""

    any: tuple[Condition, ...] = Field(min_length=1)


def _kind(value: Any) -> str:
    if isinstance(value, AllOf) or (isinstance(value, dict) and "all" in value):
        return "all"
    if isinstance(value, AnyOf) or (isinstance(value, dict) and "any" in value):
        return "any"
    return "property"


Condition = Annotated[
    Annotated[AllOf, Tag("all")] | Annotated[AnyOf, Tag("any")] | Annotated[PropertyCondition, Tag("property")],
    Discriminator(_kind),
]


class Segment(Strict):
    """A named set of profiles, worked out anew from the warehouse each time it is materialised."""

    name: Name
    title: str = ""
    """The name people see in files and columns; empty = the name itself."""
    description: str = ""
    where: Condition
    """The condition every member meets."""

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name


AllOf.model_rebuild()
AnyOf.model_rebuild()
