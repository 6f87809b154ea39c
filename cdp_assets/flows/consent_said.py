"""What one person says of permission, zone and consent, and what becomes of it row by row (spec.md 9.1).

Where two become one, the stricter level stays, and what either refused is refused: doubt is no consent. The
survivor's zone stays if it has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from cdp_assets.config.consent import CONSENTED, LEVEL, LEVELS, NO_ZONE, PERSONAL, REFUSED, ZONE

Cell = str | list[str] | None
"""What a row says of one target; None = nothing."""


@dataclass
class Consent:
    """What one person says."""

    level: str = PERSONAL
    zone: str = NO_ZONE
    given: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def copy(self) -> Consent:
        """Another that says the same."""
        return deepcopy(self)

    @property
    def told(self) -> tuple[str, str, list[str], list[str]]:
        """Level, zone, and the objectives consented to and refused, sorted."""
        return self.level, self.zone, sorted(self.given), sorted(self.refused)

    def join(self, other: Consent) -> None:
        """Both are one person from now on."""
        self.level = min(self.level, other.level, key=LEVELS.index)
        self.zone = other.zone if self.zone == NO_ZONE else self.zone
        self.refused |= other.refused
        self.given = (self.given | other.given) - self.refused

    def take(self, targets: Sequence[str], cells: Sequence[Cell]) -> None:
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
