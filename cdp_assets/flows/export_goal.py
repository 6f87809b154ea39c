"""Exports: writes the files of a goal and puts them on the server, whole or not at all, once.

    stage    make the files and what their delivery will mean; commit the intent
    deliver  upload each under a temporary name, verify, rename
    settle   commit: delivered, and what the consumer now has of each profile

A run that dies leaves its intent; the next run delivers those very files under the same names first, so that a
retry replaces and never duplicates.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from cdp_assets.errors import TargetExistsError, WarehouseBusyError
from cdp_assets.faults import step
from cdp_assets.files.sealing import sealer_of
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.export_content import MEMORY_LIMIT, Made, make_files, take_rows
from cdp_assets.flows.export_delivery import companions, named_files, send, stand_there
from cdp_assets.flows.export_job import (
    Counts,
    Export,
    ExportJob,
    OutgoingFile,
    exports_folder,
    goal_folder,
    staged_folder,
)
from cdp_assets.flows.folders import DataFolders, digest, make_private, sync_folder
from cdp_assets.flows.ledger import prepare_schemas, require_profiles
from cdp_assets.flows.local_disk import writing_below
from cdp_assets.sql import export_ledger, exports, touchpoints
from cdp_assets.sql.export_tables import EXPORT_FILES, EXPORTS
from cdp_assets.warehouse import Database, open_warehouse

WAIT_S = 600
"""How long a run waits for another run of the same goal."""
_LASTING = "delivered.parquet"
"""What settling needs; other tables of rows go once the files are made."""


def export_goal(job: ExportJob, server: SftpFileSystem, folders: DataFolders) -> list[Export]:
    """Finishes what an earlier run left, then exports the goal. The last entry is this run's own.

    Runs of one goal follow each other: two deliveries to one path at once would spoil each other's upload.

    Raises:
        ConfigError: the YAML author must act: a value does not fit into the format, or a key is of no use.
        RemoteError: the server's operator must act; the next run delivers the files.
        LocalDiskError: this machine's operator must act: the folder of exports is full or cannot be written.
        WarehouseBusyError: nobody need act; another run has been delivering this goal for `WAIT_S`.
    """
    with writing_below(exports_folder(folders)), _alone(job, folders):
        return _export(job, server, folders)


@contextmanager
def _alone(job: ExportJob, folders: DataFolders) -> Iterator[None]:
    lock = FileLock(goal_folder(folders, job.connection.name) / f"{job.goal.name}.lock", timeout=WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"another run has been delivering {'/'.join(job.owner)} for more than {WAIT_S} s"
        raise WarehouseBusyError(message) from error
    try:
        yield
    finally:
        lock.release()


def _export(job: ExportJob, server: SftpFileSystem, folders: DataFolders) -> list[Export]:
    left = _left_over(job, folders)
    _sweep(job, {export.export_id[:20] for export in left}, folders)
    for export in left:
        _deliver(job, export, server, folders)
    return [*left, _export_anew(job, server, folders)]


def _left_over(job: ExportJob, folders: DataFolders) -> list[Export]:
    """Deliveries whose intent was committed by runs that then died."""
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        require_profiles(database)
        database.run(touchpoints.RELEASE_UNSTAGED, job.owner)
        found = []
        for export_id, path, rows, no_identifier, unchanged, *others in database.rows(export_ledger.STAGED, job.owner):
            excluded, filtered, elsewhere, skipped, consent = map(int, others)
            files = [
                OutgoingFile(int(number), stream, action, part, int(count), int(size), sha256, content, file_path)
                for number, stream, action, part, count, size, sha256, content, file_path in database.rows(
                    export_ledger.FILES, [export_id]
                )
            ]
            found.append(
                Export(
                    export_id,
                    path,
                    int(rows),
                    int(no_identifier),
                    int(unchanged),
                    "left over from an interrupted run",
                    uploaded=True,
                    excluded_segment=excluded,
                    not_in_stage=elsewhere,
                    skipped_threshold=skipped,
                    filtered=filtered,
                    consent=consent,
                    files=tuple(files),
                )
            )
        return found


def _sweep(job: ExportJob, staged: set[str], folders: DataFolders) -> None:
    """Removes what runs left that died before their intent was committed, or after it was settled."""
    own = goal_folder(folders, job.connection.name) / job.goal.name
    for folder in own.iterdir() if own.exists() else ():
        if folder.name not in staged:
            shutil.rmtree(folder)


def _export_anew(job: ExportJob, server: SftpFileSystem, folders: DataFolders) -> Export:
    sealer = sealer_of(job.connection, job.goal)
    job, counts, folder, untold = _take(job, folders)
    step("export: rows taken")
    try:
        made = make_files(job, folder, counts, sealer)
        if not made.files:
            why = (
                "every member was delivered before with the same properties"
                if made.counts.unchanged
                else "nobody is due"
            )
            return replace(Export.of_none(job, made.counts, f"{why}; no file was written"), warnings=untold)
        export = _stage(job, made, server, folders, folder)
    except TargetExistsError as error:
        if job.goal.file.when_taken != "skip":
            raise
        return Export.of_none(job, counts, f"{error}; nothing was delivered")
    finally:
        if not (folder / "staged").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _release_unstaged(job, folders)
    export = replace(export, warnings=(*untold, *(sealer.warnings if sealer else ())))
    step("export: staged")
    # A profile counts in its stage where it is sent: the same content once more is another touch.
    may_stand = job.goal.file.when_taken == "replace" and not job.goal.is_counted
    if may_stand and _stand_there(job, export.files, server, folders):
        export = replace(export, note="the same content already stands there", uploaded=False)
    _deliver(job, export, server, folders)
    return export


def _take(job: ExportJob, folders: DataFolders) -> tuple[ExportJob, Counts, Path, tuple[str, ...]]:
    """The rows that are due, of one state of the warehouse; and what its receiver is not told."""
    with open_warehouse(folders.warehouse, temporary=folders.spill, memory_limit=MEMORY_LIMIT) as database:
        (earlier,) = database.row(export_ledger.EARLIER, job.owner)
        job = replace(job, export_id=digest(*job.owner, job.now.isoformat(), earlier))
        folder = make_private(job.folder(folders))
        try:
            counts = take_rows(database, job, folder)
        except BaseException:
            # What is half written would keep a full disk full.
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if job.goal.lifecycle is not None and job.goal.is_counted:
            with database.transaction():
                database.run(touchpoints.reserve(job.goal.lifecycle, job.owner, job.export_id, job.now))
                step("export: before places are reserved")
        return job, counts, folder, _untold_leavers(database, job)


def _untold_leavers(database: Database, job: ExportJob) -> tuple[str, ...]:
    """That nobody is told of those who have just left the segment; empty where they are told, or nobody left."""
    if job.goal.population != "changed":
        return ()
    (left,) = database.row(export_ledger.LEFT_LAST, [job.goal.segment])
    if not left:
        return ()
    verb = "is" if left == 1 else "are"
    how = "population: changed sends members alone; difference tells who left, all sends everybody anew"
    return (f"{left:,} who left segment {job.goal.segment} {verb} not told of, as {how}",)


def _release_unstaged(job: ExportJob, folders: DataFolders) -> None:
    """Gives up the places of a run that delivers nothing; where the warehouse is busy, the goal's next run does."""
    if job.goal.is_counted:
        with suppress(WarehouseBusyError), open_warehouse(folders.warehouse) as database:
            database.run(touchpoints.RELEASE_UNSTAGED, job.owner)


