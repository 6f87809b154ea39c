"""Rows that change nobody: what to say of them, so that none is left out without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import read_manifest
from cdp_assets.flows.unidentified import other_columns, unidentified
from cdp_assets.sql.looking import IDENTIFYING
from cdp_assets.sql.text import Sql, ident, joined, literal, sql
from cdp_assets.warehouse import Database

_FOUND_NOBODY = Sql(
    "SELECT name, folder, rows_not_found, rows_no_identifier, rows_received FROM ops.batches"
    " WHERE folded_at >= ? AND state = 'folded' AND rows_not_found IS NOT NULL ORDER BY position"
)
_MANY = 0.1
"""Share of a goal's rows from which on their people are rather missing than not meant to be kept."""


@dataclass(frozen=True)
class Taken:
    """One file, and its rows that changed nobody."""

    config: BatchConfig
    """What it was landed under."""
    name: str
    parquet: str
    """Its rows."""
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
    parquets: list[str] = field(default_factory=list)
    """Of the files with such rows."""

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
            Taken(
                read_manifest(folders.landing / folder).config,
                name,
                str(folders.landing / folder / "batch.parquet"),
                *map(int, counts),
            )
            for name, folder, *counts in batches
        ),
        imported=True,
    )


def about_nobody(database: Database, files: Iterable[Taken], *, imported: bool) -> list[AboutNobody]:
    """What to say of each goal with such rows; `imported`: whether it has happened, or would."""
    goals: dict[str, _Goal] = {}
    for file in files:
        config = file.config
        goal = goals.setdefault(f"{config.connection}/{config.goal.name}", _Goal(config))
        goal.config = config
        goal.rows += file.rows
        if file.not_found and not config.goal.allow_create:
            goal.left_out[file.name] = goal.left_out.get(file.name, 0) + file.not_found
        if file.unidentified:
            goal.unidentified[file.name] = goal.unidentified.get(file.name, 0) + file.unidentified
            goal.parquets.append(file.parquet)
    return list(_all_told(database, goals.values(), imported=imported))


def _all_told(database: Database, goals: Iterable[_Goal], *, imported: bool) -> Iterator[AboutNobody]:
    """Those without an identifier first: who is left out by them, others do not find."""
    goals = list(goals)
    identifying = {name for (name,) in database.rows(IDENTIFYING)}
    for goal in goals:
        if goal.unidentified:
            rows = sum(goal.unidentified.values())
            names = list(goal.unidentified)
            known = set() if goal.config.goal.group_type else identifying
            others = [(one, _having(database, goal, number)) for number, one in other_columns(goal.config, known)]
            sentence, many = unidentified(goal.config, names, rows, goal.rows, others, imported=imported)
            yield AboutNobody(sentence, many, goal.config.connection)
    yield from (goal.told(imported=imported) for goal in goals if goal.left_out)


def _having(database: Database, goal: _Goal, number: int) -> int:
    """How many of the rows without an identifier have a value in the column of a mapping."""
    files = joined(", ", [literal(path) for path in goal.parquets])
    (rows,) = database.row(
        sql(
            "SELECT count(*) FROM read_parquet([{files}], union_by_name = true) WHERE identifier IS NULL"
            " AND identifier_invalid IS NULL AND {value} IS NOT NULL",
            files=files,
            value=ident(f"m{number}"),
        )
    )
    return int(rows)


def _then(config: BatchConfig, *, imported: bool) -> str:
    if not imported:
        return " before the import"
    if not config.goal.files.keep_received:
        return " for the files to come (these were not kept: keep_received: false)"
    return f", then `python -m cdp_assets reland {config.connection} {config.goal.name}`"
