"""Drafts the goals of a new connection from what stands on its server: which files, how laid out, what finds people.

A draft is for its author to read and change; nothing is written here, neither on the server nor anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Lookup
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.events import EventImport
from cdp_assets.config.goals import Identifier, ImportProfilesGoal, Mapping
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.config.properties import RESERVED_COLUMNS, Property, PropertyType
from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.file_kinds import FileKind
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.guess_layout import guess_format, read_beginning
from cdp_assets.flows.personal_columns import is_personal
from cdp_assets.flows.preview_files import Asked, preview_goals
from cdp_assets.flows.propose_mappings import Proposal, propose_mappings, valid_name
from cdp_assets.flows.sample_results import SetPreview

_KEY_NAMES = re.compile(r"(?:^|[^a-z])(?:id|key|nr|no|num|number|code)$|(?:id|nr|number|nummer)$", re.IGNORECASE)
_OFFSET = re.compile(r"(?:\b[Zz]|\d[Zz]|UTC|GMT|:\d\d(?:[.,]\d+)?\s*[+-]\d\d(?::?\d\d)?)$")
"""What ends a time of day that tells its zone."""
_MANY = 0.05
"""Share of the people that must be told by more than one row for the rows to be what these people did."""
_KEY_TYPES = {PropertyType.text, PropertyType.number}


@dataclass(frozen=True)
class Found:
    """What finds a person in a file."""

    column: ColumnProfile
    why: str
    property: str = ""
    """The property that another kind of file fills with the same key; empty = one is to be found or made."""
    guessed: bool = False
    """Whether another kind of file may tell better."""


@dataclass(frozen=True)
class Chosen:
    """What a goal is drafted for."""

    directory: str
    kind: FileKind
    name: str
    identifier: str = ""
    """The column that finds people; empty = to be found out."""
    encoding: str = ""
    """Of other files of the server, for a file that holds ASCII alone; empty = UTF-8."""
    keys: Lookup[str, str] = field(default_factory=dict)
    """Columns, in small letters, by which people of other kinds are known, with their properties."""


@dataclass(frozen=True)
class GoalDraft:
    """One goal as it could be, and what it needs of the customer model."""

    goal: ImportProfilesGoal
    kind: FileKind
    proposal: Proposal
    columns: tuple[ColumnProfile, ...]
    found: Found
    address: str = ""
    """The property that the column of e-mail addresses fills; empty = there is no such column."""
    warnings: tuple[str, ...] = ()
    """Files of the kind that are laid out otherwise than the one that was looked into."""

    @property
    def several_rows(self) -> bool:
        """Whether it is usual that what finds a person stands in more than one row."""
        return self.repeats > 0 and self.repeats >= _MANY * self.found.column.distinct

    @property
    def repeats(self) -> int:
        """Rows of the sample about a person whom an earlier one tells of."""
        return self.found.column.filled - self.found.column.distinct

    @property
    def local_times(self) -> tuple[str, ...]:
        """Columns of dates whose times do not say of which zone they are."""
        dates = (one for one in self.columns if one.detected.type is PropertyType.datetime)
        return tuple(
            one.name for one in dates if any(":" in text and not _OFFSET.search(text) for text in one.examples)
        )

    @property
    def identifier(self) -> str:
        """The property that finds people."""
        return self.goal.identifier_columns[0].property

    @property
    def finding_only(self) -> GoalDraft:
        """The same draft, whose rows make nobody."""
        return replace(self, goal=self.goal.model_copy(update={"allow_create": False}))

    @property
    def events(self) -> EventImport | None:
        """The rows as orders, for where they are; None = no column tells when."""
        single = [one for one in self.columns if one.filled and not one.detected.multiple]
        rest = [one for one in single if one.name != self.found.column.name]
        dates = (one.name for one in rest if one.detected.type is PropertyType.datetime)
        # A birthday is no time at which somebody ordered.
        date = next((name for name in dates if not is_personal(name, PropertyType.datetime)), None)
        if date is None:
            return None
        # Of an order with several lines the number stands in several rows.
        key = next((one.name for one in rest if one.detected.type in _KEY_TYPES and _KEY_NAMES.search(one.name)), None)
        return EventImport(type="order", id=key, date=date, all_properties=True)

    @property
    def keys(self) -> dict[str, str]:
        """Columns that could find the same people in other files, in small letters, with their properties."""
        to = {mapping.column: mapping.property for mapping in self.goal.mappings}
        return {one.name.lower(): to[one.name] for one in self.columns if one.name in to and _is_key(one)}


def draft_goal(
    deployment: Deployment,
    connection: Connection,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    chosen: Chosen,
) -> GoalDraft:
    """The goal for one kind of file.

    Raises:
        FileError: the file tells no columns, or none that could find a person; or there is no such column.
    """
    file = chosen.kind.newest
    content = read_beginning(server, file)
    layout = guess_format(content)
    if chosen.encoding and content.isascii():
        layout = layout.model_copy(update={"encoding": chosen.encoding})
    first = ImportProfilesGoal(
        type="import_profiles",
        name=chosen.name,
        files=chosen.kind.files(chosen.directory),
        format=layout,
        identifiers=(Identifier(column="?", property="draft"),),
        mappings=(Mapping(column="?", property="draft"),),
        allow_create=True,
    )
    model = deployment.model.with_properties("", (Property(name="draft"),))
    draft = deployment.model_copy(update={"model": model})
    looking = connection.model_copy(update={"goals": (first,)})
    asked = Asked(shown(file.name), 1)
    _, previews = preview_goals(draft, looking, [first], server, folders, now, asked)
    seen = previews[0].seen
    if seen is None or not seen.columns:
        raise FileError(f"{shown(file.name)}: {previews[0].problem or 'no columns were found'}")
    found = _identifier(seen.columns, chosen, shown(file.name))
    return _drafted(first, deployment.model, chosen.kind, seen, found, previews[0].differences)


def _drafted(
    first: ImportProfilesGoal,
    model: CustomerModelConfig,
    kind: FileKind,
    seen: SetPreview,
    found: Found,
    warnings: tuple[str, ...],
) -> GoalDraft:
    """The goal with a mapping for every column."""
    column = found.column
    name, new = (found.property, ()) if found.property else _identifying_property(column, model)
    finds = (Identifier(column=column.name, property=name),)
    # What finds a profile need not be mapped, but a goal has at least one mapping.
    own = [Mapping(column=column.name, property=name)]
    address = column if column.detected.type is PropertyType.email else _address(seen.columns)
    if address is not None and address is not column:
        # Addresses stand where segments and exports look for them, whatever finds people.
        to, more = _identifying_property(address, model.with_properties("", new))
        own.append(Mapping(column=address.name, property=to))
        new = (*new, *more)
    # Rows of a file that names the people of another one make nobody.
    goal = first.model_copy(update={"identifiers": finds, "mappings": tuple(own), "allow_create": not found.property})
    mapped = {mapping.column for mapping in own}
    rest = replace(seen, unmapped=tuple(one.name for one in seen.columns if one.name not in mapped))
    proposal = propose_mappings(goal, model.with_properties("", new), rest)
    goal = goal.model_copy(update={"mappings": (*own, *proposal.mappings)})
    proposal = replace(proposal, properties=(*new, *proposal.properties))
    filled = next((mapping.property for mapping in own if address and mapping.column == address.name), "")
    return GoalDraft(goal, kind, proposal, seen.columns, found, filled, warnings)


def people_first(drafts: Sequence[GoalDraft]) -> list[GoalDraft]:
    """Goals whose files have one row for each person, then those that find these people.

    Where the former bring the people that a file with several rows for one person finds, its rows make nobody.
    """
    bring = {draft.identifier for draft in drafts if draft.goal.allow_create and not draft.several_rows}
    ordered = sorted(drafts, key=lambda draft: draft.several_rows or not draft.goal.allow_create)
    return [draft.finding_only if draft.several_rows and draft.identifier in bring else draft for draft in ordered]


def _address(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The first column with one e-mail address in a cell."""
    single = (one for one in columns if one.filled and not one.detected.multiple)
    return next((one for one in single if one.detected.type is PropertyType.email), None)