def _stage(job: ExportJob, made: Made, server: SftpFileSystem, folders: DataFolders, folder: Path) -> Export:
    """Names the files and commits the intent."""
    files = named_files(job, made.files, server)
    files = (*files, *companions(job, files, folder))
    for path in folder.glob("*.parquet"):
        if path.name != _LASTING:
            path.unlink()
    shutil.rmtree(folder / "spill", ignore_errors=True)
    (folder / "staged").touch()
    sync_folder(folder)
    step("export: written")
    export = Export(
        job.export_id,
        files[0].path,
        made.rows,
        made.counts.no_identifier,
        made.counts.unchanged,
        "",
        uploaded=True,
        excluded_segment=made.counts.excluded_segment,
        not_in_stage=made.counts.not_in_stage,
        skipped_threshold=made.counts.skipped_threshold,
        filtered=made.counts.filtered,
        consent=made.counts.consent,
        files=files,
    )
    _commit_intent(job, export, folders)
    return export


def _commit_intent(job: ExportJob, export: Export, folders: DataFolders) -> None:
    entry = {
        "export_id": export.export_id,
        "connection": job.connection.name,
        "goal": job.goal.name,
        "path": export.path,
        "state": "staged",
        "sha256": _whole_digest(export.files),
        "rows": export.rows,
        "started_at": job.now,
        "no_identifier": export.no_identifier,
        "unchanged": export.unchanged,
        "excluded_segment": export.excluded_segment,
        "not_in_stage": export.not_in_stage,
        "skipped_threshold": export.skipped_threshold,
        "filtered": export.filtered,
        "consent": export.consent,
        "files": len(export.files),
    }
    rows = [
        [
            *(export.export_id, file.number, file.stream, file.action, file.part),
            *(file.path, file.rows, file.size_bytes, file.sha256, file.content_id),
        ]
        for file in export.files
    ]
    with open_warehouse(folders.warehouse) as database, database.transaction():
        database.insert(EXPORTS.path, list(entry), [list(entry.values())])
        database.insert(EXPORT_FILES.path, [column.name for column in EXPORT_FILES.columns], rows)
        if job.goal.is_counted:
            delivered = str(job.folder(folders) / "delivered.parquet")
            database.run(touchpoints.release_unwritten(export.export_id, delivered))


def _whole_digest(files: Sequence[OutgoingFile]) -> str:
    if len(files) == 1:
        return files[0].sha256
    return hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()


def _stand_there(job: ExportJob, files: Sequence[OutgoingFile], server: SftpFileSystem, folders: DataFolders) -> bool:
    with open_warehouse(folders.warehouse) as database:
        latest = database.rows(export_ledger.LATEST, job.owner)
    return stand_there(files, [(path, content, int(size)) for path, content, size in latest], server)


def _deliver(job: ExportJob, export: Export, server: SftpFileSystem, folders: DataFolders) -> None:
    folder = staged_folder(folders, *job.owner, export.export_id)
    if export.uploaded:
        try:
            send(job, export.files, folder, server)
        except TargetExistsError:
            # Somebody put a file there after we had looked: this delivery is given up, the next run makes another.
            with open_warehouse(folders.warehouse) as database, database.transaction():
                database.run(export_ledger.REFUSED, [export.export_id])
                database.run(touchpoints.RELEASE, [export.export_id])
            shutil.rmtree(folder, ignore_errors=True)
            raise
    step("export: delivered")
    with open_warehouse(folders.warehouse) as database, database.transaction():
        for statement in exports.remember_delivered(*job.owner, export.export_id, str(folder / _LASTING)):
            database.run(statement)
        database.run(touchpoints.SETTLE, [job.now, export.export_id])
        database.run(touchpoints.RELEASE, [export.export_id])
        database.run(export_ledger.DELIVERED, [job.now, export.uploaded, export.export_id])
    step("export: settled")
    shutil.rmtree(folder, ignore_errors=True)
