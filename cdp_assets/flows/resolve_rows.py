"""Row by row: the profiles of rows that share an identifier, or a profile, with other rows of their pass.

The rule of spec.md 6.2 as it is written, over identifiers only; all other columns stay in the engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

from cdp_assets.config.goals import Rule
from cdp_assets.sql import single_rows
from cdp_assets.sql.combining import Combined
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

Ids = tuple[tuple[str, ...], ...]
"""Per identifying column of the goal, the values in a row's cell."""


@dataclass(eq=False)
class _Person:
    """A profile that rows may find: one of the warehouse, or one that a row makes."""

    order: int
    """Earlier profiles have smaller numbers."""
    profile_id: str | None
    """None = made here."""
    values: list[tuple[str, ...]]
    """Per identifying column, what its property holds."""
    born_at: int = 0
    maker: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class _Cell:
    """What a row's cell says of an identifier."""

    ids: tuple[str, ...]
    refused: tuple[str, ...]
    clears: bool


@dataclass(frozen=True)
class _Outcome:
    """What came of rows of one tuple."""

    key: int
    """Of the tuple."""
    person: _Person | None
    refused: tuple[tuple[str, ...], ...]


@dataclass
class _Told:
    """The rows with one outcome."""

    key: int
    """Of the outcome: below 0."""
    rows: list[int] = field(default_factory=list)


def resolve_rows(database: Database, together: Combined, counted: dict[int, frozenset[int]]) -> None:
    """Decides every row for which the order matters, and gives each outcome a key of its own.

    Args:
        database: the warehouse, after all other tuples have been decided.
        together: the goals of the pass.
        counted: mapping → groups of earlier files it is old for, as in `changes_table`.
    """
    resolver = _Resolver(together, counted)
    config, clearing = together.config, resolver.clearing
    people = database.rows(single_rows.shared_holders(config))
    tuples = {key: _ids(ids) for key, *ids in database.rows(single_rows.shared_tuples(config))}
    resolver.know(people)
    for ordinal, key, acts, group, *clears in database.rows(single_rows.shared_rows(config, clearing)):
        resolver.take(ordinal, key, tuples[key], acts, group, frozenset(compress(clearing, clears)))
    resolver.write(database)


def _ids(lists: Iterable[Sequence[str] | None]) -> Ids:
    return tuple(tuple(values or ()) for values in lists)


