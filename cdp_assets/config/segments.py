"""Segments: a name and a tree of conditions (spec.md 9.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from cdp_assets.config.base import Name
from cdp_assets.config.conditions import Asking, Condition, Path
from cdp_assets.config.limits import SegmentChecks


class Segment(Asking):
    """A named set of profiles, worked out anew from the warehouse each time it is materialised."""

    name: Name
    """Unique; part of its asset's name. Never change it: it says who joined and left."""
    title: str = ""
    """The name people see in files and columns; empty = the name itself."""
    description: str = ""
    """What people read about it."""
    where: Condition
    """The condition every member meets."""
    checks: SegmentChecks = SegmentChecks()
    """What is checked of its members, and within which limits."""

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name

    @property
    def trees(self) -> Iterator[tuple[Path, Condition]]:
        """Its one tree, with its place."""
        yield ("where",), self.where

    @property
    def definition(self) -> str:
        """A digest that changes with the condition, and not with its words for people."""
        return hashlib.sha256(self.model_dump_json(include={"where"}, exclude_defaults=True).encode()).hexdigest()[:16]
