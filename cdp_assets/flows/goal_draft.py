"""The goal of one kind of files as it could be, with what its author should know of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cdp_assets.config.events import EventImport, EventMapping, NestedImport
from cdp_assets.config.goals import Identifier, ImportProfilesGoal
from cdp_assets.config.properties import PropertyType
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.guess_fields import fields_of_order, known_fields_of_line
from cdp_assets.flows.look_kinds import LookedKind
from cdp_assets.flows.people_columns import (
    Found,
    Key,
    as_many_as,
    called_like_key,
    is_about_others,
    is_key,
    may_be_key,
    repeats_of,
)
from cdp_assets.flows.personal_columns import is_personal
from cdp_assets.flows.propose_mappings import Proposal
from cdp_assets.sql.date_detection import KnownFormat

_OFFSET = re.compile(r"(?:\b[Zz]|\d[Zz]|UTC|GMT|:\d\d(?:[.,]\d+)?\s*[+-]\d\d(?::?\d\d)?)$")
"""What ends a time of day that tells its zone."""
_MANY = 0.05
"""Share of the people that must be told by more than one row for the rows to be what these people did."""


def _order_number(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The column that tells orders apart; of one with several lines it stands in several rows."""
    things = {column for column, field in known_fields_of_line(columns) if field == "id"}
    orders = [one for one in columns if one.name not in things]
    tries = ((called_like_key, orders), (is_key, orders), (may_be_key, orders), (called_like_key, columns))
    return next((one for tells, some in tries for one in some if tells(one)), None)


def _items(columns: Sequence[ColumnProfile]) -> tuple[NestedImport, ...]:
    """The product of each row, where the columns tell which one and how many or at what price."""
    fields = known_fields_of_line(columns)
    if not {"id"} < {field for _, field in fields} - {"name"}:
        return ()
    mapped = tuple(EventMapping(column=column, property=field) for column, field in fields)
    return (NestedImport(property="product", mappings=mapped),)


@dataclass(frozen=True)
class GoalDraft:
    """One goal as it could be, and what it needs of the customer model."""

    goal: ImportProfilesGoal
    looked: LookedKind
    proposal: Proposal
    found: Found
    address: str = ""
    """The property that the column of e-mail addresses fills; empty = there is no such column."""

    why_creating: str = ""
    """Why its rows make people whom another kind of files brings too; empty = they need not, or must not."""
    why_left_out: str = ""
    """Why its rows make nobody although people may be missing; empty = they make them, or none are missing."""

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """Those of the file that was looked into."""
        return self.looked.seen.columns

    @property
    def about_others(self) -> bool:
        """Whether the rows tell what people did: several for one person, or about the people of another file."""
        return self.several_rows or is_about_others(self.found)

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
    def slashed_dates(self) -> tuple[str, ...]:
        """Columns of dates that are day first with slashes, where no setting says so for the whole goal."""
        if self.goal.format.date_format != "auto":
            return ()
        return tuple(one.name for one in self.columns if one.detected.detail == KnownFormat.day_first.value)

    @property
    def identifier(self) -> str:
        """The property that finds people."""
        return self.goal.identifier_columns[0].property

    @property
    def more_identifiers(self) -> tuple[Identifier, ...]:
        """What finds people where the first identifier does not."""
        return self.goal.identifier_columns[1:]

    @property
    def brings_people(self) -> bool:
        """Whether its files have one row for each person."""
        return self.goal.allow_create and self.goal.active and not self.about_others

    @property
    def is_personal(self) -> bool:
        """Whether some column beside the key holds names, birthdays, phones and the like."""
        rest = (one for one in self.columns if one.name != self.found.column.name)
        return any(is_personal(one.name, one.detected.type or PropertyType.text) for one in rest)

    @property
    def other_identifiers(self) -> tuple[Identifier, ...]:
        """Addresses and keys that find the same people, and are not used."""
        addresses = [one for one in self.goal.mappings if one.property == self.address and not self.about_others]
        keys = [key for key in self.keys.values() if key.is_sure]
        more = [(one.column, one.property) for one in addresses] + [(key.column.name, key.fills) for key in keys]
        used = {one.column for one in self.goal.identifier_columns}
        used |= {key.column.name for key in self.shared_keys}
        return tuple(Identifier(column=column, property=prop) for column, prop in more if column not in used)

    @property
    def shared_keys(self) -> tuple[Key, ...]:
        """Keys that differ in fewer rows than what finds people: those who share one would become one profile."""
        if self.about_others:
            return ()
        used = {one.column for one in self.goal.identifier_columns}
        keys = (key for key in self.keys.values() if key.column.name not in used and key.is_sure)
        return tuple(key for key in keys if self.sharing(key) > 0)

    def sharing(self, key: Key) -> int:
        """Rows of the sample that have this key of somebody else in an earlier row."""
        return key.column.filled - key.column.distinct - self.repeats

    @property
    def several_keys(self) -> tuple[tuple[Key, int], ...]:
        """Keys of which some people have several, who are found by their address; and of how many rows, at least."""
        if self.about_others:
            return ()
        keys = [key for key in self.keys.values() if key.column.name != self.found.column.name]
        # A row of somebody of an earlier one may repeat the key, or have none; what is left brings another.
        more = {key: -self.sharing(key) - (key.column.rows - key.column.filled) for key in keys if key.is_sure}
        return tuple((key, rows) for key, rows in more.items() if rows > 0)

    def found_by_too(self, prop: str) -> GoalDraft:
        """The same draft, whose people are found by this property as well, if it is a key of theirs."""
        more = (one for one in self.other_identifiers if one.property == prop)
        return replace(self, goal=self.goal.model_copy(update={"identifiers": (*self.goal.identifiers, *more)}))

    @property
    def events(self) -> EventImport | None:
        """The rows as orders, for where they are; None = no column tells when, or they tell of people as others do."""
        if self.found.tells_alike:
            return None
        rest = [one for one in self.looked.single if one.name != self.found.column.name]
        dates = (one.name for one in rest if one.detected.type is PropertyType.datetime)
        # A birthday is no time at which somebody ordered.
        date = next((name for name in dates if not is_personal(name, PropertyType.datetime)), None)
        if date is None:
            return None
        key = _order_number(rest)
        free = [one for one in rest if one is not key and one.name != date]
        several = key is not None and repeats_of(key) > 0
        fields = fields_of_order(free, several_rows=several)
        mapped = tuple(EventMapping(column=column, property=field) for column, field in fields)
        number = key.name if key else None
        items = _items([one for one in free if one.name not in {item.column for item in mapped}])
        return EventImport(type="order", id=number, date=date, mappings=mapped, nested=items, all_properties=True)

    @property
    def keys(self) -> dict[str, Key]:
        """Columns that could find the same people in other files, by their names in small letters."""
        if is_about_others(self.found):
            return {}
        to = {mapping.column: mapping.property for mapping in self.goal.mappings}
        kept = [one for one in self.looked.single if one.name in to and may_be_key(one)]
        if self.several_rows:
            # Orders have more numbers than there are people who ordered.
            own = self.found.column
            kept = [one for one in kept if one.name != own.name and as_many_as(one, own)]
        return {
            one.name.lower(): Key(one, to[one.name], self.looked.file, self.repeats)
            for one in kept
            if not self.found.guessed or is_personal(one.name, PropertyType.text)
        }
