"""Acknowledges: appends `.done` to the name of every source file whose rows are safely in.

A file is only ever renamed, only after its batch is folded or left out for good and every other goal that takes the
file has landed it, never over another file, and only if it is still the version that was imported. What fails is
tried again at the next run and never causes a second import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.config.known import listed
from cdp_assets.errors import RemoteDownError, RemoteError, TargetExistsError
from cdp_assets.faults import step
from cdp_assets.files.remote import RemoteFile
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.flows.manifests import SHORT, Manifest, batch_folders, read_manifest, seen_of
from cdp_assets.flows.markers import Mark, mark, read_mark
from cdp_assets.flows.shared_files import Shared
from cdp_assets.sql.tables import ACKNOWLEDGEMENTS
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, open_warehouse

KNOWN = Sql(
    "SELECT folder, state IN ('folded', 'duplicate', 'superseded') FROM ops.batches WHERE connection = ?"
    " ORDER BY look_at, state = 'replaced' DESC, landed_at, path"
)
NOTED = Sql(
    "SELECT batch_id, coalesce(renamed_to, '') FROM ops.acknowledgements"
    " WHERE batch_id IN (SELECT batch_id FROM ops.batches WHERE connection = ?)"
)
MOST_TARGETS = 100
"""Names tried for one file before a person is asked to look."""


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
    linked: tuple[tuple[str, str | None], ...] = ()
    """Linked files and their new names, None as above."""
    waits_for: tuple[str, ...] = ()
    """Other goals that take this file and have not landed it: it keeps its name until they have."""


@dataclass(frozen=True)
class _Source:
    """One file of a batch, as it was landed."""

    path: str
    name: str
    size_bytes: int
    modified_at: datetime
    sha256: str


@dataclass(frozen=True)
class Due:
    """What is left to do for a connection."""

    to_rename: tuple[Manifest, ...]
    """Batches that are safely in and whose files were not dealt with yet."""
    to_note: tuple[tuple[Manifest, Mark], ...]
    """Files that were dealt with by a run that died before the ledger knew."""
    waiting: tuple[tuple[Manifest, tuple[str, ...]], ...] = ()
    """Batches that are safely in, but whose file these other goals take and have not landed."""


def acknowledge_files(
    connection: Connection, server: SftpFileSystem, folders: DataFolders, now: datetime
) -> list[Acknowledged]:
    """Renames what is due. A second run finds nothing left to do.

    Raises:
        RemoteDownError: nobody need act; the link was lost, the rest is done at the next run.
    """
    work = due(connection, folders)
    outcomes = []
    for manifest in work.to_rename:
        step("done: before renaming")
        outcome = _acknowledge(manifest, server)
        step("done: renamed")
        if outcome.settled:
            linked = [(path, _text(to)) for path, to in outcome.linked]
            mark(folders, manifest, _text(outcome.renamed_to) or "", linked)
        outcomes.append(outcome)
    settled = [(item.batch_id, item.path, _text(item.renamed_to)) for item in outcomes if item.settled]
    settled += [(item.batch_id, path, _text(to)) for item in outcomes if item.settled for path, to in item.linked]
    for manifest, found in work.to_note:
        settled += [(found.batch_id, manifest.path, found.renamed_to or None)]
        settled += [(found.batch_id, path, to) for path, to in found.linked]
    step("done: before the ledger")
    if settled:
        with open_warehouse(folders.warehouse) as database, database.transaction():
            _enter(database, settled, now)
    step("done: in the ledger")
    return [*outcomes, *(_kept(manifest, goals) for manifest, goals in work.waiting)]


def due(connection: Connection, folders: DataFolders) -> Due:
    """What is left to do; nothing for goals that are not configured any more, or that do not rename."""
    if not folders.warehouse.exists():
        return Due((), ())
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        known = database.rows(KNOWN, [connection.name])
        noted = set(database.rows(NOTED, [connection.name]))
    to_rename: list[Manifest] = []
    waiting: list[tuple[Manifest, tuple[str, ...]]] = []
    to_note: list[tuple[Manifest, Mark]] = []
    shared = Shared(connection, folders)
    for goal in connection.imports:
        if not goal.files.rename_done:
            continue
        for folder in _safe(known, connection.name, goal.name, folders):
            found = read_mark(folders, connection.name, goal.name, seen_of(folder))
            if found is None:
                manifest = read_manifest(folder)
                others = shared.still_without(manifest)
                if others:
                    waiting.append((manifest, tuple(others)))
                else:
                    to_rename.append(manifest)
            elif (found.batch_id, found.renamed_to) not in noted and folder.name.endswith(found.batch_id[:SHORT]):
                to_note.append((read_manifest(folder), found))
    return Due(tuple(to_rename), tuple(to_note), tuple(waiting))


def _kept(manifest: Manifest, goals: tuple[str, ...]) -> Acknowledged:
    note = f"keeps its name until goal {listed(goals)}, which takes it too, has imported it"
    own = manifest.config.goal.name
    return Acknowledged(manifest.batch_id, own, manifest.path, None, note, settled=False, waits_for=goals)


def _safe(known: Sequence[tuple[str, bool]], connection: str, goal: str, folders: DataFolders) -> list[Path]:
    """The batch folders of a goal that are safely in, of each seen id the one landed last.

    A listing cannot tell two contents of the same name, size and second apart: only the last one can be the
    file that stands there, and it may not be registered yet.
    """
    place = f"{connection}/{goal}/batches/"
    safe = {folders.landing / folder: is_safe for folder, is_safe in known if folder.startswith(place)}
    latest = {seen_of(folder): folder for folder in safe}
    latest |= {seen_of(folder): folder for folder in batch_folders(folders, connection, goal) if folder not in safe}
    return [folder for folder in latest.values() if safe.get(folder)]


def _acknowledge(manifest: Manifest, server: SftpFileSystem) -> Acknowledged:
    """Renames the root file first, so that no look finds it without its linked files; these follow."""
    goal, notes = manifest.config.goal.name, []
    renamed: list[tuple[str, str | None]] = []
    for source in _sources(manifest):
        try:
            renamed_to, note = _rename(source, server)
        except RemoteDownError:
            raise
        except RemoteError as error:
            note = f"Could not rename {source.name}: {error}"
            return Acknowledged(manifest.batch_id, goal, manifest.path, None, note, settled=False)
        renamed.append((source.path, renamed_to))
        if note:
            notes.append(note if source.path == manifest.path else f"{source.name}: {note}")
        step("done: one file of the set renamed")
    (_, root), *linked = renamed
    told = "; ".join(notes)
    return Acknowledged(manifest.batch_id, goal, manifest.path, root, told, settled=True, linked=tuple(linked))


def _sources(manifest: Manifest) -> list[_Source]:
    """The files that are renamed: the root's and the linked ones that are not static, each once."""
    root = _Source(manifest.path, manifest.name, manifest.size_bytes, manifest.modified_at, manifest.root_sha256)
    linked = {
        part.path: _Source(part.path, part.name, part.size_bytes, part.modified_at, part.sha256)
        for part in manifest.parts
        if not part.static
    }
    return [root, *linked.values()]


