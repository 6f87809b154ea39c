"""Cross rules: what must fit between things that are each valid alone.

Every rule is one small generator of places and messages. All of them always run, so an author sees every
mistake at once; each mistake is found by one rule only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from cdp_assets.config.check_drop import metric_folder_places, metric_view_places
from cdp_assets.config.check_events import event_type_places
from cdp_assets.config.check_exports import (
    Taken,
    export_key_places,
    export_places,
    export_target_places,
    viewed_places,
)
from cdp_assets.config.check_goals import import_places
from cdp_assets.config.check_lifecycles import lifecycle_places
from cdp_assets.config.check_needs import circle_places
from cdp_assets.config.check_returning import returning_places
from cdp_assets.config.check_segments import segment_places
from cdp_assets.config.connections import Connection
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.groups import RESERVED_GROUP_COLUMNS
from cdp_assets.config.known import Known, Location, Place, Unread, listed, nearest_first
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.config.properties import RESERVED_COLUMNS, Property
from cdp_assets.config.unread import as_far_as_read

RESERVED_CONNECTIONS = frozenset(
    {"model", "profiles", "products", "segments", "groups", "events", "interactions", "lifecycles"}
)
"""First parts of asset keys that are ours; no connection may take them."""
RESERVED_GOALS = frozenset({"files", "done"})
"""Assets every connection has beside its goals."""


@dataclass(frozen=True)
class Finding:
    """One mistake between parts of a deployment."""

    component: str
    """`model` or the connection's name."""
    location: Location
    """Path inside the component's attributes."""
    message: str
    connection: int | None = None
    """Place of the connection in `Deployment.connections`, as two may share a name; None = the model."""


def check(deployment: Deployment, unread: Unread | None = None) -> list[Finding]:
    """Every mistake between the parts of a deployment, in the order of its parts."""
    model = deployment.model
    known = Known.of(model, unread or Unread())
    places = [place for rule in _MODEL_RULES for place in as_far_as_read(rule(model, known))]
    places += as_far_as_read(metric_folder_places(model, deployment.connections))
    return [*(Finding("model", *place) for place in places), *as_far_as_read(_in_connections(deployment, known))]


def _in_connections(deployment: Deployment, known: Known) -> Iterator[Finding]:
    """Every mistake of the connections; one of which nothing could be read is the last."""
    taken: Taken = {}
    for index, connection in enumerate(deployment.connections):
        earlier = [other.name for other in deployment.connections[:index]]
        rules = (
            _connection_name(connection, earlier),
            _goal_names(connection),
            _served_objectives(connection, known),
            export_key_places(connection),
            _goal_places(connection, known),
            export_target_places(connection, known, taken),
            viewed_places(connection, deployment.connections),
            returning_places(connection, deployment.connections),
        )
        yield from (Finding(connection.name, *place, index) for rule in rules for place in as_far_as_read(rule))


def _served_objectives(connection: Connection, known: Known) -> Iterator[Place]:
    for index, name in enumerate(connection.objectives):
        unknown = known.unknown("objective", name)
        if unknown:
            yield ("objectives", index), unknown


def _goal_places(connection: Connection, known: Known) -> Iterator[Place]:
    for index, goal in enumerate(connection.goals):
        found = export_places(goal, known) if isinstance(goal, ExportProfilesGoal) else import_places(goal, known)
        yield from ((("goals", index, *where), message) for where, message in as_far_as_read(found))


