"""The words of the oracle: properties, goals and deliveries."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Property:
    """One property of profiles; `type` is text, email, number, decimal, datetime or choice."""

    name: str
    type: str = "text"
    multiple: bool = False
    scale: int = 2
    """Decimal places of a decimal."""
    merge: str | None = None
    """both, keep_current or latest; None = both for several texts or emails, else keep_current."""
    choices: tuple[str, ...] = ()
    """What a choice can be, whatever its case in a file."""


@dataclass(frozen=True)
class Merging:
    """Whether profiles that one row finds become one."""

    limit: int | None = None
    """More than so many stay apart; None = there is no limit."""


@dataclass(frozen=True)
class Mapping:
    column: str
    property: str
    rule: str = "set"


@dataclass(frozen=True)
class EventKind:
    """One type of timeline events, with one nested field."""

    id: str
    values: tuple[Property, ...]
    nested: str
    items: tuple[Property, ...]
    item_id: str | None = None
    """The field of an item that must have a value."""


@dataclass(frozen=True)
class Events:
    """The events a goal's rows bring."""

    kind: EventKind
    id: str | None
    date: str
    values: tuple[tuple[str, str], ...] = ()
    """(column, field)."""
    items: tuple[tuple[str, str], ...] = ()
    """(column, field of the item); none = no items."""
    store: str | None = None
    viewed: str = ""
    """Of interactions: the kind of all, or the column that tells it."""


@dataclass(frozen=True)
class Goal:
    """An import goal; its place in the list of goals is its place in the connection."""

    name: str
    column: str
    """Holds the identifier."""
    property: str
    """The property the identifier is looked up in."""
    mappings: tuple[Mapping, ...]
    delta: bool = True
    allow_create: bool = True
    redelivery: str = "auto"
    duplicate_content: str = "apply"
    rules: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Several identifiers: alternatives in order, each of (column, property) that must all find the profile."""
    group_type: str = ""
    """Of the groups it imports; empty = it imports profiles."""
    domain_group: str = "DEFAULT"

    events: tuple[Events, ...] = ()

    @property
    def identifying(self) -> tuple[tuple[str, str], ...]:
        """Every (column, property) that finds profiles, each once."""
        return tuple(dict.fromkeys(pair for rule in self.rules for pair in rule)) or ((self.column, self.property),)


@dataclass(frozen=True)
class Objective:
    """A purpose a connection serves."""

    id: str
    zones: tuple[str, ...] = ()
    """Where it needs consent."""
    needs_consent: bool = True


@dataclass(frozen=True)
class Delivery:
    """A file that stands on the server: one version of one partition of a goal."""

    goal: str
    key: str
    """The partition key; empty for a goal without partitions."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    modified_at: datetime
    look_at: datetime
    """The look that first saw it."""
    objectives: tuple[Objective, ...] = ()
    """What its connection served then."""

    @property
    def name(self) -> str:
        return f"{self.goal}_{self.key}.csv" if self.key else f"{self.goal}.csv"

    @property
    def content(self) -> bytes:
        return written(self.header, self.rows)

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def written(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> bytes:
    """A delimited file that holds these cells."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()
