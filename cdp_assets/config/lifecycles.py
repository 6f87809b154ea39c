"""Lifecycles: the stages people go through, and how often they are written to in each (spec.md 9.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cdp_assets.config.base import Name, Strict
from cdp_assets.config.conditions import Asking, Condition, Path

MOST_STAGES = 10
Duration = Literal["MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "ALWAYS"]
WINDOWS: dict[Duration, timedelta | None] = {
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(hours=24),
    "WEEK": timedelta(days=7),
    "MONTH": timedelta(days=30),
    "QUARTER": timedelta(days=90),
    "YEAR": timedelta(days=365),
    "ALWAYS": None,
}
"""How far back from the start of a run each looks; None = without end. Windows slide, calendars do not count."""


class Threshold(Strict):
    """How often a profile is exported in a stage at most, by all counted goals together."""

    views: int = Field(ge=1)
    """So many times at most …"""
    duration: Duration
    """… in a window of this length, which ends at the start of the run."""

    @property
    def window(self) -> timedelta | None:
        """Its length; None = all time."""
        return WINDOWS[self.duration]


class Stage(Strict):
    """One stage of a lifecycle."""

    id: Name
    """How goals and tables name it."""
    name: str = ""
    """The name people see; left out = the id."""
    where: Condition
    """Who meets it and no later stage's is in it."""
    threshold: Threshold | None = None
    """How often its profiles are exported at most; left out = without limit."""

    @property
    def label(self) -> str:
        """The name, or the id where there is none."""
        return self.name or self.id


class Lifecycle(Asking):
    """Stages in order; a profile is in one of them at most, the last whose condition it meets."""

    id: Name
    """How goals, tables and assets name it."""
    name: str = ""
    """The name people see; left out = the id."""
    description: str = ""
    """What it is for, for people."""
    enabled: bool = True
    """False: nobody is in it, and goals that are placed in it export nobody."""
    entrance: Condition
    """Who meets it is in the lifecycle."""
    completion: Condition | None = None
    """Who is in the lifecycle and meets it has completed it, and is in no stage; left out = nobody completes it."""
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=MOST_STAGES)

    @model_validator(mode="after")
    def _stages_differ(self) -> Lifecycle:
        ids = [stage.id for stage in self.stages]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            message = f"two stages have the id {twice[0]!r}; give one of them another"
            raise ValueError(message)
        return self

    @property
    def label(self) -> str:
        """The name, or the id where there is none."""
        return self.name or self.id

    @property
    def trees(self) -> Iterator[tuple[Path, Condition]]:
        """All its trees of conditions, with their places."""
        yield ("entrance",), self.entrance
        if self.completion is not None:
            yield ("completion",), self.completion
        for index, stage in enumerate(self.stages):
            yield ("stages", index, "where"), stage.where

    @property
    def definition(self) -> str:
        """A digest that changes with the conditions, and not with words for people or thresholds."""
        told = {"enabled": True, "entrance": True, "completion": True, "stages": {"__all__": {"id", "where"}}}
        # The type pydantic wants for nested inclusions cannot be said of a dict of several kinds of values.
        return hashlib.sha256(self.model_dump_json(include=told).encode()).hexdigest()[:16]  # type: ignore[arg-type]

    def find_stage(self, stage_id: str) -> Stage | None:
        """The stage of that id, or None."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)


class Touchpoint(Strict):
    """Where an export goal is placed: it exports only profiles that are in these stages now."""

    id: Name
    """The lifecycle."""
    stages: Literal["all"] | Annotated[tuple[Name, ...], Field(min_length=1)] = "all"
    """Stages of it; `all` = whichever, but in one."""
    add_event: bool = True
    """Each profile delivered counts once in its stage, and profiles at the stage's threshold are skipped; false =
    the goal neither counts nor skips."""

    @model_validator(mode="before")
    @classmethod
    def _only_one(cls, value: Any) -> Any:
        if isinstance(value, list):
            message = "a goal belongs to one lifecycle at most; write {id: …, stages: […]}, and a goal for each other"
            raise ValueError(message)  # noqa: TRY004 - a mistake of the author, told with the others
        return value

    def stages_of(self, lifecycle: Lifecycle) -> tuple[Stage, ...]:
        """The stages it is placed in."""
        return tuple(stage for stage in lifecycle.stages if self.stages == "all" or stage.id in self.stages)
