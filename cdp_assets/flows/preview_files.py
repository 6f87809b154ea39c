"""Shows what an import would find, before anything is imported: a pure read, here and on the server.

No look is written down, nothing lands, the warehouse is only read from its published copy. What is downloaded
stands in a private staging folder while it is read, plaintext of encrypted files too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from cdp_assets.config.connections import Connection
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.model import BatchConfig, Deployment, batch_config
from cdp_assets.errors import CdpError, ConfigError, FileError, RemoteDownError, WarehouseError
from cdp_assets.files.beginnings import BEGINNING_BYTES
from cdp_assets.files.key_ring import opening_keys
from cdp_assets.files.remote import RemoteFile, shown
from cdp_assets.files.selection import natural_key
from cdp_assets.files.sftp import SftpFileSystem
from cdp_assets.flows.fetch_sample import MOST_BYTES, FileSample, fetch_sample
from cdp_assets.flows.folders import DataFolders, look_folder
from cdp_assets.flows.guess_layout import differing
from cdp_assets.flows.preview_set import preview_set
from cdp_assets.flows.sample_results import Identified, SetPreview
from cdp_assets.flows.shared_files import sharing
from cdp_assets.flows.take_look import Candidate, Look, peek
from cdp_assets.sql.profiling import holders
from cdp_assets.sql.records import records_of
from cdp_assets.warehouse import read_copy


@dataclass(frozen=True)
class Asked:
    """What to look into."""

    name: str = ""
    """Root file; empty = the newest not imported yet, else the newest."""
    most_rows: int = 10
    """So many rows are shown of each stage."""
    linked_bytes: int = MOST_BYTES
    """Linked files up to this size are read whole."""


@dataclass(frozen=True)
class Matches:
    """Which profiles the sample's rows are about, as the published copy of the warehouse knows them."""

    profiles: dict[str, str] = field(default_factory=dict)
    """Canonical identifier → profile id, of those that find one."""
    rows_known: int = 0
    """Rows of the sample whose identifier finds a profile."""
    rows_new: int = 0
    """Rows with an identifier that finds none."""
    as_of: datetime | None = None
    """When the copy was made; None = there is none, and so no profile to be found."""
    note: str = ""
    """Why nothing could be looked up; empty = it was."""


@dataclass(frozen=True)
class GoalPreview:
    """What one goal would make of one file set."""

    goal: str
    allow_create: bool
    records: str
    """What the rows are about: profiles or groups."""
    chosen: Candidate | None = None
    """None = there is no file set to look at."""
    files: tuple[FileSample, ...] = ()
    """As read; their texts are gone."""
    seen: SetPreview | None = None
    """None = see `problem`."""
    matches: Matches = field(default_factory=Matches)
    differences: tuple[str, ...] = ()
    """Files of the goal, not imported yet, that are laid out otherwise than its format and this file say, or that
    other goals take as well, in sentences."""
    problem: str = ""
    """Why the file set, or nothing at all, could be looked at."""
    internal: bool = False
    """Whether the problem is ours; then its text may quote what stands in the files."""

    @property
    def record(self) -> str:
        """What one row is about."""
        return self.records.removesuffix("s")

    @property
    def told_matches(self) -> str:
        """In one sentence, how many rows of the sample are about known profiles, and how many about nobody."""
        found = self.matches
        nobody = self.seen.mapped.no_identifier if self.seen else 0
        without = f"; no identifier: {nobody:,}" if nobody else ""
        if found.note:
            return f"{self.records.capitalize()}: {found.note}{without}"
        fate = "would make new ones" if self.allow_create else "find none and would be left out"
        as_of = f" (as of {found.as_of:%Y-%m-%d %H:%M} UTC)" if found.as_of else ""
        known = f"rows that match one: {found.rows_known:,}, rows that {fate}: {found.rows_new:,}"
        others = (
            "; whom other new files bring before, dry-run finds" if found.rows_new and not self.allow_create else ""
        )
        return f"{self.records.capitalize()}{as_of}: {known}{without}{others}"

    def fate(self, identifiers: str | None) -> str:
        """What would become of a row that identifies somebody so, as far as the published copy tells."""
        if identifiers is None:
            return "no identifier"
        found = self.matches.profiles.get(identifiers)
        if found is not None or (self.matches.note and self.matches.as_of):
            return found or "?"
        return "new" if self.allow_create else "not found"

    @property
    def told_events(self) -> str:
        """In one sentence, how many events the sample would make; empty = its rows bring none."""
        if self.seen is None or not self.seen.events.types:
            return ""
        found = self.seen.events
        made = [f"{kind.type}: {sum(self._with_profile(kind.made)):,}" for kind in found.types]
        dropped = sum(found.good_rows.values()) - sum(self._with_profile(found.good_rows))
        told = [f"rows that bring one: {found.received:,}", *made, f"rejected: {found.rejected:,}"]
        unless = " unless other new files bring them before" if dropped and not self.allow_create else ""
        told.append(f"dropped, as their rows find no profile{unless}: {dropped:,}")
        if found.repeated:
            told.append(f"rows whose event came before: {found.repeated:,}")
        return f"Timeline events: {', '.join(told)}"

    def _with_profile(self, counts: Mapping[str, int] | Mapping[str | None, int]) -> list[int]:
        """The counts of those identifiers whose rows would have a profile."""
        return [count for person, count in counts.items() if self.fate(person) not in {"not found", "no identifier"}]


