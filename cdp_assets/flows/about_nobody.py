"""Rows about people nobody had brought before: what to say of them, so that none is left out without a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import read_manifest
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

_FOUND_NOBODY = Sql(
    "SELECT name, folder, rows_not_found FROM ops.batches"
    " WHERE folded_at >= ? AND state = 'folded' AND rows_not_found > 0 ORDER BY position"
)

LeftOut = tuple[BatchConfig, str, int]
"""What a file was landed under, its name, and how many of its rows found nobody."""


def about_nobody_since(database: Database, folders: DataFolders, since: datetime) -> list[str]:
    """One sentence for each goal whose files, first folded since then, have rows about nobody who was known."""
    rows = database.rows(_FOUND_NOBODY, [since])
    return about_nobody(
        ((read_manifest(folders.landing / folder).config, name, int(count)) for name, folder, count in rows),
        imported=True,
    )


def about_nobody(files: Iterable[LeftOut], *, imported: bool) -> list[str]:
    """One sentence for each goal; `imported`: whether it has happened, or would."""
    goals: dict[str, BatchConfig] = {}
    counts: dict[str, dict[str, int]] = {}
    for config, name, rows in files:
        if rows and not config.goal.allow_create:
            key = f"{config.connection}/{config.goal.name}"
            goals[key] = config
            told = counts.setdefault(key, {})
            told[name] = told.get(name, 0) + rows
    return [_told(goals[key], counts[key], imported=imported) for key in goals]


def _told(config: BatchConfig, counts: Mapping[str, int], *, imported: bool) -> str:
    which = shown(next(iter(counts))) if len(counts) == 1 else f"{counted(len(counts), 'file')} of {config.goal.name}"
    rows = sum(counts.values())
    verbs = "is" if rows == 1 else "are", "was" if rows == 1 else "were"
    left_out = f"{verbs[1]} left out" if imported else "would be left out"
    return (
        f"{which}: {counted(rows, 'row')} {verbs[0]} about people nobody had brought before, and {left_out}. Files are"
        f" applied in the order of their dates; if another goal brings these people in a later file, put"
        f" `allow_create: true` into goal {config.goal.name}{_then(config, imported=imported)}"
    )


def _then(config: BatchConfig, *, imported: bool) -> str:
    if not imported:
        return " before the import"
    if not config.goal.files.keep_received:
        return " for the files to come (these were not kept: keep_received: false)"
    return f", then `python -m cdp_assets reland {config.connection} {config.goal.name}`"
