"""Row by row: the profiles of rows that share an identifier, or a profile, with other rows of their pass.

The rule of spec.md 6.2 as it is written, over identifiers only; all other columns stay in the engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress

from cdp_assets.config.goals import Rule
from cdp_assets.config.merging import MergeStrategy
from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.gate import Gate, gate_of
from cdp_assets.flows.people import NEVER, People, Person, Written
from cdp_assets.sql import single_rows
from cdp_assets.sql.combining import Combined
from cdp_assets.sql.gate import SHUT
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

Ids = tuple[tuple[str, ...], ...]
"""Per identifying column of the goal, the values in a row's cell."""


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
    person: Person | None
    refused: tuple[tuple[str, ...], ...]


@dataclass
class _Told:
    """The rows with one outcome."""

    key: int
    """Of the outcome: below 0."""
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Merges:
    """What became of the people of a pass some of whom merged; numbers stand for people (`id_trees`)."""

    old: dict[str, int]
    """Those of the warehouse, by profile_id."""
    roots: dict[int, int]
    """Everybody → who they are in the end."""
    rows: dict[int, int]
    """Row that may act → whose it was when it was its turn."""
    merges: dict[int, tuple[int, tuple[int, ...]]]
    """Row → who survived, and who became that person, in their order."""

    @cached_property
    def last(self) -> dict[int, int]:
        """Whoever survived in the end → the row at which they merged for the last time."""
        return {self.roots[survivor]: row for row, (survivor, _) in sorted(self.merges.items())}


def resolve_rows(database: Database, together: Combined, counted: dict[int, frozenset[int]]) -> Merges | None:
    """Decides every row for which the order matters, and gives each outcome a key of its own.

    Args:
        database: the warehouse, after all other tuples have been decided.
        together: the goals of the pass.
        counted: mapping → groups of earlier files it is old for, as in `changes_table`.
    """
    gate = gate_of(database, together.config) if together.config.is_gated else None
    resolver = _Resolver(together, counted, gate)
    config, clearing = together.config, resolver.clearing
    people = database.rows(single_rows.shared_holders(config))
    tuples = {key: _ids(ids) for key, *ids in database.rows(single_rows.shared_tuples(config))}
    resolver.know(people)
    for ordinal, key, acts, group, *clears in database.rows(single_rows.shared_rows(config, clearing)):
        resolver.take(ordinal, key, tuples[key], acts, group, frozenset(compress(clearing, clears)))
    resolver.write(database)
    return resolver.merges()


def _ids(lists: Iterable[Sequence[str] | None]) -> Ids:
    return tuple(tuple(values or ()) for values in lists)


