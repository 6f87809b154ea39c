"""Exports: writes the file of a goal and puts it on the server, whole or not at all, once.

    stage    write the file and what its delivery will mean; commit the intent
    deliver  upload under a temporary name, verify, rename
    settle   commit: delivered, and what the consumer now has of each profile

A run that dies leaves its intent; the next run delivers that very file under the same name first, so that a
retry replaces and never duplicates.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from filelock import FileLock, Timeout

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ExportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import WarehouseBusyError
from cdp_assets.faults import step
from cdp_assets.files.remote import path_of
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import DataFolders, digest, make_private, sync_folder
from cdp_assets.flows.ledger import prepare_schemas, require_profiles
from cdp_assets.sql import exports
from cdp_assets.sql.tables import EXPORTS
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, open_warehouse

STAGED = Sql(
    "SELECT export_id, path, sha256, rows, no_identifier, unchanged FROM ops.exports"
    " WHERE connection = ? AND goal = ? AND state = 'staged' ORDER BY started_at"
)
LATEST = Sql(
    "SELECT path, sha256 FROM ops.exports WHERE connection = ? AND goal = ? AND state = 'delivered'"
    " ORDER BY delivered_at DESC LIMIT 1"
)
EARLIER = Sql("SELECT count(*) FROM ops.exports WHERE connection = ? AND goal = ?")
DELIVERED = Sql("UPDATE ops.exports SET state = 'delivered', delivered_at = ?, uploaded = ? WHERE export_id = ?")

WAIT_S = 600
"""How long a run waits for another run of the same goal."""


@dataclass(frozen=True)
class Export:
    """One delivery, or why there was none."""

    export_id: str
    path: str
    """Full path on the server; empty = nothing was due."""
    rows: int
    no_identifier: int
    """Members left out for lack of a value in an identifier column."""
    unchanged: int
    """Members left out because nothing changed since their last delivery."""
    note: str
    uploaded: bool
    """False where nothing was due, or the same content already stood there."""


def export_goal(
    connection: Connection,
    goal: ExportProfilesGoal,
    model: CustomerModelConfig,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
) -> list[Export]:
    """Finishes what an earlier run left, then exports the goal. The last entry is this run's own.

    Runs of one goal follow each other: two deliveries to one path at once would spoil each other's upload.

    Raises:
        RemoteError: the server's operator must act; the next run delivers the file.
        WarehouseBusyError: nobody need act; another run has been delivering this goal for `WAIT_S`.
    """
    with _alone(connection, goal, folders):
        return _export(connection, goal, model, server, folders, now)


@contextmanager
def _alone(connection: Connection, goal: ExportProfilesGoal, folders: DataFolders) -> Iterator[None]:
    exports_folder = make_private(folders.root / "exports" / connection.name)
    lock = FileLock(exports_folder / f"{goal.name}.lock", timeout=WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"another run has been delivering {connection.name}/{goal.name} for more than {WAIT_S} s"
        raise WarehouseBusyError(message) from error
    try:
        yield
    finally:
        lock.release()


def _export(
    connection: Connection,
    goal: ExportProfilesGoal,
    model: CustomerModelConfig,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
) -> list[Export]:
    finished = []
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        require_profiles(database)
        left = database.rows(STAGED, [connection.name, goal.name])
    _sweep(connection, goal, {export_id[:20] for export_id, *_ in left}, folders)
    for export_id, path, _, rows, no_identifier, unchanged in left:
        note = "left over from an interrupted run"
        export = Export(export_id, path, int(rows), int(no_identifier), int(unchanged), note, uploaded=True)
        _deliver(connection, goal, export, server, folders, now)
        finished.append(export)
    export = _stage(connection, goal, model, folders, now)
    if not export.path:
        return [*finished, export]
    step("export: staged")
    if _stands_there(connection, goal, export, server, folders):
        export = Export(
            export.export_id,
            export.path,
            export.rows,
            export.no_identifier,
            export.unchanged,
            "the same content already stands there",
            uploaded=False,
        )
    _deliver(connection, goal, export, server, folders, now)
    return [*finished, export]


def file_name(goal: ExportProfilesGoal, label: str, now: datetime) -> str:
    """The name of a file delivered by a run that starts now; a dot in the segment's title is no extension."""
    stamp = now.astimezone(ZoneInfo(goal.file.timezone)).strftime("%Y%m%d%H%M%S")
    name = goal.file.name.replace("{segment}", label).replace("{goal}", goal.name).replace("{timestamp}", stamp)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")
    if "." not in goal.file.name:
        name += ".csv"
    return f"{name}.gz" if goal.file.gzip and not name.endswith(".gz") else name


