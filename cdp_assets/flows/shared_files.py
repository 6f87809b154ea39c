"""Files that several import goals of a connection take, and those that a goal names in full.

Each of them imports such a file, and all must have it before it gets its `.done`, as no goal takes it afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from cdp_assets.config.connections import Connection
from cdp_assets.config.export_targets import Naming, actions_of
from cdp_assets.config.files import Files
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.known import listed
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.errors import ConfigError
from cdp_assets.files.partition_dates import effective_date
from cdp_assets.files.readiness import sidecar_of
from cdp_assets.files.remote import path_of, shown, split_path
from cdp_assets.files.sealing import is_encrypted
from cdp_assets.files.selection import wildcard_value
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import Manifest, goal_manifests

_Version = tuple[str, int, int]


def takers(connection: Connection, path: str) -> list[ImportGoal]:
    """The active goals whose root file a file is, by its directory and name, in their order."""
    directory, name = split_path(path)
    return [
        goal
        for goal in connection.imports
        if goal.active
        and path_of(connection.server, goal.files.directory) == directory
        and wildcard_value(goal.files, name) is not None
        and sidecar_of(goal.files, name) is None
    ]


def sharing(connection: Connection, goal: ImportGoal, names: Iterable[str]) -> list[str]:
    """Which files of a goal other active goals take as well, and what that means: a sentence for each set of goals."""
    found: dict[str, list[str]] = {}
    for name in names:
        goals = [item.name for item in takers(connection, path_of(connection.server, goal.files.directory, name))]
        if set(goals) - {goal.name}:
            found.setdefault(listed(dict.fromkeys([*goals, goal.name])), []).append(shown(name))
    return [
        f"{listed(files)}: taken by each of the goals {goals}; each imports it, and it gets .done only when all have;"
        " if that is not meant, change files.root of one of them"
        for goals, files in found.items()
    ]


def sharing_by_name(connection: Connection) -> list[str]:
    """The same of the files that a goal names in full, which needs no look at the server."""
    exact = [goal for goal in connection.imports if goal.active and goal.files.pattern_type == "exact"]
    return list(dict.fromkeys(told for goal in exact for told in sharing(connection, goal, [goal.files.root])))


def coming_back(connection: Connection, model: CustomerModelConfig) -> list[str]:
    """Export goals whose files an import goal of the connection takes: they would be imported again."""
    found = []
    for goal in connection.exports:
        segment = model.find_segment(goal.segment)
        encrypted = is_encrypted(connection, goal)
        naming = Naming(goal, segment.label if segment else goal.segment, datetime.now(tz=UTC), "0", encrypted)
        for action in actions_of(goal):
            name = naming.name(1 if goal.file.split else None, action)
            takes = takers(connection, path_of(connection.server, goal.directory, name))
            if takes:
                found.append(
                    f"what goal {goal.name} delivers, such as {shown(name)}, is taken by import {takes[0].name}, and"
                    " would come in again; give another directory or file.name"
                )
                break
    return found


def dated_by_name(connection: Connection) -> list[str]:
    """Goals whose one file has a date in its name: without a partition it counts from the look that first saw it."""
    told = []
    for goal in connection.imports:
        files = goal.files
        named = goal.active and files.pattern_type == "exact" and files.partitions is None
        day = _day_in(files.root) if named else None
        if day is not None:
            root = re.sub(r"\d.*\d", lambda found: f"({found.group()})", re.escape(files.root).replace(r"\-", "-"))
            told.append(
                f"{shown(files.root)} of goal {goal.name} names the day {day}, but counts from the look that first saw"
                " it, as a name in full gives no partition; to let it count from that day:"
                f" match: regex, root: '{root}'"
            )
    return told


def cut_dates(connection: Connection) -> list[str]:
    """Goals whose `*` begins or ends beside a digit: dates in their names are cut, and are no dates then."""
    told = []
    for goal in connection.imports:
        files = goal.files
        beside = re.search(r"\d+\*\d*|\*\d+", files.root)
        if goal.active and files.pattern_type == "wildcard" and beside is not None and "?" not in files.root:
            group = f"({beside.group().replace('*', '.*')})"
            before, behind = files.root[: beside.start()], files.root[beside.end() :]
            root = _as_regex(before) + group + _as_regex(behind)
            told.append(
                f"{shown(files.root)} of goal {goal.name}: the digits beside * are no part of the partition, so a date"
                " there is cut, and the file counts from the look that first saw it; to keep the date whole:"
                f" match: regex, root: '{root}'"
            )
    return told


def _as_regex(text: str) -> str:
    return re.escape(text).replace(r"\-", "-").replace(r"\*", ".*")


def _day_in(name: str) -> date | None:
    """The only day that a name holds."""
    try:
        found = effective_date(Files(root=name), name)
    except ConfigError:
        return None
    return found.date() if found is not None else None


class Shared:
    """What the goals of a connection have of each other's files; each goal's batches are read once, when asked for."""

    def __init__(self, connection: Connection, folders: DataFolders) -> None:
        self._connection, self._folders = connection, folders
        self._landed: dict[str, set[_Version]] = {}

    def still_without(self, manifest: Manifest) -> list[str]:
        """The other active goals that take the root file of a batch and have not landed this version of it."""
        own = manifest.config.goal.name
        others = [item.name for item in takers(self._connection, manifest.path) if item.name != own]
        return [name for name in others if _version(manifest) not in self._landed_by(name)]

    def _landed_by(self, goal: str) -> set[_Version]:
        if goal not in self._landed:
            manifests = goal_manifests(self._folders, self._connection.name, goal)
            self._landed[goal] = {_version(item) for item in manifests}
        return self._landed[goal]


def _version(manifest: Manifest) -> _Version:
    """What a listing tells of a batch's root file."""
    return manifest.path, manifest.size_bytes, int(manifest.modified_at.timestamp())
