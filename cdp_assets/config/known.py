"""The names a deployment holds, and how a name that it does not hold is reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, get_close_matches
from typing import Literal, get_args

from cdp_assets.config.base import DEFAULT_DOMAIN_GROUP
from cdp_assets.config.events import STANDARD_TYPES, EventType, whole_types
from cdp_assets.config.groups import GROUP_ID, GroupType
from cdp_assets.config.lifecycles import Lifecycle
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.properties import Property
from cdp_assets.config.segments import Segment

Location = tuple[str | int, ...]
Place = tuple[Location, str]
"""Where below the thing a rule looked at, and what is wrong there."""
Kind = Literal["property", "segment", "lifecycle", "event type", "group type", "domain group", "objective"]
_SHOWN = 20


@dataclass(frozen=True)
class Unread:
    """What stands in the YAML but could not be read: no rule calls it unknown or asks what it is."""

    properties: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    lifecycles: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()
    group_types: frozenset[str] = frozenset()
    objectives: frozenset[str] = frozenset()
    lost: frozenset[Kind] = frozenset()
    """Kinds of which there may be more, and not even their names are known."""
    model: bool = False
    """True: there is no model to check against, so any name may be meant."""


@dataclass(frozen=True)
class Known:
    """Names to their things; None = exists, but what it is could not be read."""

    properties: Mapping[str, Property | None]
    segments: Mapping[str, Segment | None]
    lifecycles: Mapping[str, Lifecycle | None]
    event_types: Mapping[str, EventType | None]
    """With the standard types, each with all its fields."""
    group_types: Mapping[str, GroupType | None]
    domain_groups: frozenset[str]
    objectives: frozenset[str]
    lost: frozenset[Kind]
    """Kinds of which there may be one whose name is not here."""

    @classmethod
    def of(cls, model: CustomerModelConfig, unread: Unread) -> Known:
        """What a model holds, and what its YAML holds beside that could not be read."""
        return cls(
            {**dict.fromkeys(unread.properties), **{item.name: item for item in model.properties}},
            {**dict.fromkeys(unread.segments), **{item.name: item for item in model.segments}},
            {**dict.fromkeys(unread.lifecycles), **{item.id: item for item in model.lifecycles}},
            {
                **{item.id: item for item in whole_types(model.event_types, STANDARD_TYPES)},
                **dict.fromkeys(unread.event_types),
            },
            {**dict.fromkeys(unread.group_types), **{item.id: item for item in model.group_types}},
            frozenset({DEFAULT_DOMAIN_GROUP, *model.domain_groups}),
            frozenset({*unread.objectives, *(item.id for item in model.objectives)}),
            frozenset(get_args(Kind)) if unread.model else unread.lost,
        )

    def of_group(self, group_type: str) -> Known:
        """The same, with the properties of groups of this type instead of profiles'."""
        kind = self.group_types.get(group_type)
        if kind is None:
            return replace(self, properties={}, lost=self.lost | {"property"})
        return replace(
            self, properties={item.name: item for item in (*kind.properties, GROUP_ID)}, lost=self.lost - {"property"}
        )

    def unknown(self, kind: Kind, name: str) -> str | None:
        """The message if nothing of that kind has the name."""
        things: dict[str, Collection[str]] = {
            "property": self.properties,
            "segment": self.segments,
            "lifecycle": self.lifecycles,
            "event type": self.event_types,
            "group type": self.group_types,
            "domain group": self.domain_groups,
            "objective": self.objectives,
        }
        names = things[kind]
        if name in names or kind in self.lost:
            return None
        return unknown_name(
            f"{kind} {name!r}", name, names, f"properties: [{{name: {name}}}]" if kind == "property" else ""
        )

    def unknown_stage(self, lifecycle_id: str, stage_id: str) -> str | None:
        """The message if a lifecycle, of which it is known what it is, has no such stage."""
        lifecycle = self.lifecycles.get(lifecycle_id)
        if lifecycle is None or lifecycle.find_stage(stage_id) is not None:
            return None
        near = listed(nearest_first(stage_id, [stage.id for stage in lifecycle.stages]))
        return f"lifecycle {lifecycle_id!r} has no stage {stage_id!r}; it has, nearest first: {near}"


def nearest_first(word: str, accepted: Iterable[str]) -> list[str]:
    """The accepted words, those most like `word` first; case does not count."""

    def distance(name: str) -> tuple[float, str]:
        return (-SequenceMatcher(None, word.lower(), name.lower()).ratio(), name)

    return sorted(accepted, key=distance)


def unknown_name(what: str, name: str, accepted: Collection[str], added: str) -> str:
    """The message about a name that is not accepted; `added` = the YAML that would add it, unless it is a slip."""
    told = f"unknown {what}; known, nearest first: {listed(nearest_first(name, accepted))}"
    is_slip = get_close_matches(name.lower(), [one.lower() for one in accepted], n=1)
    is_plain = name.isidentifier() and name.isascii()
    return f"{told}; or add it to the customer model: {added}" if added and is_plain and not is_slip else told


def added_field(type_id: str, key: str, nested: str = "") -> str:
    """The YAML that gives an event type, or the items of its nested field, one more field."""
    field = f"{{key: {nested}, fields: [{{key: {key}}}]}}" if nested else f"{{key: {key}}}"
    return f"event_types: [{{id: {type_id}, fields: [{field}]}}]"


def listed(names: Collection[str]) -> str:
    """The names with commas between, shortened to what a person reads."""
    names = list(names)
    more = f", … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else "(none)"
