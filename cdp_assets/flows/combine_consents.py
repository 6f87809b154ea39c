"""What survivors of merges say of permission, zone and consent after their last merge.

Row by row, over these few codes alone.

Where two become one, the stricter level stays, and what either refused is refused: doubt is no consent. The
survivor's zone stays if it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cdp_assets.config.consent import CONSENTED, LEVEL, LEVELS, NO_ZONE, PERSONAL, REFUSED, ZONE
from cdp_assets.flows.resolve_rows import Merges, insert_rows
from cdp_assets.sql import survivors
from cdp_assets.sql.writes import Write
from cdp_assets.warehouse import Database


@dataclass
class _Consent:
    """What one person says."""

    level: str = PERSONAL
    zone: str = NO_ZONE
    given: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def join(self, other: _Consent) -> None:
        """Both are one person from now on."""
        self.level = min(self.level, other.level, key=LEVELS.index)
        self.zone = other.zone if self.zone == NO_ZONE else self.zone
        self.refused |= other.refused
        self.given = (self.given | other.given) - self.refused

    def take(self, targets: Sequence[str], cells: Sequence[str | list[str] | None]) -> None:
        """One row: its zone first, then what it gives and refuses, as far as it is not both."""
        told = [(target, cell) for target, cell in zip(targets, cells, strict=True) if cell is not None]
        for target, cell in told:
            if target == LEVEL:
                self.level = str(cell)
            elif target == ZONE:
                self.zone = str(cell)
        if self.zone == NO_ZONE:
            return
        refused = {one for target, cell in told if target == REFUSED for one in cell}
        given = {one for target, cell in told if target == CONSENTED for one in cell} - refused
        self.given = (self.given | given) - refused
        self.refused = (self.refused - given) | refused


def combine_consents(database: Database, writes: Iterable[Write], merges: Merges) -> None:
    """Makes `merged_consents` of `merged_people` and `merged_rows`, while `profiles` is as before the pass."""
    mappings = sorted(
        (number, write.prop.name)
        for write in writes
        if write.prop.name in survivors.CONSENT_NAMES
        for number, _ in write.mappings
    )
    people = {person: _Consent() for person in merges.roots}
    for person, level, zone, given, refused in database.rows(survivors.OLD_CONSENTS):
        people[person] = _Consent(level, zone, set(given or ()), set(refused or ()))
    targets = [target for _, target in mappings]
    for ordinal, *cells in database.rows(survivors.consent_cells([number for number, _ in mappings])):
        merge = merges.merges.get(ordinal)
        if merge is not None:
            survivor, others = merge
            for other in others:
                people[survivor].join(people.pop(other))
        person = merges.rows[ordinal]
        if ordinal <= merges.last[merges.roots[person]]:
            people[person].take(targets, cells)
    database.run(survivors.CONSENTS_TABLE)
    rows = [
        (person, said.level, said.zone, sorted(said.given), sorted(said.refused)) for person, said in people.items()
    ]
    insert_rows(database, survivors.CONSENTS, rows)
