"""Publishes the warehouse: a copy analysts can open at any time, also while a fold runs."""

from __future__ import annotations

import shutil
import time
import uuid

from cdp_assets.errors import WarehouseBusyError
from cdp_assets.faults import step
from cdp_assets.flows.folders import DataFolders, make_private
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse, writer_lock

_RENEW_WAIT_S = 2
CHECKPOINT_MEMORY = 1 << 30
"""Bytes; more makes it no faster."""


def publish(folders: DataFolders, *, every_s: int = 0, wait_s: float = 300) -> bool:
    """Puts a fresh copy in place by rename, unless the last one is younger than `every_s`.

    Readers of the old copy keep it until they close it. Says whether it copied.
    """
    target = folders.published
    if target.exists() and time.time() - target.stat().st_mtime < every_s:
        return False
    with open_warehouse(folders.warehouse, wait_s=wait_s) as database:
        database.limit_memory(CHECKPOINT_MEMORY)
        database.run(Sql("CHECKPOINT"))
    step("publish: checkpointed")
    with writer_lock(folders.warehouse, wait_s):
        make_private(target.parent)
        for leftover in target.parent.glob(".published.*"):
            leftover.unlink()
        copy = target.with_name(f".published.{uuid.uuid4().hex}")
        shutil.copyfile(folders.warehouse, copy)
        copy.touch()
        step("publish: before the rename")
        copy.rename(target)
    step("publish: renamed")
    return True


def renew_overdue(folders: DataFolders, every_s: int) -> bool:
    """Publishes what was written since a copy that is older than `every_s`: what came too soon after it waits for this.

    Says whether it did. Where the warehouse is being written, the next call does: nobody is waited for.
    """
    if not is_stale(folders):
        return False
    try:
        return publish(folders, every_s=every_s, wait_s=_RENEW_WAIT_S)
    except WarehouseBusyError:
        return False


def is_stale(folders: DataFolders) -> bool:
    """Whether the warehouse was written to since the last copy."""
    if not folders.warehouse.exists():
        return False
    written = max(path.stat().st_mtime for path in folders.warehouse.parent.glob(f"{folders.warehouse.name}*"))
    return not folders.published.exists() or folders.published.stat().st_mtime < written