def preview_goals(
    deployment: Deployment,
    connection: Connection,
    goals: Sequence[ImportGoal],
    server: SftpFileSystem,
    folders: DataFolders,
    now: datetime,
    asked: Asked,
) -> tuple[Look, list[GoalPreview]]:
    """Looks at the server, and into one file set of each goal. A problem with one goal's files is its own result.

    Raises:
        ConfigError: no file of this name can be looked at.
        RemoteError: the server's operator must act, or nobody yet.
    """
    look = peek(connection, server, folders, now, goals)
    if asked.name and not any(shown(item.file.name) == asked.name for item in look.candidates):
        raise ConfigError(_not_there(look, asked.name))
    previews = [
        preview_goal(batch_config(deployment, connection, goal), connection, look, server, folders, asked)
        for goal in goals
        if not asked.name or choose(look, goal.name, asked.name) is not None
    ]
    return look, previews


def preview_goal(
    config: BatchConfig,
    connection: Connection,
    look: Look,
    server: SftpFileSystem,
    folders: DataFolders,
    asked: Asked,
) -> GoalPreview:
    """Looks into one file set of a goal.

    Raises:
        RemoteDownError: nobody need act; the link was lost.
    """
    chosen = choose(look, config.goal.name, asked.name)
    preview = partial(GoalPreview, config.goal.name, config.goal.allow_create, _records(config), chosen)
    if chosen is None:
        return preview(problem="no file on the server is for this goal")
    try:
        if chosen.problem:
            raise FileError(chosen.problem)
        keys = opening_keys(connection.pgp)
        with look_folder(folders) as staging:
            fetch = partial(fetch_sample, config, server=server, staging=staging, keys=keys)
            root = fetch(chosen.parts[0], whole_up_to=BEGINNING_BYTES)
            linked = [fetch(part, whole_up_to=asked.linked_bytes) for part in chosen.linked]
            seen = preview_set(config, root, linked, staging, chosen.first_seen_at, asked.most_rows)
        matches = find_matches(config, seen.mapped.identifiers, folders)
        new = _others(look, chosen)
        # Of encrypted files the beginnings tell nothing.
        different = [] if connection.pgp else differing(server, chosen.file, new, config.goal)
        shared = sharing(connection, config.goal, [file.name for file in (chosen.file, *new)])
        return preview(files=(root, *linked), seen=seen, matches=matches, differences=(*different, *shared))
    except RemoteDownError:
        raise
    except CdpError as error:
        return preview(problem=str(error), internal=isinstance(error, WarehouseError))


def _others(look: Look, chosen: Candidate) -> list[RemoteFile]:
    found = [item for item in look.candidates if item.goal == chosen.goal and not item.landed and not item.problem]
    return [item.file for item in found if item.file.path != chosen.file.path]


def choose(look: Look, goal: str, name: str = "") -> Candidate | None:
    """The file set to look into: of that root file, else the newest not imported yet, else the newest."""
    found = [item for item in look.candidates if item.goal == goal and name in {"", shown(item.file.name)}]
    return max(found, key=lambda item: (not item.landed, item.modified_at, natural_key(item.file.name)), default=None)


def find_matches(config: BatchConfig, identifiers: dict[str, Identified], folders: DataFolders) -> Matches:
    """Looks the identifiers of a sample's rows up in the published copy of the warehouse, as a fold would.

    Rows are not compared with each other: a profile that an earlier row of the file makes is not found.
    """
    rows = sum(item.rows for item in identifiers.values())
    if not folders.published.exists():
        return Matches(
            rows_new=rows, note=f"nothing was imported and published yet, so there are no {_records(config)} to find"
        )
    as_of = datetime.fromtimestamp(folders.published.stat().st_mtime, tz=UTC)
    try:
        with read_copy(folders.published) as database:
            query = holders(records_of(config))
            held = [
                dict(database.rows(query, [column.property, list(_values(identifiers, place))]))
                for place, column in enumerate(config.goal.identifier_columns)
            ]
    except WarehouseError:
        return Matches(as_of=as_of, note="the published copy of the warehouse cannot be read")
    matched = {shown: _found(config, item, held) for shown, item in identifiers.items()}
    found = {shown: profile_id for shown, profile_id in matched.items() if profile_id is not None}
    known = sum(identifiers[shown].rows for shown in found)
    return Matches(found, known, rows - known, as_of)


def _records(config: BatchConfig) -> str:
    return "groups" if config.goal.group_type else "profiles"


def _values(identifiers: dict[str, Identified], place: int) -> dict[str, None]:
    return dict.fromkeys(value for item in identifiers.values() for value in item.ids[place])


def _found(config: BatchConfig, item: Identified, holders: Sequence[Mapping[str, list[str]]]) -> str | None:
    """The profile that the first rule finds which finds any."""
    for rule in config.goal.identifier_places:
        several = [
            dict.fromkeys(profile for value in item.ids[place] for profile in holders[place].get(value, ()))
            for place in rule
        ]
        for profile_id in several[0]:
            if all(profile_id in held for held in several):
                return profile_id
    return None


def _not_there(look: Look, name: str) -> str:
    waits = [item.reason for item in look.passed_over if shown(item.name) == name]
    if waits:
        return f"{name} cannot be looked at: {waits[0]}"
    there = ", ".join(shown(item.file.name) for item in look.candidates[:20]) or "(none)"
    return f"no file {name} for {look.connection}; there are: {there}"
