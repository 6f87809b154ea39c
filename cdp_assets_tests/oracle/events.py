"""What rows of files bring to the timelines of their profiles, and what products these tell of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cdp_assets_tests.oracle.cells import Said, moment, said
from cdp_assets_tests.oracle.described import Events, Property

Maker = tuple[str, str, int]
Key = tuple[Maker, str, Any, datetime]
"""Profile, type, id and date. An id nobody gave is all that the event holds."""


KINDS = ("view", "click", "conversion")


@dataclass(frozen=True)
class Brought:
    """One row's part of an event."""

    entry: Events
    id: str | None
    date: datetime | None
    values: dict[str, tuple[Any, ...]]
    item: dict[str, Any] | None
    bad: bool

    @property
    def content(self) -> tuple[Any, ...]:
        """Equal for rows that say the same."""
        item = None if self.item is None else tuple(sorted(self.item.items()))
        return self.entry.kind.id, self.id, self.date, tuple(sorted(self.values.items())), item, self.bad


@dataclass
class Event:
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    store: str | None = None
    place: tuple[int, int] = (0, 0)
    """Batch and row that made it what it is."""


@dataclass
class Happened:
    """What became of the events of one batch."""

    received: int = 0
    created: int = 0
    set: int = 0
    rejected: int = 0
    dropped: int = 0


class Timeline:
    """The events of one batch, until its last row is read."""

    def __init__(self, events: dict[Key, Event], entries: tuple[Events, ...], position: int) -> None:
        self.events, self.entries, self.position = events, entries, position
        self.happened = Happened()
        self.parts: dict[Key, list[tuple[Brought, int]]] = {}
        self.refused: set[Any] = set()
        self.rows = 0

    def read(self, row: dict[str, str]) -> list[Brought]:
        self.rows += 1
        found = [one for entry in self.entries for one in [brought(entry, row)] if one is not None]
        self.happened.received += len(found)
        return found

    def refuse(self, match: Any, found: list[Brought]) -> None:
        """Notes what is wrong; rows of one event are one event that is refused."""
        for one in found:
            if one.bad:
                whole = one.id is not None and one.date is not None
                told = (one.id, one.date) if whole else self.rows
                self.refused.add((match, one.entry, told))

    def drop(self, found: list[Brought]) -> None:
        self.happened.dropped += sum(not one.bad for one in found)

    def add(self, maker: Maker, match: Any, found: list[Brought]) -> None:
        for one in found:
            if one.bad and (one.id is None or one.date is None):
                continue
            assert one.date is not None
            made = (match, one.content) if one.id is None else one.id
            self.parts.setdefault((maker, one.entry.kind.id, made, one.date), []).append((one, self.rows))

    def move(self, now: Callable[[Maker], Maker]) -> None:
        """Gives everything to those that profiles are now; of two events with one key the later stays."""
        for key in list(self.events):
            event = self.events.pop(key)
            moved = (now(key[0]), *key[1:])
            there = self.events.get(moved)
            if there is None or there.place < event.place:
                self.events[moved] = event
        parts: dict[Key, list[tuple[Brought, int]]] = {}
        for key, found in self.parts.items():
            parts.setdefault((now(key[0]), *key[1:]), []).extend(found)
        self.parts = {key: sorted(found, key=lambda part: part[1]) for key, found in parts.items()}

    def finish(self) -> Happened:
        for key, parts in self.parts.items():
            if any(one.bad for one, _ in parts):
                continue
            if key in self.events:
                self.happened.set += 1
            else:
                self.happened.created += 1
            self.events[key] = put_together(parts, self.position)
        self.happened.rejected = len(self.refused)
        return self.happened


def put_together(parts: list[tuple[Brought, int]], position: int) -> Event:
    event = Event(store=parts[-1][0].entry.store)
    for one, row in parts:
        event.place = (position, row)
        for prop in one.entry.kind.values:
            new = one.values.get(prop.name, ())
            old = event.values.get(prop.name, ())
            if new:
                event.values[prop.name] = tuple(dict.fromkeys(old + new)) if prop.multiple else new
        if one.item is not None:
            event.items.append(one.item)
    return event


def brought(entry: Events, row: dict[str, str]) -> Brought | None:
    """The event of a row; None where all its columns are empty or missing."""
    if entry.viewed:
        return viewed(entry, row)
    identity = _cell(row, entry.id, Property("id"))
    day = row.get(entry.date, "").strip(" \t")
    values = {key: said_by(row, column, prop) for column, key, prop in _fields(entry.values, entry.kind.values)}
    item = {key: said_by(row, column, prop) for column, key, prop in _fields(entry.items, entry.kind.items)}
    if not (identity or day or any(not what.empty for what in (*values.values(), *item.values()))):
        return None
    date = moment(day) if day else None
    has_item = any(not what.empty for what in item.values())
    bad = date is None or any(what.invalid for what in (*values.values(), *item.values()))
    bad = bad or (has_item and entry.kind.item_id is not None and not _values(item, entry.kind.item_id))
    return Brought(
        entry,
        identity,
        date,
        {key: what.values for key, what in values.items() if what.values},
        {key: what.values[0] for key, what in item.items() if what.values} if has_item else None,
        bad,
    )


def viewed(entry: Events, row: dict[str, str]) -> Brought | None:
    """The interaction of a row; None where all its columns are empty or missing."""
    identity, day = (_cell(row, column, Property("id")) for column in (entry.id, entry.date))
    worth = [said_by(row, column, prop) for column, _, prop in _fields(entry.values, entry.kind.values)]
    told = entry.viewed if entry.viewed in KINDS else _cell(row, entry.viewed, Property("kind"))
    is_told = told is not None and entry.viewed not in KINDS
    if not (identity or day or is_told or any(not what.empty for what in worth)):
        return None
    date = moment(day) if day else None
    bad = date is None or identity is None or told is None or told.lower() not in KINDS
    key = f"{told.upper()} {identity}" if identity and told else None
    values: dict[str, tuple[Any, ...]] = {"interaction_id": (identity,), "kind": (str(told).upper(),)}
    for what in worth:
        if what.values:
            values["value"] = what.values
    return Brought(entry, key, date, values, None, bad or any(what.invalid for what in worth))


def _values(item: dict[str, Said], key: str) -> tuple[Any, ...]:
    return item[key].values if key in item else ()


def _fields(mapped: tuple[tuple[str, str], ...], known: tuple[Property, ...]) -> Iterator[tuple[str, str, Property]]:
    kinds = {prop.name: prop for prop in known}
    return ((column, key, kinds[key]) for column, key in mapped)


def said_by(row: dict[str, str], column: str, prop: Property) -> Said:
    return said(row.get(column, ""), prop, "set")


def _cell(row: dict[str, str], column: str | None, prop: Property) -> str | None:
    values = said_by(row, column, prop).values if column else ()
    return values[0] if values else None


def products(events: dict[Key, Event], key: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(store, product) → its name, how much of it was ordered, and the first and last date of an event with it.

    `key`: the field of an item that identifies the product.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for (_, _, _, date), event in sorted(events.items(), key=lambda pair: pair[1].place):
        for item in event.items if event.store else ():
            if key not in item:
                continue
            told = found.setdefault(
                (str(event.store), item[key]), {"name": None, "ordered": 0, "first": date, "last": date}
            )
            told["name"] = item.get("name", told["name"])
            told["ordered"] += item.get("quantity", 1)
            told["first"], told["last"] = min(told["first"], date), max(told["last"], date)
    return found
