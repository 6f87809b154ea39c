"""Cross rules of conditions on events and groups: types and fields exist, and what is asked fits them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cdp_assets.config.check_questions import question_places
from cdp_assets.config.events import EventType
from cdp_assets.config.known import Known, Place, added_field, listed, nearest_first, unknown_name
from cdp_assets.config.properties import Property
from cdp_assets.config.related import EVENT_PROPERTIES, EventTest, FieldCondition, GroupTest, Sum


def event_places(test: EventTest, known: Known) -> Iterator[Place]:
    """Every mistake of a condition on events."""
    unknown = known.unknown("event type", test.type)
    kind = known.event_types.get(test.type)
    if unknown:
        yield ("type",), unknown
    if kind is None:
        return
    own = {**EVENT_PROPERTIES, **{field.key: field.prop for field in kind.values}}
    yield from _fields(test.where, own, kind)
    if test.in_range is not None:
        (asked,) = (one for one in test.conditions[len(test.where) :] if one.in_range is not None)
        yield from question_places(asked, EVENT_PROPERTIES["date"])
    for index, item in enumerate(test.items):
        props, message = _items(item.of, kind)
        if message:
            yield ("items", index, "of"), message
        else:
            yield from ((("items", index, *where), told) for where, told in _fields(item.where, props, kind, item.of))
    if test.sum is not None:
        yield from ((("sum", *where), told) for where, told in _sum(test.sum, kind))


def _items(key: str, kind: EventType) -> tuple[Mapping[str, Property], str]:
    """The fields of a nested field's items, or what is wrong."""
    field = kind.find_field(key)
    if field is not None and field.fields:
        return {item.key: item.prop for item in field.fields}, ""
    accepted = listed(nearest_first(key, [item.key for item in kind.nested]))
    return {}, f"event type {kind.id!r} has no nested field {key!r}; accepted: {accepted}"


def _fields(
    where: Sequence[FieldCondition], props: Mapping[str, Property], kind: EventType, nested: str = ""
) -> Iterator[Place]:
    for index, condition in enumerate(where):
        prop = props.get(condition.field)
        if prop is None:
            yield ("where", index, "field"), _unknown_field(condition.field, props, kind, nested)
            continue
        yield from ((("where", index, *at), told) for at, told in question_places(condition, prop))


def _unknown_field(key: str, props: Mapping[str, Property], kind: EventType, nested: str) -> str:
    field = kind.find_field(key)
    if field is not None and field.fields and key not in props:
        return f"field {key!r} of event type {kind.id!r} holds items; write items: [{{of: {key}, where: […]}}] instead"
    added = added_field(kind.id, key, nested)
    return unknown_name(f"field {key!r} of event type {kind.id!r}", key, props.keys(), added)


def _sum(total: Sum, kind: EventType) -> Iterator[Place]:
    props: Mapping[str, Property] = {field.key: field.prop for field in kind.values}
    if total.of is not None:
        props, message = _items(total.of, kind)
        if message:
            yield ("of",), message
            return
    prop = props.get(total.field)
    numbers = [name for name, one in props.items() if one.is_numeric and not one.multiple]
    if prop is None:
        yield ("field",), _unknown_field(total.field, props, kind, total.of or "")
    elif prop.name not in numbers:
        told = listed(nearest_first(total.field, numbers))
        yield ("field",), f"{total.field!r} is no single number, so it has no sum; accepted: {told}"


def group_places(test: GroupTest, known: Known) -> Iterator[Place]:
    """Every mistake of a condition on groups."""
    unknown = known.unknown("group type", test.type)
    if unknown:
        yield ("type",), unknown
        return
    inside = known.of_group(test.type)
    for index, condition in enumerate(test.where):
        prop = inside.properties.get(condition.property)
        if prop is not None:
            yield from ((("where", index, *at), told) for at, told in question_places(condition, prop))
        elif message := inside.unknown("property", condition.property):
            yield ("where", index, "property"), message
