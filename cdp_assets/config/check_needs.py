"""Segments and lifecycles that ask for each other must not do so in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from cdp_assets.config.conditions import InverseCondition, Leaf, LifecycleCondition, SegmentCondition
from cdp_assets.config.known import Known, Location, Place
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.needs import Need, circles, lifecycle_id, segment_id
from cdp_assets.config.segments import Segment


def circle_places(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    """Every circle once, at the condition of its first part that leads into it."""
    places: dict[str, tuple[Location, Need]] = {}
    for index, segment in enumerate(model.segments):
        places.setdefault(segment_id(segment.name), (("segments", index), segment))
    for index, lifecycle in enumerate(model.lifecycles):
        places.setdefault(lifecycle_id(lifecycle.id), (("lifecycles", index), lifecycle))
    for way in circles((*model.segments, *model.lifecycles)):
        around = [_name(places[key][1]) for key in (*way, way[0])]
        where, first = places[way[0]]
        inside = next(at for at, leaf in first.leaves if _asked(leaf) == (*way, way[0])[1])
        kind = "segment" if isinstance(first, Segment) else "lifecycle"
        told = f"a {kind} cannot need itself: {' needs '.join(around)}; take one of them out"
        yield (*where, *inside), told


def _name(one: Need) -> str:
    return repr(one.name) if isinstance(one, Segment) else f"lifecycle {one.id!r}"


def _asked(leaf: Leaf) -> str:
    """The key of what a condition asks for; empty = no segment and no lifecycle."""
    match leaf:
        case SegmentCondition():
            return segment_id(leaf.segment)
        case InverseCondition():
            return segment_id(leaf.inverse_of)
        case LifecycleCondition():
            return lifecycle_id(leaf.lifecycle)
        case _:
            return ""
