"""Sorts what a listing shows into the file sets of a connection's goals: each root file with its linked files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.errors import FileError
from cdp_assets.files.linked import LinkedFileMissingError, find_linked, linked_to_done
from cdp_assets.files.readiness import sidecar_of
from cdp_assets.files.remote import RemoteFile, path_of, shown
from cdp_assets.files.selection import (
    DONE,
    differs_in_case,
    fits_but_for,
    matches_wildcard,
    natural_key,
    never_taken,
    numbered_root,
    partition_key,
    why_not,
)
from cdp_assets.files.windows import partition_of
from cdp_assets.flows.manifests import seen_id

Listings = Mapping[str, Sequence[RemoteFile]]
"""Directory → its regular files."""


@dataclass(frozen=True)
class PassedOver:
    """A file in a goal's directory that the goal does not take, or not yet, and why."""

    goal: str
    name: str
    reason: str
    kind: Literal["other", "wrong name", "waits"]
    """other: not meant for the goal; wrong name: meant, but the supplier must rename it; waits: not complete yet."""


@dataclass(frozen=True)
class LinkedPart:
    """A linked file of a set."""

    alias: str
    file: RemoteFile
    static: bool


@dataclass(frozen=True)
class FileSet:
    """A root file and what is linked to it, as one listing shows them."""

    goal: str
    partition_key: str
    file: RemoteFile
    seen_id: str
    """Digest of all that the listing tells of the set, static files left out."""
    linked: tuple[LinkedPart, ...] = ()
    root_seen_id: str = ""
    """The same of the root file alone; empty where nothing is linked."""
    missing: str = ""
    """Which linked file is not there yet; empty = all are."""
    problem: str = ""
    """Why the set cannot be imported whatever it holds; empty = it can."""
    partition: str = ""
    """The partition it belongs to: its key, or the time window its date lies in."""

    @property
    def delivered(self) -> tuple[RemoteFile, ...]:
        """What the sender delivers together: the root file first, static files left out."""
        return (self.file, *(part.file for part in self.linked if not part.static))

    @property
    def names(self) -> tuple[str, ...]:
        """All file names of the set, the root's first."""
        return (self.file.name, *(part.file.name for part in self.linked))


def sort_into_goals(
    connection: Connection, goals: Sequence[ImportGoal], listings: Listings
) -> tuple[list[FileSet], list[PassedOver]]:
    """The file sets of all goals, in the order of goals, then of names as people count; and what is left."""
    found: list[FileSet] = []
    passed_over: list[PassedOver] = []
    for goal in goals:
        files = listings[path_of(connection.server, goal.files.directory)]
        by_name = {file.name: file for file in files if not _is_no_data(goal, file.name)}
        done = [file.name.removesuffix(DONE) for file in files if file.name.endswith(DONE)]
        for file in sorted(files, key=lambda item: natural_key(item.name)):
            reason = why_not(goal.files, file.name) or sidecar_of(goal.files, file.name)
            try:
                key = _key_of(goal, file) if reason is None else None
                partition = partition_of(goal.files, key or "")
            except FileError as error:
                passed_over.append(PassedOver(goal.name, file.name, str(error), "wrong name"))
                continue
            if key is None:
                passed_over.append(PassedOver(goal.name, file.name, reason or "", "other"))
                continue
            found_set = _file_set(f"{connection.name}/{goal.name}", goal, key, file, by_name, done)
            found.append(replace(found_set, partition=partition))
    taken = {(item.goal, name) for item in found for name in item.names}
    left = [item for item in passed_over if (item.goal, item.name) not in taken]
    left = _with_roots(connection, goals, listings, left)
    names = {name for _, name in taken}
    left = _without_roots(goals, names, _nearly_taken(goals, names, left))
    return found, _taking_nothing(connection, goals, listings, names, left)


def _taking_nothing(
    connection: Connection,
    goals: Sequence[ImportGoal],
    listings: Listings,
    taken: Collection[str],
    passed_over: Sequence[PassedOver],
) -> list[PassedOver]:
    """Of a goal that takes nothing, nor ever did, in a folder with files that no goal takes, one of these is told."""
    idle = set()
    for goal in goals:
        names = [file.name for file in listings[path_of(connection.server, goal.files.directory)]]
        if goal.drop is None and all(why_not(goal.files, name.removesuffix(DONE)) is not None for name in names):
            idle.add(goal.name)
    idle -= {item.goal for item in passed_over if item.kind != "other"}
    told: list[PassedOver] = []
    for item in passed_over:
        if item.goal in idle and item.kind == "other" and item.name not in taken and never_taken(item.name) is None:
            idle.discard(item.goal)
            told.append(replace(item, reason=f"{item.reason}, and no other file there does", kind="wrong name"))
        else:
            told.append(item)
    return told


