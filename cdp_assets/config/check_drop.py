"""Cross rules of drop folders: what the customer model must hold for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cdp_assets.config.connections import Connection
from cdp_assets.config.drop_goals import CUSTOM
from cdp_assets.config.drop_headers import IDENTIFIERS, property_of
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.known import Known, Place, listed, nearest_first
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import PropertyType


def drop_places(goal: ImportGoal, known: Known) -> Iterator[Place]:
    """What a customer model lacks for a drop folder."""
    if goal.drop is None:
        return
    custom = known.properties.get(CUSTOM)
    if "property" not in known.lost and (
        CUSTOM not in known.properties or (custom and custom.type is not PropertyType.json)
    ):
        told = f"drop folders keep fields nobody declared in a property {CUSTOM!r}"
        yield (), f"{told}; add {{name: {CUSTOM}, type: json}} to the customer model"
    for header in dict.fromkeys([*IDENTIFIERS, *goal.drop.properties]):
        wanted = property_of(header, goal.drop)
        if known.unknown("property", wanted):
            cure = f"add it to the customer model, or name another below properties: {{{header}: …}}"
            yield ("properties",), f"{known.unknown('property', wanted)}; header {header} fills it: {cure}"
        found = known.properties.get(wanted)
        kind = PropertyType.email if header == "Email" else PropertyType.text
        if header in IDENTIFIERS and found and (found.type is not kind or found.multiple):
            yield ("properties",), f"header {header} needs a property of type {kind} with one value; {wanted!r} is not"


def metric_folder_places(model: CustomerModelConfig, connections: Sequence[Connection]) -> Iterator[Place]:
    """Metrics of drop folders that there are not."""
    folders = [one.name for one in connections if any(goal.drop is not None for goal in one.imports)]
    for index, metric in enumerate(model.metrics):
        if metric.folders not in folders:
            near = listed(nearest_first(metric.folders, folders)) if folders else "none is defined"
            yield ("metrics", index, "folders"), f"no drop folders {metric.folders!r}; accepted: {near}"


def metric_view_places(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    """Metrics that would share a view."""
    views: dict[str, str] = {}
    for index, metric in enumerate(model.metrics):
        if metric.view in views:
            told = f"metric {metric.name!r} would share the view {metric.view!r} with {views[metric.view]!r}"
            yield ("metrics", index, "name"), f"{told}; declare one of them"
        views.setdefault(metric.view, metric.name)
