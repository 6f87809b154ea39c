"""Goals that find their profiles alike, as one goal: what their batches are folded by when they share a pass.

Every row still does what its own goal says. The combined goal has all their mappings; one that does the same to the
same property is shared. In the rows of a batch that lacks a mapping its cell is one that does nothing: without a
value, and, as an empty cell may clear, with a text that is not valid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Numbers
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cdp_assets.config.goals import Identifier, IdentifierGroup, IdentifierRule, Mapping, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.identifiers import id_name, places_of, with_identifiers
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

MAX_MAPPINGS = 200
"""Mappings of several goals together at most: bounds the statement."""

_OF_ITS_OWN = {"name", "description", "active", "files", "format", "identifiers", "processors", "on_error"}
_OF_ITS_OWN |= {"return_rejects", "allow_create", "mappings"}
"""Fields of a goal that may differ: what they decide was decided at landing, or is looked at here."""
_PLACING = {"connection", "connection_order", "goal_order", "goal", "properties", "blocked_identifiers"}


def kind_of(config: BatchConfig, present: frozenset[int]) -> tuple[object, ...]:
    """Batches share a pass only where this is equal.

    A goal that says more than is known here shares one with its like only.
    """
    goal = config.goal
    more = goal.model_dump_json(exclude=_OF_ITS_OWN | {"type", "group_type"}, exclude_defaults=True)
    alone = (config.config_hash, present) if json.loads(more) else ()
    identifying = tuple((item.property, _type(config, item.property)) for item in goal.identifier_columns)
    others = config.model_dump_json(exclude=_PLACING)
    return goal.type, goal.group_type, goal.files.delta, goal.identifier_places, identifying, others, alone


def _type(config: BatchConfig, name: str) -> str:
    return config.find_property(name).type_signature


@dataclass(frozen=True)
class Part:
    """A batch's goal as the combined one sees it."""

    config: BatchConfig
    numbers: Numbers[int, int]
    """Number of a mapping whose column the batch has → its number in the combined goal."""


@dataclass(frozen=True)
class Combined:
    """Goals of one kind, batch by batch."""

    parts: tuple[Part, ...]
    """In the order of the batches."""
    mappings: tuple[Mapping, ...]
    properties: Numbers[str, Property]

    @cached_property
    def is_plain(self) -> bool:
        """Whether all batches have the same config and columns: then these are left as they are."""
        first = self.parts[0]
        return all(
            part.numbers.keys() == first.numbers.keys() and part.config.config_hash == first.config.config_hash
            for part in self.parts[1:]
        )

    @cached_property
    def config(self) -> BatchConfig:
        """The combined goal; what it says of connection, files and format is the first one's.

        It makes profiles if some batch does: `making` tells which.
        """
        first = self.parts[0].config
        if self.is_plain:
            return first
        said: dict[str, object] = {"identifiers": _identifiers(first), "mappings": self.mappings}
        if not first.goal.group_type:
            said["allow_create"] = any(self.making)
        goal = first.goal.model_copy(update=said)
        return first.model_copy(update={"goal": goal, "properties": tuple(self.properties.values())})

    @cached_property
    def written(self) -> tuple[frozenset[int], ...]:
        """Batch by batch, the numbers of its mappings in the combined goal."""
        return tuple(frozenset(part.numbers if self.is_plain else part.numbers.values()) for part in self.parts)

    @cached_property
    def making(self) -> tuple[bool, ...]:
        """Batch by batch, whether a row that finds no profile makes one."""
        return tuple(part.config.goal.allow_create for part in self.parts)

    @property
    def only_some_make(self) -> bool:
        """Whether it matters which batch a row stands in."""
        return len(set(self.making)) > 1

    @property
    def present(self) -> frozenset[int]:
        """The numbers of all mappings that some batch has."""
        return frozenset[int]().union(*self.written)

    def with_batch(self, config: BatchConfig, present: frozenset[int]) -> Combined | None:
        """With one more batch of the same kind; None = it must not be together with the others."""
        properties = dict(self.properties)
        for prop in config.properties:
            if properties.setdefault(prop.name, prop).type_signature != prop.type_signature:
                return None
        mappings, numbers = list(self.mappings), {}
        # Property → where the next mapping into it may stand: those of one goal stay in their order.
        behind: dict[str, int] = {}
        for number, mapping in enumerate(config.goal.mappings):
            if number in present:
                wanted = mapping.model_copy(update={"column": _column(config, number)})
                numbers[number] = _place(mappings, wanted, behind.get(mapping.property, 0))
                behind[mapping.property] = numbers[number] + 1
        if len(mappings) > max(MAX_MAPPINGS, len(self.mappings)):
            return None
        return replace(
            self, parts=(*self.parts, Part(config, numbers)), mappings=tuple(mappings), properties=properties
        )


def combined(batches: Sequence[tuple[BatchConfig, frozenset[int]]]) -> Combined:
    """The goals of the batches of one pass: config, and numbers of the mappings whose column the batch has."""
    together: Combined | None = alone(*batches[0])
    for config, present in batches[1:]:
        together = together.with_batch(config, present) if together else None
    assert together is not None, "these batches share no pass"
    return together


def alone(config: BatchConfig, present: frozenset[int]) -> Combined:
    """A single batch's goal, however many mappings it has."""
    columns = [
        mapping.model_copy(update={"column": _column(config, number)})
        for number, mapping in enumerate(config.goal.mappings)
    ]
    numbers = {number: number for number in present}
    return Combined((Part(config, numbers),), tuple(columns), {prop.name: prop for prop in config.properties})


def _column(config: BatchConfig, number: int) -> str:
    """What the combined goal calls a mapping's column: an identifier's where it is one, else one name for all."""
    place = next((place for place in places_of(config) if place.mapping == number), None)
    return "cell" if place is None else id_name(place.number)


def _place(mappings: list[Mapping], wanted: Mapping, start: int) -> int:
    """The number of such a mapping, from `start` on; it is added where there is none."""
    for number, mapping in enumerate(mappings[start:], start):
        if mapping == wanted:
            return number
    mappings.append(wanted)
    return len(mappings) - 1


def _identifiers(config: BatchConfig) -> tuple[IdentifierRule, ...]:
    named = [
        Identifier(column=id_name(place), property=item.property)
        for place, item in enumerate(config.goal.identifier_columns)
    ]
    return tuple(
        named[rule[0]] if len(rule) == 1 else IdentifierGroup(all=tuple(named[place] for place in rule))
        for rule in config.goal.identifier_places
    )


def combined_rows(together: Combined, part: Part, rows: Sql, carried: Sequence[Sql]) -> Sql:
    """The rows of a batch with the columns of the combined goal. `carried`: columns in front of them."""
    inverse = {number: own for own, number in part.numbers.items()}
    columns = [*carried, ident("identifier")]
    if not part.config.has_one_identifier:
        columns += [place.column for place in places_of(part.config)]
    for number, mapping in enumerate(together.mappings):
        kind = column_type(together.properties[mapping.property])
        own = inverse.get(number)
        value = sql("NULL::{kind}", kind=kind) if own is None else ident(f"m{own}")
        columns.append(sql("{value} AS {name}", value=value, name=ident(f"m{number}")))
        if mapping.rule is Rule.set_or_clear:
            bad = literal("no such column") if own is None else ident(f"m{own}_invalid")
            columns.append(sql("{bad} AS {name}", bad=bad, name=ident(f"m{number}_invalid")))
    given = with_identifiers(part.config, rows)
    return sql("SELECT {columns}\nFROM ({rows})", columns=joined(", ", columns), rows=given)
