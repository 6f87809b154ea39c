"""Rows about people nobody had brought before: what to say of them, so that none is left out without a word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import read_manifest
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

_FOUND_NOBODY = Sql(
    "SELECT name, folder, rows_not_found, rows_received FROM ops.batches"
    " WHERE folded_at >= ? AND state = 'folded' AND rows_not_found IS NOT NULL ORDER BY position"
)
_MANY = 0.1
"""Share of a goal's rows from which on their people are rather missing than not meant to be kept."""

Taken = tuple[BatchConfig, str, int, int]
"""What a file was landed under, its name, how many of its rows found nobody, and how many it has."""


@dataclass(frozen=True)
class AboutNobody:
    """What to say of the rows of one goal."""

    sentence: str
    many: bool
    """Whether it is to be warned of: most likely their people come too late, or not at all."""


@dataclass
class _Goal:
    """Files of a goal while they are counted; the latest says how they are imported."""

    config: BatchConfig
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that found nobody, by the file's name."""
    rows: int = 0

    def told(self, *, imported: bool) -> AboutNobody:
        goal, left_out = self.config.goal.name, sum(self.left_out.values())
        many = left_out >= _MANY * self.rows
        files = len(self.left_out)
        which = shown(next(iter(self.left_out))) if files == 1 else f"{counted(files, 'file')} of {goal}"
        verbs = "is" if left_out == 1 else "are", "was" if left_out == 1 else "were"
        told = (
            f"{which}: {counted(left_out, 'row')} {verbs[0]} about people nobody had brought before,"
            f" and {f'{verbs[1]} left out' if imported else 'would be left out'}"
        )
        if imported:
            told += f" (`python -m cdp_assets rejects {self.config.connection} {goal} --left-out` tells which)"
        if not many:
            return AboutNobody(f"{told}; `allow_create: true` in goal {goal} would keep them", many=False)
        cure = (
            "Files are applied in the order of their dates; if another goal brings these people in a later file, by the"
            f" same identifier, put `allow_create: true` into goal {goal}{_then(self.config, imported=imported)}"
        )
        return AboutNobody(f"{told}. {cure}", many=True)


def about_nobody_since(database: Database, folders: DataFolders, since: datetime) -> list[AboutNobody]:
    """What to say of each goal whose files, first folded since then, have rows about nobody who was known."""
    batches = database.rows(_FOUND_NOBODY, [since])
    return about_nobody(
        (
            (read_manifest(folders.landing / folder).config, name, int(count), int(rows))
            for name, folder, count, rows in batches
        ),
        imported=True,
    )


def about_nobody(files: Iterable[Taken], *, imported: bool) -> list[AboutNobody]:
    """What to say of each goal with such rows; `imported`: whether it has happened, or would."""
    goals: dict[str, _Goal] = {}
    for config, name, left_out, rows in files:
        if config.goal.allow_create:
            continue
        goal = goals.setdefault(f"{config.connection}/{config.goal.name}", _Goal(config))
        goal.config = config
        goal.rows += rows
        if left_out:
            goal.left_out[name] = goal.left_out.get(name, 0) + left_out
    return [goal.told(imported=imported) for goal in goals.values() if goal.left_out]


def _then(config: BatchConfig, *, imported: bool) -> str:
    if not imported:
        return " before the import"
    if not config.goal.files.keep_received:
        return " for the files to come (these were not kept: keep_received: false)"
    return f", then `python -m cdp_assets reland {config.connection} {config.goal.name}`"
