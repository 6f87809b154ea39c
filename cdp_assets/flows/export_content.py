"""Makes the files of an export: from rows of the warehouse to what is sent, in two steps.

    take_rows    with the warehouse open, for seconds: who is due, and their cells, in Parquet files
    make_files   without it: processors, differences, lines, parts, compression, encryption

All files of a run come from the one state of the warehouse that `take_rows` saw. Memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cdp_assets.config.export_columns import InteractionsColumn, ProfileIdColumn, PropertyColumn
from cdp_assets.config.export_events import EventStream
from cdp_assets.config.export_processors import PROFILE_STREAM, stream_of_events
from cdp_assets.config.export_targets import actions_of
from cdp_assets.config.groups import GroupType
from cdp_assets.config.properties import PropertyType
from cdp_assets.files.sealing import Sealer
from cdp_assets.flows.export_job import PROFILES, Counts, ExportJob, OutgoingFile, stream_id
from cdp_assets.flows.export_streams import Bench, Source, StreamWriter, must_be_as_many
from cdp_assets.flows.ledger import require_columns, require_group_names
from cdp_assets.sql import export_events, export_rows, exports, interactions
from cdp_assets.sql.event_tables import EVENT_TABLES
from cdp_assets.sql.export_columns import shown_columns
from cdp_assets.warehouse import Database, scratch

MEMORY_LIMIT = "512MB"
"""Of the engines that take the rows and make the files; what does not fit spills."""


@dataclass(frozen=True)
class MadeEvents:
    """The rows of one kind of events, as they went into their files."""

    stream: str
    header: tuple[str, ...]
    final: str
    """Parquet file."""
    rows: int


@dataclass(frozen=True)
class Made:
    """The files of a run, on the local disk, not yet named."""

    counts: Counts
    files: tuple[OutgoingFile, ...]
    header: tuple[str, ...]
    final: str
    """Parquet file of the rows of profiles as they went into the files."""
    events: tuple[MadeEvents, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in the files of profiles."""
        return sum(file.rows for file in self.files if file.stream == PROFILES)


def take_rows(database: Database, job: ExportJob, folder: Path) -> Counts:
    """Keeps the rows of everybody who is due, and their events, in `folder`, in the order of the files.

    Raises:
        NothingFoldedError: nobody need act, but for letting the fold run: a column shows a property without values yet.
    """
    asked = (*job.goal.properties_used, *job.goal.naming_property(job.model.display_name))
    owner = f"export {job.connection.name}/{job.goal.name}"
    columns_there = require_columns(database, owner, asked)
    named = [_named_groups(job, column) for column in job.goal.columns if isinstance(column, PropertyColumn)]
    require_group_names(database, owner, [kind for kind in named if kind is not None])
    # What has no column is empty, and does not change the digest of a profile either.
    held = tuple(prop for prop in job.model.properties if prop.name in columns_there)
    job = replace(job, model=job.model.model_copy(update={"properties": held}))
    database.run(exports.population(job.connection, job.goal, job.model, job.now))
    counts = Counts(**{reason: int(count) for reason, count in database.rows(exports.COUNTS)})
    columns = shown_columns(job.goal, job.model)
    if any(isinstance(column, InteractionsColumn) for column in job.goal.columns):
        there = any(name == interactions.VIEW.table for name, _ in database.rows(EVENT_TABLES))
        database.run(interactions.viewed_interactions(there=there))
    (kept,) = database.row(exports.keep_rows(columns, job.goal, job.model, str(folder / "rows.parquet")))
    must_be_as_many(int(kept), counts.due, "kept")
    if job.goal.population == "difference":
        database.run(exports.keep_before(*job.owner, str(folder / "before.parquet")))
    _take_events(database, job, folder)
    return counts


def _take_events(database: Database, job: ExportJob, folder: Path) -> None:
    """A file of rows for each kind of events that is to be delivered, be it without rows."""
    tables = {name: frozenset(columns) for name, columns in database.rows(EVENT_TABLES)} if job.event_streams else {}
    wants_all = job.goal.events is not None and job.goal.events.types == "all"
    for stream in job.event_streams:
        is_there = export_events.event_table_of(EventStream(stream.kind)) in tables
        if wants_all and not (is_there and database.row(export_events.any_events(stream)) == (True,)):
            continue
        there = tables.get(export_events.event_table_of(stream), frozenset())
        path = str(_events_path(folder, stream))
        database.run(export_events.keep_events(stream, job.goal, job.model, there, job.now, path))


def _events_path(folder: Path, stream: EventStream) -> Path:
    return folder / f"events_{stream.name}.parquet"


