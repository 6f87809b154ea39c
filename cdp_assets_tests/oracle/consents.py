"""The history of consent: what each row changed, by looking at everybody after every row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cdp_assets_tests.oracle.world import TARGETS, Maker, World

Said = tuple[tuple[Any, ...], ...]
STARTS: Said = (("PERSONAL",), ("NONE",), (), ())


@dataclass
class ConsentLog:
    """Told of every row (`fold(after_row=…)`)."""

    said: dict[Maker, Said] = field(default_factory=dict)
    steps: list[tuple[int, int, Maker, Said, Said]] = field(default_factory=list)
    """Place of the file in the order and its row, from 1; whose it was; the four before and after."""

    def __call__(self, world: World, name: str, row: int) -> None:
        for profile in world.profiles:
            now = tuple(profile.values.get(target, ()) for target in TARGETS)
            before = self.said.get(profile.maker, STARTS)
            if now != before:
                self.steps.append((len(world.order), row, profile.maker, before, now))
            self.said[profile.maker] = now

    def changes(self, world: World) -> list[tuple[int, int, Maker, Maker, Said, Said]]:
        """Likewise, with whose it is in the end."""
        now = {profile.maker: profile.living.maker for profile in world.replaced}
        return sorted((*step[:3], now.get(step[2], step[2]), *step[3:]) for step in self.steps)
