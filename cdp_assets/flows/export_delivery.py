"""Puts the files of an export on the server: names them, sends them in order, each whole or not at all.

Parts first, then the manifest, the ready file last. Where a name must not be replaced, a file of ours that a died
run left under it is recognised by its content and adopted.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from cdp_assets.errors import TargetExistsError
from cdp_assets.faults import step
from cdp_assets.files.remote import shown, split_path
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.export_job import MANIFEST, PROFILES, READY, ExportJob, OutgoingFile

_MOST_TRIES = 1_000


def named_files(job: ExportJob, files: Sequence[OutgoingFile], server: SftpFileSystem) -> tuple[OutgoingFile, ...]:
    """The files with their places on the server, so that none is in the way of what stands there.

    Raises:
        TargetExistsError: a name is taken, and the goal neither replaces nor evades it.
    """
    naming = job.naming
    for again in count():
        found = tuple(file.named(job, replace(naming, again=again)) for file in files)
        if job.goal.file.when_taken == "replace":
            return found
        taken = next((file.path for file in found if server.stat_file(file.path) is not None), None)
        if taken is None:
            return found
        if job.goal.file.when_taken != "new_name" or again == _MOST_TRIES:
            raise TargetExistsError(f"{shown(taken)} stands there already and is not replaced (file.when_taken)")
    raise AssertionError


def companions(job: ExportJob, files: Sequence[OutgoingFile], folder: Path) -> Iterator[OutgoingFile]:
    """Manifest and ready file of a delivery, where the goal wants them, written into its folder."""
    again = _number_of(job, files)
    stem = replace(job.naming, again=again).stem
    number = len(files)
    if job.goal.file.manifest:
        number += 1
        yield _written(folder, number, MANIFEST, job.path(f"{stem}.manifest.json"), _manifest(job, files))
    if job.goal.file.ready is not None:
        number += 1
        yield _written(folder, number, READY, job.path(job.goal.file.ready.replace("{name}", stem)), b"")


def _number_of(job: ExportJob, files: Sequence[OutgoingFile]) -> int:
    """The number that was added to the names because those without were taken."""
    for again in range(_MOST_TRIES + 1):
        if files[0].named(job, replace(job.naming, again=again)).path == files[0].path:
            return again
    raise AssertionError(files[0].path)


def _written(folder: Path, number: int, stream: str, path: str, content: bytes) -> OutgoingFile:
    (folder / str(number)).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return OutgoingFile(number, stream, "", None, 0, len(content), sha256, sha256, path)


def _manifest(job: ExportJob, files: Sequence[OutgoingFile]) -> bytes:
    told = {
        "goal": "/".join(job.owner),
        "run_id": job.naming.run_id,
        "started_at": job.now.isoformat(),
        "rows": sum(file.rows for file in files if file.stream == PROFILES),
        "files": [
            {"name": split_path(file.path)[1], "rows": file.rows, "bytes": file.size_bytes, "sha256": file.sha256}
            | ({"action": file.action} if file.action else {})
            | ({"holds": file.stream} if file.stream != PROFILES else {})
            for file in files
        ],
    }
    return (json.dumps(told, indent=2) + "\n").encode()


def send(job: ExportJob, files: Sequence[OutgoingFile], folder: Path, server: SftpFileSystem) -> None:
    """Delivers the files in order; after a death it may be called again, with the same end.

    Raises:
        TargetExistsError: a name was taken meanwhile by somebody else's file.
        RemoteError: the server's operator must act; what stood there before is untouched, or the new file, whole.
    """
    replacing = job.goal.file.when_taken == "replace"
    if replacing:
        _withdraw_ready(files, server)
    for file in files:
        source = folder / str(file.number)
        try:
            server.deliver(source, file.path, replacing=replacing)
        except TargetExistsError:
            if not _is_ours(file, server, folder):
                raise
        step(f"export: {file.stream} delivered")


def _withdraw_ready(files: Sequence[OutgoingFile], server: SftpFileSystem) -> None:
    """The ready file of the delivery before would call files ready that are still on their way."""
    for file in files:
        if file.stream == READY and server.stat_file(file.path) is not None:
            server.remove_own_file(file.path)


def _is_ours(file: OutgoingFile, server: SftpFileSystem, folder: Path) -> bool:
    """Whether what stands under the name is this very file, left by a run that died after sending it."""
    there = server.stat_file(file.path)
    if there is None or there.size_bytes != file.size_bytes:
        return False
    with tempfile.TemporaryDirectory(dir=folder) as made:
        return server.fetch(there, Path(made) / "there").sha256_hex == file.sha256


def stand_there(
    files: Sequence[OutgoingFile], delivered: Sequence[tuple[str, str, int]], server: SftpFileSystem
) -> bool:
    """Whether the last delivery put this content under these names, and it is still there.

    `delivered`: path, content id and size of each of its files.
    """
    wanted = [(file.path, file.content_id) for file in files if file.holds_content]
    sizes = {(path, content): size for path, content, size in delivered}
    if not set(wanted) <= sizes.keys():
        return False
    for path, content in wanted:
        found = server.stat_file(path)
        if found is None or found.size_bytes != sizes[path, content]:
            return False
    return True
