"""The names and places of the files one run of an export goal delivers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.export_names import extension_of, moment_text, places_of, rendered
from cdp_assets.config.exports import ExportProfilesGoal

ACTIONS = ("added", "changed", "removed")
_OF_EACH = re.compile(r"[_-]?\{(?:part|action)\}")
"""What differs between the files of one run, with the sign before it."""


@dataclass(frozen=True)
class Naming:
    """What fills the places of a goal's names in one run."""

    goal: ExportProfilesGoal
    label: str
    """Of the segment."""
    now: datetime
    """Start of the run."""
    run_id: str
    encrypted: bool = False
    again: int = 0
    """From 1: names with this number at their end, because those without are taken."""

    def name(self, part: int | None = None, action: str | None = None) -> str:
        """The name of one file: `part` from 1, where the goal splits; `action`, where each has a file."""
        template, extension = self._split()
        places = places_of(template)
        stem = rendered(template, lambda place: self._filled(place, part, action))
        if action and "action" not in places:
            stem += f"_{action}"
        if part is not None and "part" not in places:
            stem += f"_{part}"
        if self.again:
            stem += f"_{self.again}"
        return f"{stem}{extension}{self._packing}"

    def event_name(self, stream: str, part: int | None = None) -> str:
        """The name of a file of events; `part` from 1, where it is split."""
        stem = rendered(stream, str)
        if self.event_names_differ:
            stem += f"_{moment_text('timestamp', self.now, self.goal.file.timezone)}"
        stem += "".join(f"_{number}" for number in (part, self.again) if number)
        return f"{stem}.csv{self._packing}"

    @property
    def event_names_differ(self) -> bool:
        """Whether each run gives files of events a name of its own."""
        return self.goal.events is not None and self.goal.events.naming == "stamped"

    @property
    def stem(self) -> str:
        """The name without part, action and extension: what manifest and ready file are called by."""
        template, _ = self._split()
        common = _OF_EACH.sub("", template)
        common = common if common == template else common.strip("_-")
        stem = rendered(common, lambda place: self._filled(place, None, None))
        return f"{stem}_{self.again}" if self.again else stem

    @property
    def whole_template(self) -> str:
        """The name with its places unfilled, and with all that is put behind it, as in `vip_{date}.csv.gz`."""
        return f"{''.join(self._split())}{self._packing}"

    def _split(self) -> tuple[str, str]:
        name = self.goal.file.name
        for packing in (".pgp", ".gz"):
            if packing in self._packing:
                name = name.removesuffix(packing)
        extension = extension_of(name)
        return name.removesuffix(extension), extension or ".csv"

    @property
    def _packing(self) -> str:
        return (".gz" if self.goal.file.gzip else "") + (".pgp" if self.encrypted else "")

    def _filled(self, place: str, part: int | None, action: str | None) -> str:
        filled = {
            "segment": self.label,
            "goal": self.goal.name,
            "run_id": self.run_id,
            "part": str(part or ""),
            "action": action or "",
        }
        return filled[place] if place in filled else moment_text(place, self.now, self.goal.file.timezone)


def actions_of(goal: ExportProfilesGoal) -> tuple[str | None, ...]:
    """The actions that have a file each; (None,) = all profiles go into the same one."""
    return ACTIONS if goal.population == "difference" and goal.difference == "files" else (None,)
