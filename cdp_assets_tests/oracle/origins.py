"""Which row gave each profile each value: the last one after which the profile held something else than before it.

A value that came with a profile that became this one, and was that profile's own to the letter, came from where it
had it from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cdp_assets_tests.oracle.folding import fold
from cdp_assets_tests.oracle.scenarios import Scenario
from cdp_assets_tests.oracle.world import Profile, World

Row = tuple[str, int]
"""File and row, from 1."""


@dataclass
class Origins:
    """Profiles that live, and the row of each of their values."""

    profiles: list[Profile] = field(default_factory=list)
    rows: dict[tuple[int, str], Row] = field(default_factory=dict)
    """(identity of the profile, property) → the row."""
    before: list[tuple[Profile, dict[str, Any]]] = field(default_factory=list)
    """Who lived before the row, and what they held."""

    def origin(self, profile: Profile, name: str) -> Row:
        return self.rows[id(profile), name]

    def note(self, world: World, file: str, row: int) -> None:
        """What differs from before the row is its doing."""
        held = {id(profile): values for profile, values in self.before}
        for profile in world.profiles:
            for name, value in profile.values.items():
                if held.get(id(profile), {}).get(name) != value:
                    self.rows[id(profile), name] = self._brought(profile, name, value) or (file, row)
        self.before = [(profile, dict(profile.values)) for profile in world.profiles]

    def _brought(self, profile: Profile, name: str, value: Any) -> Row | None:
        """Where a profile that became this one by the row had the very value from."""
        for other, values in self.before:
            if other.into is not None and other.living is profile and values.get(name) == value:
                return self.origin(other, name)
        return None


def told_origins(scenario: Scenario) -> Origins:
    """The origins after all deliveries of the scenario."""
    origins = Origins()
    world = fold(
        scenario.properties,
        scenario.goals,
        scenario.deliveries,
        merging=scenario.merging,
        after_row=origins.note,
    )
    origins.profiles = world.profiles
    return origins
