"""Permission level, privacy zone and consent: what of a profile is ours and imports may write (spec.md 1.1, 9.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import Field, field_validator

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
    needs_consent: bool = True
    """False: it is allowed wherever a profile is."""
    legislations: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")], ...] = ()
    """Zones in which it needs consent, in any case; NONE = where no zone is told. In all others it is allowed.

    Profiles may then be in these zones, beside those that are known anyway.
    """

    @field_validator("legislations")
    @classmethod
    def _as_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(zone.upper() for zone in value))


class FrozenObjective(Strict):
    """An objective of a connection as it was when a batch was landed: what decides whether a row may act."""

    id: str
    needs_consent: bool
    legislations: tuple[str, ...]
    opt_out: tuple[str, ...]
    """Those of the zones in which it is allowed until it is refused."""

    @property
    def is_open(self) -> bool:
        """Whether it is allowed for everybody."""
        return not (self.needs_consent and self.legislations)

    def allows(self, zone: str, consented: Collection[str], refused: Collection[str]) -> bool:
        """Whether it is allowed for a profile of this zone with these decisions."""
        if self.is_open or zone not in self.legislations:
            return True
        return self.id not in refused if zone in self.opt_out else self.id in consented


def frozen_objectives(objectives: Iterable[Objective], ids: Collection[str]) -> tuple[FrozenObjective, ...]:
    """The objectives of these ids, in the order of the model."""
    return tuple(
        FrozenObjective(
            id=one.id,
            needs_consent=one.needs_consent,
            legislations=one.legislations,
            opt_out=tuple(zone for zone in one.legislations if zone in OPT_OUT_ZONES),
        )
        for one in objectives
        if one.id in ids
    )


def is_gated(objectives: Collection[FrozenObjective]) -> bool:
    """Whether there are profiles for whom none of the objectives of a connection is allowed."""
    return bool(objectives) and not any(objective.is_open for objective in objectives)


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
