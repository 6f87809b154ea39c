"""A mirror of the data folder: what is done there is done to nothing else, and gone afterwards.

Batches and records are links, as nobody changes them; what a run writes to in place is copied.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cdp_assets.faults import step
from cdp_assets.flows.folders import DataFolders, look_folder, make_private
from cdp_assets.warehouse import writer_lock

WAIT_S = 300
"""How long a mirror waits for the process that is writing the warehouse."""
_CLONE = 0x40049409
"""Linux' request to share a file's blocks with another until one of them changes."""


@contextmanager
def mirrored(folders: DataFolders) -> Iterator[DataFolders]:
    """The data folder as it is now, in a private place below its own staging folder.

    Holds the warehouse's lock while that is copied, which needs as much room as the warehouse unless the file
    system can share blocks. What a dead process leaves is swept like any staging folder.

    Raises:
        WarehouseBusyError: nobody need act: another process was writing for `WAIT_S`.
    """
    with look_folder(folders) as staging:
        mirror = DataFolders(make_private(staging / "mirror"))
        # The warehouse first: a batch it knows of and the mirror does not would look withdrawn.
        _copy_warehouse(folders, mirror)
        _link_landing(folders.landing, mirror.landing)
        if folders.erasures.exists():
            mirror.erasures.symlink_to(folders.erasures.absolute())
        _link_snapshots(folders.snapshots, mirror.snapshots)
        step("mirror: made")
        yield mirror


def _copy_warehouse(folders: DataFolders, mirror: DataFolders) -> None:
    """With what a killed writer left beside it, from which the engine brings the copy up to date."""
    if not folders.warehouse.exists():
        return
    make_private(mirror.warehouse.parent)
    with writer_lock(folders.warehouse, WAIT_S):
        for path in (folders.warehouse, folders.warehouse.with_name(f"{folders.warehouse.name}.wal")):
            if path.exists():
                _clone(path, mirror.warehouse.with_name(path.name))


def _clone(source: Path, target: Path) -> None:
    with suppress(OSError), source.open("rb") as read, target.open("wb") as written:
        fcntl.ioctl(written.fileno(), _CLONE, read.fileno())
        return
    shutil.copyfile(source, target)


def _link_landing(landing: Path, mirror: Path) -> None:
    for looks in landing.glob("*/looks.jsonl"):
        shutil.copyfile(looks, make_private(mirror / looks.parent.name) / looks.name)
    for pattern in ("*/*/batches/*", "*/*/attempts/*", "*/*/acknowledged/*", "*/*/withdrawn/*"):
        for path in landing.glob(pattern):
            # A name with a dot is a file that another process is just writing.
            if not path.name.startswith("."):
                place = make_private((mirror / path.relative_to(landing)).parent)
                (place / path.name).symlink_to(path.absolute())


def _link_snapshots(snapshots: Path, mirror: Path) -> None:
    for path in snapshots.glob("[!.]*"):
        (make_private(mirror) / path.name).symlink_to(path.absolute())
