"""How what a profile says of permission, zone and objectives came about: the history of consent (spec.md 9.1).

Worked out from the rows of the profile, like the origin of every value: so it is always that of the files in their
order, whatever came late, and a row that was refused for lack of consent is not in it. `main.consent_changes` tells the
same of everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cdp_assets.config.consent import CONSENTED, LEVEL, REFUSED, STARTS, ZONE
from cdp_assets.flows.trace_profile import Change, Maker, RowPlace, Trace
from cdp_assets.sql.consent_tables import MERGED


@dataclass(frozen=True)
class ConsentChanged:
    """One row changed zone, consented or refused objectives."""

    place: RowPlace
    profile: Maker
    """Whose it was: the profile, or one that became it."""
    from_consented: tuple[str, ...]
    to_consented: tuple[str, ...]
    from_refused: tuple[str, ...]
    to_refused: tuple[str, ...]
    from_legislation: str
    to_legislation: str
    source: str
    """`connection/goal`."""
    message: str
    """The columns that said it, with their rules; or that profiles merged."""


@dataclass(frozen=True)
class PermissionLevelChanged:
    """One row changed the permission level."""

    place: RowPlace
    profile: Maker
    from_level: str
    to_level: str
    source: str
    message: str


def consent_history(trace: Trace) -> list[ConsentChanged | PermissionLevelChanged]:
    """Everything that ever changed consent, in order; also of profiles that became this one.

    What a new profile starts with, level PERSONAL and no zone, is no change.
    """
    told = [change for change in trace.changes if change.property in {LEVEL, ZONE, CONSENTED, REFUSED}]
    found: list[ConsentChanged | PermissionLevelChanged] = []
    said: dict[Maker, dict[str, Any]] = {}
    for (place, profile), changes in groupby(told, key=lambda change: (change.place, change.profile)):
        before = said.get(profile, dict(STARTS))
        row = list(changes)
        after = before | {change.property: change.after for change in row}
        said[profile] = after
        found += _events(place, profile, row, before, after)
    return found


def _events(
    place: RowPlace, profile: Maker, row: Sequence[Change], before: dict[str, Any], after: dict[str, Any]
) -> Iterator[ConsentChanged | PermissionLevelChanged]:
    source = f"{place.connection}/{place.goal}"
    consent = (ZONE, CONSENTED, REFUSED)
    if any(before.get(name) != after.get(name) for name in consent):
        yield ConsentChanged(
            place,
            profile,
            from_consented=tuple(before.get(CONSENTED) or ()),
            to_consented=tuple(after.get(CONSENTED) or ()),
            from_refused=tuple(before.get(REFUSED) or ()),
            to_refused=tuple(after.get(REFUSED) or ()),
            from_legislation=before[ZONE],
            to_legislation=after[ZONE],
            source=source,
            message=_message(row, consent),
        )
    if before[LEVEL] != after[LEVEL]:
        yield PermissionLevelChanged(place, profile, before[LEVEL], after[LEVEL], source, _message(row, (LEVEL,)))


def _message(row: Sequence[Change], names: Sequence[str]) -> str:
    """What is taken out of one list by being put into the other has the columns of that one."""
    changes = [change for change in row if change.property in names]
    told = [*([MERGED] if any(change.merged for change in changes) else [])]
    return ", ".join(dict.fromkeys([*told, *(by for change in changes for by in change.by)]))
