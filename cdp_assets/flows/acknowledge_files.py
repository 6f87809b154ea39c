"""Acknowledges: appends `.done` to the name of every source file whose rows are safely in.

A file is only ever renamed, only after its batch is folded or left out for good, never over another file,
and only if it is still the version that was imported. What fails is tried again at the next run and never
causes a second import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.errors import RemoteDownError, RemoteError, TargetExistsError
from cdp_assets.faults import step
from cdp_assets.files.remote import RemoteFile
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import DataFolders, write_whole
from cdp_assets.flows.manifests import SHORT, Manifest, read_manifest
from cdp_assets.sql.tables import ACKNOWLEDGEMENTS
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, open_warehouse

SAFE = Sql(
    "SELECT folder FROM ops.batches WHERE connection = ? AND state IN ('folded', 'duplicate', 'superseded')"
    " ORDER BY effective_at, path"
)


@dataclass(frozen=True)
class Acknowledged:
    """What became of one source file."""

    batch_id: str
    goal: str
    path: str
    renamed_to: str | None
    """None = nothing was renamed; the note says why."""
    note: str
    settled: bool
    """False = to be tried again."""


def acknowledge_files(
    connection: Connection, server: SftpFileSystem, folders: DataFolders, now: datetime
) -> list[Acknowledged]:
    """Renames what is due. A second run finds nothing left to do.

    Raises:
        RemoteDownError: nobody need act; the link was lost, the rest is done at the next run.
    """
    outcomes = []
    for manifest in due(connection, folders):
        step("done: before renaming")
        outcome = _acknowledge(manifest, server)
        step("done: renamed")
        if outcome.settled:
            write_whole(_marker(folders, manifest), (outcome.renamed_to or "").encode("utf-8", "surrogateescape"))
        outcomes.append(outcome)
    settled = [outcome for outcome in outcomes if outcome.settled]
    if settled:
        with open_warehouse(folders.warehouse) as database, database.transaction():
            _enter(database, settled, now)
    return outcomes


def due(connection: Connection, folders: DataFolders) -> list[Manifest]:
    """Batches of this connection that are safely in and whose files were not dealt with yet.

    Goals that are not configured any more, or that do not rename, have nothing due.
    """
    if not folders.warehouse.exists():
        return []
    with open_warehouse(folders.warehouse) as database:
        safe = [folders.landing / folder for (folder,) in database.rows(SAFE, [connection.name])]
    renaming = {goal.name for goal in connection.imports if goal.files.rename_done}
    manifests = [read_manifest(folder) for folder in safe if folder.parent.parent.name in renaming]
    return [manifest for manifest in manifests if not _marker(folders, manifest).exists()]


def _marker(folders: DataFolders, manifest: Manifest) -> Path:
    """Stands for "this file has been dealt with"; a look takes the same name for a new file from then on."""
    goal = folders.goal(manifest.config.connection, manifest.config.goal.name)
    return goal / "acknowledged" / manifest.seen_id[:SHORT]


def _acknowledge(manifest: Manifest, server: SftpFileSystem) -> Acknowledged:
    try:
        return _rename(manifest, server)
    except RemoteDownError:
        raise
    except RemoteError as error:
        note = f"Could not rename {manifest.name}: {error}"
        return Acknowledged(manifest.batch_id, manifest.config.goal.name, manifest.path, None, note, settled=False)


def _rename(manifest: Manifest, server: SftpFileSystem) -> Acknowledged:
    goal = manifest.config.goal.name
    found = server.stat_file(manifest.path)
    if not _is_version(found, manifest):
        note = "the file is gone" if found is None else "a newer version stands under this name"
        return Acknowledged(manifest.batch_id, goal, manifest.path, None, note, settled=True)
    target = f"{manifest.path}.done"
    try:
        server.rename_without_overwriting(manifest.path, target)
    except TargetExistsError:
        target = f"{manifest.path}.{manifest.modified_at:%Y%m%d%H%M%S}.{manifest.sha256[:8]}.done"
        server.rename_without_overwriting(manifest.path, target)
    if not _is_version(server.stat_file(target), manifest):
        server.rename_without_overwriting(target, manifest.path)
        note = "another version came between; its name was given back"
        return Acknowledged(manifest.batch_id, goal, manifest.path, None, note, settled=True)
    return Acknowledged(manifest.batch_id, goal, manifest.path, target, "", settled=True)


def _is_version(found: RemoteFile | None, manifest: Manifest) -> bool:
    return (
        found is not None
        and found.size_bytes == manifest.size_bytes
        and int(found.modified_at.timestamp()) == int(manifest.modified_at.timestamp())
    )


def _enter(database: Database, settled: list[Acknowledged], now: datetime) -> None:
    columns = [column.name for column in ACKNOWLEDGEMENTS.columns]
    rows = [[item.batch_id, _text(item.path), _text(item.renamed_to), now] for item in settled]
    database.insert(ACKNOWLEDGEMENTS.path, columns, rows)


def _text(path: str | None) -> str | None:
    """A path the database can hold: bytes that are no text are spelled out."""
    return None if path is None else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
