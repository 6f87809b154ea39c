"""What stands beside a batch: which file it came from, its place in the order, and the config it carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from cdp_assets.config.base import Name, Strict
from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import LocalDiskError
from cdp_assets.files.remote import shown
from cdp_assets.flows.folders import DataFolders, digest, write_whole

SHORT = 20
"""Hex digits of a digest that stand in a folder's name."""
ID_SIGNS = 8
"""Of a batch's id, where people are told of it; `--batch` takes them."""


class Part(Strict):
    """A linked file of a file set, as it was landed."""

    alias: Name
    path: str
    name: str
    size_bytes: int
    modified_at: AwareDatetime
    sha256: str
    static: bool
    """Stays where it is and makes no version of its own."""
    rows: int
    """Rows that could be read, before its processors."""
    rows_rejected: int
    """Rows that could not."""
    orphan_rows: int
    """Rows that belong to no row of their parent's file: ignored."""


class Manifest(Strict):
    """One batch. Written once, together with its rows; changed only where rows of an erased person leave it."""

    format: Literal[1] = 1
    """How a batch is written. What is added with a default leaves it; a batch of another number is not read."""
    batch_id: str
    """Digest of the version, the config and the batch it replaces."""
    version_id: str
    """Digest of goal, path, size, modification time and content."""
    seen_id: str
    """Digest of goal, path, size and modification time: all that a listing tells."""
    replaces: str = ""
    """The batch of the same version that this one was landed anew for; empty = none."""
    partition_key: str
    """Wildcard value; empty for a goal without partitions."""
    path: str
    """Where the file stood on the server."""
    name: str
    size_bytes: int
    modified_at: AwareDatetime
    sha256: str
    """Content as received; of a set, of all its files that are not static."""
    root_sha256: str
    """Content of the root file as received."""
    parts: tuple[Part, ...] = ()
    """The linked files, in the order of the goal's config."""
    look_at: AwareDatetime
    """When the file, or the last of its set, was first seen on the server."""
    effective_at: AwareDatetime
    """Its time in the order: the date in the partition key, else the look."""
    dated: bool
    """Whether the partition key holds a date."""
    landed_at: AwareDatetime
    layers: tuple[str, ...] = ()
    """What was around the text of the file, outermost first: pgp, gzip, zip."""
    warnings: tuple[str, ...] = ()
    """What the supplier or the operator should know although the file was read."""
    columns: tuple[str, ...]
    """The file's header, and what processors added."""
    header_lines: int | None
    """Row n stands on line n + header_lines; None = the batch has a `line_no` column."""
    rows_received: int
    """Rows in the file, header and blank lines not counted."""
    rows_filtered: int = 0
    """Rows dropped by a processor; absent from the batch."""
    rows_unreadable: int
    """Rows that are no rows: kept in the reject file, absent from the batch."""
    rows_rejected: int
    """Rows refused altogether: unreadable, or with an identifier that is not valid."""
    rows_no_identifier: int
    rows_erased: int = 0
    """Rows with an identifier whose person is erased: nothing but their place is left of them in the batch."""
    cells_rejected: int
    """Cells not valid for their type; their rows still apply."""
    events_received: int = 0
    """Rows, of the root or of linked files, that bring an event."""
    events_rejected: int = 0
    """Events refused; the rows of their profiles still apply."""
    event_rows_rejected: int = 0
    """Rows of the root file that bring a refused event; they go back to their sender with the rows refused."""
    lost: tuple[str, int, int] | None = None
    """Of the column with the most refused cells, if these are many: its name, how many are, and how many are filled."""
    repeated: tuple[str, int] | None = None
    """A column that finds people, and how many of its values stand in several rows that say different things."""
    padded_rows: int
    """Rows with fewer cells than the header; the missing ones count as empty."""
    config: BatchConfig

    @property
    def goal_id(self) -> str:
        """`connection/goal`."""
        return self.config.goal_id

    @property
    def landed(self) -> str:
        """When it was landed, in UTC, to the minute, for people."""
        return f"{self.landed_at.astimezone(UTC):%Y-%m-%d %H:%M}"

    @property
    def told(self) -> str:
        """Which file, and which of its versions, for people."""
        return f"{shown(self.name)} of {self.landed} UTC (batch {self.batch_id[:ID_SIGNS]})"

    @property
    def has_rejects(self) -> bool:
        """Whether its reject file holds anything."""
        refused = self.rows_rejected or self.cells_rejected or self.events_rejected
        return bool(refused or any(part.rows_rejected for part in self.parts))

    @property
    def rows_to_mend(self) -> int:
        """Rows of the root file to be mended and sent again: those refused, and those of refused events."""
        return self.rows_rejected + self.event_rows_rejected

    @property
    def present(self) -> frozenset[int]:
        """Numbers of the mappings whose column the file has."""
        return frozenset(
            number for number, mapping in enumerate(self.config.goal.mappings) if mapping.column in self.columns
        )