def _is_key(column: ColumnProfile) -> bool:
    """Whether it is called like a key and differs in every row."""
    single = column.filled and not column.detected.multiple and column.detected.type in _KEY_TYPES
    return bool(single) and column.distinct == column.rows and _KEY_NAMES.search(column.name) is not None


def _identifier(columns: Sequence[ColumnProfile], chosen: Chosen, file: str) -> Found:
    """What finds people: what was asked for, else an address, a key of people in other files, a key of its own."""
    wanted = chosen.identifier
    if wanted:
        asked = next((one for one in columns if one.name == wanted), None)
        if asked is None:
            raise FileError(f"{file} has no column {wanted!r}; it has: {', '.join(one.name for one in columns)}")
        return Found(asked, "asked for")
    address = _address(columns)
    if address is not None:
        return Found(address, "it holds e-mail addresses")
    single = [one for one in columns if one.filled and not one.detected.multiple]
    known = next((one for one in single if one.name.lower() in chosen.keys), None)
    if known is not None:
        why = "it is a key in other files, different in every row there"
        return Found(known, why, chosen.keys[known.name.lower()])
    key = next((one for one in columns if _is_key(one)), None)
    if key is not None:
        return Found(key, "it is called like a key, and differs in every row", guessed=True)
    raise FileError(
        f"{file} has no column with e-mail addresses, and none that is called like a key and differs in every row;"
        f" name one with --identifier: {', '.join(one.name for one in columns)}"
    )


def _identifying_property(column: ColumnProfile, model: CustomerModelConfig) -> tuple[str, tuple[Property, ...]]:
    """The property that holds the identifier, and it alone where the model has none that fits."""
    is_address = column.detected.type is PropertyType.email
    kind = PropertyType.email if is_address else PropertyType.text
    name = valid_name(column.name, 1)
    for prop in model.properties:
        fits = prop.type is kind and not prop.multiple
        if fits and (prop.name.lower() == name.lower() or (is_address and prop.name.lower() == "email")):
            return prop.name, ()
    name = "email" if is_address else name
    taken = {*(prop.name.lower() for prop in model.properties), *RESERVED_COLUMNS}
    free = name if name.lower() not in taken else f"{name}_2"
    return free, (Property(name=free, type=kind, pii=True),)
