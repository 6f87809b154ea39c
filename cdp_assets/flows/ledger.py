"""Keeps the ledger in step with the landing folder: every batch and attempt is entered once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cdp_assets.config.groups import GroupType
from cdp_assets.errors import NothingFoldedError
from cdp_assets.faults import step
from cdp_assets.files.remote import split_path
from cdp_assets.flows.folders import DataFolders, digest, write_whole
from cdp_assets.flows.manifests import (
    SHORT,
    Attempt,
    Manifest,
    all_attempts,
    all_batch_folders,
    read_attempt,
    read_manifest,
    rejects_beside,
)
from cdp_assets.sql import history, ledger, schema, tables
from cdp_assets.sql.records import GROUP_TABLES, groups_name
from cdp_assets.sql.segments import COLUMNS
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database


def prepare_schemas(database: Database) -> None:
    """Makes the tables that do not depend on the customer model; existing ones get the columns they lack."""
    with database.transaction():
        database.run(Sql("CREATE SCHEMA IF NOT EXISTS ops"))
        there = {(place, table): set(columns) for place, table, columns in database.rows(schema.COLUMNS_KNOWN)}
        for table in (*tables.FACTS, *tables.DERIVED, *tables.MEMBERSHIPS):
            known = there.get((table.schema, table.name))
            for statement in schema.create_table(table) if known is None else _added_columns(table, known):
                database.run(statement)
        for statement in [] if ("main", "replaces") in there else tables.REPLACES:
            database.run(statement)
        known_views = dict(database.rows(history.VIEWS_KNOWN))
        for view in history.VIEWS:
            for statement in history.make_view(view) if known_views.get(view.name) != view.told else []:
                database.run(statement)
    step("ledger: tables made")


def _added_columns(table: schema.Table, there: set[str]) -> list[Sql]:
    """What gives a table of an earlier release the columns that have come since, empty in every row."""
    missing = [column for column in table.columns if column.name not in there]
    return [statement for column in missing for statement in schema.add_column(table, column)]


def require_profiles(database: Database) -> None:
    """Refuses to select from a warehouse that has never been folded.

    Raises:
        NothingFoldedError: nobody need act: the first fold makes the table.
    """
    if not database.rows(
        Sql("SELECT 1 FROM information_schema.tables WHERE table_schema = 'main' AND table_name = 'profiles'")
    ):
        message = "there are no profiles yet: import files and let the fold run first"
        raise NothingFoldedError(message)


def require_columns(database: Database, owner: str, asked: Iterable[str]) -> frozenset[str]:
    """A property that is new in the YAML gets its column at the next fold, whatever waits for it.

    Nobody else may add one: by the columns that are missing the fold tells whether old batches must be gone through.

    Args:
        database: the warehouse, or a copy.
        owner: who asks for these properties.
        asked: their names.

    Returns:
        The columns there are.

    Raises:
        NothingFoldedError: nobody need act, but for letting the fold run.
    """
    there = frozenset(name for (name,) in database.rows(COLUMNS))
    _refuse_missing(owner, set(asked) - there)
    return there


def require_group_names(database: Database, owner: str, kinds: Iterable[GroupType]) -> None:
    """The same for the properties that name groups of these types; `owner` shows them.

    Raises:
        NothingFoldedError: nobody need act, but for letting the fold run.
    """
    tables_there = dict(database.rows(GROUP_TABLES))
    asked = {(groups_name(kind.id), kind.display_name) for kind in kinds}
    missing = {f"{name} of {table}" for table, name in asked if name not in tables_there.get(table, ())}
    _refuse_missing(owner, missing)


def _refuse_missing(owner: str, missing: Iterable[str]) -> None:
    if names := ", ".join(sorted(missing)):
        message = f"{owner} asks for {names}, new in the YAML: let the fold run first (materialise profiles)"
        raise NothingFoldedError(message)


def register(database: Database, folders: DataFolders) -> dict[str, tuple[Manifest, Path]]:
    """Enters what was landed since the last time, in one transaction; returns every batch and its folder.

    A batch that is entered already is not entered again, whatever became of the process that did it.
    """
    batches = {}
    for folder in all_batch_folders(folders):
        manifest = read_manifest(folder)
        batches[manifest.batch_id] = (manifest, folder)
    entered = {batch_id for (batch_id,) in database.rows(ledger.REGISTERED)}
    attempts = {attempt_id for (attempt_id,) in database.rows(ledger.KNOWN_ATTEMPTS)}
    with database.transaction():
        _enter_batches(database, folders, [batches[batch_id] for batch_id in sorted(batches.keys() - entered)])
        for path in all_attempts(folders):
            attempt = read_attempt(path)
            if attempt.attempt_id not in attempts:
                _enter_attempt(database, attempt, rejects_beside(path))
        _enter_notifications(database, folders)
        step("ledger: before the batches are entered")
    return batches


def _enter_notifications(database: Database, folders: DataFolders) -> None:
    """Messages whose outcome is known."""
    known = {note_id for (note_id,) in database.rows(ledger.KNOWN_NOTIFICATIONS)}
    for path in sorted((folders.root / "notifications").glob("*/*.json")):
        if path.stem not in known:
            with suppress(json.JSONDecodeError):
                note = json.loads(path.read_bytes())
                if note["sent"] is not None:
                    database.insert(tables.NOTIFICATIONS.path, list(note), [list(note.values())])


def _enter_attempt(database: Database, attempt: Attempt, rejects: Path) -> None:
    entry = attempt.model_dump(exclude={"look_at", "seen_id"})
    database.insert(tables.ATTEMPTS.path, list(entry), [list(entry.values())])
    if rejects.exists():
        place = [attempt.attempt_id, attempt.connection, attempt.goal, attempt.partition_key]
        database.run(ledger.add_rejects(str(rejects), place, split_path(attempt.path)[1]))


def _enter_batches(database: Database, folders: DataFolders, batches: Sequence[tuple[Manifest, Path]]) -> None:
    entries = [_entry(folders, manifest, folder) for manifest, folder in batches]
    if entries:
        database.insert(tables.BATCHES.path, list(entries[0]), [list(entry.values()) for entry in entries])
    for manifest, folder in batches:
        if manifest.has_rejects:
            config = manifest.config
            place = [manifest.batch_id, config.connection, config.goal.name, manifest.partition_key]
            database.run(ledger.add_rejects(str(folder / "rejects.parquet"), place, manifest.name))


def _entry(folders: DataFolders, manifest: Manifest, folder: Path) -> dict[str, object]:
    config = manifest.config
    return {
        "batch_id": manifest.batch_id,
        "connection": config.connection,
        "goal": config.goal.name,
        "partition_key": manifest.partition_key,
        "name": manifest.name,
        "path": manifest.path,
        "version_id": manifest.version_id,
        "sha256": manifest.sha256,
        "size_bytes": manifest.size_bytes,
        "modified_at": manifest.modified_at,
        "look_at": manifest.look_at,
        "effective_at": manifest.effective_at,
        "landed_at": manifest.landed_at,
        "folder": str(folder.relative_to(folders.landing)),
        "records": "groups" if config.goal.group_type else "profiles",
        "dropped_events": config.goal.drop is not None and bool(config.goal.events),
        "is_full": not config.goal.files.delta,
        "state": "waiting",
        "note": "",
        "rows_received": manifest.rows_received,
        "rows_filtered": manifest.rows_filtered,
        "rows_no_identifier": manifest.rows_no_identifier,
        "rows_rejected": manifest.rows_rejected,
        "cells_rejected": manifest.cells_rejected,
        "events_received": manifest.events_received,
        "events_rejected": manifest.events_rejected,
        "warnings": ". ".join(manifest.warnings) or None,
        "linked_rows": sum(part.rows for part in manifest.parts),
        "orphan_rows": sum(part.orphan_rows for part in manifest.parts if not part.static),
        "linked_rows_rejected": sum(part.rows_rejected for part in manifest.parts),
    }


def ledger_entries(database: Database, batch_ids: Sequence[str]) -> tuple[dict[str, object], ...]:
    """Rows of the ledger in their order, each with the sentence of `ops.import_history` as `message`."""
    if not batch_ids:
        return ()
    names = [*(column.name for column in tables.BATCHES.columns), "message"]
    return tuple(dict(zip(names, row, strict=True)) for row in database.rows(ledger.batch_counts(batch_ids)))


def counted_today(entry: Mapping[str, object]) -> dict[str, object]:
    """A row of the ledger; counts of the latest replay, if any, stand in the place of those of the first fold."""
    replayed = zip(ledger.FIRST, ledger.REPLAYED, strict=True)
    return {**entry, **{first: entry[now] for first, now in replayed if entry[now] is not None}}


def note_folded(database: Database, folders: DataFolders, rows: Mapping[str, int]) -> dict[str, str]:
    """Tells sensors, without opening the warehouse, what the ledger knows; `rows`: how many each table has.

    Returns what there is to tell, in short: the digest of each batch's state, and those counts.
    """
    known = sorted(batch_id for (batch_id,) in database.rows(ledger.REGISTERED))
    attempts = sorted(attempt_id for (attempt_id,) in database.rows(ledger.KNOWN_ATTEMPTS))
    states = {f"rows of {name}": str(count) for name, count in rows.items()}
    states |= {batch_id: digest(*facts)[:SHORT] for batch_id, *facts in database.rows(ledger.STATES)}
    note = {"batches": known, "attempts": attempts, "states": states}
    write_whole(folders.folded, json.dumps(note).encode())
    return states


def told_states(folders: DataFolders) -> dict[str, str]:
    """What Dagster was told last; empty = nothing yet."""
    found: dict[str, str] = json.loads(folders.told.read_bytes()) if folders.told.exists() else {}
    return found


def note_told(folders: DataFolders, states: Mapping[str, str]) -> None:
    """To be called when everything about a fold was told."""
    write_whole(folders.told, json.dumps(states).encode())


def is_untold(folders: DataFolders) -> bool:
    """Whether a fold that no run did has changed what Dagster was told, as that of a command; opens no database."""
    told = told_states(folders)
    if not told or not folders.folded.exists():
        return False
    states: dict[str, str] = json.loads(folders.folded.read_bytes()).get("states", told)
    return states != told


def waiting(folders: DataFolders) -> list[tuple[str, float]]:
    """(folder name, landing time in UNIX seconds) of every batch the ledger does not know yet.

    Opens no database. After a crash between the fold's commit and its note, a batch may be named that is in
    already; folding once more is harmless and sets this right.
    """
    known: set[str] = set()
    if folders.folded.exists():
        known = {batch_id[:20] for batch_id in json.loads(folders.folded.read_bytes())["batches"]}
    return [
        (folder.name, (folder / "manifest.json").stat().st_mtime)
        for folder in all_batch_folders(folders)
        if folder.name.split("-")[1] not in known
    ]
