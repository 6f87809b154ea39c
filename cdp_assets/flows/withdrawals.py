"""Batches that a person took out of the order, and may put back: one small record each in the landing folder.

A record stands under the version's id, so a batch that is landed anew stays out as well. The file itself, its
batch and its rejects stay; the next fold leaves the batch out and rebuilds what came after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime

from cdp_assets.config.base import Strict
from cdp_assets.config.goals import ImportGoal
from cdp_assets.errors import ConfigError
from cdp_assets.files.remote import shown
from cdp_assets.files.windows import is_called, not_called, those_there
from cdp_assets.flows.folders import DataFolders, write_whole
from cdp_assets.flows.land_files import current_versions
from cdp_assets.flows.manifests import ID_SIGNS, SHORT, Manifest

FOLDER = "withdrawn"


class Withdrawal(Strict):
    """Why and when a version was taken out."""

    version_id: str
    withdrawn_at: AwareDatetime
    reason: str = ""


def withdrawn_versions(folders: DataFolders) -> dict[str, str]:
    """Version id → what to tell of it, of everything that is taken out now."""
    found = {}
    for path in folders.landing.glob(f"*/*/{FOLDER}/*.json"):
        record = Withdrawal.model_validate_json(path.read_bytes())
        told = f"withdrawn on {record.withdrawn_at:%Y-%m-%d %H:%M}"
        found[record.version_id] = f"{told}: {record.reason}" if record.reason else told
    return found


def withdraw(folders: DataFolders, versions: Sequence[Manifest], now: datetime, reason: str = "") -> list[Manifest]:
    """Takes versions out; returns those that were in. A second time changes nothing."""
    taken = [version for version in versions if not _path(folders, version).exists()]
    for version in taken:
        record = Withdrawal(version_id=version.version_id, withdrawn_at=now, reason=reason)
        write_whole(_path(folders, version), record.model_dump_json().encode())
    return taken


def reinstate(folders: DataFolders, versions: Sequence[Manifest]) -> list[Manifest]:
    """Puts versions back in their old places; returns those that were out."""
    back = [version for version in versions if _path(folders, version).exists()]
    for version in back:
        _path(folders, version).unlink(missing_ok=True)
    return back


def versions_of(
    folders: DataFolders,
    connection: str,
    goal: ImportGoal,
    partitions: Sequence[str],
    batch: str | None = None,
) -> list[Manifest]:
    """Every version of some partitions landed so far, or the one with a batch id (its beginning is enough).

    A goal without partitions goes by its file's name.

    Raises:
        ConfigError: whoever asks must: there is no such partition or batch.
    """
    known = current_versions(folders, connection, goal.name)
    if goal.files.pattern_type == "exact":
        others = sorted(set(partitions) - {goal.files.root})
        if others:
            told = f"has no partitions, only the file {goal.files.root}, not {shown(', '.join(others))}"
            raise ConfigError(f"{connection}/{goal.name} {told}")
        if partitions and not any(version.partition_key == "" for version in known):
            raise ConfigError(f"{goal.files.root} was not imported by {connection}/{goal.name} yet")
        partitions = [""] if partitions else []
    missing = not_called(goal.files, [version.partition_key for version in known], partitions)
    if missing:
        there = those_there(version.partition_key for version in known)
        raise ConfigError(f"{connection}/{goal.name} has no partition {', '.join(missing)}; {there}")
    found = [
        version
        for version in known
        if is_called(goal.files, version.partition_key, partitions)
        or (batch is not None and version.batch_id.startswith(batch))
    ]
    if batch is not None and len(found) != 1:
        raise ConfigError(_not_one(f"{connection}/{goal.name}", batch, found))
    return found


def _not_one(goal_id: str, batch: str, found: Sequence[Manifest]) -> str:
    if not found:
        return f"no batch of {goal_id} begins with {batch}; give an id of ops.batches"
    named = ", ".join(
        f"{item.batch_id[:ID_SIGNS]} ({shown(item.name)}, landed {item.landed} UTC)"
        for item in sorted(found, key=lambda item: item.landed_at)[:10]
    )
    return f"{len(found)} batches of {goal_id} begin with {batch}: {named}{', …' if len(found) > 10 else ''}"


def _path(folders: DataFolders, version: Manifest) -> Path:
    config = version.config
    return folders.goal(config.connection, config.goal.name) / FOLDER / f"{version.version_id[:SHORT]}.json"
