"""Conditions on what belongs to a profile: its timeline events and its groups (spec.md 9.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from cdp_assets.config.base import Name, PropertyName, Strict
from cdp_assets.config.events import EventTypeId
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.config.questions import Days, Hours, PropertyCondition, Question, Range

EVENT_PROPERTIES = {
    "date": Property(name="date", type=PropertyType.datetime),
    "event_id": Property(name="event_id"),
}
"""What every event has beside its fields, and can be asked for like them."""
Total = Annotated[Decimal, Field(allow_inf_nan=False, ge=-(10**24), le=10**24)]
Times = Annotated[int, Field(ge=0, le=10**9)]


class FieldCondition(Question):
    """One question about one field of an event or an item, or about the event's `date` or `event_id`."""

    field: PropertyName
    """Key of the field; or `date` or `event_id`."""


class ItemTest(Strict):
    """Asks for at least one item of a nested field that meets all conditions."""

    of: PropertyName
    """Key of the nested field, such as product."""
    where: tuple[FieldCondition, ...] = Field(min_length=1)
    """What one and the same item must meet, all of it."""


class Count(Strict):
    """How many there must be."""

    at_least: Times | None = None
    """How many, or more."""
    at_most: Times | None = None
    """How many, or less."""

    @model_validator(mode="after")
    def _in_order(self) -> Count:
        _check_limits(self.at_least, self.at_most)
        return self


class Sum(Strict):
    """What a number comes to, over all events that fit; nothing counts as 0."""

    field: PropertyName
    """Key of the field that holds the number."""
    of: PropertyName | None = None
    """Key of a nested field: the number is one of its items', and those count that meet `items`."""
    at_least: Total | None = None
    """The total, or more."""
    at_most: Total | None = None
    """The total, or less."""

    @model_validator(mode="after")
    def _in_order(self) -> Sum:
        _check_limits(self.at_least, self.at_most)
        return self


def _check_limits(low: Decimal | int | None, high: Decimal | int | None) -> None:
    if low is None and high is None:
        message = "needs at_least, at_most or both"
        raise ValueError(message)
    if low is not None and high is not None and low > high:
        message = f"at_least {low} is above at_most {high}: nothing fits"
        raise ValueError(message)


class EventTest(Strict):
    """Which events are meant, and how many of them, with what total, a profile must have."""

    type: EventTypeId
    """Event type."""
    where: tuple[FieldCondition, ...] = ()
    """What one and the same event must meet, all of it."""
    items: tuple[ItemTest, ...] = ()
    """Likewise, of its items."""
    in_last_days: Days | None = None
    """Only events of so many times 24 hours before the run."""
    in_last_hours: Hours | None = None
    """Only events of so many hours before the run."""
    in_range: Range | None = None
    """Only events from `min` to `max`."""
    count: Count = Count(at_least=1)
    """Left out = at least one."""
    sum: Sum | None = None
    """What a number of these events must come to; left out = anything."""

    @property
    def conditions(self) -> tuple[FieldCondition, ...]:
        """`where` and what is asked of the date."""
        given = {"in_last_days": self.in_last_days, "in_last_hours": self.in_last_hours, "in_range": self.in_range}
        dates = [FieldCondition.model_validate({"field": "date", key: value}) for key, value in given.items() if value]
        return (*self.where, *dates)


class EventCondition(Strict):
    """True for profiles with such events; without `count: {at_least: 0}` not for those who have none."""

    event: EventTest
    """Which events, and how many."""


class GroupTest(Strict):
    """Which groups are meant, and to how many of them a profile must belong."""

    type: Name
    """Group type."""
    where: tuple[PropertyCondition, ...] = ()
    """What one and the same group must meet, all of it."""
    count: Count = Count(at_least=1)
    """Left out = at least one."""


class GroupCondition(Strict):
    """True for profiles that belong to such groups; a group that no file has told of is none."""

    group: GroupTest
    """Which groups, and how many."""
