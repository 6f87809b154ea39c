"""Lands one version of a file: fetched, verified, typed, and put in place as an immutable batch.

Touches no database: any number of goals and partitions land at once, on any machine that shares the landing
folder. A landing that is cut off leaves nothing but a staging folder, which the next one removes.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import CdpError, FileError
from cdp_assets.faults import step
from cdp_assets.files.encoding import to_utf8
from cdp_assets.files.limits import Limits
from cdp_assets.files.partition_dates import effective_date
from cdp_assets.files.pgp import PgpKeys
from cdp_assets.files.remote import RemoteFile, shown
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.files.unwrap import unwrap
from cdp_assets.flows.folders import DataFolders, digest, make_private, staging_folder, sync_folder, write_whole
from cdp_assets.flows.manifests import Attempt, Manifest, batch_folder, goal_manifests, write_attempt
from cdp_assets.flows.markers import unmark
from cdp_assets.flows.take_look import Candidate
from cdp_assets.flows.write_batch import write_batch

RECEIVED = "received"
"""Name of the file as it came, kept beside its batch."""


@dataclass(frozen=True)
class Landed:
    """What became of one file."""

    manifest: Manifest
    is_new: bool
    """False where this very version was landed before; then nothing was written."""
    folder: Path


@dataclass(frozen=True)
class Origin:
    """A file to be landed, wherever its bytes come from."""

    candidate: Candidate
    sha256: str
    received: Path
    replaces: str = ""
    keys: PgpKeys | None = None
    """What opens the file, where it must be encrypted."""


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
        with staging_folder(folders) as staging:
            received = staging / RECEIVED
            step("land: before fetching")
            fetched = server.fetch(candidate.file, received)
            step("land: fetched")
            origin = Origin(candidate, fetched.sha256_hex, received, keys=keys)
            return land_received(config, origin, folders, staging, now)
    except CdpError as error:
        if not error.retryable:
            _record_failure(config, candidate, folders, now, error)
        raise


def reland(
    config: BatchConfig, current: Manifest, folders: DataFolders, now: datetime, keys: PgpKeys | None = None
) -> Landed:
    """Lands a kept file anew under today's config, in the place of its batch.

    Where the config gives the same batch, nothing is written.

    Raises:
        FileError: the file as received was not kept.
    """
    if config.config_hash == current.config.config_hash:
        return Landed(current, is_new=False, folder=batch_folder(folders, current))
    kept = batch_folder(folders, current) / RECEIVED
    if not kept.exists():
        message = (
            f"{current.name}: the file as received was not kept (keep_received: false), so it cannot be imported anew"
        )
        raise FileError(message)
    with staging_folder(folders) as staging:
        received = staging / RECEIVED
        shutil.copyfile(kept, received)
        candidate = Candidate(
            config.goal.name, current.partition_key, remote_file(current), current.seen_id, current.look_at, landed=True
        )
        origin = Origin(candidate, current.sha256, received, replaces=current.batch_id, keys=keys)
        return land_received(config, origin, folders, staging, now)


def remote_file(manifest: Manifest) -> RemoteFile:
    """The file a batch came from, as the server listed it."""
    return RemoteFile(manifest.path, manifest.name, manifest.size_bytes, manifest.modified_at)


def current_versions(folders: DataFolders, connection: str, goal: str) -> list[Manifest]:
    """The latest batch of every version of a goal: those no other batch replaces."""
    manifests = goal_manifests(folders, connection, goal)
    replaced = {manifest.replaces for manifest in manifests}
    return [manifest for manifest in manifests if manifest.batch_id not in replaced]


def land_received(config: BatchConfig, origin: Origin, folders: DataFolders, staging: Path, now: datetime) -> Landed:
    """Lands a file whose bytes are in the staging folder, unless this very version was landed before."""
    file, goal = origin.candidate.file, config.goal
    version_id = digest(config.goal_id, file.path, file.size_bytes, int(file.modified_at.timestamp()), origin.sha256)
    if not origin.replaces:
        for known in current_versions(folders, config.connection, goal.name):
            if known.version_id == version_id:
                unmark(folders, known)
                return Landed(known, is_new=False, folder=batch_folder(folders, known))
    date = effective_date(goal.files, origin.candidate.partition_key)
    facts = {
        "batch_id": digest(version_id, config.config_hash, origin.replaces),
        "version_id": version_id,
        "seen_id": origin.candidate.seen_id,
        "replaces": origin.replaces,
        "partition_key": origin.candidate.partition_key,
        "path": file.path,
        "name": file.name,
        "size_bytes": file.size_bytes,
        "modified_at": file.modified_at,
        "sha256": origin.sha256,
        "look_at": origin.candidate.first_seen_at,
        "effective_at": date or origin.candidate.first_seen_at,
        "dated": date is not None,
        "landed_at": now,
        "config": config,
    }
    content = make_private(staging / "batch")
    opened = unwrap(
        origin.received, make_private(staging / "opened"), pgp=origin.keys, limits=Limits(), name=shown(file.name)
    )
    step("land: unwrapped")
    text = to_utf8(opened.path, staging / "opened" / "text", goal.format.encoding)
    facts |= {"layers": opened.layers, "warnings": opened.warnings}
    manifest = Manifest.model_validate(
        facts | write_batch(config, text, content, staging, origin.candidate.first_seen_at)
    )
    if goal.files.keep_received:
        origin.received.rename(content / RECEIVED)
    write_whole(content / "manifest.json", manifest.model_dump_json().encode())
    sync_folder(content)
    step("land: before putting in place")
    target = batch_folder(folders, manifest)
    make_private(target.parent)
    is_new = _put_in_place(content, target)
    step("land: in place")
    if not origin.replaces:
        unmark(folders, manifest)
    return Landed(manifest, is_new=is_new, folder=target)


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
            seen_id=candidate.seen_id,
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
