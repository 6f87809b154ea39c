"""One component as it was written, turned into config, or into everything that is wrong with it.

Where the whole cannot be read, its parts are read one by one, so that the cross rules can already run on what
is good and the author sees all mistakes at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from cdp_assets.components.event_plugins import read_event_plugin
from cdp_assets.components.pointing import type_of
from cdp_assets.components.salvaging import Salvage, doubtful_keys, salvage, written_place
from cdp_assets.components.templates import render
from cdp_assets.components.wording import places
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
from cdp_assets.config.unread import UNREAD
from cdp_assets.errors import Problem

M = TypeVar("M", bound=BaseModel)

COMPONENT_NAMES: Mapping[type[BaseModel], str] = {
    Connection: "SftpConnection",
    CustomerModelConfig: "CustomerModel",
    DropFolders: "DropFolders",
}
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
_CHECKED_IN_PART = (Segment, Lifecycle)
"""Parts of the model of which the cross rules take what could be read; of others they take the whole or nothing."""


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
    order: Mapping[Location, tuple[int, ...]]
    """For each list of `readable` that is not as it was written: the place in the YAML of each of its items."""
    unread: Mapping[str, frozenset[str]]
    """For each list of parts, the names of those of which it is not known what they are."""
    lost: frozenset[str] = frozenset()
    """The lists of parts that may hold more than could be read, even by name."""
    mistakes: tuple[tuple[Location, str], ...] = ()
    elsewhere: tuple[Problem, ...] = ()
    """What is wrong in files that the YAML names."""

    @property
    def problems(self) -> list[Problem]:
        """Every mistake with its line."""
        return [*(self.written.problem(where, message) for where, message in self.mistakes), *self.elsewhere]

    def place(self, location: Location) -> Location:
        """Where in the YAML a place in `readable` stands."""
        return written_place(self.order, location)


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
        return Reading(written, value, value, {}, {})
    for where in templates:
        data = _with_nonsense(data, where)
    given = data if isinstance(data, dict) else {}
    parts = {name: _read_parts(kind, given.get(name)) for name, kind in _PARTS[model].items()}
    alone = _right_alone(given, model, {where[0] for where, _ in mistakes if where})
    lists: dict[str, Any] = {name: found.values for name, found in parts.items()}
    lost = _lost(given, model, parts) | {str(where[0]) for where, _ in mistakes if len(where) == 1} & parts.keys()
    if not isinstance(data, dict):
        lost = set(parts)
    if model is Connection and "goals" in lost:
        lists["goals"] = UNREAD
    readable = model.model_construct(None, **alone, **_name_of(given, written, model), **lists)
    order = {(name, *place): items for name, found in parts.items() for place, items in found.order.items()}
    unread = {name: found.unread for name, found in parts.items()}
    lost |= {"event_types"} if elsewhere else set()
    return Reading(written, None, readable, order, unread, frozenset(lost), tuple(mistakes), tuple(elsewhere))


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


def _name_of(data: Mapping[Any, Any], written: Written, model: type[BaseModel]) -> dict[str, str]:
    """The name, or one that nothing else has."""
    name = data.get("name")
    unique = f"?{written.shown}:{line_of(written.lines, ())}"
    return {"name": name if isinstance(name, str) else unique} if "name" in model.model_fields else {}


def _right_alone(data: Mapping[Any, Any], model: type[BaseModel], wrong: Collection[Any]) -> dict[str, Any]:
    """What is beside the parts, as far as it is right; the rest of a connection is UNREAD, but for its server."""
    beside = {name: each for name, each in model.model_fields.items() if name not in {*_PARTS[model], "name"}}
    if model is DropFolders:
        # Its goals are made of all of it, or of nothing.
        return {}
    right = {
        name: found.value
        for name, each in beside.items()
        if name in data and name not in wrong
        if (found := salvage(type_of(each), data[name])).is_right
    }
    if model is CustomerModelConfig:
        return right
    unread = (beside.keys() & data.keys() - right.keys()) | (doubtful_keys(data, model.model_fields) & beside.keys())
    return right | dict.fromkeys(unread - {"server"}, UNREAD)


def _lost(data: Mapping[Any, Any], model: type[BaseModel], parts: Mapping[str, _Parts]) -> set[str]:
    """The lists of parts that may hold names nobody could read."""
    missing = {name for name in parts if name not in data and model.model_fields[name].is_required()}
    doubtful = doubtful_keys(data, model.model_fields) & parts.keys()
    return missing | doubtful | {name for name, found in parts.items() if found.is_lost}


@dataclass(frozen=True)
class _Parts:
    """The items of one list of parts."""

    values: tuple[Any, ...] = ()
    """As far as they could be read."""
    order: Mapping[Location, tuple[int, ...]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    is_lost: bool = False


def _read_parts(kind: Any, items: Any) -> _Parts:
    if not isinstance(items, list):
        return _Parts()
    found = [salvage(kind, item) for item in items]
    key = _NAMED_BY.get(kind, "name")
    kept = [index for index, part in enumerate(found) if _is_kept(kind, part, key)]
    # What is UNREAD as a whole comes last, as in any list.
    kept.sort(key=lambda index: found[index].value is UNREAD)
    order: dict[Location, tuple[int, ...]] = {(): tuple(kept)}
    for index in kept:
        order |= {(index, *place): inside for place, inside in found[index].order.items()}
    values = tuple(found[index].value for index in kept)
    if kind is Goal:
        # Nothing refers to goals by their names.
        return _Parts(values, order)
    unread = {_text_at(item, key) for item, part in zip(items, found, strict=True) if part.lacks}
    return _Parts(values, order, frozenset(unread - {""}), is_lost="" in unread)


def _is_kept(kind: Any, part: Salvage, key: str) -> bool:
    """Whether the cross rules get to see a part."""
    if kind is Goal or not part.lacks:
        return True
    return kind in _CHECKED_IN_PART and part.value is not UNREAD and vars(part.value)[key] is not UNREAD


def _text_at(item: Any, key: str) -> str:
    """The text under a key; empty if there is none."""
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _with_nonsense(data: Any, location: Location) -> Any:
    """The data with something that is no value of any key, at a place whose template could not be rendered."""
    if not location:
        return object()
    head, *rest = location
    if isinstance(data, list):
        return [_with_nonsense(value, tuple(rest)) if at == head else value for at, value in enumerate(data)]
    return {key: _with_nonsense(value, tuple(rest)) if key == head else value for key, value in data.items()}
