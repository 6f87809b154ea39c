"""Cross rules of segments: names, and what a condition asks of which type."""

from __future__ import annotations

from collections.abc import Iterator

from cdp_assets.config.check_questions import question_places
from cdp_assets.config.check_related import event_places, group_places
from cdp_assets.config.conditions import (
    Asking,
    InverseCondition,
    Leaf,
    LifecycleCondition,
    ObjectiveCondition,
    SegmentCondition,
)
from cdp_assets.config.known import Known, Place, unknown_name
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import OWN_PROPERTIES
from cdp_assets.config.questions import PropertyCondition
from cdp_assets.config.related import EventCondition, GroupCondition
from cdp_assets.config.unread import as_far_as_read

_OWN = {prop.name: prop for prop in OWN_PROPERTIES}


def segment_places(model: CustomerModelConfig, known: Known) -> Iterator[Place]:
    """Every mistake in the segments of a model."""
    yield from _names(model)
    for index, segment in enumerate(model.segments):
        for where, message in as_far_as_read(asked_places(segment, known)):
            yield ("segments", index, *where), message


def asked_places(one: Asking, known: Known) -> Iterator[Place]:
    """Every mistake in the conditions of a segment or lifecycle; places are inside it."""
    for where, leaf in one.leaves:
        yield from (((*where, *inside), message) for inside, message in as_far_as_read(leaf_places(leaf, known)))


def _names(model: CustomerModelConfig) -> Iterator[Place]:
    names = [segment.name for segment in model.segments]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("segments", index, "name"), f"segment name {name!r} is taken by an earlier segment"


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
        case LifecycleCondition():
            yield from _lifecycle_condition(leaf, known)
        case EventCondition():
            yield from ((("event", *where), told) for where, told in event_places(leaf.event, known))
        case GroupCondition():
            yield from ((("group", *where), told) for where, told in group_places(leaf.group, known))


def _lifecycle_condition(condition: LifecycleCondition, known: Known) -> Iterator[Place]:
    if told := known.unknown("lifecycle", condition.lifecycle):
        yield ("lifecycle",), told
    for key, index, stage in condition.stages:
        if told := known.unknown_stage(condition.lifecycle, stage):
            yield (key, index), told


def _property_condition(condition: PropertyCondition, known: Known) -> Iterator[Place]:
    name = condition.property
    prop = _OWN.get(name) or known.properties.get(name)
    if prop is not None:
        yield from question_places(condition, prop)
    elif known.unknown("property", name):
        accepted = [*known.properties, *_OWN]
        yield ("property",), unknown_name(f"property {name!r}", name, accepted, f"properties: [{{name: {name}}}]")
