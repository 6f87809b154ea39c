"""What a condition asks of the values of one property, or of one field of an event or a group (spec.md 9.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cdp_assets.config.base import PropertyName, Strict
from cdp_assets.config.properties import NUMERIC, PropertyType


class Operator(StrEnum):
    """What is asked; text compares without regard to case. The `not_` forms are true where there is no value."""

    contains_any = "contains_any"
    not_contains_any = "not_contains_any"
    contains_all = "contains_all"
    not_contains_all = "not_contains_all"
    is_empty = "is_empty"
    not_is_empty = "not_is_empty"
    in_range = "in_range"
    not_in_range = "not_in_range"
    in_last_days = "in_last_days"
    not_in_last_days = "not_in_last_days"
    in_next_days = "in_next_days"
    not_in_next_days = "not_in_next_days"
    in_last_hours = "in_last_hours"
    not_in_last_hours = "not_in_last_hours"
    in_next_hours = "in_next_hours"
    not_in_next_hours = "not_in_next_hours"

    @property
    def positive(self) -> Operator:
        """The operator this one is the opposite of, or itself."""
        return Operator(self.removeprefix("not_"))


VALUE_OPERATORS = frozenset(one for one in Operator if "contains" in one)
RANGE_OPERATORS = frozenset(one for one in Operator if one.endswith("in_range"))
DAY_OPERATORS = frozenset(one for one in Operator if one.endswith("_days"))
HOUR_OPERATORS = frozenset(one for one in Operator if one.endswith("_hours"))
EMPTY_OPERATORS = frozenset({Operator.is_empty, Operator.not_is_empty})
_FOR_NUMBERS = VALUE_OPERATORS | EMPTY_OPERATORS | RANGE_OPERATORS


def operators_of(kind: PropertyType) -> frozenset[Operator]:
    """The operators that make sense for values of a type."""
    if kind is PropertyType.datetime:
        return frozenset(Operator)
    return _FOR_NUMBERS if kind in NUMERIC else VALUE_OPERATORS | EMPTY_OPERATORS


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        message = "put it in quotes: YAML reads yes, no, on and off without them as true and false"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError with its place, and nothing else
    return value


Bound = Annotated[Decimal, Field(allow_inf_nan=False)] | datetime
Value = Annotated[str | int | Decimal | datetime, BeforeValidator(_no_truth)]
Values = Annotated[tuple[Value, ...], Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=36_500)]
"""Of 24 hours each."""
Hours = Annotated[int, Field(ge=1, le=876_000)]


class Range(Strict):
    """From `min` to `max`, both included; one that is left out is open."""

    min: Bound | None = None
    """The lowest value that fits; left out = open."""
    max: Bound | None = None
    """The highest value that fits; left out = open."""

    @model_validator(mode="after")
    def _holds_something(self) -> Range:
        if self.min is None and self.max is None:
            message = "needs min, max or both"
            raise ValueError(message)
        _check_order(self.min, self.max)
        return self


def _check_order(low: Decimal | datetime | None, high: Decimal | datetime | None) -> None:
    """Bounds of two kinds are told when the property they are for is known."""
    numbers = isinstance(low, Decimal) and isinstance(high, Decimal) and low > high
    times = isinstance(low, datetime) and isinstance(high, datetime) and in_utc(low) > in_utc(high)
    if numbers or times:
        message = f"min {low} is above max {high}: nothing fits"
        raise ValueError(message)


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC, which is also what one without a zone is in."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True)
class Asked:
    """One operator and what belongs to it, however it was written."""

    operator: Operator
    values: tuple[str | int | Decimal | datetime, ...] = ()
    min: Decimal | datetime | None = None
    max: Decimal | datetime | None = None
    span: timedelta = timedelta()
    """For `in_last_…` and `in_next_…`."""


class Question(Strict):
    """One operator as a key (`in_last_days: 30`), or as `operator` with what belongs to it beside it."""

    operator: Operator | None = None
    """With `values`, `min` and `max`, `days` or `hours`; left out beside `values` = contains_any."""
    values: tuple[Value, ...] = ()
    """For the `contains` operators: the values looked for."""
    min: Bound | None = None
    """For ranges: the lowest value that fits, inclusive; left out = open."""
    max: Bound | None = None
    """For ranges: the highest value that fits, inclusive; left out = open."""
    days: Days | None = None
    """For operators of days: how many, of 24 hours each."""
    hours: Hours | None = None
    """For operators of hours: how many."""
    contains_any: Values | None = None
    """Has one of these values."""
    not_contains_any: Values | None = None
    """Has none of these values, or no value."""
    contains_all: Values | None = None
    """Has all of these values."""
    not_contains_all: Values | None = None
    """Lacks at least one of these values."""
    is_empty: Literal[True] | None = None
    """Has no value."""
    not_is_empty: Literal[True] | None = None
    """Has a value."""
    in_range: Range | None = None
    """Has a value from `min` to `max`, both included."""
    not_in_range: Range | None = None
    """Has no value from `min` to `max`."""
    in_last_days: Days | None = None
    """Has a moment from so many times 24 hours before the run to the run."""
    not_in_last_days: Days | None = None
    """Has no moment from so many times 24 hours before the run to the run."""
    in_next_days: Days | None = None
    """Has a moment from the run to so many times 24 hours after it."""
    not_in_next_days: Days | None = None
    """Has no moment from the run to so many times 24 hours after it."""
    in_last_hours: Hours | None = None
    """Has a moment from so many hours before the run to the run."""
    not_in_last_hours: Hours | None = None
    """Has no moment from so many hours before the run to the run."""
    in_next_hours: Hours | None = None
    """Has a moment from the run to so many hours after it."""
    not_in_next_hours: Hours | None = None
    """Has no moment from the run to so many hours after it."""

    @model_validator(mode="after")
    def _one_operator(self) -> Question:
        given = [*([self.operator] if self.operator else []), *self._keys()]
        if not given and not self.values:
            message = "asks nothing; add an operator, such as contains_any: [red, blue], or is_empty: true"
            raise ValueError(message)
        if len(given) > 1:
            message = f"give one operator, not {' and '.join(given)}; join two conditions with all or any"
            raise ValueError(message)
        self._check_operands()
        return self

    def _keys(self) -> list[Operator]:
        return [one for one in Operator if getattr(self, one) is not None]

    def _check_operands(self) -> None:
        """What stands beside the operator is what it takes, no more and no less."""
        keys = self._keys()
        operator = keys[0] if keys else self.operator or Operator.contains_any
        for operands, wanted, named, given in self._operands(operator):
            if not keys and wanted != given:
                message = f"{operator} {'needs' if wanted else 'takes no'} {named if wanted else operands}"
                raise ValueError(message)
            if keys and given:
                message = f"{operator} has its own operand; remove {operands}"
                raise ValueError(message)
        _check_order(self.min, self.max)

    def _operands(self, operator: Operator) -> Iterator[tuple[str, bool, str, bool]]:
        has_range = self.min is not None or self.max is not None
        yield "values", operator in VALUE_OPERATORS, "values", bool(self.values)
        yield "min or max", operator in RANGE_OPERATORS, "min, max or both", has_range
        yield "days", operator in DAY_OPERATORS, "days", self.days is not None
        yield "hours", operator in HOUR_OPERATORS, "hours", self.hours is not None

    @property
    def place(self) -> str:
        """The key that names the operator, where there is one; else the one whose value tells it."""
        keys = self._keys()
        return keys[0] if keys else "operator" if self.operator else "values"

    @property
    def asked(self) -> Asked:
        """The operator with its operands, in one form."""
        keys = self._keys()
        if not keys:
            span = timedelta(days=self.days or 0, hours=self.hours or 0)
            return Asked(self.operator or Operator.contains_any, self.values, self.min, self.max, span)
        operator, operand = keys[0], getattr(self, keys[0])
        if operator in VALUE_OPERATORS:
            return Asked(operator, values=operand)
        if operator in RANGE_OPERATORS:
            return Asked(operator, min=operand.min, max=operand.max)
        if operator in DAY_OPERATORS:
            return Asked(operator, span=timedelta(days=operand))
        return Asked(operator, span=timedelta(hours=operand) if operator in HOUR_OPERATORS else timedelta())


class PropertyCondition(Question):
    """One question about one property, or about creation_date, last_modified_date or domain_group."""

    property: PropertyName
    """Property whose values are asked for."""