class _Resolver:
    def __init__(self, together: Combined, counted: dict[int, frozenset[int]], gate: Gate | None) -> None:
        config, goal, written = together.config, together.config.goal, together.written
        self._rules, self._making, self._merging = goal.identifier_places, together.making, config.merging
        self._properties = [item.property for item in goal.identifier_columns]
        places = {name: place for place, name in enumerate(self._properties)}
        identifying = [
            (number, places[mapping.property], mapping.rule)
            for number, mapping in enumerate(goal.mappings)
            if mapping.property in places and any(number in numbers for numbers in written)
        ]
        self._mappings = [[mapping for mapping in identifying if mapping[0] in numbers] for numbers in written]
        self.clearing = [number for number, _, rule in identifying if rule is Rule.set_or_clear]
        self._counted, self._gate = counted, gate
        self._one_identifier = config.has_one_identifier
        self._people = People([_strategy(config, name) for name in self._properties])
        self._everybody: list[Person] = []
        self._told: dict[_Outcome, _Told] = {}
        distinct = config.merging.distinct if config.merging else ()
        self._distinct = [place for name, place in places.items() if name in distinct]
        self._clashing: list[int] = []
        self._unmerged: dict[tuple[int, Person, Person], tuple[int, str, str]] = {}

    def know(self, people: Iterable[Sequence[object]]) -> None:
        """Takes in the profiles of the warehouse, in the order they were made."""
        for profile_id, written, *lists in people:
            # Rows of the engine have no types: second stands a list of times, then lists of values.
            when = [_when(at) for at in written]  # type: ignore[attr-defined]
            self._everybody.append(self._people.add(str(profile_id), _ids(lists), written=when))  # type: ignore[arg-type]

    def take(self, ordinal: int, key: int, ids: Ids, acts: bool, group: int | None, clears: frozenset[int]) -> None:
        """Decides one row. `clears`: mappings whose cell is empty."""
        number = ordinal // ROWS_PER_BATCH
        person = self._acting(ordinal, key, ids) if acts else self._find(ids)
        refused: Ids = ()
        if person is not None and acts:
            refused = self._refused(person, ids)
            for mapping, place, rule in self._mappings[number]:
                if group is None or group not in self._counted.get(mapping, ()):
                    self._apply(person, ordinal, place, rule, _Cell(ids[place], refused[place], mapping in clears))
        told = self._told.setdefault(_Outcome(key, person, refused), _Told(-1 - len(self._told)))
        told.rows.append(ordinal)

    def _acting(self, ordinal: int, key: int, ids: Ids) -> Person | None:
        """Whose a row is that acts; None = nobody's: it finds nobody and may make nobody, or it may not act."""
        if self._clashes(ids):
            self._clashing.append(ordinal)
            return None
        said = None
        makes = self._making[ordinal // ROWS_PER_BATCH]
        if self._gate is not None:
            found = self._would_be(ids)
            said = self._gate.judge(ordinal, key, found) if found or makes else None
            if said is None:
                return None
        person = self._merged(ids, ordinal) if self._merging else self._find(ids)
        if person is None and makes:
            person = self._create(ids, ordinal)
        if self._gate is not None and person is not None and said is not None:
            self._gate.keep(person, said)
        return person

    def _would_be(self, ids: Ids) -> list[Person]:
        """Who would be one person if a row with these identifiers acted, in the order they were made."""
        found = {person: None for places in self._rules for person in self._found_by(places, ids)}
        if not self._merging or (self._merging.limit is not None and len(found) > self._merging.limit):
            person = self._find(ids)
            return [person] if person else []
        return sorted(found, key=lambda person: person.order)

    def _find(self, ids: Ids) -> Person | None:
        """The earliest of those whom the first rule finds that finds any."""
        for places in self._rules:
            if len(places) == 1:
                found = [self._people.first(places[0], value) for value in ids[places[0]]]
            else:
                found = [*self._found_by(places, ids)]
            some = [person for person in found if person is not None]
            if some:
                return min(some, key=lambda person: person.order)
        return None

    def _found_by(self, places: Sequence[int], ids: Ids) -> Iterator[Person]:
        """Everybody who holds a value of each of these columns; of one column, some perhaps more than once."""
        if len(places) == 1:
            for value in ids[places[0]]:
                yield from (holding.owner for holding in self._people.holding(places[0], value) if holding.owner)
            return
        sets = [
            {holding: None for value in ids[place] for holding in self._people.holding(place, value)}
            for place in places
        ]
        smallest = min(sets, key=len)
        for holding in smallest:
            if holding.owner is not None and all(holding in held for held in sets):
                yield holding.owner

    def _merged(self, ids: Ids, ordinal: int) -> Person | None:
        """Whom a row finds by any of its rules, made one; the same as without merging, where they are too many."""
        assert self._merging is not None
        limit = self._merging.limit
        found: dict[Person, None] = {}
        for places in self._rules:
            for person in self._found_by(places, ids):
                found[person] = None
                if limit is not None and len(found) > limit:
                    return self._left_apart(ids, ordinal, found)
        if len(found) > 1:
            return self._people.merge(ordinal, list(found))
        return next(iter(found), None)

    def _clashes(self, ids: Ids) -> bool:
        """Whether a row finds profiles that must not become one, as they hold different values of a property."""
        if not self._distinct:
            return False
        found = {person: None for places in self._rules for person in self._found_by(places, ids)}
        if len(found) < 2:
            return False
        held = ({value for person in found for value in person.holding.values[place]} for place in self._distinct)
        return any(len(values) > 1 for values in held)

    def _left_apart(self, ids: Ids, ordinal: int, found: Iterable[Person]) -> Person | None:
        person = self._find(ids)
        assert person is not None
        other = min((one for one in found if one is not person), key=lambda one: one.order)
        place, value = next(
            (places[0], value)
            for places in self._rules
            for value in ids[places[0]]
            if person.holding in self._people.holding(places[0], value)
        )
        self._unmerged.setdefault((place, person, other), (ordinal, self._properties[place], value))
        return person

    def _create(self, ids: Ids, ordinal: int) -> Person:
        places = next(places for places in self._rules if all(ids[place] for place in places))
        maker = (self._properties[places[0]], ids[places[0]][0])
        own = [ids[0]] if self._one_identifier else [()] * len(ids)
        person = self._people.add(None, own, born_at=ordinal, maker=maker)
        self._everybody.append(person)
        return person

    def _refused(self, person: Person, ids: Ids) -> Ids:
        """The identifiers of a row that another profile holds and its own does not."""
        return tuple(
            tuple(
                value
                for value in values
                if (holders := self._people.holding(place, value)) and person.holding not in holders
            )
            for place, values in enumerate(ids)
        )

    def _apply(self, person: Person, ordinal: int, place: int, rule: Rule, cell: _Cell) -> None:
        """What one of the row's mappings does to the profile's identifiers."""
        given = [value for value in cell.ids if value not in cell.refused]
        holding = person.holding
        if not given:
            if rule is Rule.set_or_clear and cell.clears:
                self._people.release(holding, place)
                holding.written[place] = NEVER
            return
        if rule is Rule.set_if_empty and holding.values[place]:
            return
        if rule in {Rule.set, Rule.set_or_clear}:
            self._people.release(holding, place)
        for value in given:
            self._people.hold(holding, place, value)
        holding.written[place] = (1, ordinal, 0)

    def write(self, database: Database) -> None:
        """Puts the outcomes beside those that were decided all at once."""
        database.run(single_rows.SLOW_ROWS_TABLE)
        insert_rows(
            database, single_rows.SLOW_ROWS, ((row, told.key) for told in self._told.values() for row in told.rows)
        )
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
            insert_rows(database, query, rows)
        for statement in single_rows.OUTCOMES_AS_KEYS:
            database.run(statement)
        insert_rows(database, SHUT, self._gate.shut if self._gate else ())
        if self._merging:
            self._write_trees(database)
        if self._clashing:
            database.run(single_rows.CLASHING_TABLE)
            insert_rows(database, single_rows.CLASHING, ((ordinal,) for ordinal in self._clashing))
            database.run(single_rows.NOTE_CLASHES)

    def _write_trees(self, database: Database) -> None:
        """Who of the pass's people merged, and whom rows found that were too many to merge."""
        numbers = {person: number for number, person in enumerate(self._in_trees())}
        trees = [
            (number, *_known_or_born(person), person.merged_at, numbers[person.living])
            for person, number in numbers.items()
        ]
        database.run(single_rows.TREES_TABLE)
        insert_rows(database, single_rows.TREES, trees)
        database.run(single_rows.UNMERGED_TABLE)
        unmerged = [(*what, *_known_or_born(other.living)) for (_, _, other), what in self._unmerged.items()]
        insert_rows(database, single_rows.UNMERGED, unmerged)

    def _in_trees(self) -> list[Person]:
        roots = {survivor.living for _, survivor, _ in self._people.merges}
        return [person for person in self._everybody if person.living in roots]

    def merges(self) -> Merges | None:
        """Everything about the people that merged; None = nobody did."""
        if not self._people.merges:
            return None
        numbers = {person: number for number, person in enumerate(self._in_trees())}
        rows = {
            row: numbers[outcome.person]
            for outcome, told in self._told.items()
            if outcome.person in numbers
            for row in told.rows
        }
        return Merges(
            old={person.profile_id: number for person, number in numbers.items() if person.profile_id},
            roots={number: numbers[person.living] for person, number in numbers.items()},
            rows=rows,
            merges={
                row: (numbers[survivor], tuple(numbers[other] for other in others))
                for row, survivor, others in self._people.merges
            },
        )


def _when(told: tuple[int, int] | None) -> Written:
    """Position and row of the last write before the pass."""
    return NEVER if told is None else (0, *told)


def _known_or_born(person: Person) -> tuple[str | None, int | None]:
    """The id of a profile of the warehouse, or else the row that makes it."""
    return (person.profile_id, None) if person.profile_id else (None, person.born_at)


def _strategy(config: BatchConfig, name: str) -> MergeStrategy:
    strategies = config.merging.strategies if config.merging else {}
    return strategies.get(name, config.find_property(name).default_merge_strategy)


ROWS_AT_ONCE = 100_000


def insert_rows(database: Database, query: Sql, rows: Iterable[Sequence[object]]) -> None:
    """Runs a statement of `single_rows.rows_from_json` with all rows, many at a time."""
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
