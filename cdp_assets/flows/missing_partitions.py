"""Which time windows of a goal are over and have no landed file: read from the landing folder, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cdp_assets.config.goals import ImportGoal
from cdp_assets.files.windows import known_partition, windows_until
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import batch_folders, goal_attempts, read_attempt
from cdp_assets.flows.withdrawals import withdrawn_versions

NO_FILE = "no file was landed"


@dataclass(frozen=True)
class Gap:
    """Windows that follow each other and lack a file for the same reason."""

    first: str
    last: str
    windows: int
    why: str

    def __str__(self) -> str:
        span = self.first if self.windows == 1 else f"{self.first} to {self.last} ({self.windows})"
        return span if self.why == NO_FILE else f"{span}: {self.why}"


@dataclass(frozen=True)
class Missing:
    """What a goal with time windows lacks."""

    expected: int
    """Windows from the first on that are over, and due."""
    gaps: tuple[Gap, ...]
    """In their order."""

    @property
    def windows(self) -> int:
        """How many windows lack a file."""
        return sum(gap.windows for gap in self.gaps)


def missing_partitions(connection: str, goal: ImportGoal, folders: DataFolders, now: datetime) -> Missing:
    """The windows without a file, for a goal with time windows.

    A window whose only file was refused, or withdrawn, is missing and says so. The present one is not expected yet.
    """
    files = goal.files
    assert files.partitions is not None
    out = withdrawn_versions(folders)
    why: dict[str | None, str] = {}
    for path in goal_attempts(folders, connection, goal.name):
        attempt = read_attempt(path)
        why[known_partition(files, attempt.partition_key)] = f"its file was refused: {attempt.error}"
    landed = set()
    for folder in batch_folders(folders, connection, goal.name):
        key, version = _key_and_version(folder)
        partition = known_partition(files, key)
        if version in out:
            why[partition] = out[version]
        else:
            landed.add(partition)
    due = now - timedelta(seconds=files.partitions.due_after_s)
    keys = [window.key for window in windows_until(files, due)]
    return Missing(len(keys), tuple(_gaps(keys, landed, why)))


def _gaps(keys: Iterable[str], landed: set[str | None], why: dict[str | None, str]) -> list[Gap]:
    gaps: list[Gap] = []
    goes_on = False
    for key in keys:
        if key in landed:
            goes_on = False
            continue
        reason = why.get(key, NO_FILE)
        if goes_on and gaps[-1].why == reason:
            gaps[-1] = Gap(gaps[-1].first, key, gaps[-1].windows + 1, reason)
        else:
            gaps.append(Gap(key, key, 1, reason))
        goes_on = True
    return gaps


@lru_cache(maxsize=200_000)
def _key_and_version(folder: Path) -> tuple[str, str]:
    """Wildcard value and version of a batch. Kept, as batches never change: a sensor asks again and again."""
    told = json.loads((folder / "manifest.json").read_bytes())
    return told["partition_key"], told["version_id"]