def _staged_folder(connection: str, goal: str, export_id: str, folders: DataFolders) -> Path:
    return folders.root / "exports" / connection / goal / export_id[:20]


def _sweep(connection: Connection, goal: ExportProfilesGoal, staged: set[str], folders: DataFolders) -> None:
    """Removes what runs left that died before their intent was committed, or after it was settled."""
    goal_folder = folders.root / "exports" / connection.name / goal.name
    for folder in goal_folder.iterdir() if goal_folder.exists() else ():
        if folder.name not in staged:
            shutil.rmtree(folder)


def _stage(
    connection: Connection, goal: ExportProfilesGoal, model: CustomerModelConfig, folders: DataFolders, now: datetime
) -> Export:
    """Writes the file and commits the intent; nothing is staged where nothing is due."""
    segment = model.find_segment(goal.segment)
    assert segment is not None, goal.segment
    path = path_of(connection.server, goal.directory, file_name(goal, segment.label, now))
    with open_warehouse(folders.warehouse) as database:
        (earlier,) = database.row(EARLIER, [connection.name, goal.name])
        export_id = digest(connection.name, goal.name, path, now.isoformat(), earlier)
        folder = _staged_folder(connection.name, goal.name, export_id, folders)
        database.run(exports.population(connection, goal, model))
        rows, no_identifier, unchanged = (int(count) for count in database.row(exports.COUNTS))
        if rows == 0 and goal.population == "changed":
            note = "nothing changed since the last delivery; no file was written"
            return Export(export_id, "", 0, no_identifier, unchanged, note, uploaded=False)
        make_private(folder)
        written = _write(database, goal, model, folder)
        assert written == rows, f"{rows} profiles selected, {written} rows written"
        sync_folder(folder)
        step("export: written")
        entry = {
            "export_id": export_id,
            "connection": connection.name,
            "goal": goal.name,
            "path": path,
            "state": "staged",
            "sha256": hashlib.sha256((folder / "file").read_bytes()).hexdigest(),
            "rows": rows,
            "started_at": now,
            "no_identifier": no_identifier,
            "unchanged": unchanged,
        }
        database.insert(EXPORTS.path, list(entry), [list(entry.values())])
    return Export(export_id, path, rows, no_identifier, unchanged, "", uploaded=True)


def _write(database: Database, goal: ExportProfilesGoal, model: CustomerModelConfig, folder: Path) -> int:
    rows = exports.export_rows(goal, model)
    statement = exports.write_file(rows, str(folder / "file"), goal.format, gzip=goal.file.gzip)
    (written,) = database.row(statement)
    database.run(exports.write_delivered(str(folder / "delivered.parquet")))
    return int(written)


def _stands_there(
    connection: Connection, goal: ExportProfilesGoal, export: Export, server: SftpFileSystem, folders: DataFolders
) -> bool:
    """Whether the last delivery put exactly these bytes under this name, and they are still there."""
    staged = _staged_folder(connection.name, goal.name, export.export_id, folders) / "file"
    with open_warehouse(folders.warehouse) as database:
        latest = database.rows(LATEST, [connection.name, goal.name])
    if not latest or latest[0][0] != export.path:
        return False
    found = server.stat_file(export.path)
    same_size = found is not None and found.size_bytes == staged.stat().st_size
    return same_size and latest[0][1] == hashlib.sha256(staged.read_bytes()).hexdigest()


def _deliver(
    connection: Connection,
    goal: ExportProfilesGoal,
    export: Export,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
) -> None:
    folder = _staged_folder(connection.name, goal.name, export.export_id, folders)
    if export.uploaded:
        server.deliver(folder / "file", export.path)
    step("export: delivered")
    with open_warehouse(folders.warehouse) as database, database.transaction():
        parquet = str(folder / "delivered.parquet")
        for statement in exports.remember_delivered(connection.name, goal.name, export.export_id, parquet):
            database.run(statement)
        database.run(DELIVERED, [now, export.uploaded, export.export_id])
    step("export: settled")
    shutil.rmtree(folder, ignore_errors=True)
