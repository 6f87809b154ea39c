"""Where this deployment keeps its files, and how they are written: whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cdp_assets.faults import step


@dataclass(frozen=True)
class DataFolders:
    """The folders below `CDP_DATA_DIR`; made when first written to, for the owner only."""

    root: Path

    @property
    def landing(self) -> Path:
        """Batches, rejects, attempts and looks: everything a replay needs."""
        return self.root / "landing"

    @property
    def staging(self) -> Path:
        """Files under way; whatever a dead process left here is removed."""
        return self.root / "staging"

    @property
    def staging_lock(self) -> Path:
        """Held while a folder in `staging` is made or swept away."""
        return self.root / "staging.lock"

    @property
    def warehouse(self) -> Path:
        """The writer's database."""
        return self.root / "warehouse" / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The readers' copy."""
        return self.root / "warehouse" / "published.duckdb"

    @property
    def spill(self) -> Path:
        """Where the engine puts what does not fit into memory."""
        return self.root / "warehouse" / "spill"

    @property
    def snapshots(self) -> Path:
        """Copies of the derived tables that a replay can start from; to lose them costs only time."""
        return self.root / "warehouse" / "snapshots"

    @property
    def folded(self) -> Path:
        """Ids of all registered batches and attempts, as the fold last knew them: a hint for sensors."""
        return self.root / "warehouse" / "folded.json"

    @property
    def told(self) -> Path:
        """What Dagster was told last of the batches and tables, in the words of `folded`; to lose it costs nothing."""
        return self.root / "warehouse" / "told.json"

    @property
    def erasures(self) -> Path:
        """The key that people's identifiers are hashed with when they are erased, and erasures under way."""
        return self.root / "erasures"

    def goal(self, connection: str, goal: str) -> Path:
        """Everything landed for one import goal."""
        return self.landing / connection / goal

    def looks(self, connection: str) -> Path:
        """What each look at a connection's server saw first."""
        return self.landing / connection / "looks.jsonl"


def make_private(folder: Path) -> Path:
    """The folder, and what is missing above it, made with rights for the owner only."""
    missing = [folder, *folder.parents]
    for part in reversed([path for path in missing if not path.exists()]):
        part.mkdir(exist_ok=True, mode=0o700)
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Puts a file in place by rename, so that no reader ever sees half of it."""
    make_private(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with temporary.open("xb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    step(f"{path.parent.name}: before the rename")
    temporary.rename(path)


def sync_folder(folder: Path) -> None:
    """Makes files and names in a folder survive a power cut."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def staging_folder(folders: DataFolders) -> Iterator[Path]:
    """A private folder for files under way, removed afterwards; leftovers of the dead go first."""
    make_private(folders.root)
    # Without it another process could sweep the folder away before its own lock is taken.
    with FileLock(folders.staging_lock):
        _sweep(folders.staging)
        folder = make_private(folders.staging / uuid.uuid4().hex)
        lock = FileLock(folder / ".lock")
        lock.acquire()
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def look_folder(folders: DataFolders) -> Iterator[Path]:
    """A staging folder for somebody who only looks: what is made for it goes again, the data folder included."""
    made = [path for path in (folders.staging, folders.staging_lock, folders.root) if not path.exists()]
    try:
        with staging_folder(folders) as folder:
            yield folder
    finally:
        # What others have put there since makes a folder stay. Who waits for the lock notices that its file is gone.
        with FileLock(folders.staging_lock), suppress(OSError):
            for path in made:
                path.unlink() if path == folders.staging_lock else path.rmdir()


def _sweep(staging: Path) -> None:
    if not staging.exists():
        return
    for folder in staging.iterdir():
        lock = FileLock(folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except (Timeout, OSError):
            continue
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def digest(*parts: str | int) -> str:
    """sha256 over the parts, none of which can run into the next."""
    state = hashlib.sha256()
    for part in parts:
        piece = str(part).encode("utf-8", "surrogateescape")
        state.update(len(piece).to_bytes(8, "big") + piece)
    return state.hexdigest()
