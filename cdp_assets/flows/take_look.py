"""Looks at a connection's server: which file sets are there, which goal and partition they belong to, what is new.

A look is one listing of every directory the connection's imports read. The first look that sees a file set
is its place in the order where its name holds no date, so looks are written down, one at a time per
connection, and shared by all goals and processes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.errors import RemoteDownError, RemoteError
from cdp_assets.faults import step
from cdp_assets.files.remote import RemoteFile, path_of
from cdp_assets.files.selection import natural_key
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.check_ready import tried_as, unready
from cdp_assets.flows.file_sets import FileSet, LinkedPart, Listings, PassedOver, sort_into_goals
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.look_records import append_look, looking_alone, read_looks
from cdp_assets.flows.manifests import SHORT, landed_seen_ids
from cdp_assets.flows.markers import marked_ids, read_mark


@dataclass(frozen=True)
class Candidate:
    """A file set on the server that belongs to an import goal."""

    goal: str
    partition_key: str
    file: RemoteFile
    """The root file."""
    seen_id: str
    first_seen_at: datetime
    landed: bool
    """Whether this version was landed before, as far as a listing can tell."""
    linked: tuple[LinkedPart, ...] = ()
    problem: str = ""
    """Why it cannot be imported; empty = it can, as far as a listing can tell."""
    tried_id: str = ""
    """Under which a failed landing is kept; other than `seen_id` where the sender's checksum stands beside it."""
    partition: str = ""
    """The partition it belongs to: its key, or the time window its date lies in."""

    @property
    def parts(self) -> tuple[LinkedPart, ...]:
        """All its files; the root file comes first, with an empty alias."""
        return (LinkedPart("", self.file, static=False), *self.linked)

    @property
    def modified_at(self) -> datetime:
        """When the youngest of its files was modified."""
        return max(part.file.modified_at for part in self.parts)


@dataclass(frozen=True)
class Look:
    """One listing of a connection, as all its goals see it."""

    connection: str
    looked_at: datetime
    candidates: tuple[Candidate, ...]
    """In the order of goals, then of names as people count."""
    passed_over: tuple[PassedOver, ...]
    unlisted: dict[str, str] = field(default_factory=dict)
    """Goal → why its directory could not be listed; empty unless the look goes on without."""

    def new(self, goal: str | None = None) -> tuple[Candidate, ...]:
        """Candidates not landed yet, of one goal or of all."""
        return tuple(item for item in self.candidates if not item.landed and goal in {None, item.goal})

    def of(self, goal: str, partition: str) -> tuple[Candidate, ...]:
        """Every candidate of one partition, oldest version first."""
        found = [item for item in self.candidates if item.goal == goal and item.partition == partition]
        return tuple(sorted(found, key=lambda item: (item.file.modified_at, natural_key(item.file.name))))


def take_look(
    connection: Connection,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    *,
    inactive: bool = False,
    going_on: bool = False,
) -> Look:
    """Lists the server and writes down what was not seen before.

    A second look at an unchanged server writes nothing. Inactive goals are left out unless asked for.
    `going_on`: of several directories those that cannot be listed are told in `unlisted`.

    Raises:
        RemoteError: the server's operator must act: a directory is missing or may not be read.
        RemoteDownError: nobody need act; also where another process looks for very long.
    """
    goals = [goal for goal in connection.imports if goal.active or inactive]
    with looking_alone(connection, folders):
        step("look: before listing")
        listings, unlisted = _list(connection, server, goals, going_on=going_on)
        goals = [goal for goal in goals if goal.name not in unlisted]
        seen, latest = read_looks(folders.looks(connection.name))
        looked_at = max(now, latest + timedelta(microseconds=1))
        found, passed_over = sort_into_goals(connection, goals, listings)
        fresh = sorted(_fresh(connection, folders, found, seen))
        step("look: before writing it down")
        if fresh:
            append_look(folders.looks(connection.name), looked_at, fresh)
        step("look: written down")
    seen |= dict.fromkeys(fresh, looked_at)
    listed = _Listed(goals, listings, found, passed_over, seen, looked_at)
    return replace(_look(connection, server, folders, listed, now), unlisted=unlisted)


def peek(
    connection: Connection,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    goals: Sequence[ImportGoal],
) -> Look:
    """What a look of these goals would find now; nothing is written down, and nobody is waited for.

    What no look has seen yet counts as first seen `now`. Raises as `take_look`.
    """
    listings, _ = _list(connection, server, goals)
    seen, _ = read_looks(folders.looks(connection.name))
    found, passed_over = sort_into_goals(connection, goals, listings)
    seen |= dict.fromkeys(_fresh(connection, folders, found, seen), now)
    return _look(connection, server, folders, _Listed(goals, listings, found, passed_over, seen, now), now)


@dataclass(frozen=True)
class _Listed:
    """What was listed, before it is told apart."""

    goals: Sequence[ImportGoal]
    listings: Listings
    found: Sequence[FileSet]
    passed_over: Sequence[PassedOver]
    seen: dict[str, datetime]
    looked_at: datetime


