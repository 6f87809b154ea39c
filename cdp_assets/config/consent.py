"""Permission level, privacy zone and consent: what of a profile is ours and imports may write (spec.md 1.1, 9.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from cdp_assets.config.base import PropertyName, Strict
from cdp_assets.config.properties import Property

NO_ZONE = "NONE"
"""The zone of a profile nobody told of: consent is neither given nor refused in it."""
PERSONAL = "PERSONAL"
LEVELS = ("DO_NOT_TRACK", "ANONYMOUS", PERSONAL)
OPT_OUT_ZONES = (
    *("CCPA", "SB220", "SB190", "SB1392", "UCPA", "CDPA_CTCPDA", "TDPSA", "MTCDPA", "FDBR", "OCPA", "DPDPA"),
    *("ICDPA", "NHPA", "NJDPA", "NEDPA", "NYPA"),
)
"""Zones in which a purpose is allowed until it is refused; in all others it must be consented to."""
KNOWN_ZONES = (NO_ZONE, "GDPR", *OPT_OUT_ZONES)
LEVEL, ZONE = "permission_level", "privacy_legislation"
CONSENTED, REFUSED = "consented_objectives", "refused_objectives"
TARGETS = (LEVEL, ZONE, CONSENTED, REFUSED)
"""What a mapping may name instead of a property."""
STARTS = {LEVEL: PERSONAL, ZONE: NO_ZONE}
"""What a new profile has."""


class Objective(Strict):
    """A purpose that people consent to or refuse."""

    id: PropertyName
    """What files call it; letters, digits, `-` and `_`."""
    name: str = ""
    """What people call it; empty = the id."""
    title: str = ""
    """What people are asked."""
    description: str = ""
    """What people read about it."""
    legislations: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")], ...] = ()
    """Zones it is about; profiles may then be in them, beside the zones that are known anyway."""


def target_properties(objectives: Iterable[Objective]) -> tuple[Property, ...]:
    """The targets as what a cell can hold: codes and ids, in any case, as they are written here."""
    objectives = tuple(objectives)
    named = [zone for objective in objectives for zone in objective.legislations]
    zones = tuple(dict.fromkeys([*KNOWN_ZONES, *named]))
    ids = tuple(objective.id for objective in objectives)
    return (
        Property(name=LEVEL, choices=LEVELS),
        Property(name=ZONE, choices=zones),
        Property(name=CONSENTED, multiple=True, choices=ids),
        Property(name=REFUSED, multiple=True, choices=ids),
    )