def _property_names(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    yield from _names_of(model.properties, RESERVED_COLUMNS)


def _names_of(properties: Sequence[Property], reserved: Collection[str]) -> Iterator[Place]:
    seen: dict[str, str] = {}
    for index, prop in enumerate(properties):
        where, lower = ("properties", index, "name"), prop.name.lower()
        if lower in reserved:
            taken = listed(sorted(reserved))
            yield where, f"property name {prop.name!r} is reserved; take another name than: {taken}"
        elif lower in seen:
            yield where, f"property name {prop.name!r} is taken by {seen[lower]!r} (case does not count)"
        seen.setdefault(lower, prop.name)


def _display_name(model: CustomerModelConfig, known: Known) -> Iterator[Place]:
    if model.display_name is None:
        return
    unknown = known.unknown("property", model.display_name)
    if unknown:
        yield ("display_name",), unknown
    prop = known.properties.get(model.display_name)
    if prop is not None and prop.multiple:
        yield ("display_name",), f"{prop.name!r} holds several values; a profile is named by a property with one"


def _group_display_names(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    for index, kind in enumerate(model.group_types):
        named = {prop.name: prop for prop in kind.properties}
        if kind.display_name is None:
            continue
        if kind.display_name not in named:
            told = f"group type {kind.id!r} has no property {kind.display_name!r}; it has, nearest first:"
            yield ("group_types", index, "display_name"), f"{told} {listed(nearest_first(kind.display_name, named))}"
        elif named[kind.display_name].multiple:
            told = f"{kind.display_name!r} holds several values; a group is named by a property with one"
            yield ("group_types", index, "display_name"), told


def _group_types(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    names = [kind.id for kind in model.group_types]
    for index, kind in enumerate(model.group_types):
        if kind.id in names[:index]:
            yield ("group_types", index, "id"), f"group type {kind.id!r} is there already; give this one another id"
        owner = kind.id.removesuffix("_members")
        if owner != kind.id and owner in names:
            told = f"groups_{kind.id} is where the members of {owner!r} stand"
            yield ("group_types", index, "id"), f"{told}; give this group type another id"
        for where, message in _names_of(kind.properties, RESERVED_GROUP_COLUMNS):
            yield ("group_types", index, *where), message
        for place, prop in enumerate(kind.properties):
            if prop.group_type is not None:
                told = "only profiles belong to groups; a group's property cannot have a group_type"
                yield ("group_types", index, "properties", place, "group_type"), told


def _objectives(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    ids = [objective.id.lower() for objective in model.objectives]
    for index, one in enumerate(ids):
        if one in ids[:index]:
            told = f"objective {model.objectives[index].id!r} is there already (case does not count)"
            yield ("objectives", index, "id"), f"{told}; give this one another id"


def _links_to_groups(model: CustomerModelConfig, known: Known) -> Iterator[Place]:
    for index, prop in enumerate(model.properties):
        unknown = known.unknown("group type", prop.group_type) if prop.group_type is not None else None
        if unknown:
            yield ("properties", index, "group_type"), unknown


def _connection_name(connection: Connection, earlier: Collection[str]) -> Iterator[Place]:
    if connection.name in RESERVED_CONNECTIONS:
        taken = listed(sorted(RESERVED_CONNECTIONS))
        yield ("name",), f"connection name {connection.name!r} is reserved; take another name than: {taken}"
    elif connection.name in earlier:
        yield ("name",), f"connection name {connection.name!r} is taken by another connection"


def _goal_names(connection: Connection) -> Iterator[Place]:
    earlier: set[str] = set()
    for index, goal in enumerate(connection.goals):
        yield from ((("goals", index, "name"), told) for told in as_far_as_read(_goal_name(goal.name, earlier)))


def _goal_name(name: str, earlier: set[str]) -> Iterator[str]:
    """What is wrong with a goal's name; enters it among the earlier ones."""
    if name in RESERVED_GOALS:
        taken = listed(sorted(RESERVED_GOALS))
        yield f"goal name {name!r} is reserved; take another name than: {taken}"
    elif name in earlier:
        yield f"goal name {name!r} is taken by an earlier goal"
    earlier.add(name)


_MODEL_RULES: tuple[Callable[[CustomerModelConfig, Known], Iterator[Place]], ...] = (
    _property_names,
    _display_name,
    _group_types,
    _group_display_names,
    _links_to_groups,
    _objectives,
    segment_places,
    lifecycle_places,
    circle_places,
    event_type_places,
    metric_view_places,
)
