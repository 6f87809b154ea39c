"""The files of snapshots: written and removed whole, and never trusted unread."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from cdp_assets.config.base import Strict
from cdp_assets.faults import step
from cdp_assets.flows.folders import DataFolders, digest, make_private, sync_folder
from cdp_assets.flows.manifests import SHORT

RECORD, OUTCOMES = "snapshot.json", "outcomes.parquet"


class Record(Strict):
    """What stands beside the tables of a snapshot."""

    key: str
    """Digest of the batches before it and of what else decides how they fold."""
    position: int
    """How many batches it holds."""
    columns: dict[str, str]
    """Property, event type or field → its type: all that the customer model has made of the tables."""
    own_ids: bool
    """Whether every profile has the id that the row which made it gives."""
    size_bytes: int
    files: dict[str, str]
    """Name → sha256."""


def snapshot_records(folder: Path) -> Iterator[tuple[Path, Record]]:
    """Every snapshot whose record is the one its name was made of."""
    for entry in sorted(folder.glob("[!.]*")) if folder.exists() else []:
        with suppress(OSError, ValidationError, UnicodeDecodeError):
            text = (entry / RECORD).read_text()
            record = Record.model_validate_json(text)
            if entry.name == _name(record, text):
                yield entry, record


def _name(record: Record, text: str) -> str:
    return f"{record.position:08d}-{digest(text)[:SHORT]}"


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A hidden place for a snapshot to be; it is gone afterwards unless `put_in_place` was called."""
    temporary = make_private(folder / f".{uuid.uuid4().hex}")
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(temporary: Path, record: Record) -> Path:
    """Gives a written snapshot its record and its name; it takes the place of one with the same name."""
    text = record.model_dump_json()
    (temporary / RECORD).write_text(text)
    sync_folder(temporary)
    step("snapshot: before the rename")
    target = temporary.with_name(_name(record, text))
    if target.exists():
        discard(target)
    temporary.rename(target)
    step("snapshot: in place")
    return target


def sums_of(folder: Path) -> dict[str, str]:
    """Name → sha256 of every file."""
    return {path.name: _sha256(path) for path in sorted(folder.iterdir())}


def verify(folder: Path, record: Record) -> None:
    """Refuses a snapshot that is not to the letter what was written.

    Raises:
        OSError: nobody need act: a file is damaged or gone.
    """
    for name, expected in record.files.items():
        if _sha256(folder / name) != expected:
            message = f"{name} is damaged"
            raise OSError(message)


def remove_snapshots(folders: DataFolders) -> None:
    """Removes every snapshot, finished or not. Needs the writer's lock; a replay starts from the first batch then."""
    sweep(folders.snapshots)
    for folder in folders.snapshots.iterdir() if folders.snapshots.exists() else []:
        discard(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Removes what a dead process was just writing or removing."""
    for leftover in folder.glob(".*") if folder.exists() else []:
        discard(leftover)


def discard(folder: Path) -> None:
    """Out of use first, then gone; of a link, only the link. What cannot be removed now is swept another time."""
    with suppress(OSError):
        hidden = folder if folder.name.startswith(".") else folder.rename(folder.with_name(f".{uuid.uuid4().hex}"))
        step("snapshot: out of use")
        if hidden.is_symlink() or hidden.is_file():
            hidden.unlink()
        else:
            shutil.rmtree(hidden)
