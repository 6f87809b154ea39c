"""Lands one version of a file: fetched, verified, typed, and put in place as an immutable batch.

Touches no database: any number of goals and partitions land at once, on any machine that shares the landing
folder. A landing that is cut off leaves nothing but a staging folder, which the next one removes.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import CdpError, FileError, FileRefusedError
from cdp_assets.faults import step
from cdp_assets.files.encoding import doubt_about, to_utf8
from cdp_assets.files.limits import Limits
from cdp_assets.files.partition_dates import effective_date
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import RemoteFile, shown
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.files.unwrap import Unwrapped, unwrap
from cdp_assets.flows.check_ready import verify_received
from cdp_assets.flows.file_sets import LinkedPart
from cdp_assets.flows.folders import DataFolders, digest, make_private, staging_folder, sync_folder, write_whole
from cdp_assets.flows.join_linked import LinkedText
from cdp_assets.flows.manifests import Attempt, Manifest, batch_folder, goal_manifests, write_attempt
from cdp_assets.flows.markers import unmark
from cdp_assets.flows.origins import RECEIVED, Origin, kept_origin, received_name, why_not_kept
from cdp_assets.flows.prepare_dropped import require_csv
from cdp_assets.flows.refuse_files import require_few_rejects
from cdp_assets.flows.take_look import Candidate
from cdp_assets.flows.write_batch import write_batch


@dataclass(frozen=True)
class Landed:
    """What became of one file."""

    manifest: Manifest
    is_new: bool
    """False where this very version was landed before; then nothing was written."""
    folder: Path
    note: str = ""
    """Why it could not be landed anew and stays as it is; empty = nothing to say."""


def land_file(
    config: BatchConfig,
    candidate: Candidate,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    keys: PgpKeys | None = None,
) -> Landed:
    """Fetches a file and lands it. The same version a second time changes nothing.

    Raises:
        FileError: the supplier must act; an attempt record keeps the reason, unless trying again may help.
        RemoteError: the server's operator must act, or nobody yet.
    """
    try:
        if candidate.problem:
            raise FileError(candidate.problem)
        require_csv(config, candidate.file.name)
        with staging_folder(folders) as staging:
            received = staging / RECEIVED
            step("land: before fetching")
            own, *linked = [_fetch(config, server, part, staging) for part in candidate.parts]
            step("land: fetched")
            origin = Origin(config.goal_id, candidate, own, received, tuple(linked), keys=keys)
            return land_received(config, origin, folders, staging, now)
    except CdpError as error:
        # A refused file has its record already, with its rejects beside it.
        if not error.retryable and not isinstance(error, FileRefusedError):
            _record_failure(config, candidate, folders, now, error)
        raise


def _fetch(config: BatchConfig, server: SftpFileSystem, part: LinkedPart, staging: Path) -> str:
    """The sha256 of a file that has arrived, and is the one the sender's checksum stands for, if there is one."""
    target = staging / received_name(part.alias)
    fetched = server.fetch(part.file, target)
    if not part.static:
        verify_received(server, config.goal.files, part.file, target)
    return fetched.sha256_hex


def reland(
    config: BatchConfig, current: Manifest, folders: DataFolders, now: datetime, keys: PgpKeys | None = None
) -> Landed:
    """Lands a kept file anew under today's config, in the place of its batch.

    Where the config gives the same batch, nothing is written. Nor is it of a file that held people who are erased:
    it is kept no longer, and its batch stays as it is, with a note.

    Raises:
        FileError: the file as received was not kept.
    """
    if config.config_hash == current.config.config_hash:
        return Landed(current, is_new=False, folder=batch_folder(folders, current))
    kept = batch_folder(folders, current)
    if not (kept / RECEIVED).exists():
        why = f"{why_not_kept(current)}, so it cannot be imported anew"
        if not (current.rows_erased and current.config.goal.files.keep_received):
            raise FileError(why)
        return Landed(current, is_new=False, folder=kept, note=f"stays as it was imported: {why}")
    with staging_folder(folders) as staging:
        for name in (RECEIVED, *(received_name(part.alias) for part in current.parts)):
            shutil.copyfile(kept / name, staging / name)
        origin = kept_origin(config, current, staging, keys)
        return land_received(config, origin, folders, staging, now)


def current_versions(folders: DataFolders, connection: str, goal: str, seen_id: str = "") -> list[Manifest]:
    """The latest batch of every version of a goal: those no other batch replaces.

    `seen_id`: only what came from files that look like this in a listing; every batch of a version does.
    """
    manifests = goal_manifests(folders, connection, goal, seen_id)
    replaced = {manifest.replaces for manifest in manifests}
    return [manifest for manifest in manifests if manifest.batch_id not in replaced]


