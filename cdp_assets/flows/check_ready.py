"""Asks the server which files of a goal are complete, and compares what was fetched with the sender's checksum."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cdp_assets.config.files import Files
from cdp_assets.config.readiness import Ready
from cdp_assets.errors import FileChangedError, FileError, RemoteDownError, RemoteError
from cdp_assets.files.checksums import CHECKSUM_ENDINGS, Checksum, digest_of, expected_checksum
from cdp_assets.files.readiness import (
    MOST_MANIFEST_BYTES,
    Listing,
    SenderManifest,
    SenderManifests,
    checksum_files,
    manifests_to_read,
    outdated,
    sender_manifest,
    standing_names,
    why_waiting,
)
from cdp_assets.files.remote import RemoteFile, child_of, shown, split_path
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import digest


def unready(
    server: SftpFileSystem,
    files: Files,
    listing: Iterable[RemoteFile],
    candidates: Iterable[RemoteFile],
    now: datetime,
    *,
    settle_s: float = 0,
) -> dict[str, str]:
    """Name → reason, of those candidates that are not to be imported yet; the others are ready.

    `listing` holds every regular file of the goal's directory, candidates only what was not landed before: the
    older they are, the more manifests are read. A set of linked files waits while any part of it waits.
    A manifest modified less than `settle_s` seconds ago may still be being written and does not count yet.
    Reads manifests where the goal has some, and nothing else; writes nothing.

    Raises:
        RemoteDownError: nobody need act; a manifest that cannot be read otherwise only makes files wait.
    """
    if files.ready == Ready():
        return {}
    by_name = {file.name: file for file in listing}
    waiting = {file.name: file for file in candidates}
    manifests = _manifests(server, files, by_name, waiting, now, settle_s)
    reasons = {name: why_waiting(files, file, by_name, manifests, now) for name, file in waiting.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def verify_received(server: SftpFileSystem, files: Files, file: RemoteFile, received: Path) -> Checksum | None:
    """Compares a file as received with its checksum file, which is looked for now; None = there was none to meet.

    Raises:
        FileError: the bytes are not those the checksum stands for, or the checksum file holds none; the sender
            must act. Trying again is of use once either changes: see `tried_as`.
        FileChangedError: the checksum file is gone or changes, though the goal requires one; retryable.
        RemoteError: the server's operator must act, or nobody yet.
    """
    if files.ready.checksum == "ignore":
        return None
    directory = split_path(file.path)[0]
    for ending in CHECKSUM_ENDINGS:
        beside = server.stat_file(child_of(directory, file.name + ending))
        if beside is not None and outdated("checksum file", beside, file) is None:
            expected = expected_checksum(server.read_small(beside), beside.name)
            _must_meet(expected, beside, file, received)
            return expected
    if files.ready.checksum == "required":
        raise FileChangedError(f"{shown(file.path)}: its checksum file is gone; it is taken at a later look")
    return None


def tried_as(seen_id: str, files: Files, parts: Iterable[RemoteFile], listing: Listing) -> str:
    """The id under which a failed landing is kept and a next try is asked for.

    The seen id, and other than it where checksum files stand beside the parts: it changes with them, so a file
    that was refused for its checksum is tried again when only the checksum file is put right.
    """
    if files.ready.checksum == "ignore":
        return seen_id
    beside = [found for part in parts for found in checksum_files(part.name, listing)]
    facts = [fact for found in beside for fact in (found.path, found.size_bytes, int(found.modified_at.timestamp()))]
    return digest(seen_id, *facts) if facts else seen_id


def _manifests(
    server: SftpFileSystem, files: Files, listing: Listing, waiting: Listing, now: datetime, settle_s: float
) -> SenderManifests:
    if files.ready.manifest is None or not waiting:
        return SenderManifests()
    oldest = min(file.modified_at for file in waiting.values())
    chosen, left = manifests_to_read(files, listing, oldest)
    standing = standing_names(listing)
    read: list[SenderManifest] = []
    unread = list(left)
    for file in chosen:
        # A clock that differs by more than that tells nothing; then the manifest is taken as it stands.
        if abs((now - file.modified_at).total_seconds()) < settle_s:
            unread.append(f"manifest {shown(file.name)} was modified just now and counts after {settle_s:g} s")
            continue
        try:
            read.append(sender_manifest(file, server.read_small(file, MOST_MANIFEST_BYTES), standing))
        except RemoteDownError:
            raise
        except (FileError, RemoteError) as error:
            unread.append(str(error))
    return SenderManifests(tuple(read), tuple(unread))


def _must_meet(expected: Checksum, beside: RemoteFile, file: RemoteFile, received: Path) -> None:
    actual = digest_of(received, expected.algorithm)
    if actual != expected.hex:
        raise FileError(
            f"{shown(file.name)} is not the file its checksum stands for: {shown(beside.name)} says "
            f"{expected.algorithm} {expected.hex}, the file as received has {actual}; send one of the two anew"
        )
