"""What survivors of merges hold: of which old values and which cells each of their properties is made.

The rows of those who merge are gone through in their order up to their last merge, as spec.md 1.3 and 1.4 say, but
no value is seen: a property is a chain of references to old values and to cells, in the order in which the engine
then joins, adds up or takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.config.merging import MergeStrategy
from cdp_assets.flows.resolve_rows import Merges

Written = tuple[int, int, int]
"""(0, position, row) before the pass, (1, ordinal, 0) in it."""
NEVER: Written = (-1, 0, 0)
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
            # A link is its value and the next link: two kinds in one list, which is the smallest that can change.
            yield link[0]  # type: ignore[misc]
            link = link[1]  # type: ignore[assignment]


class _State:
    """What one person holds: a bit for each property with a value, and the chains of those not as before."""

    __slots__ = ("chains", "filled", "person", "written")

    def __init__(self, person: int, filled: int) -> None:
        self.person, self.filled = person, filled
        self.chains: dict[int, _Chain | None] = {}
        self.written: dict[int, Written] = {}
        """Only of properties whose latest write decides."""

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


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


class Combination:
    """Goes through the rows of the people who merge."""

    def __init__(
        self,
        merges: Merges,
        old: Mapping[int, str],
        strategies: Sequence[MergeStrategy],
        operations: Sequence[Operation],
        written: Mapping[tuple[int, int], Written],
    ) -> None:
        """Everybody as they were before the pass.

        Args:
            merges: who merged at which row.
            old: person → one digit for each property, 1 = has a value.
            strategies: per property.
            operations: one for each digit of a row's marks.
            written: (person, property) → when it was written last, of properties whose latest write decides.
        """
        self._merges, self._operations = merges, operations
        self._states = {person: _State(person, int("0" + old.get(person, "")[::-1], 2)) for person in merges.roots}
        self._both = sum(1 << prop for prop, how in enumerate(strategies) if how is MergeStrategy.both)
        self._latest = sum(1 << prop for prop, how in enumerate(strategies) if how is MergeStrategy.latest)
        for (person, prop), when in written.items():
            self._states[person].written[prop] = when
        self._acts: dict[str, list[tuple[Operation, bool]]] = {}
        self._refs: list[tuple[int, int, int, int | None, int | None, int | None]] = []

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
                    self._write(state, prop, rule, _Chain((None, ordinal, mapping)), (1, ordinal, 0))
                else:
                    state.clear(prop)
                    state.written.pop(prop, None)
            if self._merges.last.get(state.person) == ordinal:
                self._keep_refs(state)

    def _acting(self, marks: str) -> list[tuple[Operation, bool]]:
        """The operations of a row that do something, and whether they give a value."""
        if marks not in self._acts:
            pairs = zip(self._operations, marks, strict=True)
            self._acts[marks] = [(operation, mark == "1") for operation, mark in pairs if mark != "0"]
        return self._acts[marks]

    def _write(self, state: _State, prop: int, rule: Rule, chain: _Chain, when: Written) -> None:
        if rule in {Rule.add, Rule.sum, Rule.patch}:
            state.add(prop, chain)
        elif rule is not Rule.set_if_empty or not state.filled >> prop & 1:
            state.put(prop, chain)
        else:
            return
        if self._latest >> prop & 1:
            state.written[prop] = when

    def _join(self, survivor: _State, other: _State) -> None:
        for prop in _bits(other.filled & self._latest):
            when = other.written.get(prop, NEVER)
            if not survivor.filled >> prop & 1 or when > survivor.written.get(prop, NEVER):
                survivor.put(prop, other.chain(prop))
                survivor.written[prop] = when
        for prop in _bits(other.filled & ~self._latest & (~survivor.filled | self._both)):
            survivor.add(prop, other.chain(prop))

    def written(self) -> Iterator[tuple[int, int, Written]]:
        """Survivor, property, and when it was written last, of properties whose latest write decides."""
        for person, state in self._states.items():
            for prop, when in state.written.items():
                if when != NEVER:
                    yield person, prop, when

    def _keep_refs(self, state: _State) -> None:
        for prop, chain in state.chains.items():
            refs = enumerate(chain if chain is not None else [NOTHING])
            self._refs += [(state.person, prop, place, *ref) for place, ref in refs]

    def refs(self) -> list[tuple[int, int, int, int | None, int | None, int | None]]:
        """Survivor, property, place, and the reference there, of every property that its last merge left not as it was.

        What the rows after that do is worked out as of any profile.
        """
        return self._refs
