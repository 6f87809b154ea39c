"""Cross rules of segments: names, what a condition asks of which type, and who needs whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from cdp_assets.config.known import Known, Place, listed, nearest_first
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import OWN_PROPERTIES, Property, PropertyType
from cdp_assets.config.questions import Asked, Question, operators_of
from cdp_assets.config.segments import InverseCondition, Leaf, PropertyCondition, SegmentCondition, circles

_OWN = {prop.name: prop for prop in OWN_PROPERTIES}
A_TIME = "a date and time such as 2026-01-31T00:00:00Z"


def segment_places(model: CustomerModelConfig, known: Known) -> Iterator[Place]:
    """Every mistake in the segments of a model."""
    yield from _names(model)
    for index, segment in enumerate(model.segments):
        for where, leaf in segment.leaves:
            for inside, message in _leaf(leaf, known):
                yield ("segments", index, "where", *where, *inside), message
    yield from _circles(model)


def _names(model: CustomerModelConfig) -> Iterator[Place]:
    names = [segment.name for segment in model.segments]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("segments", index, "name"), f"segment name {name!r} is taken by an earlier segment"


def _circles(model: CustomerModelConfig) -> Iterator[Place]:
    names = [segment.name for segment in model.segments]
    for way in circles(model.segments):
        told = " needs ".join(repr(name) for name in (*way, way[0]))
        message = f"a segment cannot need itself: {told}; take one of them out"
        yield ("segments", names.index(way[0]), "where"), message


def _leaf(leaf: Leaf, known: Known) -> Iterator[Place]:
    match leaf:
        case PropertyCondition():
            yield from _property_condition(leaf, known)
        case SegmentCondition():
            yield from (((("segment",), told),) if (told := known.unknown("segment", leaf.segment)) else ())
        case InverseCondition():
            yield from (((("inverse_of",), told),) if (told := known.unknown("segment", leaf.inverse_of)) else ())


def _property_condition(condition: PropertyCondition, known: Known) -> Iterator[Place]:
    name = condition.property
    prop = _OWN.get(name) or known.properties.get(name)
    if prop is not None:
        yield from question_places(condition, prop)
    elif known.unknown("property", name):
        near = listed(nearest_first(name, [*known.properties, *_OWN]))
        yield ("property",), f"unknown property {name!r}; known, nearest first: {near}"


def question_places(question: Question, prop: Property) -> Iterator[Place]:
    """What does not fit the type of the property, or field, that is asked."""
    asked = question.asked
    accepted = operators_of(prop.type)
    if asked.operator not in accepted:
        kinds = [kind for kind in PropertyType if asked.operator in operators_of(kind)]
        needs = f"{asked.operator} needs a property of type {listed(sorted(kinds))}"
        told = listed(sorted(accepted))
        yield (question.place,), f"{needs}; {prop.name!r} is {prop.type}; accepted: {told}"
        return
    inside = () if question.place in {"operator", "values"} else (question.place,)
    yield from ((((*inside, *where), message)) for where, message in _bounds(asked, prop))
    values = inside or ("values",)
    yield from ((((*values, index)), message) for index, message in _values(asked, prop))


def _bounds(asked: Asked, prop: Property) -> Iterator[Place]:
    wants_time = prop.type is PropertyType.datetime
    example = A_TIME if wants_time else "a number such as 100"
    for key, bound in (("min", asked.min), ("max", asked.max)):
        if bound is not None and isinstance(bound, datetime) != wants_time:
            yield (key,), f"{key} must be {example}; {prop.name!r} is {prop.type}"


def _values(asked: Asked, prop: Property) -> Iterator[tuple[int, str]]:
    for index, value in enumerate(asked.values):
        if prop.is_numeric and not _is_number(value):
            yield index, f"{str(value)!r} is no number; {prop.name!r} is {prop.type}"
        elif prop.type is PropertyType.datetime and not _is_time(value):
            yield index, f"{str(value)!r} is not {A_TIME}; {prop.name!r} is {prop.type}"
        elif isinstance(value, datetime) and prop.type is not PropertyType.datetime:
            yield index, f"put {value:%Y-%m-%d} in quotes as it stands in the data; {prop.name!r} is {prop.type}"


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, datetime) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, datetime) or bool(datetime.fromisoformat(str(value)))
    except ValueError:
        return False