class _Resolver:
    def __init__(self, together: Combined, counted: dict[int, frozenset[int]]) -> None:
        config, goal, written = together.config, together.config.goal, together.written
        self._rules, self._making = goal.identifier_places, together.making
        self._properties = [item.property for item in goal.identifier_columns]
        self._multiple = [config.find_property(name).multiple for name in self._properties]
        places = {name: place for place, name in enumerate(self._properties)}
        identifying = [
            (number, places[mapping.property], mapping.rule)
            for number, mapping in enumerate(goal.mappings)
            if mapping.property in places and any(number in numbers for numbers in written)
        ]
        self._mappings = [[mapping for mapping in identifying if mapping[0] in numbers] for numbers in written]
        self.clearing = [number for number, _, rule in identifying if rule is Rule.set_or_clear]
        self._counted = counted
        self._holders: dict[tuple[int, str], dict[_Person, None]] = {}
        self._people = 0
        self._told: dict[_Outcome, _Told] = {}

    def know(self, people: Iterable[Sequence[object]]) -> None:
        """Takes in the profiles of the warehouse, in the order they were made."""
        for profile_id, *lists in people:
            person = _Person(self._people, str(profile_id), [tuple(values or ()) for values in lists])  # type: ignore[arg-type]
            self._people += 1
            for place, values in enumerate(person.values):
                for value in values:
                    self._holders.setdefault((place, value), {})[person] = None

    def take(self, ordinal: int, key: int, ids: Ids, acts: bool, group: int | None, clears: frozenset[int]) -> None:
        """Decides one row. `clears`: mappings whose cell is empty."""
        person, number = self._find(ids), ordinal // ROWS_PER_BATCH
        if person is None and acts and self._making[number]:
            person = self._create(ids, ordinal)
        refused: Ids = ()
        if person is not None and acts:
            refused = self._refused(person, ids)
            for mapping, place, rule in self._mappings[number]:
                if group is None or group not in self._counted.get(mapping, ()):
                    self._apply(person, place, rule, _Cell(ids[place], refused[place], mapping in clears))
        told = self._told.setdefault(_Outcome(key, person, refused), _Told(-1 - len(self._told)))
        told.rows.append(ordinal)

    def _find(self, ids: Ids) -> _Person | None:
        for places in self._rules:
            sets = [
                {person for value in ids[place] for person in self._holders.get((place, value), ())} for place in places
            ]
            both = set.intersection(*sets)
            if both:
                return min(both, key=lambda person: person.order)
        return None

    def _create(self, ids: Ids, ordinal: int) -> _Person:
        places = next(places for places in self._rules if all(ids[place] for place in places))
        maker = (self._properties[places[0]], ids[places[0]][0])
        person = _Person(self._people, None, [()] * len(ids), ordinal, maker)
        self._people += 1
        return person

    def _refused(self, person: _Person, ids: Ids) -> Ids:
        """The identifiers of a row that another profile holds and its own does not."""
        return tuple(
            tuple(value for value in values if (holders := self._holders.get((place, value))) and person not in holders)
            for place, values in enumerate(ids)
        )

    def _apply(self, person: _Person, place: int, rule: Rule, cell: _Cell) -> None:
        """What one of the row's mappings does to the profile's identifiers."""
        old = person.values[place]
        given = tuple(value for value in cell.ids if value not in cell.refused)
        if given:
            self._hold(person, place, old, self._written(rule, old, given))
        elif rule is Rule.set_or_clear and cell.clears:
            self._hold(person, place, old, ())

    @staticmethod
    def _written(rule: Rule, old: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
        if rule is Rule.set_if_empty:
            return old or given
        if rule is Rule.add:
            return (*old, *(value for value in given if value not in old))
        return given

    def _hold(self, person: _Person, place: int, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        for value in old:
            if value not in new:
                self._holders[place, value].pop(person, None)
        for value in new:
            self._holders.setdefault((place, value), {})[person] = None
        person.values[place] = new

    def write(self, database: Database) -> None:
        """Puts the outcomes beside those that were decided all at once."""
        database.run(single_rows.SLOW_ROWS_TABLE)
        _insert(database, single_rows.SLOW_ROWS, ((row, told.key) for told in self._told.values() for row in told.rows))
        known: list[tuple[int, str]] = []
        born: list[tuple[int, int, str, str]] = []
        refused: list[tuple[int, int, list[str]]] = []
        for outcome, told in self._told.items():
            person = outcome.person
            if person is not None and person.profile_id is not None:
                known.append((told.key, person.profile_id))
            elif person is not None:
                born.append((told.key, person.born_at, *person.maker))
            refused += [(told.key, place, list(ids)) for place, ids in enumerate(outcome.refused) if ids]
        for query, rows in (
            (single_rows.FOUND, known),
            (single_rows.UNBORN, born),
            (single_rows.REFUSED, refused),
        ):
            _insert(database, query, rows)
        for statement in single_rows.OUTCOMES_AS_KEYS:
            database.run(statement)


ROWS_AT_ONCE = 100_000


def _insert(database: Database, query: Sql, rows: Iterable[Sequence[object]]) -> None:
    for part in _parts(rows):
        columns = {f"c{place}": column for place, column in enumerate(zip(*part, strict=True))}
        database.run(query, [json.dumps(columns)])


def _parts(rows: Iterable[Sequence[object]]) -> Iterator[list[Sequence[object]]]:
    part: list[Sequence[object]] = []
    for row in rows:
        part.append(row)
        if len(part) == ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part
