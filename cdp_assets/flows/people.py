"""Who holds which identifier while the rows of a pass are gone through one by one, and who became whom.

Values change hands when profiles merge: those of the profile with fewer move, whichever of them survives, so that
no value moves more often than the number of its holders can double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cdp_assets.config.merging import MergeStrategy

Written = tuple[int, int, int]
"""When a property was written last: (0, position, row) before the pass, (1, ordinal, 0) in it."""
NEVER: Written = (-1, 0, 0)


@dataclass(eq=False)
class Person:
    """A profile that rows may find: one of the warehouse, or one that a row makes."""

    order: int
    """Earlier profiles have smaller numbers."""
    profile_id: str | None
    """None = made here."""
    holding: Holding
    """What it holds; once it has merged, what its survivor holds does not stand here."""
    born_at: int = 0
    maker: tuple[str, str] = ("", "")
    merged_at: int | None = None
    """The row that found it and an earlier one; None = it lives."""
    into: Person | None = None

    @property
    def living(self) -> Person:
        """Itself, or the profile it has become."""
        person = self
        while person.into is not None:
            if person.into.into is not None:
                person.into = person.into.into
            person = person.into
        return person


@dataclass(eq=False)
class Holding:
    """The identifiers of one person."""

    values: list[list[str]]
    """Per identifying column, each value once, in no order that counts."""
    written: list[Written]
    """Per identifying column; kept only where the latest write decides when profiles merge."""
    owner: Person | None = None

    @property
    def size(self) -> int:
        """How many values there are."""
        return sum(map(len, self.values))


@dataclass
class _Holders:
    """Everybody who holds one value."""

    holdings: dict[Holding, None] = field(default_factory=dict)
    first: Person | None = None
    as_of: int = -1
    """After how many merges `first` was the earliest of them; -1 = it must be looked for."""


class People:
    """The identifiers of everybody that some rows may find. `strategies`: per identifying column."""

    def __init__(self, strategies: Sequence[MergeStrategy]) -> None:
        self._strategies = strategies
        self._holders: dict[tuple[int, str], _Holders] = {}
        self._count = 0
        self.merges: list[tuple[int, Person, tuple[Person, ...]]] = []
        """Row, who survived, and who became that person, in their order."""

    def add(
        self,
        profile_id: str | None,
        values: Sequence[Sequence[str]],
        *,
        written: Sequence[Written] = (),
        born_at: int = 0,
        maker: tuple[str, str] = ("", ""),
    ) -> Person:
        """One more, later than all before."""
        holding = Holding([[] for _ in values], list(written or [NEVER] * len(values)))
        person = holding.owner = Person(self._count, profile_id, holding, born_at, maker)
        self._count += 1
        for place, listed in enumerate(values):
            for value in listed:
                self.hold(holding, place, value)
        return person

    def holding(self, place: int, value: str) -> dict[Holding, None]:
        """What everybody holds who holds this value."""
        known = self._holders.get((place, value))
        return known.holdings if known else {}

    def first(self, place: int, value: str) -> Person | None:
        """The earliest of those who hold it."""
        known = self._holders.get((place, value))
        if not known or not known.holdings:
            return None
        if len(known.holdings) == 1:
            return next(iter(known.holdings)).owner
        if known.as_of != len(self.merges):
            owners = (holding.owner for holding in known.holdings)
            known.first = min((owner for owner in owners if owner), key=lambda owner: owner.order)
            known.as_of = len(self.merges)
        return known.first

    def hold(self, holding: Holding, place: int, value: str) -> None:
        """A person holds one more value; nothing happens if it does already."""
        known = self._holders.setdefault((place, value), _Holders())
        if holding in known.holdings:
            return
        known.holdings[holding] = None
        holding.values[place].append(value)
        if known.first and holding.owner and holding.owner.order < known.first.order:
            known.first = holding.owner

    def release(self, holding: Holding, place: int) -> None:
        """A person holds no value of this column any more."""
        for value in holding.values[place]:
            self._let_go(holding, place, value)
        holding.values[place] = []

    def _let_go(self, holding: Holding, place: int, value: str) -> None:
        known = self._holders[place, value]
        del known.holdings[holding]
        if known.first is holding.owner:
            known.as_of = -1

    def merge(self, row: int, found: Sequence[Person]) -> Person:
        """Makes one person of several; the earliest survives."""
        survivor, *others = sorted(found, key=lambda person: person.order)
        for other in others:
            for place, strategy in enumerate(self._strategies):
                self._choose(place, strategy, survivor.holding, other.holding)
            self._join(survivor, other)
            other.into, other.merged_at = survivor, row
        self.merges.append((row, survivor, tuple(others)))
        return survivor

    def _choose(self, place: int, strategy: MergeStrategy, current: Holding, other: Holding) -> None:
        if not (current.values[place] and other.values[place]):
            current.written[place] = max(current.written[place], other.written[place])
        elif strategy is MergeStrategy.latest and other.written[place] > current.written[place]:
            self.release(current, place)
            current.written[place] = other.written[place]
        elif strategy is not MergeStrategy.both:
            self.release(other, place)

    def _join(self, survivor: Person, other: Person) -> None:
        small, large = sorted((other.holding, survivor.holding), key=lambda holding: holding.size)
        for place, values in enumerate(small.values):
            for value in values:
                self._let_go(small, place, value)
                self.hold(large, place, value)
        large.written = survivor.holding.written
        large.owner, survivor.holding = survivor, large
