"""Looks at a connection's server: which files are there, which goal and partition they belong to, what is new.

A look is one listing of every directory the connection's imports read. The first look that sees a file is
its place in the order where its name holds no date, so looks are written down, one at a time per connection,
and shared by all goals and processes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportProfilesGoal
from cdp_assets.errors import FileError
from cdp_assets.faults import step
from cdp_assets.files.remote import RemoteFile, path_of
from cdp_assets.files.selection import natural_key, partition_key, why_not
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import DataFolders, make_private
from cdp_assets.flows.manifests import SHORT, landed_seen_ids, seen_id


@dataclass(frozen=True)
class Candidate:
    """A file on the server that belongs to an import goal."""

    goal: str
    partition_key: str
    file: RemoteFile
    seen_id: str
    first_seen_at: datetime
    landed: bool
    """Whether this version was landed before, as far as a listing can tell."""


@dataclass(frozen=True)
class PassedOver:
    """A file in a goal's directory that the goal does not take, and why."""

    goal: str
    name: str
    reason: str
    wrong_name: bool
    """True where the name fits the goal but cannot be a partition: the supplier must rename it."""


@dataclass(frozen=True)
class Look:
    """One listing of a connection, as all its goals see it."""

    connection: str
    looked_at: datetime
    candidates: tuple[Candidate, ...]
    """In the order of goals, then of names as people count."""
    passed_over: tuple[PassedOver, ...]

    def new(self, goal: str | None = None) -> tuple[Candidate, ...]:
        """Candidates not landed yet, of one goal or of all."""
        return tuple(item for item in self.candidates if not item.landed and goal in {None, item.goal})

    def of(self, goal: str, key: str) -> tuple[Candidate, ...]:
        """Every candidate of one partition, oldest version first."""
        found = [item for item in self.candidates if item.goal == goal and item.partition_key == key]
        return tuple(sorted(found, key=lambda item: (item.file.modified_at, natural_key(item.file.name))))


def take_look(
    connection: Connection, server: SftpFileSystem, folders: DataFolders, now: datetime, *, inactive: bool = False
) -> Look:
    """Lists the server and writes down what was not seen before.

    A second look at an unchanged server writes nothing. Inactive goals are left out unless asked for.

    Raises:
        RemoteError: the server's operator must act: a directory is missing or may not be read.
    """
    goals = [goal for goal in connection.imports if goal.active or inactive]
    make_private(folders.looks(connection.name).parent)
    with FileLock(folders.looks(connection.name).with_suffix(".lock"), timeout=120):
        step("look: before listing")
        directories = {path_of(connection.server, goal.files.directory) for goal in goals}
        listings = {directory: server.list_files(directory) for directory in sorted(directories)}
        seen, latest = _read_looks(folders.looks(connection.name))
        looked_at = max(now, latest + timedelta(microseconds=1))
        found, passed_over = _sort_into_goals(connection, goals, listings)
        fresh = sorted({identity for _, _, _, identity in found} - seen.keys())
        step("look: before writing it down")
        if fresh:
            _append_look(folders.looks(connection.name), looked_at, fresh)
    seen |= dict.fromkeys(fresh, looked_at)
    landed = {goal.name: _landed(folders, connection.name, goal.name) for goal in goals}
    candidates = tuple(
        Candidate(goal, key, file, identity, seen[identity], identity[:SHORT] in landed[goal])
        for goal, key, file, identity in found
    )
    return Look(connection.name, looked_at, candidates, tuple(passed_over))


def _landed(folders: DataFolders, connection: str, goal: str) -> set[str]:
    """Landed and not yet acknowledged: a name that comes back after `.done` is looked into again."""
    acknowledged = folders.goal(connection, goal) / "acknowledged"
    done = {entry.name for entry in acknowledged.iterdir()} if acknowledged.exists() else set()
    return landed_seen_ids(folders, connection, goal) - done


def _sort_into_goals(
    connection: Connection, goals: Sequence[ImportProfilesGoal], listings: dict[str, list[RemoteFile]]
) -> tuple[list[tuple[str, str, RemoteFile, str]], list[PassedOver]]:
    found: list[tuple[str, str, RemoteFile, str]] = []
    passed_over: list[PassedOver] = []
    for goal in goals:
        files = listings[path_of(connection.server, goal.files.directory)]
        for file in sorted(files, key=lambda item: natural_key(item.name)):
            reason = why_not(goal.files, file.name)
            try:
                key = partition_key(goal.files, file.name) if reason is None else None
            except FileError as error:
                passed_over.append(PassedOver(goal.name, file.name, str(error), wrong_name=True))
                continue
            if key is None:
                passed_over.append(PassedOver(goal.name, file.name, reason or "", wrong_name=False))
                continue
            identity = seen_id(f"{connection.name}/{goal.name}", file.path, file.size_bytes, file.modified_at)
            found.append((goal.name, key, file, identity))
    return found, passed_over


def _read_looks(path: Path) -> tuple[dict[str, datetime], datetime]:
    """When each file was first seen, and the latest look. A line torn by a crash counts as not written."""
    seen: dict[str, datetime] = {}
    latest = datetime.min.replace(tzinfo=UTC)
    if not path.exists():
        return seen, latest
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = json.loads(line)
        latest = datetime.fromisoformat(entry["look_at"])
        for identity in entry["seen"]:
            seen.setdefault(identity, latest)
    return seen, latest


def _append_look(path: Path, looked_at: datetime, fresh: Sequence[str]) -> None:
    whole = path.read_bytes() if path.exists() else b""
    keep = whole.rfind(b"\n") + 1
    line = json.dumps({"look_at": looked_at.isoformat(), "seen": list(fresh)}).encode() + b"\n"
    with path.open("r+b" if path.exists() else "wb") as target:
        target.truncate(keep)
        target.seek(keep)
        target.write(line)
        target.flush()
