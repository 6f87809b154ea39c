"""Looks at a connection's server: which files are there, which goal and partition they belong to, what is new.

A look is one listing of every directory the connection's imports read. The first look that sees a file is
its place in the order where its name holds no date, so looks are written down, one at a time per connection,
and shared by all goals and processes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportProfilesGoal
from cdp_assets.errors import FileError, RemoteDownError
from cdp_assets.faults import step
from cdp_assets.files.remote import RemoteFile, path_of, shown
from cdp_assets.files.selection import natural_key, partition_key, why_not
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.folders import DataFolders, make_private
from cdp_assets.flows.manifests import SHORT, landed_seen_ids, seen_id
from cdp_assets.flows.markers import marked_ids, read_mark

WAIT_S = 120
"""How long a look waits for another process's look at the same connection."""


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
        RemoteDownError: nobody need act; also where another process has been looking for `WAIT_S`.
    """
    goals = [goal for goal in connection.imports if goal.active or inactive]
    with _alone(connection, folders):
        step("look: before listing")
        directories = {path_of(connection.server, goal.files.directory) for goal in goals}
        listings = {directory: server.list_files(directory) for directory in sorted(directories)}
        seen, latest = _read_looks(folders.looks(connection.name))
        looked_at = max(now, latest + timedelta(microseconds=1))
        found, passed_over = _sort_into_goals(connection, goals, listings)
        fresh = sorted(
            {
                identity
                for goal, _, _, identity in found
                if identity not in seen or _came_back(folders, connection.name, goal, identity, seen[identity])
            }
        )
        step("look: before writing it down")
        if fresh:
            _append_look(folders.looks(connection.name), looked_at, fresh)
        step("look: written down")
    seen |= dict.fromkeys(fresh, looked_at)
    landed = {goal.name: _landed(folders, connection.name, goal.name) for goal in goals}
    candidates = tuple(
        Candidate(goal, key, file, identity, seen[identity], identity[:SHORT] in landed[goal])
        for goal, key, file, identity in found
    )
    return Look(connection.name, looked_at, candidates, tuple(passed_over))


@contextmanager
def _alone(connection: Connection, folders: DataFolders) -> Iterator[None]:
    looks = folders.looks(connection.name)
    make_private(looks.parent)
    lock = FileLock(looks.with_suffix(".lock"), timeout=WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        message = f"another process has been looking at the server of {connection.name} for more than {WAIT_S} s"
        raise RemoteDownError(message) from error
    try:
        yield
    finally:
        lock.release()


def _landed(folders: DataFolders, connection: str, goal: str) -> set[str]:
    """Landed and not yet acknowledged: a name that comes back after `.done` is looked into again."""
    return landed_seen_ids(folders, connection, goal) - marked_ids(folders, connection, goal)


def _came_back(folders: DataFolders, connection: str, goal: str, identity: str, seen_at: datetime) -> bool:
    """Whether a file stands under a name again that was dealt with: its content, if new, is as new as this look."""
    mark = read_mark(folders, connection, goal, identity)
    return mark is not None and seen_at <= mark.look_at


def take_settled_look(
    connection: Connection, server: SftpFileSystem, folders: DataFolders, now: datetime, *, inactive: bool = False
) -> Look:
    """As `take_look`, without files that are still being written: they are left to a later look.

    A file modified in the last `settle_s` seconds is looked at again after as long. That also keeps a file
    from being rewritten unnoticed: SFTP tells times in whole seconds, and no later change can carry one that
    is over.
    """
    look = take_look(connection, server, folders, now, inactive=inactive)
    wait_s = connection.server.settle_s
    if not wait_s or not any((now - item.file.modified_at).total_seconds() < wait_s for item in look.new()):
        return look
    time.sleep(wait_s)
    again = take_look(connection, server, folders, now + timedelta(seconds=wait_s), inactive=inactive)
    before = {item.seen_id for item in look.candidates}
    return replace(again, candidates=tuple(item for item in again.candidates if item.seen_id in before))


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
                key = _key_of(goal, file) if reason is None else None
            except FileError as error:
                passed_over.append(PassedOver(goal.name, file.name, str(error), wrong_name=True))
                continue
            if key is None:
                passed_over.append(PassedOver(goal.name, file.name, reason or "", wrong_name=False))
                continue
            identity = seen_id(f"{connection.name}/{goal.name}", file.path, file.size_bytes, file.modified_at)
            found.append((goal.name, key, file, identity))
    return found, passed_over


def _key_of(goal: ImportProfilesGoal, file: RemoteFile) -> str | None:
    """The partition key of a file whose name can be written down.

    Raises:
        FileError: the supplier must rename the file.
    """
    key = partition_key(goal.files, file.name)
    if key is not None and any("\ud800" <= sign <= "\udfff" for sign in file.name):
        raise FileError(f"{shown(file.name)}: its name holds bytes that are not UTF-8; rename the file")
    return key


def _read_looks(path: Path) -> tuple[dict[str, datetime], datetime]:
    """When each file was first seen or came back, and the latest look.

    A line torn by a crash counts as not written.
    """
    seen: dict[str, datetime] = {}
    latest = datetime.min.replace(tzinfo=UTC)
    if not path.exists():
        return seen, latest
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = json.loads(line)
        latest = datetime.fromisoformat(entry["look_at"])
        seen |= dict.fromkeys(entry["seen"], latest)
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
