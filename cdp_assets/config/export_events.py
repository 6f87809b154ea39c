"""Timeline events beside an export's profiles: which types, of which period, in files of which names (spec.md 10.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cdp_assets.config.base import Strict
from cdp_assets.config.events import INTERACTIONS, EventField, EventType, EventTypeId, ItemField

EVENT_HEADER = ("profile_id", "event_id", "event_type", "date")
"""The first columns of a file of events; the fields of the type follow."""
ITEM_HEADER = ("profile_id", "event_id", "index")
"""Likewise, of a file of nested items."""
MOST_DAYS = 36_500


class ExportPeriod(Strict):
    """Events before or after the start of the run, by their dates; a day is 24 hours."""

    last_days: int | None = Field(default=None, ge=1, le=MOST_DAYS)
    """From so many days before the start of the run up to it."""
    next_days: int | None = Field(default=None, ge=1, le=MOST_DAYS)
    """After the start of the run, up to so many days later."""

    @model_validator(mode="after")
    def _one_side(self) -> ExportPeriod:
        if (self.last_days is None) == (self.next_days is None):
            message = "a period is `all`, {last_days: X} or {next_days: X}"
            raise ValueError(message)
        return self


class ExportEvents(Strict):
    """The events of the segment's members, changed or not: one file for each type, and one for each nested field."""

    types: Literal["all"] | Annotated[tuple[EventTypeId, ...], Field(min_length=1)]
    """Event types; those named have a file even without events, `all` leaves out types that nobody has events of."""
    period: Literal["all"] | ExportPeriod = "all"
    naming: Literal["literal", "stamped"] = "literal"
    """literal = `order.csv`, replaced each run; stamped = `order_<start of the run>.csv`, a new file each run."""

    @model_validator(mode="after")
    def _types_differ(self) -> ExportEvents:
        twice = sorted({name for name in self.types if self.types.count(name) > 1}) if self.types != "all" else []
        if twice:
            message = f"event type {twice[0]!r} stands in `types` twice"
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class EventStream:
    """What one file of events holds: the events of a type, or the items of one of its nested fields."""

    kind: EventType
    nested: EventField | None = None

    @property
    def name(self) -> str:
        """What the file is called, without time and extension."""
        return f"{self.kind.id}_{self.nested.key}" if self.nested else self.kind.id

    @property
    def fields(self) -> Sequence[ItemField]:
        """The fields it shows, in their order."""
        return self.nested.fields if self.nested else self.kind.values

    @property
    def header(self) -> tuple[str, ...]:
        """The headers of its columns before processors, in order."""
        return (*(ITEM_HEADER if self.nested else EVENT_HEADER), *(field.key for field in self.fields))


def event_streams(kinds: Sequence[EventType]) -> tuple[EventStream, ...]:
    """The files of these types, each type's own before those of its items."""
    return tuple(EventStream(kind, nested) for kind in kinds for nested in (None, *kind.nested))


def chosen_types(events: ExportEvents | None, known: Sequence[EventType]) -> tuple[EventType, ...]:
    """The types that are exported, of those that are known, in the order of the setting."""
    if events is None:
        return ()
    if events.types == "all":
        # Interactions are no timeline events; who wants a file of them names them.
        return tuple(kind for kind in known if kind.id != INTERACTIONS)
    return tuple(kind for name in events.types for kind in known if kind.id == name)
