"""One component as it was written, turned into config, or into everything that is wrong with it.

Where the whole cannot be read, its parts are read one by one, so that the cross rules can already run on the
good ones and the author sees all mistakes at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from cdp_assets.components.event_plugins import read_event_plugin
from cdp_assets.components.templates import render
from cdp_assets.components.wording import places, unknown_keys
from cdp_assets.components.yaml_files import Lines, line_of, shown_path
from cdp_assets.config.base import DomainGroup
from cdp_assets.config.connections import Connection
from cdp_assets.config.consent import Objective
from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.events import EventType
from cdp_assets.config.goals import Goal
from cdp_assets.config.groups import GroupType
from cdp_assets.config.known import Location
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property
from cdp_assets.config.segments import Segment
from cdp_assets.errors import Problem

M = TypeVar("M", bound=BaseModel)

COMPONENT_NAMES: Mapping[type[BaseModel], str] = {
    Connection: "SftpConnection",
    CustomerModelConfig: "CustomerModel",
    DropFolders: "DropFolders",
}
NAMELESS = ""
"""Stands among the names of unread parts for one whose name could not be read either."""
_PARTS: Mapping[type[BaseModel], Mapping[str, Any]] = {
    Connection: {"goals": Goal},
    CustomerModelConfig: {
        "properties": Property,
        "segments": Segment,
        "lifecycles": Lifecycle,
        "event_types": EventType,
        "group_types": GroupType,
        "objectives": Objective,
        "domain_groups": DomainGroup,
    },
    DropFolders: {},
}
_NAMED_BY: Mapping[Any, str] = {EventType: "id", GroupType: "id", Lifecycle: "id", Objective: "id"}
"""Key of the name that others use for a part, where it is not `name`."""


@dataclass(frozen=True)
class Written:
    """The attributes of one component, with the lines they stand on."""

    shown: str = ""
    """The file, as the user would name it; empty when they came from Python."""
    attributes: Any = None
    lines: Lines = field(default_factory=dict)
    """Below `attributes`; the empty path is the component itself."""

    def problem(self, location: Location, message: str) -> Problem:
        """A mistake at a place in the attributes."""
        return Problem(self.shown, line_of(self.lines, location), message)


@dataclass(frozen=True)
class Reading(Generic[M]):
    """What came of reading one component."""

    written: Written
    value: M | None
    """None if there are problems."""
    readable: M
    """`value`, or an object with only those parts that could be read."""
    indexes: Mapping[str, tuple[int, ...]]
    """For each list of parts, the place in the YAML of every readable one."""
    unread: Mapping[str, frozenset[str]]
    """For each list of parts, the names of those that could not be read."""
    mistakes: tuple[tuple[Location, str], ...] = ()
    elsewhere: tuple[Problem, ...] = ()
    """What is wrong in files that the YAML names."""

    @property
    def problems(self) -> list[Problem]:
        """Every mistake with its line."""
        return [*(self.written.problem(where, message) for where, message in self.mistakes), *self.elsewhere]

    def place(self, location: Location) -> Location:
        """Where in the YAML a place in `readable` stands."""
        if len(location) > 1 and location[0] in self.indexes and isinstance(location[1], int):
            return (location[0], self.indexes[str(location[0])][location[1]], *location[2:])
        return location


def read(written: Written, model: type[M], scope: Mapping[str, Any]) -> Reading[M]:
    """Render the templates, validate, and keep what is readable."""
    data, mistakes = render(written.attributes or {}, scope)
    elsewhere: list[Problem] = []
    if model is CustomerModelConfig:
        data, elsewhere = _with_event_files(data, written)
    value: M | None = None
    templates = {where for where, _ in mistakes}
    try:
        value = model.model_validate(data)
    except ValidationError as error:
        # The template itself is the mistake, not that its text is no number.
        found = places(error, model, data, COMPONENT_NAMES[model])
        mistakes = mistakes + [place for place in found if place[0] not in templates]
    if value is not None and not mistakes and not elsewhere:
        indexes = {name: tuple(range(len(getattr(value, name)))) for name in _PARTS[model]}
        return Reading(written, value, value, indexes, {})
    parts = {name: _readable_parts(data, name, kind) for name, kind in _PARTS[model].items()}
    lists = {part: tuple(found.values()) for part, (found, _) in parts.items()}
    readable = model.model_construct(None, **_name_of(data, written, model), **lists)
    indexes = {part: tuple(found) for part, (found, _) in parts.items()}
    unread = {part: names for part, (_, names) in parts.items()}
    if elsewhere:
        unread["event_types"] |= {NAMELESS}
    return Reading(written, None, readable, indexes, unread, tuple(mistakes), tuple(elsewhere))


def _with_event_files(data: Any, written: Written) -> tuple[Any, list[Problem]]:
    """The model's data with the event types of its plugin files behind its own."""
    names = data.get("event_type_files") if isinstance(data, dict) else None
    own = data.get("event_types", []) if isinstance(data, dict) else None
    if not isinstance(names, list) or not isinstance(own, list):
        return data, []
    types, problems = list(own), []
    for index, name in enumerate(names):
        if not isinstance(name, str):
            continue
        if not Path(name).is_file():
            told = f"there is no file {name!r}; a path is relative to the working directory"
            problems.append(written.problem(("event_type_files", index), told))
            continue
        found, wrong = read_event_plugin(Path(name), shown_path(Path(name)))
        types += [found] if found else []
        problems += wrong
    return data | {"event_types": types}, problems


def _name_of(data: Any, written: Written, model: type[BaseModel]) -> dict[str, str]:
    """The name, or one that nothing else has."""
    name = data.get("name") if isinstance(data, dict) else None
    unique = f"?{written.shown}:{line_of(written.lines, ())}"
    return {"name": name if isinstance(name, str) else unique} if "name" in model.model_fields else {}


def _readable_parts(data: Any, name: str, kind: Any) -> tuple[dict[int, Any], frozenset[str]]:
    """The valid items by their place, and the names of the others."""
    items = data.get(name) if isinstance(data, dict) else None
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    found: dict[int, Any] = {}
    unread: set[str] = set()
    for index, item in enumerate(items if isinstance(items, list) else []):
        part = _readable_part(adapter, kind, item)
        if part is not None:
            found[index] = part
        else:
            part_name = item.get(_NAMED_BY.get(kind, "name")) if isinstance(item, dict) else None
            unread.add(part_name if isinstance(part_name, str) else NAMELESS)
    return found, frozenset(unread)


def _readable_part(adapter: TypeAdapter[Any], kind: Any, item: Any) -> Any:
    """The item, without keys nobody knows; None if it is wrong in another way too."""
    try:
        return adapter.validate_python(item)
    except ValidationError as error:
        extra = unknown_keys(error, kind)
    for location in extra:
        item = _without(item, location)
    try:
        return adapter.validate_python(item)
    except ValidationError:
        return None


def _without(data: Any, location: Location) -> Any:
    head, *rest = location
    if isinstance(data, dict):
        if not rest:
            return {key: value for key, value in data.items() if key != head}
        return {key: _without(value, tuple(rest)) if key == head else value for key, value in data.items()}
    if isinstance(data, list) and rest:
        return [_without(value, tuple(rest)) if index == head else value for index, value in enumerate(data)]
    return data
