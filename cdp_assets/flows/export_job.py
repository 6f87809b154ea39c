"""What one run of an export goal works on, and what it makes: the words its steps share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cdp_assets.config.connections import Connection
from cdp_assets.config.events import EventType, whole_types
from cdp_assets.config.export_events import EventStream, chosen_types, event_streams
from cdp_assets.config.export_targets import Naming
from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.config.model import CustomerModelConfig, Deployment, pii_properties
from cdp_assets.counted import counted
from cdp_assets.files.remote import path_of
from cdp_assets.files.sealing import is_encrypted
from cdp_assets.flows.folders import DataFolders, make_private

PROFILES, MANIFEST, READY = "profiles", "manifest", "ready"
"""Streams: what a delivered file holds."""
EVENTS, ITEMS = "events/", "items/"
"""Beginnings of the streams of events, and of their nested items; the name of the file follows."""
CONTENTS = (PROFILES, EVENTS, ITEMS)
"""Beginnings of the streams that hold what is exported; the others go with them."""


def stream_id(stream: EventStream) -> str:
    """The stream of a file of events."""
    return f"{ITEMS if stream.nested else EVENTS}{stream.name}"


@dataclass(frozen=True)
class ExportJob:
    """One run of one goal."""

    connection: Connection
    goal: ExportProfilesGoal
    model: CustomerModelConfig
    pii: frozenset[str]
    """Properties that identify a person."""
    now: datetime
    """Start of the run."""
    export_id: str = ""
    event_types: tuple[EventType, ...] = ()
    """The types whose events are exported, with all their fields."""

    @classmethod
    def of(cls, deployment: Deployment, connection: Connection, goal: ExportProfilesGoal, now: datetime) -> ExportJob:
        """The job of a goal, for a run that starts now."""
        named = goal.events.types if goal.events and goal.events.types != "all" else ()
        known = {kind.id: kind for kind in (*whole_types((), named), *deployment.event_types)}
        kinds = chosen_types(goal.events, tuple(known.values()))
        return cls(connection, goal, deployment.model, pii_properties(deployment), now, event_types=kinds)

    @property
    def event_streams(self) -> tuple[EventStream, ...]:
        """The kinds of events that are exported, in the order of their files."""
        return event_streams(self.event_types)

    @property
    def owner(self) -> tuple[str, str]:
        """Connection and goal, as the ledger's tables have them."""
        return self.connection.name, self.goal.name

    @property
    def naming(self) -> Naming:
        """What fills the places of the goal's names."""
        segment = self.model.find_segment(self.goal.segment)
        assert segment is not None, self.goal.segment
        encrypted = is_encrypted(self.connection, self.goal)
        return Naming(self.goal, segment.label, self.now, self.export_id[:12], encrypted)

    def path(self, name: str) -> str:
        """Full path on the server."""
        return path_of(self.connection.server, self.goal.directory, name)

    def folder(self, folders: DataFolders) -> Path:
        """Where files stand between staging and settling."""
        return staged_folder(folders, self.connection.name, self.goal.name, self.export_id)


def exports_folder(folders: DataFolders) -> Path:
    """Where files are made before they are delivered."""
    return folders.root / "exports"


def staged_folder(folders: DataFolders, connection: str, goal: str, export_id: str) -> Path:
    """Where the files of a delivery stand before it."""
    return exports_folder(folders) / connection / goal / export_id[:20]


def goal_folder(folders: DataFolders, connection: str) -> Path:
    """The folder of a connection's exports, made if absent."""
    return make_private(exports_folder(folders) / connection)


@dataclass(frozen=True)
class OutgoingFile:
    """One file to be delivered."""

    number: int
    """Place in the order of sending, from 1; also its name in the staged folder."""
    stream: str
    action: str
    """Empty where files are not told apart by what happened to their profiles."""
    part: int | None
    rows: int
    size_bytes: int
    sha256: str
    content_id: str
    path: str = ""

    def named(self, job: ExportJob, naming: Naming) -> OutgoingFile:
        """The same file with its place on the server."""
        name = naming.name(self.part, self.action or None)
        if self.stream != PROFILES:
            name = naming.event_name(self.stream.partition("/")[2], self.part)
        return replace(self, path=job.path(name))

    @property
    def holds_content(self) -> bool:
        """Whether it holds profiles or events; manifest and ready file go with those."""
        return self.stream.startswith(CONTENTS)


@dataclass(frozen=True)
class Counts:
    """What became of the segment's members."""

    due: int = 0
    """Members that are not left out."""
    excluded_segment: int = 0
    not_in_stage: int = 0
    """In none of the stages of the lifecycle that the goal is placed in."""
    no_identifier: int = 0
    skipped_threshold: int = 0
    """Exported in their stage as often as it allows."""
    unchanged: int = 0
    filtered: int = 0
    """Left out by a processor."""
    consent: int = 0
    """Left out as no objective of the connection is allowed for them."""


@dataclass(frozen=True)
class Export:
    """One delivery, or why there was none."""

    export_id: str
    path: str
    """Full path on the server, of the first file; empty = nothing was due."""
    rows: int
    no_identifier: int
    """Members left out for lack of a value in an identifier column."""
    unchanged: int
    """Members left out because nothing changed since their last delivery."""
    note: str
    uploaded: bool
    """False where nothing was due, or the same content already stood there."""
    excluded_segment: int = 0
    not_in_stage: int = 0
    skipped_threshold: int = 0
    filtered: int = 0
    consent: int = 0
    files: tuple[OutgoingFile, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What was delivered, a sentence for each kind of files and action; parts are known by the first."""
        kinds: dict[tuple[str, str], list[OutgoingFile]] = {}
        for file in self.files:
            if file.holds_content:
                kinds.setdefault((file.stream, file.action), []).append(file)
        return " ".join(
            f"Exported {counted(sum(file.rows for file in files), _thing(stream))} to {files[0].path}."
            for (stream, _), files in kinds.items()
        )

    @classmethod
    def of_none(cls, job: ExportJob, counts: Counts, note: str) -> Export:
        """A run that delivers nothing."""
        return cls(
            job.export_id,
            "",
            0,
            counts.no_identifier,
            counts.unchanged,
            note,
            uploaded=False,
            excluded_segment=counts.excluded_segment,
            not_in_stage=counts.not_in_stage,
            skipped_threshold=counts.skipped_threshold,
            filtered=counts.filtered,
            consent=counts.consent,
        )


def _thing(stream: str) -> str:
    """What a row of a stream is."""
    return stream.partition("/")[0].removesuffix("s")
