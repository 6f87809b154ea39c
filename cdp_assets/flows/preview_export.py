"""Shows what an export goal would deliver, from the published copy of the warehouse: nothing is delivered or noted.

Where the members the export needs are not those of the profiles there are, they are computed on a copy of that copy.
The files are made as an export makes them, in a folder that is gone afterwards, so that names, parts, counts and
mistakes are those of the real run; only encryption and the look at the server are left out.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cdp_assets.config.exports import ExportProfilesGoal
from cdp_assets.errors import NothingFoldedError
from cdp_assets.files.remote import split_path
from cdp_assets.flows.compute_lifecycles import lifecycle_is_current
from cdp_assets.flows.compute_members import compute_members
from cdp_assets.flows.compute_segments import segment_is_current
from cdp_assets.flows.export_content import make_files, take_rows
from cdp_assets.flows.export_job import Counts, ExportJob, OutgoingFile
from cdp_assets.flows.folders import DataFolders, digest, look_folder
from cdp_assets.sql import export_rows
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse, read_copy, scratch

_COMPUTED = Sql("SELECT strftime(max(computed_at), '%Y-%m-%d %H:%M:%S') FROM ops.segment_changes WHERE segment = ?")


@dataclass(frozen=True)
class EventsPreview:
    """What a run would deliver of one kind of events."""

    name: str
    """Of the first file."""
    header: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    """The first rows, as texts."""
    due: int
    """Rows in the files."""


@dataclass(frozen=True)
class ExportPreview:
    """What a run that starts now would deliver."""

    goal: str
    directory: str
    """On the server."""
    names: tuple[str, ...]
    """Of the files; a name with a time or run id changes with the run. Empty = none is due."""
    header: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    """The first rows of the files, as texts."""
    due: int
    """Profiles in the files."""
    counts: Counts
    """Members left out, and why."""
    as_of: datetime
    """When the published copy was made."""
    computed_at: str
    """When the segment's members were computed, UTC."""
    computed_here: bool
    """Whether that was for this preview alone."""
    events: tuple[EventsPreview, ...] = ()


def preview_export(job: ExportJob, folders: DataFolders, most_rows: int) -> ExportPreview:
    """What would be delivered of the members the segment has: computed now where it was not since the last fold.

    Raises:
        NothingFoldedError: nobody need act: nothing was imported and published yet, or no property that is shown.
        ConfigError: the YAML author must act: a value does not fit into the format, or the SQL of a segment fails.
    """
    if not folders.published.exists():
        raise NothingFoldedError("nothing was imported and published yet, so there is nobody to export")
    job = replace(job, export_id=digest("preview", job.now.isoformat()))
    with tempfile.TemporaryDirectory(prefix="cdp-preview-") as made_folder:
        folder = Path(made_folder)
        with _with_members(job, folders) as (copy, computed_here), read_copy(copy) as database:
            counts = take_rows(database, job, folder)
            (computed,) = database.row(_COMPUTED, [job.goal.segment])
        made = make_files(job, folder, counts, None)
        with scratch() as engine:
            query = export_rows.first_rows(made.final, _width(job.goal, len(made.header)), most_rows)
            rows = engine.rows(query)
            first = [engine.rows(export_rows.first_rows(its.final, len(its.header), most_rows)) for its in made.events]
    names = [_name(job, file) for file in made.files]
    names_of = {file.stream: _name(job, file) for file in reversed(made.files)}
    events = [
        EventsPreview(names_of[its.stream], its.header, tuple(row[1:] for row in some), its.rows)
        for its, some in zip(made.events, first, strict=True)
    ]
    return ExportPreview(
        job.goal.name,
        job.path(""),
        tuple(names),
        made.header,
        tuple(rows if job.goal.has_action_column else [row[1:] for row in rows]),
        made.rows,
        made.counts,
        datetime.fromtimestamp(folders.published.stat().st_mtime, tz=UTC),
        computed,
        computed_here,
        tuple(events),
    )


@contextmanager
def _with_members(job: ExportJob, folders: DataFolders) -> Iterator[tuple[Path, bool]]:
    """A copy of the warehouse with the members that a run would find; whether they were computed for it."""
    model, goal = job.model, job.goal
    segments = goal.segments_used(tuple(one.name for one in model.segments))
    lifecycles = goal.lifecycles_used(tuple(one.id for one in model.lifecycles))
    with read_copy(folders.published) as database:
        current = all(segment_is_current(database, one) for one in model.segments if one.name in segments) and all(
            lifecycle_is_current(database, one) for one in model.lifecycles if one.id in lifecycles
        )
    if current:
        yield folders.published, False
        return
    with look_folder(folders) as folder:
        copy = folder / "warehouse"
        shutil.copyfile(folders.published, copy)
        with open_warehouse(copy, temporary=folder / "spill") as database:
            compute_members(database, model, job.now, segments=segments, lifecycles=lifecycles, anew=False)
        yield copy, True


def _name(job: ExportJob, file: OutgoingFile) -> str:
    return split_path(file.named(job, job.naming).path)[1]


def _width(goal: ExportProfilesGoal, columns: int) -> int:
    return columns - 1 if goal.has_action_column else columns
