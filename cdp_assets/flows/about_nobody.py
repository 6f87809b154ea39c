"""Rows that change nobody: what to say of them, so that none is left out without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import Manifest, read_manifest
from cdp_assets.flows.unidentified import unidentified
from cdp_assets.sql.looking import IDENTIFYING
from cdp_assets.sql.text import Sql, ident, joined, literal, sql
from cdp_assets.warehouse import Database

_FOUND_NOBODY = Sql(
    "SELECT folder, rows_not_found, rows_no_identifier, rows_received FROM ops.batches"
    " WHERE folded_at >= ? AND state = 'folded' AND rows_not_found IS NOT NULL ORDER BY position"
)
_MANY = 0.1
"""Share of a goal's rows from which on their people are rather missing than not meant to be kept."""


@dataclass(frozen=True)
class Taken:
    """One file, and its rows that changed nobody."""

    manifest: Manifest
    folder: Path
    """Where its batch stands."""
    not_found: int
    unidentified: int
    rows: int
    """All it has."""


@dataclass(frozen=True)
class AboutNobody:
    """What to say of the rows of one goal."""

    sentence: str
    many: bool
    """Whether it is to be warned of: most likely their people come too late, or not at all."""
    connection: str
    """Whose goal it is."""


@dataclass
class _Goal:
    """Files of a goal while they are counted; the latest says how they are imported."""

    config: BatchConfig
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that found nobody, by the file's name."""
    rows: int = 0
    unidentified: dict[str, int] = field(default_factory=dict)
    """Rows without an identifier, by the file's name."""
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many of these rows have a value in a column, by this and the property that it is mapped to."""

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
        if not many:
            return AboutNobody(
                f"{told}; `allow_create: true` in goal {goal} would keep them",
                many=False,
                connection=self.config.connection,
            )
        cure = (
            "Files are applied in the order of their dates; if another goal brings these people in a later file, by the"
            f" same identifier, put `allow_create: true` into goal {goal}{_then(self.config, imported=imported)}"
        )
        return AboutNobody(f"{told}. {cure}", many=True, connection=self.config.connection)


def about_nobody_since(database: Database, folders: DataFolders, since: datetime) -> list[AboutNobody]:
    """What to say of each goal whose files, first folded since then, have rows that changed nobody."""
    batches = database.rows(_FOUND_NOBODY, [since])
    return about_nobody(
        database,
        (
            Taken(read_manifest(folders.landing / folder), folders.landing / folder, *map(int, counts))
            for folder, *counts in batches
        ),
        imported=True,
    )


def about_nobody(database: Database, files: Iterable[Taken], *, imported: bool) -> list[AboutNobody]:
    """What to say of each goal with such rows; `imported`: whether it has happened, or would."""
    goals: dict[str, _Goal] = {}
    identifying = {name for (name,) in database.rows(IDENTIFYING)}
    for file in files:
        config, name = file.manifest.config, file.manifest.name
        goal = goals.setdefault(f"{config.connection}/{config.goal.name}", _Goal(config))
        goal.config = config
        goal.rows += file.rows
        if file.not_found and not config.goal.allow_create:
            goal.left_out[name] = goal.left_out.get(name, 0) + file.not_found
        if file.unidentified:
            goal.unidentified[name] = goal.unidentified.get(name, 0) + file.unidentified
            goal.others.update(_others(database, file, identifying))
    return list(_all_told(goals.values(), imported=imported))


def _all_told(goals: Iterable[_Goal], *, imported: bool) -> Iterator[AboutNobody]:
    """Those without an identifier first: who is left out by them, others do not find."""
    goals = list(goals)
    for goal in goals:
        if goal.unidentified:
            rows = sum(goal.unidentified.values())
            names = list(goal.unidentified)
            sentence, many = unidentified(goal.config, names, rows, goal.rows, goal.others, imported=imported)
            yield AboutNobody(sentence, many, goal.config.connection)
    yield from (goal.told(imported=imported) for goal in goals if goal.left_out)


def _others(database: Database, file: Taken, identifying: Collection[str]) -> dict[tuple[str, str], int]:
    """Columns that are mapped into properties by which other goals find people, of the rows without an identifier.

    Numbers of mappings are those of the file's own settings, and of the columns that it has.
    """
    manifest = file.manifest
    goal = manifest.config.goal
    used = {one.property for one in goal.identifier_columns}
    numbers = (
        []
        if goal.group_type
        else [
            number
            for number in sorted(manifest.present)
            if goal.mappings[number].property in identifying and goal.mappings[number].property not in used
        ]
    )
    if not numbers:
        return {}
    counts = database.row(
        sql(
            "SELECT {counts} FROM read_parquet({path}) WHERE identifier IS NULL AND identifier_invalid IS NULL",
            counts=joined(", ", [sql("count({value})", value=ident(f"m{number}")) for number in numbers]),
            path=literal(str(file.folder / "batch.parquet")),
        )
    )
    columns = [goal.mappings[number] for number in numbers]
    return {(one.column, one.property): int(count) for one, count in zip(columns, counts, strict=True)}


def _then(config: BatchConfig, *, imported: bool) -> str:
    if not imported:
        return " before the import"
    if not config.goal.files.keep_received:
        return " for the files to come (these were not kept: keep_received: false)"
    return f", then `python -m cdp_assets reland {config.connection} {config.goal.name}`"