def _list(
    connection: Connection, server: SftpFileSystem, goals: Sequence[ImportGoal], *, going_on: bool = False
) -> tuple[Listings, dict[str, str]]:
    """The files of every directory; and goal → why not, of those that are gone on without."""
    wanted: dict[str, list[str]] = {}
    for goal in goals:
        wanted.setdefault(path_of(connection.server, goal.files.directory), []).append(goal.name)
    listings: dict[str, Sequence[RemoteFile]] = {}
    unlisted: dict[str, str] = {}
    for directory, names in sorted(wanted.items()):
        try:
            listings[directory] = server.list_files(directory)
        except RemoteDownError:
            raise
        except RemoteError as error:
            where = f"files.directory of {', '.join(names)}"
            advice = f"python -m cdp_assets test-connection {connection.name} tells the folders there"
            message = f"{error} ({where}; {advice})"
            unlisted |= dict.fromkeys(names, message)
            if not going_on or len(unlisted) == len(goals):
                raise type(error)(message) from error
    return listings, unlisted


def _look(connection: Connection, server: SftpFileSystem, folders: DataFolders, listed: _Listed, now: datetime) -> Look:
    candidates: list[Candidate] = []
    passed_over, seen, looked_at = list(listed.passed_over), listed.seen, listed.looked_at
    for goal in listed.goals:
        sets = [item for item in listed.found if item.goal == goal.name]
        listing = listed.listings[path_of(connection.server, goal.files.directory)]
        sort = _Sorter(connection, goal, listing, folders)
        waits = sort.waiting(server, sets, now)
        patience = timedelta(seconds=goal.files.wait_for_linked_s)
        for item in sets:
            why = waits.get(item.seen_id, "")
            if item.missing and looked_at - seen[item.root_seen_id] < patience:
                why = item.missing
            if why:
                passed_over.append(PassedOver(item.goal, item.file.name, f"waits: {why}", "waits"))
            else:
                candidates.append(sort.candidate(item, seen[item.seen_id]))
    return Look(connection.name, looked_at, tuple(candidates), tuple(passed_over))


class _Sorter:
    """Tells the sets of one goal apart: landed, waiting for the rest, ready."""

    def __init__(
        self, connection: Connection, goal: ImportGoal, listing: Sequence[RemoteFile], folders: DataFolders
    ) -> None:
        self._settle_s, self._goal, self._listing = connection.server.settle_s, goal, listing
        self._by_name = {file.name: file for file in listing}
        self._landed = _landed(folders, connection.name, goal.name)

    def waiting(self, server: SftpFileSystem, sets: Sequence[FileSet], now: datetime) -> dict[str, str]:
        """Seen id → why a new set is not complete in the sender's own terms."""
        files = [file for item in sets if not self._is_landed(item) for file in item.delivered]
        reasons = unready(server, self._goal.files, self._listing, files, now, settle_s=self._settle_s)
        return {
            item.seen_id: reasons[file.name] for item in sets for file in item.delivered[::-1] if file.name in reasons
        }

    def candidate(self, item: FileSet, first_seen_at: datetime) -> Candidate:
        """A set that is ready, or was landed before, or cannot be imported."""
        return Candidate(
            item.goal,
            item.partition_key,
            item.file,
            item.seen_id,
            first_seen_at,
            self._is_landed(item),
            item.linked,
            item.missing or item.problem,
            tried_as(item.seen_id, self._goal.files, item.delivered, self._by_name),
            item.partition,
        )

    def _is_landed(self, item: FileSet) -> bool:
        return item.seen_id[:SHORT] in self._landed


def _fresh(
    connection: Connection, folders: DataFolders, found: Sequence[FileSet], seen: dict[str, datetime]
) -> set[str]:
    """Ids that are to be written down. A root file's own is, so that its set waits from its first sight."""
    roots = {item.root_seen_id for item in found if item.root_seen_id and item.root_seen_id not in seen}
    return roots | {
        item.seen_id
        for item in found
        if item.seen_id not in seen or _came_back(folders, connection.name, item.goal, item.seen_id, seen[item.seen_id])
    }


def _landed(folders: DataFolders, connection: str, goal: str) -> set[str]:
    """Landed and not yet acknowledged: a name that comes back after `.done` is looked into again."""
    return landed_seen_ids(folders, connection, goal) - marked_ids(folders, connection, goal)


def _came_back(folders: DataFolders, connection: str, goal: str, identity: str, seen_at: datetime) -> bool:
    """Whether a file stands under a name again that was dealt with: its content, if new, is as new as this look."""
    mark = read_mark(folders, connection, goal, identity)
    return mark is not None and seen_at <= mark.look_at


def take_settled_look(
    connection: Connection,
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    *,
    inactive: bool = False,
    going_on: bool = False,
) -> Look:
    """As `take_look`, without files that are still being written: they are left to a later look.

    A file modified in the last `settle_s` seconds is looked at again after as long. That also keeps a file
    from being rewritten unnoticed: SFTP tells times in whole seconds, and no later change can carry one that
    is over.
    """
    look = take_look(connection, server, folders, now, inactive=inactive, going_on=going_on)
    wait_s = connection.server.settle_s
    if not wait_s or not any((now - item.modified_at).total_seconds() < wait_s for item in look.new()):
        return look
    time.sleep(wait_s)
    later = now + timedelta(seconds=wait_s)
    again = take_look(connection, server, folders, later, inactive=inactive, going_on=going_on)
    before = {item.seen_id for item in look.candidates}
    written = [
        PassedOver(item.goal, item.file.name, "waits: it is still being written; the next look takes it", "waits")
        for item in again.candidates
        if item.seen_id not in before
    ]
    still = tuple(item for item in again.candidates if item.seen_id in before)
    return replace(again, candidates=still, passed_over=(*again.passed_over, *written))
