"""Drafts the goals of a new connection from what stands on its server: which files, how laid out, what finds people.

A draft is for its author to read and change; nothing is written here, neither on the server nor anywhere else. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cdp_assets.config.files import Format
from cdp_assets.config.goals import Identifier
from cdp_assets.config.goals import Mapping as PropertyMapping
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.config.properties import RESERVED_COLUMNS, Property, PropertyType
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.file_kinds import free_name
from cdp_assets.flows.goal_draft import GoalDraft
from cdp_assets.flows.guess_layout import laid_out_otherwise
from cdp_assets.flows.look_kinds import LeftOut, LookedKind
from cdp_assets.flows.people_columns import (
    Found,
    Key,
    Known,
    address_column,
    found_by_guess,
    found_surely,
    is_about_others,
    known_keys,
    looks_up,
    names_people_of,
    rows_of,
    tells_alike,
    unsure_key,
    why_none,
)
from cdp_assets.flows.propose_mappings import propose_mappings, valid_name
from cdp_assets.sql.date_detection import KnownFormat


def draft_goals(
    deployment: Deployment, kinds: Sequence[LookedKind], identifiers: Sequence[str] = ()
) -> tuple[list[GoalDraft], list[LeftOut]]:
    """A goal for each kind of file whose people can be told, those that bring people first; and the other kinds.

    `identifiers`: columns that find people in all files that have them, or in those of a goal: `goal:column`.

    Raises:
        ConfigError: no file has a column that was asked for.
    """
    drafting = _Drafting(deployment.model, kinds, identifiers, known_keys(deployment))
    drafting.add_sure()
    for looked in list(drafting.left):
        drafting.add_guess(looked)
    return people_first(_doubtful_off(drafting.drafts)), [drafting.left_out(looked) for looked in drafting.left]


@dataclass
class _Drafting:
    """Goals while they grow, with the model that they need."""

    model: CustomerModelConfig
    kinds: Sequence[LookedKind]
    identifiers: Sequence[str]
    known: Mapping[str, Known]
    """Columns of people in goals that are there."""
    drafts: list[GoalDraft] = field(default_factory=list)
    left: list[LookedKind] = field(init=False)
    """Kinds without a goal."""
    _wanted: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.left = list(self.kinds)
        self._wanted = self._read_wanted()

    @property
    def keys(self) -> dict[str, Key]:
        """Columns by which the people so far are found; of a name, the one that tells most of them apart."""
        found: dict[str, Key] = {}
        for draft in self.drafts:
            for name, key in draft.keys.items():
                found[name] = max(found.get(name, key), key, key=lambda one: (one.is_sure, one.column.distinct))
        return found

    def add_sure(self) -> None:
        """Goals for all kinds where it is clear what finds people; each may tell it for others."""
        before = len(self.left) + 1
        while len(self.left) < before:
            before = len(self.left)
            for looked in sorted(self.left, key=self._how_telling, reverse=True):
                self._add(looked, found_surely(looked, self._asked(looked), self.keys, self.known))

    def add_guess(self, looked: LookedKind) -> None:
        """A goal whose rows may be people, unless they are rather something of other files."""
        if looked not in self.left or unsure_key(looked, self.keys) or self._rows_of(looked):
            return
        self._add(looked, found_by_guess(looked))
        self.add_sure()

    def _asked(self, looked: LookedKind) -> str:
        """The column that was asked for of these files; empty = none."""
        own = (column for goal, column in self._wanted if goal == looked.kind.goal_name)
        every = (column for goal, column in self._wanted if not goal and looked.has(column))
        return next(own, next(every, ""))

    def _how_telling(self, looked: LookedKind) -> int:
        """How many people its surest column tells apart: the kind with the most tells it for the others."""
        column = looked.column(self._asked(looked)) or address_column(looked)
        return column.distinct if column else 0

    def _read_wanted(self) -> list[tuple[str, str]]:
        """Goal and column of each that was asked for; the goal is empty where all files that have it are meant."""
        goals = {one.kind.goal_name: one for one in self.kinds}
        wanted: list[tuple[str, str]] = []
        for asked in self.identifiers:
            goal, colon, column = asked.partition(":")
            named = (goal, column) if colon and goal in goals else ("", asked)
            meant = [goals[goal]] if named[0] else list(self.kinds)
            if not any(one.has(named[1]) for one in meant):
                have = "; ".join(
                    f"{one.file} has {', '.join(column.name for column in one.seen.columns)}" for one in meant
                )
                raise ConfigError(f"--identifier {asked!r}: there is no column {named[1]!r}; {have}")
            wanted.append(named)
        return wanted

    def left_out(self, looked: LookedKind) -> LeftOut:
        """Why there is no goal for a kind."""
        unsure = unsure_key(looked, self.keys)
        belongs = None if unsure else self._rows_of(looked)
        if belongs is None:
            return LeftOut(looked.kind, why_none(looked, unsure))
        column, other = belongs
        its = other.column(column.name)
        lookup = its is not None and looks_up(column, its)
        told = f"{looked.file} has no column that finds people, but its {column.name!r} is a key in {other.file}"
        if lookup:
            told = f"{looked.file} has no column that finds people; rows of {other.file} name its {column.name!r}"
        differs = laid_out_otherwise(looked.goal.format, other.goal.format)
        if differs:
            told += f"; it is laid out otherwise ({differs}), and files that are imported together must be alike"
            return LeftOut(looked.kind, told)
        owner = next((draft.goal.name for draft in self.drafts if draft.looked is other), "")
        rest = tuple(one for one in looked.single if one is not column)
        alone = "*" not in looked.kind.pattern and "*" in other.kind.pattern
        name = its.name if its else column.name
        return LeftOut(looked.kind, told, owner, column.name, name, rest, lookup=lookup, static=alone)

    def _rows_of(self, looked: LookedKind) -> tuple[ColumnProfile, LookedKind] | None:
        return rows_of(looked, self.kinds, [draft.looked for draft in self.drafts if draft.about_others])

    def _add(self, looked: LookedKind, found: Found | None) -> None:
        if found is None:
            return
        bringing = [one.looked for one in self.drafts if one.identifier == found.property and one.brings_people]
        if any(tells_alike(looked, found.column, one) for one in bringing):
            found = replace(found, tells_alike=True)
        name = free_name(looked.kind, [draft.goal.name for draft in self.drafts])
        draft = _drafted(self.model, looked, found, name, day_first=_days_come_first(self.kinds))
        self.model = self.model.with_properties("", draft.proposal.properties)
        self.drafts.append(draft)
        self.left.remove(looked)


def _drafted(
    model: CustomerModelConfig, looked: LookedKind, found: Found, goal_name: str, *, day_first: bool
) -> GoalDraft:
    """The goal with a mapping for every column."""
    column = found.column
    name, new = (found.property, ()) if found.property else _identifying_property(column, model)
    finds = (Identifier(column=column.name, property=name),)
    # What finds a profile need not be mapped, but a goal has at least one mapping.
    own = [PropertyMapping(column=column.name, property=name)]
    address = column if column.detected.type is PropertyType.email else address_column(looked)
    if address is not None and address is not column:
        # Addresses stand where segments and exports look for them, whatever finds people.
        to, more = _identifying_property(address, model.with_properties("", new))
        own.append(PropertyMapping(column=address.name, property=to))
        new = (*new, *more)
    # Rows of a file that names the people of another one make nobody.
    changes = {"identifiers": finds, "mappings": tuple(own), "allow_create": not is_about_others(found)}
    goal = looked.goal.model_copy(update={"name": goal_name, **changes})
    mapped = {mapping.column for mapping in own}
    rest = replace(looked.seen, unmapped=tuple(one.name for one in looked.seen.columns if one.name not in mapped))
    proposal = propose_mappings(goal, model.with_properties("", new), rest)
    goal = goal.model_copy(update={"mappings": (*own, *proposal.mappings)})
    proposal = replace(proposal, properties=(*new, *proposal.properties))
    goal = goal.model_copy(update={"format": _layout(looked, day_first=day_first)})
    filled = next((mapping.property for mapping in own if address and mapping.column == address.name), "")
    return GoalDraft(goal, looked, proposal, found, filled)


def _layout(looked: LookedKind, *, day_first: bool) -> Format:
    """The format, with that of its dates where all are days, day first with slashes.

    Found out anew for each file, they would be read month first in one whose dates fit both. `day_first`: whether
    dates that fit both are day first here, as other files tell.
    """
    dates = [one.detected for one in looked.seen.columns if one.detected.type is PropertyType.datetime]
    sure = {KnownFormat.day_first.value}
    if dates and all(one.whole_days and (one.detail in sure or (day_first and one.either_way)) for one in dates):
        return looked.goal.format.model_copy(update={"date_format": KnownFormat.day_first.shortest})
    return looked.goal.format


def _doubtful_off(drafts: Sequence[GoalDraft]) -> list[GoalDraft]:
    """The drafts, those switched off of which nothing tells that they are people, while others surely are."""
    sure = any(draft.brings_people and not draft.found.guessed for draft in drafts)
    return [
        replace(draft, goal=draft.goal.model_copy(update={"active": False}))
        if sure and draft.found.guessed and not draft.is_personal
        else draft
        for draft in drafts
    ]


def _days_come_first(kinds: Sequence[LookedKind]) -> bool:
    """Whether some files write dates day first with slashes, and none month first for sure."""
    dates = [one.detected for looked in kinds for one in looked.seen.columns]
    sure = {one.detail for one in dates if one.type is PropertyType.datetime and not one.either_way}
    return KnownFormat.day_first.value in sure and KnownFormat.month_first.value not in sure


def people_first(drafts: Sequence[GoalDraft]) -> list[GoalDraft]:
    """Goals whose files have one row for each person, then those that find these people.

    The rows of the latter make nobody, but where people would be missing when their files are applied.
    """
    drafts = [_of_larger(draft, drafts) for draft in drafts]
    people = [draft for draft in drafts if draft.brings_people]
    for same in [one.found.property for one in people if one.found.tells_alike]:
        # Of whom only the number is told by what is new, the whole file must find by it.
        people = [one.found_by_too(same) for one in people]
    others = [_about_others(draft, people) for draft in drafts if not draft.brings_people]
    for draft in others:
        if draft.why_creating:
            # Whom these rows make, the others must find.
            people = [one.found_by_too(draft.identifier) for one in people]
    return [*people, *others]


def _of_larger(draft: GoalDraft, drafts: Sequence[GoalDraft]) -> GoalDraft:
    """The draft, as one about the people of a larger file if it is."""
    if not draft.brings_people:
        return draft
    column = draft.found.column
    for one in drafts:
        same = one is not draft and one.brings_people and one.identifier == draft.identifier
        if same and names_people_of(draft.looked, column, one.looked, one.found.column):
            why = f"{draft.found.why}, nearly all of them those of {one.looked.file}"
            found = replace(draft.found, property=draft.identifier, why=why)
            return replace(draft, found=found, goal=draft.goal.model_copy(update={"allow_create": False}))
    return draft


def _about_others(draft: GoalDraft, people: Sequence[GoalDraft]) -> GoalDraft:
    """The draft, whose rows make people only where nobody else does, or not in time."""
    bring = [one for one in people if draft.identifier in {one.identifier, *(key.fills for key in one.keys.values())}]
    if not bring:
        return draft
    # Of several kinds with these people, such as changes beside everybody, the largest tells when they are known.
    largest = max(bring, key=lambda one: one.found.column.rows)
    only = sum(len(one.looked.kind.names) for one in bring) == 1
    why = _why_missing(draft, largest, only_file=only)
    shared = (_told_shared(one, key) for one in bring for key in one.shared_keys if key.fills == draft.identifier)
    but = next(shared, "") if why else ""
    goal = draft.goal.model_copy(update={"allow_create": bool(why and not but)})
    if but:
        return replace(draft, goal=goal, why_left_out=f"{why}, and {but}")
    return replace(draft, goal=goal, why_creating=why)


def _told_shared(people: GoalDraft, key: Key) -> str:
    """How many rows share a key that could be a second identifier."""
    rows = people.sharing(key)
    verb = "has" if rows == 1 else "have"
    return f"{counted(rows, 'row')} of {key.file} {verb} a {key.column.name!r} of somebody else"


def _why_missing(draft: GoalDraft, people: GoalDraft, *, only_file: bool) -> str:
    """Why people may be missing when the files of a draft are applied, which are applied in the order of dates."""
    own, theirs = draft.looked.first_dated, people.looked.first_dated
    if own and theirs and own[0] < theirs[0]:
        return f"{own[1]} is dated before {theirs[1]}, the first file with these people"
    if only_file:
        return f"{people.looked.file} is the only file with these people"
    return ""


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