def _rename(source: _Source, server: SftpFileSystem) -> tuple[str | None, str]:
    """The new name, or None and why there is none."""
    found = server.stat_file(source.path)
    if found is None:
        target = _renamed_before(source, server)
        return target, "" if target else "the file is gone"
    if not _is_version(found, source):
        return None, "a newer version stands under this name"
    target = _rename_to_free_name(source, server)
    step("done: before the second look")
    if not _is_version(server.stat_file(target), source):
        server.rename_without_overwriting(target, source.path)
        return None, "another version came between; its name was given back"
    return target, ""


def _rename_to_free_name(source: _Source, server: SftpFileSystem) -> str:
    for target in _targets(source):
        try:
            server.rename_without_overwriting(source.path, target)
        except TargetExistsError:
            continue
        return target
    message = f"{MOST_TARGETS} earlier deliveries of this very file stand there; remove some of them"
    raise RemoteError(message)


def _renamed_before(source: _Source, server: SftpFileSystem) -> str | None:
    """The name a run gave the file that died before it could note it; None where the file is gone."""
    last = None
    for target in _targets(source):
        found = server.stat_file(target)
        if found is None:
            break
        if _is_version(found, source):
            last = target
    return last


def _targets(source: _Source) -> Iterator[str]:
    """The names a file may get, in the order they are tried."""
    yield f"{source.path}.done"
    stamped = f"{source.path}.{source.modified_at:%Y%m%d%H%M%S}.{source.sha256[:8]}"
    yield f"{stamped}.done"
    for number in range(2, MOST_TARGETS):
        yield f"{stamped}.{number}.done"


def _is_version(found: RemoteFile | None, source: _Source) -> bool:
    return (
        found is not None
        and found.size_bytes == source.size_bytes
        and int(found.modified_at.timestamp()) == int(source.modified_at.timestamp())
    )


def _enter(database: Database, settled: Sequence[tuple[str, str, str | None]], now: datetime) -> None:
    columns = [column.name for column in ACKNOWLEDGEMENTS.columns]
    rows = [[batch_id, _text(path), renamed_to, now] for batch_id, path, renamed_to in settled]
    database.insert(ACKNOWLEDGEMENTS.path, columns, rows)


def _text(path: str | None) -> str | None:
    """A path the database can hold: bytes that are no text are spelled out."""
    return None if path is None else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
