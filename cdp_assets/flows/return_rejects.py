"""Sends the rejected rows of folded batches back: one file for each, in the sender's own dialect and encoding.

Name and bytes follow from the batch alone. So a run that dies between the upload and its note puts the very
same file there once more, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.errors import FileError, RemoteDownError, RemoteError
from cdp_assets.faults import step
from cdp_assets.files.remote import path_of, shown
from cdp_assets.files.sftp import SftpFileSystem, open_server
from cdp_assets.flows.folders import DataFolders, make_private, staging_folder
from cdp_assets.flows.give_rejected import write_rejected
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.flows.manifests import Manifest, read_manifest
from cdp_assets.sql.returning import TO_RETURN
from cdp_assets.sql.tables import RETURNED_REJECTS
from cdp_assets.warehouse import open_warehouse

WAIT_S = 600
"""How long a run waits for another run that sends rejected rows to the same server."""
GIVEN_DIGITS = 8
"""Of a batch's id, in the name of the file that its rejected rows go back in."""
_RETURNED = re.compile(rf"\.([0-9a-f]{{{GIVEN_DIGITS}}})\.rejected\.csv")
_WRAPPINGS = re.compile(r"(\.(gz|zip|pgp|gpg|asc))+$", re.IGNORECASE)


@dataclass(frozen=True)
class Returned:
    """One file of rejected rows."""

    batch_id: str
    goal: str
    name: str
    """Of the file the rows came in."""
    path: str
    """Where they went."""
    rows: int
    note: str
    """Why it did not arrive; empty = it did."""
    settled: bool
    """False = to be tried again."""


@dataclass(frozen=True)
class _Due:
    manifest: Manifest
    folder: Path
    path: str
    """Empty = landed before its goal gave rejected rows back, or has none: to be noted, not to be sent."""


def returned_name(manifest: Manifest) -> str:
    """What the file is called: no two batches share a name, and one batch never gets another."""
    return f"{_WRAPPINGS.sub('', manifest.name)}.{manifest.batch_id[:GIVEN_DIGITS]}.rejected.csv"


def rejects_given(name: str) -> list[str]:
    """First digits of the batches whose rejected rows a file was given to hold, as its name says; none for others."""
    return _RETURNED.findall(name)


def return_rejects(connection: Connection, folders: DataFolders, now: datetime) -> list[Returned]:
    """Delivers what is due, one file for each batch. A second run finds nothing to do, and logs in nowhere.

    Only batches that were landed while their goal had `return_rejects` are sent: switching it on sends nothing of
    the past. What fails is tried again at the next run.

    Raises:
        RemoteDownError: nobody need act; the link was lost, or another process has been sending for `WAIT_S`.
        RemoteError: the server's operator must act: the log-in is refused.
    """
    goals = [goal for goal in connection.imports if goal.return_rejects is not None]
    if not goals or not folders.warehouse.exists():
        return []
    with _alone(connection, folders):
        work = _due(connection, goals, folders)
        if not work:
            return []
        settled = [item for item in work if not item.path]
        outcomes: list[Returned] = []
        try:
            _send(connection, [item for item in work if item.path], folders, outcomes)
        finally:
            arrived = {item.batch_id for item in outcomes if item.settled}
            settled += [item for item in work if item.manifest.batch_id in arrived]
            step("return: before the ledger")
            _enter(folders, settled, now)
        step("return: in the ledger")
        return outcomes


@contextmanager
def _alone(connection: Connection, folders: DataFolders) -> Iterator[None]:
    lock = FileLock(make_private(folders.landing / connection.name) / "returns.lock", timeout=WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"another process has been returning rejects to {connection.name} for more than {WAIT_S} s"
        raise RemoteDownError(message) from error
    try:
        yield
    finally:
        lock.release()


def _due(connection: Connection, goals: Sequence[ImportGoal], folders: DataFolders) -> list[_Due]:
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        known = {goal.name: database.rows(TO_RETURN, [connection.name, goal.name]) for goal in goals}
    found = []
    for goal in goals:
        assert goal.return_rejects is not None
        for (place,) in known[goal.name]:
            manifest = read_manifest(folders.landing / place)
            wanted = manifest.config.goal.return_rejects is not None and manifest.rows_to_mend
            directory = goal.return_rejects.directory
            path = path_of(connection.server, directory, returned_name(manifest)) if wanted else ""
            found.append(_Due(manifest, folders.landing / place, path))
    return found


def _send(connection: Connection, work: Sequence[_Due], folders: DataFolders, outcomes: list[Returned]) -> None:
    if not work:
        return
    with open_server(connection.server) as server, staging_folder(folders) as staging:
        for item in work:
            outcome = _deliver(item, server, staging)
            outcomes.append(outcome)


def _deliver(item: _Due, server: SftpFileSystem, staging: Path) -> Returned:
    manifest, target = item.manifest, staging / "returned"
    note = ""
    try:
        write_rejected(manifest, item.folder, target, staging)
        step("return: before the upload")
        server.deliver(target, item.path)
        step("return: uploaded")
    except RemoteDownError:
        raise
    except (RemoteError, FileError) as error:
        note = f"Could not return the rejected rows of {shown(manifest.name)}: {error}"
    return Returned(
        manifest.batch_id,
        manifest.config.goal.name,
        manifest.name,
        item.path,
        manifest.rows_to_mend,
        note,
        settled=not note,
    )


def _enter(folders: DataFolders, settled: Sequence[_Due], now: datetime) -> None:
    if not settled:
        return
    columns = [column.name for column in RETURNED_REJECTS.columns]
    rows = [
        [item.manifest.batch_id, item.path or None, item.manifest.rows_to_mend if item.path else 0, now]
        for item in settled
    ]
    with open_warehouse(folders.warehouse) as database, database.transaction():
        database.insert(RETURNED_REJECTS.path, columns, rows)