def _nearly_taken(
    goals: Sequence[ImportGoal], taken: Collection[str], passed_over: Sequence[PassedOver]
) -> list[PassedOver]:
    """A packed file that no goal takes is most likely meant for the one that would take it unpacked.

    So is one whose name differs in a number only from the one that a goal names in full, or in upper and lower case.
    """
    files = {goal.name: goal.files for goal in goals}

    def mended(item: PassedOver) -> PassedOver:
        known = item.kind != "other" or item.name in taken or never_taken(item.name) is not None
        if not known and differs_in_case(files[item.goal], item.name):
            return replace(item, kind="wrong name")
        root = "" if known else numbered_root(files[item.goal], item.name)
        if root:
            return replace(
                item, reason=f"{item.reason}, but for a number: root: {root!r} takes both", kind="wrong name"
            )
        ending = "" if known else fits_but_for(files[item.goal], item.name)
        if not ending or sidecar_of(files[item.goal], item.name):
            return item
        told = f"{item.reason}, but for {ending}: let `root` take both, or have it sent without"
        return replace(item, reason=told, kind="wrong name")

    return [mended(item) for item in passed_over]


def _with_roots(
    connection: Connection, goals: Sequence[ImportGoal], listings: Listings, passed_over: Sequence[PassedOver]
) -> list[PassedOver]:
    """Linked files whose root file is `.done` already wait for it to come again."""
    roots: dict[tuple[str, str], str] = {}
    for goal in goals:
        if goal.files.linked:
            names = {file.name for file in listings[path_of(connection.server, goal.files.directory)]}
            roots |= {(goal.name, name): root for name, root in linked_to_done(goal.files, names).items()}
    return [
        PassedOver(item.goal, item.name, _waits_for(roots[item.goal, item.name]), "waits")
        if item.kind == "other" and (item.goal, item.name) in roots
        else item
        for item in passed_over
    ]


def _without_roots(
    goals: Sequence[ImportGoal], taken: Collection[str], passed_over: Sequence[PassedOver]
) -> list[PassedOver]:
    """Linked files whose root file has not come wait for it; what a goal takes, or never is data, does not."""
    linked = {
        goal.name: [one.file for one in goal.files.linked if not one.static] for goal in goals if goal.files.linked
    }

    def waits(item: PassedOver) -> bool:
        is_data = item.kind == "other" and item.name not in taken and never_taken(item.name) is None
        return is_data and any(matches_wildcard(pattern, item.name) for pattern in linked.get(item.goal, ()))

    return [PassedOver(item.goal, item.name, _ROOT_MISSING, "waits") if waits(item) else item for item in passed_over]


_ROOT_MISSING = "waits: as a linked file it counts only with its root file, which is not there"


def _waits_for(root: str) -> str:
    return (
        f"waits: as a linked file it counts only with its root file {shown(root)}, which is .done by now:"
        " send that again too, with all its linked files"
    )


def _is_no_data(goal: ImportGoal, name: str) -> bool:
    return never_taken(name) is not None or sidecar_of(goal.files, name) is not None


def _file_set(
    goal_id: str,
    goal: ImportGoal,
    key: str,
    file: RemoteFile,
    by_name: Mapping[str, RemoteFile],
    done: Collection[str],
) -> FileSet:
    root = seen_id(goal_id, file.path, file.size_bytes, file.modified_at)
    if not goal.files.linked:
        return FileSet(goal.name, key, file, root)
    try:
        names = find_linked(goal.files, file.name, by_name, done)
    except LinkedFileMissingError as error:
        return FileSet(goal.name, key, file, root, root_seen_id=root, missing=str(error))
    except FileError as error:
        return FileSet(goal.name, key, file, root, root_seen_id=root, problem=str(error))
    parts = tuple(LinkedPart(link.name, by_name[names[link.name]], link.static) for link in goal.files.linked)
    told = [
        (part.alias, part.file.path, part.file.size_bytes, part.file.modified_at) for part in parts if not part.static
    ]
    whole = seen_id(goal_id, file.path, file.size_bytes, file.modified_at, *told)
    return FileSet(goal.name, key, file, whole, parts, root_seen_id=root)


def _key_of(goal: ImportGoal, file: RemoteFile) -> str | None:
    """The partition key of a file whose name can be written down.

    Raises:
        FileError: the supplier must rename the file.
    """
    key = partition_key(goal.files, file.name)
    if key is not None and any("\ud800" <= sign <= "\udfff" for sign in file.name):
        raise FileError(f"{shown(file.name)}: its name holds bytes that are not UTF-8; rename the file")
    return key