class Attempt(Strict):
    """A landing that failed: what, when and why. The next look tries the file again only if it changed."""

    attempt_id: str
    seen_id: str
    """What the listing told of the file."""
    connection: str
    goal: str
    partition_key: str
    path: str
    size_bytes: int
    modified_at: AwareDatetime
    look_at: AwareDatetime
    failed_at: AwareDatetime
    error: str


def batch_folder(folders: DataFolders, manifest: Manifest) -> Path:
    """Where a batch stands: its name tells a listing which file it came from."""
    goal = folders.goal(manifest.config.connection, manifest.config.goal.name)
    return goal / "batches" / f"{manifest.seen_id[:SHORT]}-{manifest.batch_id[:SHORT]}"


def seen_id(
    goal_id: str, path: str, size_bytes: int, modified_at: datetime, *parts: tuple[str, str, int, datetime]
) -> str:
    """What a listing tells about a file set, as one digest. `parts`: alias, path, size and time of linked files."""
    told: list[str | int] = []
    for alias, part_path, part_size, part_time in parts:
        told += [alias, part_path, part_size, int(part_time.timestamp())]
    return digest(goal_id, path, size_bytes, int(modified_at.timestamp()), *told)


def batch_folders(folders: DataFolders, connection: str, goal: str) -> list[Path]:
    """The batch folders of one goal."""
    batches = folders.goal(connection, goal) / "batches"
    return sorted(batches.iterdir()) if batches.exists() else []


def landed_seen_ids(folders: DataFolders, connection: str, goal: str) -> set[str]:
    """Short seen ids of everything landed for a goal: one listing, no file is opened."""
    return {seen_of(folder) for folder in batch_folders(folders, connection, goal)}


def seen_of(folder: Path) -> str:
    """The short seen id in the name of a batch folder."""
    return folder.name.split("-")[0]


def goal_manifests(folders: DataFolders, connection: str, goal: str, seen_id: str = "") -> list[Manifest]:
    """Every batch of a goal, in no particular order; with a seen id, those only that came from such a file."""
    entries = batch_folders(folders, connection, goal)
    return [read_manifest(entry) for entry in entries if not seen_id or seen_of(entry) == seen_id[:SHORT]]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of one batch folder.

    Raises:
        LocalDiskError: the operator of this machine must act: it is damaged, or another version's.
    """
    place = folder / "manifest.json"
    try:
        return Manifest.model_validate_json(place.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        message = (
            f"{place} cannot be read ({where}: {first['msg']}): it is damaged, or another version of cdp_assets wrote"
            " it. Restore the file or run that version; or move the folder out of landing and land its file anew"
        )
        raise LocalDiskError(message) from error


def all_batch_folders(folders: DataFolders) -> Iterator[Path]:
    """Every batch folder of every goal, also of goals that are no longer configured."""
    yield from sorted(folders.landing.glob("*/*/batches/*-*"))


def all_attempts(folders: DataFolders) -> Iterator[Path]:
    """Every attempt record."""
    yield from sorted(folders.landing.glob("*/*/attempts/*.json"))


def goal_attempts(folders: DataFolders, connection: str, goal: str) -> list[Path]:
    """The attempt records of one goal, the latest last."""
    found = (folders.goal(connection, goal) / "attempts").glob("*.json")
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def attempt_path(folders: DataFolders, attempt: Attempt) -> Path:
    """Where the record of a failed landing stands."""
    folder = folders.goal(attempt.connection, attempt.goal) / "attempts"
    return folder / f"{attempt.seen_id[:SHORT]}-{attempt.attempt_id[:SHORT]}.json"


def rejects_beside(record: Path) -> Path:
    """Where the rejects stand that made a file refused; absent where the landing failed otherwise."""
    return record.with_suffix(".parquet")


def write_attempt(folders: DataFolders, attempt: Attempt) -> None:
    """Keeps a failed landing for the ledger."""
    write_whole(attempt_path(folders, attempt), attempt.model_dump_json().encode())


def failed_seen_ids(folders: DataFolders, connection: str, goal: str) -> set[str]:
    """Short seen ids of files whose landing failed: they wait for a person, or for another version."""
    attempts = folders.goal(connection, goal) / "attempts"
    return {entry.name.split("-")[0] for entry in attempts.glob("*.json")} if attempts.exists() else set()


def last_attempt(folders: DataFolders, connection: str, goal: str, seen_id: str) -> Attempt | None:
    """How this version of a file set was refused last; None = it was never."""
    attempts = [path for path in goal_attempts(folders, connection, goal) if path.name.startswith(seen_id[:SHORT])]
    return read_attempt(attempts[-1]) if attempts else None


def read_attempt(path: Path) -> Attempt:
    """One attempt record."""
    return Attempt.model_validate(json.loads(path.read_bytes()))
