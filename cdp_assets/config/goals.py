"""Goals: the imports and exports a connection performs, in their listed order."""

from __future__ import annotations

import builtins
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from cdp_assets.config.base import DEFAULT_DOMAIN_GROUP, DomainGroup, Name, PropertyName, Strict
from cdp_assets.config.drop_settings import DropSettings
from cdp_assets.config.events import EventImport
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.files import Files, Format
from cdp_assets.config.groups import GROUP_ID
from cdp_assets.config.interactions import InteractionImport
from cdp_assets.config.limits import ImportChecks
from cdp_assets.config.processors import Processor
from cdp_assets.config.refusal import OnError
from cdp_assets.config.returning import ReturnRejects


class Rule(StrEnum):
    """The merge rules: how a cell's values meet the stored ones."""

    set = "set"
    set_if_empty = "set_if_empty"
    set_or_clear = "set_or_clear"
    add = "add"
    sum = "sum"
    patch = "patch"
    """The object's fields are set one by one; for json properties, and the only rule for them."""


class Identifier(Strict):
    """A column whose value finds a profile by one of its properties."""

    column: str = Field(min_length=1)
    """Column of the file."""
    property: PropertyName
    """Property that must hold the value."""


class IdentifierGroup(Strict):
    """Columns that find a profile only together: it must hold a value of each."""

    all: tuple[Identifier, ...] = Field(min_length=2)
    """The columns and their properties."""


def _identifier_kind(value: Any) -> str:
    return "all" if isinstance(value, IdentifierGroup) or (isinstance(value, dict) and "all" in value) else "one"


IdentifierRule = Annotated[
    Annotated[Identifier, Tag("one")] | Annotated[IdentifierGroup, Tag("all")], Discriminator(_identifier_kind)
]
"""What finds a profile: one column, or several together."""


class Mapping(Strict):
    """One column into one property, by one rule."""

    column: str = Field(min_length=1)
    """Column of the file, or a field that a processor made."""
    property: PropertyName
    """Property that gets the value; or permission_level, privacy_legislation, consented_objectives,
    refused_objectives."""
    rule: Rule = Rule.set
    """How the value meets what the profile holds already."""


class GroupIdentifier(Identifier):
    """A column whose value finds a group, by its id or by one of its properties."""

    property: PropertyName = GROUP_ID.name
    """Property that must hold the value; left out = the group's id."""


class _ImportGoal(Strict):
    """What all imports have in common: from which files, how they are read, what a row is about."""

    type: str
    """The kind of goal."""
    name: Name
    """Unique within the connection; the second part of its asset's name. Never change it: it says what was imported."""
    description: str = ""
    """What people read about it on the web page."""
    active: bool = True
    """An inactive goal keeps its assets and history but takes part in no run."""
    files: Files
    """Which files are read."""
    format: Format = Format()
    """How the files are laid out."""
    identifiers: tuple[IdentifierRule, ...] = Field(min_length=1)
    """What finds a profile, in the order it is tried: the first that finds any decides."""
    processors: tuple[Processor, ...] = ()
    """Change or drop rows before they are matched, in this order; they may add fields to map."""
    on_error: OnError = "skip_rows"
    """Whether a file is refused as a whole for its rejected rows: `skip_rows` = never, `fail_file` = for any."""
    return_rejects: ReturnRejects | None = None
    """Where the rejected rows of imported files go back to their sender; left out = they do not."""
    checks: ImportChecks = ImportChecks()
    """What is checked of its files, and within which limits."""

    @builtins.property
    def identifier_columns(self) -> tuple[Identifier, ...]:
        """Every column that finds profiles, alone or together with others; each once, in order."""
        members = [
            member
            for rule in self.identifiers
            for member in (rule.all if isinstance(rule, IdentifierGroup) else (rule,))
        ]
        return tuple(dict.fromkeys(members))

    @builtins.property
    def identifier_places(self) -> tuple[tuple[int, ...], ...]:
        """Per rule of `identifiers`, the places of its columns in `identifier_columns`."""
        places = {member: place for place, member in enumerate(self.identifier_columns)}
        return tuple(
            tuple(places[member] for member in (rule.all if isinstance(rule, IdentifierGroup) else (rule,)))
            for rule in self.identifiers
        )


class ImportProfilesGoal(_ImportGoal):
    """Reads delimited files into profiles."""

    group_type: ClassVar[str] = ""
    type: Literal["import_profiles"]
    """The kind of goal."""
    domain_group: DomainGroup = DEFAULT_DOMAIN_GROUP
    """The rows find and make profiles of this domain group only."""
    allow_create: bool = False
    """Whether a row that finds no profile makes one; otherwise it is counted `not_found`."""
    mappings: tuple[Mapping, ...] = ()
    """What goes into the profile's properties; may be left out where the goal brings events."""
    events: tuple[EventImport, ...] = ()
    """Timeline events that rows bring to their profiles."""
    interactions: InteractionImport | None = Field(default=None, exclude_if=lambda value: value is None)
    """What the profiles saw, clicked on or were won by; they stand among the events as the last entry."""
    drop: DropSettings | None = Field(default=None, json_schema_extra={"internal": True})
    """Set by a DropFolders component: each file's header tells what its columns are."""

    @model_validator(mode="before")
    @classmethod
    def _interactions_are_events(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("interactions") is None:
            return data
        try:
            event = InteractionImport.model_validate(data["interactions"]).event
        except ValidationError:
            # Told of the field itself.
            return data
        given = data.get("events") or ()
        if not isinstance(given, list | tuple) or event in given or event.model_dump(mode="json") in given:
            return data
        return data | {"events": [*given, event]}

    @model_validator(mode="after")
    def _brings_something(self) -> ImportProfilesGoal:
        if not self.mappings and not self.events:
            message = "an import needs mappings, events, interactions or several of them"
            raise ValueError(message)
        return self


class ImportGroupsGoal(_ImportGoal):
    """Reads delimited files into the groups of one type; a row that finds no group makes one."""

    allow_create: ClassVar[bool] = True
    domain_group: ClassVar[str] = DEFAULT_DOMAIN_GROUP
    events: ClassVar[tuple[EventImport, ...]] = ()
    interactions: ClassVar[None] = None
    drop: ClassVar[None] = None
    type: Literal["import_groups"]
    """The kind of goal."""
    group_type: Name
    """Of which type the groups are."""
    identifiers: tuple[GroupIdentifier, ...] = Field(min_length=1, max_length=1)
    """What finds a group; one that is made gets the value as its id."""
    mappings: tuple[Mapping, ...] = Field(min_length=1)
    """What goes into the group's properties."""


ImportGoal = ImportProfilesGoal | ImportGroupsGoal
"""An import of either kind."""
Goal = Annotated[ImportProfilesGoal | ImportGroupsGoal | ExportProfilesGoal, Field(discriminator="type")]
