"""The goals that drop folders compile into, completed by the customer model."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.events import EventField, EventImport, EventMapping, EventType, FieldType
from cdp_assets.config.goals import Identifier, ImportProfilesGoal, Mapping, Rule
from cdp_assets.config.properties import Property, PropertyType

CUSTOM = "custom"
"""The property that gathers what nobody declared."""


METRIC_FIELD, VALUE_FIELD, PROPERTIES_FIELD = "metric", "value", "properties"
"""Fields of the events of a drop folder."""


def dropped_event_type(name: str) -> EventType:
    """The type of all events of the drop folders of this name."""
    return EventType(
        id=name,
        description=f"Events dropped into the folders of {name}.",
        fields=(
            EventField(key=METRIC_FIELD, name="Name of the metric"),
            EventField(key=VALUE_FIELD, name="Value, such as an amount", type=FieldType.decimal),
            EventField(key=PROPERTIES_FIELD, name="Everything else that the file says of it", type=FieldType.json),
        ),
    )


def is_dropped(kind: EventType) -> bool:
    """Whether it is the type of the events of drop folders."""
    return kind.fields == dropped_event_type(kind.id).fields


def dropped_events(name: str) -> EventImport:
    """How a landing brings them."""
    return EventImport(
        type=name,
        id=event_cell("id"),
        date=event_cell("date"),
        mappings=tuple(
            EventMapping(column=event_cell(key), property=key) for key in (METRIC_FIELD, VALUE_FIELD, PROPERTIES_FIELD)
        ),
    )


def event_cell(name: str) -> str:
    """What a landing calls the cells of an event."""
    return f"-> event: {name}"


def field_of(name: str) -> str:
    """What a landing calls the cells that go into a property; no column of a file has such a name."""
    return f"-> {name}"


def with_all_properties(goal: ImportProfilesGoal, properties: Sequence[Property]) -> ImportProfilesGoal:
    """A drop folder's goal with every property that a header may name; which it does, each file tells."""
    own = {mapping.property for mapping in goal.mappings}
    more = tuple(
        dropped_mapping(prop.name, Rule.patch if prop.type is PropertyType.json else Rule.set)
        for prop in sorted(properties, key=lambda prop: prop.name)
        if prop.name not in own and (prop.name == CUSTOM or prop.type is not PropertyType.json)
    )
    return goal.model_copy(update={"mappings": (*goal.mappings, *more)})


def dropped_identifier(name: str) -> Identifier:
    """Cells that find a profile by this property."""
    return Identifier(column=field_of(name), property=name)


def dropped_mapping(name: str, rule: Rule) -> Mapping:
    """Cells that go into this property."""
    return Mapping(column=field_of(name), property=name, rule=rule)
