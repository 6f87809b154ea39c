"""What survivors of merges hold: of which old values and which cells each of their properties is made.

The rows of those who merge are gone through in their order, as spec.md 1.3 and 1.4 say, but no value is seen: a
property is a chain of references to old values and to cells, in the order in which the engine then joins, adds up
or takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.config.merging import MergeStrategy
from cdp_assets.flows.resolve_rows import Merges

Ref = tuple[int | None, int | None, int | None]
"""Whose old value, or else row and mapping of a cell; none of them = no value."""
Operation = tuple[int, Rule, int]
"""Mapping, its rule, and the number of the property it writes."""
NOTHING: Ref = (None, None, None)


class _Chain:
    """References in order; two are joined in no time, after which only the first may be used."""

    __slots__ = ("first", "last")

    def __init__(self, ref: Ref) -> None:
        self.first: list[object] = [ref, None]
        self.last = self.first

    def append(self, other: _Chain) -> None:
        """Puts another behind."""
        self.last[1] = other.first
        self.last = other.last

    def __iter__(self) -> Iterator[Ref]:
        link: list[object] | None = self.first
        while link is not None:
            yield link[0]  # type: ignore[misc]
            link = link[1]  # type: ignore[assignment]


class _State:
    """What one person holds: a bit for each property with a value, and the chains of those not as before."""

    __slots__ = ("chains", "filled", "person")

    def __init__(self, person: int, filled: int) -> None:
        self.person, self.filled = person, filled
        self.chains: dict[int, _Chain | None] = {}

    def chain(self, prop: int) -> _Chain:
        """The chain of a property that has a value."""
        known = self.chains.get(prop)
        return known if known is not None else _Chain((self.person, None, None))

    def put(self, prop: int, chain: _Chain) -> None:
        """The property is this from now on."""
        self.chains[prop] = chain
        self.filled |= 1 << prop

    def clear(self, prop: int) -> None:
        """The property has no value from now on."""
        self.chains[prop] = None
        self.filled &= ~(1 << prop)

    def add(self, prop: int, chain: _Chain) -> None:
        """The property holds more from now on."""
        if self.filled >> prop & 1:
            own = self.chain(prop)
            own.append(chain)
            chain = own
        self.put(prop, chain)


class Combination:
    """Goes through the rows of the people who merge."""

    def __init__(
        self,
        merges: Merges,
        old: Mapping[int, str],
        strategies: Sequence[MergeStrategy],
        operations: Sequence[Operation],
    ) -> None:
        """Everybody as they were before the pass.

        Args:
            merges: who merged at which row.
            old: person → one digit for each property, 1 = has a value.
            strategies: per property.
            operations: one for each digit of a row's marks.
        """
        self._merges, self._operations = merges, operations
        self._states = {person: _State(person, int("0" + old.get(person, "")[::-1], 2)) for person in merges.roots}
        self._both = sum(1 << prop for prop, how in enumerate(strategies) if how is MergeStrategy.both)
        self._acts: dict[str, list[tuple[Operation, bool]]] = {}

    def take(self, rows: Iterable[tuple[int, str]]) -> None:
        """Goes through the rows in their order; `rows`: ordinal and marks, as `survivors.row_marks` gives them."""
        for ordinal, marks in rows:
            merge = self._merges.merges.get(ordinal)
            if merge is not None:
                survivor, others = merge
                for other in others:
                    self._join(self._states[survivor], self._states.pop(other))
            state = self._states[self._merges.rows[ordinal]]
            for (mapping, rule, prop), gives in self._acting(marks):
                if gives:
                    self._write(state, prop, rule, _Chain((None, ordinal, mapping)))
                else:
                    state.clear(prop)

    def _acting(self, marks: str) -> list[tuple[Operation, bool]]:
        """The operations of a row that do something, and whether they give a value."""
        if marks not in self._acts:
            pairs = zip(self._operations, marks, strict=True)
            self._acts[marks] = [(operation, mark == "1") for operation, mark in pairs if mark != "0"]
        return self._acts[marks]

    def _write(self, state: _State, prop: int, rule: Rule, chain: _Chain) -> None:
        if rule in {Rule.add, Rule.sum}:
            state.add(prop, chain)
        elif rule is not Rule.set_if_empty or not state.filled >> prop & 1:
            state.put(prop, chain)

    def _join(self, survivor: _State, other: _State) -> None:
        moving = other.filled & (~survivor.filled | self._both)
        while moving:
            prop = (moving & -moving).bit_length() - 1
            moving &= moving - 1
            survivor.add(prop, other.chain(prop))

    def refs(self) -> Iterator[tuple[int, int, int, int | None, int | None, int | None]]:
        """Survivor, property, place, and the reference there, of every property that is not as it was."""
        for person, state in self._states.items():
            for prop, chain in state.chains.items():
                for place, ref in enumerate(chain if chain is not None else [NOTHING]):
                    yield person, prop, place, *ref
