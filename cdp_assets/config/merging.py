"""Merging of profiles that turn out to be one person (spec.md 1.4, 6.2): off unless the model asks for it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cdp_assets.config.base import PropertyName, Strict


class MergeStrategy(StrEnum):
    """Which values of a property remain when profiles merge."""

    both = "both"
    """The survivor's, and behind them those of the other that it lacks; for properties that hold several values."""
    keep_current = "keep_current"
    """The survivor's; the other's where the survivor has none."""
    latest = "latest"
    """Those of the profile for which the property was written last."""


class Merging(Strict):
    """Profiles that one row finds become one: the earliest created survives."""

    limit: int | None = Field(default=20, ge=2)
    """A row that finds more profiles than this merges none of them; null = there is no limit."""


class FrozenMerging(Merging):
    """Merging as it was when a batch was landed."""

    strategies: dict[PropertyName, MergeStrategy] = Field(default_factory=dict)
    """Of every property whose strategy is not that of its type (`default_strategy`)."""
    distinct: tuple[PropertyName, ...] = ()
    """Profiles that hold different values of one of these never merge: a row that finds both is skipped."""


def default_strategy(*, multiple: bool, is_text: bool) -> MergeStrategy:
    """What holds for a property that names no strategy. `is_text`: its type is text or email."""
    return MergeStrategy.both if multiple and is_text else MergeStrategy.keep_current