def land_received(config: BatchConfig, origin: Origin, folders: DataFolders, staging: Path, now: datetime) -> Landed:
    """Lands a file set whose bytes are in the staging folder, unless this very version was landed before."""
    if origin.current is None:
        for known in current_versions(folders, config.connection, config.goal.name, origin.candidate.seen_id):
            if known.version_id == origin.version_id:
                unmark(folders, known)
                return Landed(known, is_new=False, folder=batch_folder(folders, known))
    content = make_private(staging / "batch")
    facts = _facts(config, origin, now) | _write(config, origin, content, staging)
    manifest = Manifest.model_validate(facts)
    require_few_rejects(manifest, content, folders)
    if config.goal.files.keep_received:
        for name in (RECEIVED, *(received_name(part.alias) for part in manifest.parts)):
            (staging / name).rename(content / name)
    write_whole(content / "manifest.json", manifest.model_dump_json().encode())
    sync_folder(content)
    step("land: before putting in place")
    target = batch_folder(folders, manifest)
    make_private(target.parent)
    is_new = _put_in_place(content, target)
    step("land: in place")
    if origin.current is None:
        unmark(folders, manifest)
    return Landed(manifest, is_new=is_new, folder=target)


def _facts(config: BatchConfig, origin: Origin, now: datetime) -> dict[str, object]:
    """What the manifest says of where the batch comes from and its place in the order."""
    candidate, file = origin.candidate, origin.candidate.file
    replaces = origin.current.batch_id if origin.current is not None else ""
    date = effective_date(config.goal.files, candidate.partition_key)
    return {
        "batch_id": digest(origin.version_id, config.config_hash, replaces),
        "version_id": origin.version_id,
        "seen_id": candidate.seen_id,
        "replaces": replaces,
        "partition_key": candidate.partition_key,
        "path": file.path,
        "name": file.name,
        "size_bytes": file.size_bytes,
        "modified_at": file.modified_at,
        "sha256": origin.set_sha256,
        "root_sha256": origin.sha256,
        "look_at": candidate.first_seen_at,
        "effective_at": date or candidate.first_seen_at,
        "dated": date is not None,
        "landed_at": now,
        "config": config,
    }


def _write(config: BatchConfig, origin: Origin, content: Path, staging: Path) -> dict[str, object]:
    """Opens every file of the set and writes the batch; what the manifest says of the rows."""
    candidate = origin.candidate
    opened = _open(config, origin, origin.received, candidate.file, staging / "opened")
    links = {link.name: link for link in config.goal.files.linked}
    linked, warnings = [], list(opened.warnings)
    for part in candidate.linked:
        folder = staging / f"opened_{part.alias}"
        other = _open(config, origin, staging / received_name(part.alias), part.file, folder)
        linked.append(LinkedText(links[part.alias], part.file.name, other.path))
        warnings += [f"{shown(part.file.name)}: {warning}" for warning in other.warnings]
    step("land: unwrapped")
    written = write_batch(config, opened.path, content, staging, candidate.first_seen_at, linked)
    parts = [
        {
            "alias": part.alias,
            "path": part.file.path,
            "name": part.file.name,
            "size_bytes": part.file.size_bytes,
            "modified_at": part.file.modified_at,
            "sha256": sha256,
            "static": part.static,
            **written.linked[part.alias],
        }
        for part, sha256 in zip(candidate.linked, origin.linked_sha256, strict=True)
    ]
    return {**written.counts, "layers": opened.layers, "warnings": (*warnings, *written.warnings), "parts": parts}


def _open(config: BatchConfig, origin: Origin, received: Path, file: RemoteFile, folder: Path) -> Unwrapped:
    """The text of one file of the set, in UTF-8."""
    opened = unwrap(received, make_private(folder), pgp=origin.keys, limits=Limits(), name=shown(file.name))
    encoding = config.goal.format.encoding
    doubt = doubt_about(opened.path, encoding)
    warnings = (*opened.warnings, *([doubt] if doubt else []))
    return replace(opened, path=to_utf8(opened.path, folder / "text", encoding), warnings=warnings)


def _put_in_place(content: Path, target: Path) -> bool:
    """False where another process landed the very same batch meanwhile."""
    try:
        content.rename(target)
    except OSError:
        if not target.exists():
            raise
        return False
    return True


def _record_failure(
    config: BatchConfig, candidate: Candidate, folders: DataFolders, now: datetime, error: CdpError
) -> None:
    write_attempt(
        folders,
        Attempt(
            seen_id=candidate.tried_id or candidate.seen_id,
            attempt_id=digest(candidate.seen_id, now.isoformat(), uuid.uuid4().hex),
            connection=config.connection,
            goal=config.goal.name,
            partition_key=candidate.partition_key,
            path=candidate.file.path,
            size_bytes=candidate.file.size_bytes,
            modified_at=candidate.file.modified_at,
            look_at=candidate.first_seen_at,
            failed_at=now,
            error=str(error),
        ),
    )