def make_files(job: ExportJob, folder: Path, counts: Counts, sealer: Sealer | None) -> Made:
    """Writes the files of a run into `folder`, named by their numbers, and `delivered.parquet` beside them.

    Raises:
        ConfigError: the YAML author must act: a value does not fit into the format, or a Python processor fails.
        LocalDiskError: this machine's disk is full.
    """
    with scratch(temporary=folder / "spill", memory_limit=MEMORY_LIMIT) as engine:
        bench = Bench(job, folder, engine, sealer)
        writer = StreamWriter(bench, _profiles(job, folder))
        found = _finish_profiles(bench, writer, counts.due)
        files, events = list(_profile_files(job, writer, found)), []
        for stream in job.event_streams:
            if _events_path(folder, stream).exists():
                made, its = _write_events(bench, stream)
                events.append(made)
                files += its
    filtered = replace(counts, filtered=counts.due - writer.kept)
    return Made(filtered, tuple(files), writer.header, writer.final, tuple(events))


def _profiles(job: ExportJob, folder: Path) -> Source:
    shown = shown_columns(job.goal, job.model)
    rows = folder / "rows.parquet"
    return Source(PROFILES, PROFILE_STREAM, rows, shown, list(_identifying(job)), job.goal.file.split)


def _finish_profiles(bench: Bench, writer: StreamWriter, due: int) -> dict[str, int]:
    """Brings the rows into their final form; gives the number for each action."""
    job, folder, engine = bench.job, bench.folder, bench.engine
    if job.goal.population == "difference":
        today, before, final = (str(folder / f"{name}.parquet") for name in ("today", "before", "final"))
        ids = [place for place, column in enumerate(job.goal.columns) if isinstance(column, ProfileIdColumn)]
        steps, processed = writer.processed()
        columns = list(processed.columns.values())
        (writer.kept,) = engine.row(export_rows.keep_final(steps, columns, today))
        engine.run(export_rows.keep_difference(today, before, len(columns), ids, final))
        writer.final = final
        writer.settle(processed)
    else:
        writer.keep(due)
    engine.run(export_rows.keep_delivered(writer.final, str(folder / "delivered.parquet")))
    return {action: int(count) for action, count in engine.rows(export_rows.count_final(writer.final))}


def _profile_files(job: ExportJob, writer: StreamWriter, found: dict[str, int]) -> Iterator[OutgoingFile]:
    """What is due; nothing where that is nobody and empty files are not wanted."""
    for action in actions_of(job.goal):
        rows = found.get(action, 0) if action else sum(found.values())
        if rows or job.goal.writes_empty_files:
            yield from writer.files(rows, action)


def _write_events(bench: Bench, stream: EventStream) -> tuple[MadeEvents, list[OutgoingFile]]:
    job = bench.job
    shown = export_events.event_columns(stream, job.goal, job.model)
    identifying = [_shows_name(job), *[False] * (len(shown) - len(stream.fields) - 1)]
    identifying += [field.pii for field in stream.fields]
    split = job.goal.file.split if job.naming.event_names_differ else None
    rows = _events_path(bench.folder, stream)
    writer = StreamWriter(bench, Source(stream_id(stream), stream_of_events(stream), rows, shown, identifying, split))
    (taken,) = bench.engine.row(export_rows.count_rows(str(rows)))
    writer.keep(int(taken))
    files = list(writer.files(writer.kept))
    return MadeEvents(stream_id(stream), writer.header, writer.final, writer.kept), files


def _identifying(job: ExportJob) -> Iterator[bool]:
    """For each column of the profiles whether it shows what identifies a person."""
    for column in job.goal.columns:
        if isinstance(column, PropertyColumn):
            yield column.identifier or column.property in job.pii or _shows_group_name(job, column)
        else:
            yield isinstance(column, ProfileIdColumn) and _shows_name(job)


def _shows_name(job: ExportJob) -> bool:
    """Whether the column of ids shows what identifies a person."""
    return job.goal.ids == "names" and job.model.display_name in job.pii


def _shows_group_name(job: ExportJob, column: PropertyColumn) -> bool:
    """Whether a column shows names of groups that identify a person, such as a family's."""
    kind = _named_groups(job, column)
    naming = kind.naming_property if kind else None
    return naming is not None and (naming.pii or naming.type is PropertyType.email)


def _named_groups(job: ExportJob, column: PropertyColumn) -> GroupType | None:
    """The type of the groups that a column shows by name."""
    prop = job.model.find_property(column.property) if job.goal.ids == "names" else None
    kind = job.model.find_group_type(prop.group_type or "") if prop else None
    return kind if kind and kind.naming_property else None
