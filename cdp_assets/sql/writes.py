"""What a pass writes: each property with the mappings that meet on it."""

from __future__ import annotations

from dataclasses import dataclass

from cdp_assets.config.consent import CONSENTED, REFUSED
from cdp_assets.config.goals import Mapping, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.text import Sql, ident


@dataclass(frozen=True)
class Write:
    """Everything a pass does to one property."""

    number: int
    """Names the property's temporary columns, whatever the property is called."""
    prop: Property
    mappings: tuple[tuple[int, Mapping], ...]
    """Their numbers in the goal, in order; only those whose column the files have."""

    def part(self, name: str) -> Sql:
        """Temporary column of one part; no property can have such a name."""
        return ident(f"p{self.number}:{name}")

    @property
    def rules(self) -> frozenset[Rule]:
        """The rules that meet on this property."""
        return frozenset(mapping.rule for _, mapping in self.mappings)


def writes_of(config: BatchConfig, present: frozenset[int], columns: frozenset[str]) -> list[Write]:
    """What a goal's batches write: mappings whose column the file has, into properties that still exist."""
    by_property: dict[str, list[tuple[int, Mapping]]] = {}
    for number, mapping in enumerate(config.goal.mappings):
        if number in present and mapping.property in columns:
            by_property.setdefault(mapping.property, []).append((number, mapping))
    for name in TOGETHER if any(name in by_property for name in TOGETHER) else ():
        by_property.setdefault(name, [])
    return [
        Write(number, _property(config, name), tuple(mappings))
        for number, (name, mappings) in enumerate(by_property.items())
    ]


TOGETHER = (CONSENTED, REFUSED)
"""What is written to one of them changes the other."""


def _property(config: BatchConfig, name: str) -> Property:
    known = {prop.name: prop for prop in config.properties}
    return known.get(name) or Property(name=name, multiple=True)
