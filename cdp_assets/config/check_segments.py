"""Cross rules of segments: names, what a condition asks of which type, and who needs whom."""

from __future__ import annotations

from collections.abc import Iterator

from cdp_assets.config.check_questions import question_places
from cdp_assets.config.check_related import event_places, group_places
from cdp_assets.config.known import Known, Place, listed, nearest_first
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import OWN_PROPERTIES
from cdp_assets.config.questions import PropertyCondition
from cdp_assets.config.related import EventCondition, GroupCondition
from cdp_assets.config.segments import InverseCondition, Leaf, ObjectiveCondition, SegmentCondition, circles

_OWN = {prop.name: prop for prop in OWN_PROPERTIES}


def segment_places(model: CustomerModelConfig, known: Known) -> Iterator[Place]:
    """Every mistake in the segments of a model."""
    yield from _names(model)
    for index, segment in enumerate(model.segments):
        for where, leaf in segment.leaves:
            for inside, message in leaf_places(leaf, known):
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


def leaf_places(leaf: Leaf, known: Known) -> Iterator[Place]:
    """Every mistake of one condition; places are inside it."""
    match leaf:
        case PropertyCondition():
            yield from _property_condition(leaf, known)
        case SegmentCondition() if told := known.unknown("segment", leaf.segment):
            yield ("segment",), told
        case InverseCondition() if told := known.unknown("segment", leaf.inverse_of):
            yield ("inverse_of",), told
        case ObjectiveCondition() if told := known.unknown("objective", leaf.objective):
            yield ("objective",), told
        case EventCondition():
            yield from ((("event", *where), told) for where, told in event_places(leaf.event, known))
        case GroupCondition():
            yield from ((("group", *where), told) for where, told in group_places(leaf.group, known))


def _property_condition(condition: PropertyCondition, known: Known) -> Iterator[Place]:
    name = condition.property
    prop = _OWN.get(name) or known.properties.get(name)
    if prop is not None:
        yield from question_places(condition, prop)
    elif known.unknown("property", name):
        near = listed(nearest_first(name, [*known.properties, *_OWN]))
        yield ("property",), f"unknown property {name!r}; known, nearest first: {near}"
