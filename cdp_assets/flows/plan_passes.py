"""Which batches are applied together: a pure function of their manifests (design.md, Order)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.manifests import Manifest
from cdp_assets.sql.combining import Combined, alone, kind_of

MAX_BATCHES = 100
"""Batches of one pass at most: bounds the statement, and how much one transaction holds."""


@dataclass(frozen=True)
class Placed:
    """A batch with its place in the order and its folder."""

    position: int
    manifest: Manifest
    folder: Path

    @property
    def parquet(self) -> str:
        """Its rows."""
        return str(self.folder / "batch.parquet")


def cut_into_passes(batches: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Runs of batches that can be applied together; a full file always stands alone.

    So does one with events where profiles merge: whose they are may change from batch to batch.
    """
    group: list[Placed] = []
    together: Combined | None = None
    kind: tuple[object, ...] = ()
    for item in batches:
        config, present = item.manifest.config, item.manifest.present
        own = kind_of(config, present)
        fits = together and _may_share(config) and own == kind and len(group) < MAX_BATCHES
        together = together.with_batch(config, present) if together and fits else None
        if group and together is None:
            yield group
            group = []
        together, kind = together or alone(config, present), own
        group.append(item)
    if group:
        yield group


def _may_share(config: BatchConfig) -> bool:
    return config.goal.files.delta and not (config.goal.events and config.merging is not None)
