"""The consent gate of a pass: decides at once whose rows may not act, and goes through the others one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cdp_assets.config.consent import CONSENTED, REFUSED, ZONE, FrozenObjective
from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.consent_said import Cell, Consent
from cdp_assets.flows.people import Person
from cdp_assets.sql import gate
from cdp_assets.sql.combining import Combined
from cdp_assets.warehouse import Database

_TARGETS = (ZONE, CONSENTED, REFUSED)


@dataclass
class Gate:
    """Judges rows in their order; only what people say of consent is known here."""

    objectives: Sequence[FrozenObjective]
    _said: dict[int, tuple[Cell, ...]]
    """What rows say of zone, consented and refused objectives; who says nothing is not here."""
    _before: dict[str, Consent]
    """What the profiles of the warehouse say."""
    _now: dict[Person, Consent] = field(default_factory=dict)
    shut: list[tuple[int, int, str | None, int | None, str]] = field(default_factory=list)
    """Ordinal, key, profile or the row that made it, and zone of the rows that may not act."""

    def judge(self, ordinal: int, key: int, found: Sequence[Person]) -> Consent | None:
        """What the person says once the row has acted; None = it may not act.

        `found`: who would be one person, in the order they were made; nobody = the row would make one.
        """
        after = self._of(found[0]).copy() if found else Consent()
        for other in found[1:]:
            after.join(self._of(other))
        after.take(_TARGETS, self._said.get(ordinal, (None, None, None)))
        if any(one.allows(after.zone, after.given, after.refused) for one in self.objectives):
            return after
        whose = found[0] if found else None
        born = whose.born_at if whose is not None and whose.profile_id is None else None
        self.shut.append((ordinal, key, whose.profile_id if whose else None, born, after.zone))
        return None

    def keep(self, person: Person, said: Consent) -> None:
        """The row has acted."""
        self._now[person] = said

    def _of(self, person: Person) -> Consent:
        return self._now.get(person) or self._before.get(person.profile_id or "") or Consent()


def gate_of(database: Database, config: BatchConfig) -> Gate:
    """The gate for the rows of `id_shared`."""
    said = {ordinal: tuple(cells) for ordinal, *cells in database.rows(gate.SHARED_SAID)}
    before = {
        profile_id: Consent(zone=zone, given=set(given or ()), refused=set(refused or ()))
        for profile_id, zone, given, refused in database.rows(gate.SHARED_STATES)
    }
    return Gate(config.objectives, said, before)


def shut_alone(database: Database, together: Combined) -> bool:
    """Takes the rows that may not act away from tuples that are decided at once; returns whether there are any."""
    making = together.making if together.only_some_make else None
    database.run(gate.shut_alone(together.config.objectives, making))
    if not database.rows(gate.COUNT_SHUT):
        return False
    for statement in gate.leave_out(together.config):
        database.run(statement)
    return True


def note_mismatches(database: Database) -> dict[int, int]:
    """Enters the rows that may not act; returns how many there are, by number of the batch within the pass."""
    counts = dict(database.rows(gate.COUNT_SHUT))
    if counts:
        database.run(gate.NOTE_SHUT)
    return counts
