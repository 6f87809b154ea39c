"""Turns a received file into a batch: the fast way for clean files, the careful way for all others.

The engine reads a clean file as it is. As soon as it does not find exactly one row on every line, the file
is read again row by row, so that what is wrong with one row never changes another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.faults import step
from cdp_assets.files.delimited import Header, read_header
from cdp_assets.flows.absent_told import absent_warnings
from cdp_assets.flows.column_doubts import MOST_ROWS, Lost, lost_columns, many_orphans, repeated_people
from cdp_assets.flows.join_linked import LinkedSet, LinkedText, linked_columns, linked_facts, load_linked
from cdp_assets.flows.keep_rejected import REJECTED_ROWS, SourceText, find_event_lines, keep_rejected
from cdp_assets.flows.prepare_cells import doubtful_dates, find_dates, prepare_cells
from cdp_assets.flows.prepare_dropped import prepare_dropped, read_dropped, require_whole_rows
from cdp_assets.flows.read_rows import (
    Rows,
    engine_rejects,
    keep_refused,
    make_reject_table,
    plain_rows,
    rewritten_rows,
)
from cdp_assets.flows.required_columns import require_identifier
from cdp_assets.flows.write_events import EventSource, write_events
from cdp_assets.sql.date_detection import KnownFormat
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.landing import (
    batch_query,
    cell_rejects,
    detected_dates,
    first_rows,
    parquet_rows,
    raw_table,
    streamed_cells,
    undated_rows,
)
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import Database, scratch

MEMORY_LIMIT = "1GB"
"""What the engine may hold while it types a file; what does not fit spills. Files of any size land in this."""
FIRST_ROWS = 1_000
MANY_ROWS = 100_000
"""Of so many rows, the first ones are asked about their dates before all are written in vain."""
MOST_IN_DICTIONARY = 8_000
"""Texts a column's dictionary in Parquet may hold; to fill a larger one costs more than it saves."""


@dataclass(frozen=True)
class Job:
    """One file set to be written as a batch."""

    config: BatchConfig
    header: Header
    received: Path
    content: Path
    staging: Path
    at: datetime
    linked: Sequence[LinkedText] = ()

    @property
    def batch(self) -> Sql:
        """The batch's rows, once written."""
        return parquet_rows([str(self.content / "batch.parquet")])


@dataclass(frozen=True)
class WrittenBatch:
    """What the manifest says of the rows."""

    counts: dict[str, object]
    linked: dict[str, dict[str, int]]
    """Alias of a linked file → counts of its rows."""
    warnings: tuple[str, ...] = ()
    """What to tell although the rows were read."""


@dataclass(frozen=True)
class _Written:
    """What went into the batch."""

    rows_read: int
    """Rows the engine read from the file."""
    rows: int
    """Rows in the batch: the others were dropped by processors."""
    columns: tuple[str, ...]
    """The file's columns, those that processors added, and those of linked files."""
    has_lines: bool
    """Whether the batch has a line number in every row."""
    linked: dict[str, dict[str, int]]
    cells: Cells
    """The root file's cells, in the order of the batch's rows: events are made of them."""
    dates: dict[int, KnownFormat]
    """Number of a mapping → the format its dates were read in, where that was found out."""
    doubts: tuple[str, ...] = ()
    """What to warn of in dates that may be read in two ways."""
    skipped: int = 0
    """Rows that are in `rejects` and not in the batch."""


def write_batch(
    config: BatchConfig,
    received: Path,
    content: Path,
    staging: Path,
    at: datetime,
    linked: Sequence[LinkedText] = (),
) -> WrittenBatch:
    """Writes `batch.parquet`, `rejects.parquet` and, if rows are rejected, `rejected_rows.csv`; returns the counts.

    Args:
        config: what the goal is configured as.
        received: the root file's text, in UTF-8.
        content: where the batch's files go.
        staging: a private folder for files under way.
        at: "now" for processors: the batch's frozen time.
        linked: the linked files.

    Raises:
        FileError: the supplier must act: a header is unusable or lacks a column that identifies or joins.
        ConfigError: the YAML author must act: a processor cannot work.
    """
    header = read_header(received, config.goal.format) if config.goal.drop is None else read_dropped(received, config)
    job = Job(config, header, received, content, staging, at, linked)
    with scratch(temporary=staging / "spill", memory_limit=MEMORY_LIMIT) as engine:
        fast = write_fast(engine, job)
    if fast is not None:
        return fast
    step("land: before the careful way")
    with scratch(temporary=staging / "spill", memory_limit=MEMORY_LIMIT) as engine:
        return write_carefully(engine, job)


class _OtherRowsError(Exception):
    """The engine did not read the rows that must be there."""


def write_fast(engine: Database, job: Job) -> WrittenBatch | None:
    """The file as it is, if the engine reads exactly one row a line; None where it does not."""
    rows = plain_rows(job.received, job.header, job.config.goal.format)
    try:
        return None if rows is None else _write(engine, job, rows)
    except _OtherRowsError:
        return None


def write_carefully(engine: Database, job: Job) -> WrittenBatch:
    """Row by row: what can be read is rewritten without ambiguity, the rest is kept as rejects."""
    rows = rewritten_rows(job.received, job.header, job.config.goal.format, job.staging)
    try:
        return _write(engine, job, rows)
    except _OtherRowsError as error:
        message = f"not all of {rows.expected} rows were read back from the clean copy of {job.received.name}"
        raise AssertionError(message) from error


def _write(engine: Database, job: Job, rows: Rows) -> WrittenBatch:
    """Writes the batch and its rejects.

    Raises:
        _OtherRowsError: the engine does not read the expected rows.
    """
    make_reject_table(engine)
    linked = load_linked(engine, job.config, job.header, job.linked, job.staging, job.at)
    kept = job.config.goal.processors or linked.files
    if job.config.goal.drop is not None:
        written = _drop(engine, job, rows)
    else:
        written = _prepare(engine, job, rows, linked) if kept else _stream(engine, job, rows)
    keep_refused(engine, rows, job.config.goal.format)
    require_whole_rows(engine, job.config)
    source = EventSource(job.config, written.cells, linked, job.content, job.at, job.header.lines)
    events, event_doubts = write_events(engine, source)
    counts = _finish(engine, job, written) | events
    lost = list(lost_columns(engine, job.config, written.columns, job.batch, written.dates))
    counts |= {"lost": max((one for one, _ in lost), key=_share, default=None)}
    counts |= _repeated(engine, job, written)
    counts |= {"rows_unreadable": rows.unreadable, "padded_rows": rows.padded}
    counts |= _keep_rejected(engine, job, counts)
    counts |= {"rows_received": written.rows_read + rows.unreadable}
    doubts = dict.fromkeys(
        [
            *many_orphans(job.config.goal.files.linked, written.linked),
            *absent_warnings(job.config, written.columns),
            *(told for _, told in lost),
            *written.doubts,
            *event_doubts,
        ]
    )
    return WrittenBatch(counts, written.linked, (*rows.warnings(job.header), *linked.warnings, *doubts))


def _share(lost: Lost) -> float:
    _, bad, filled = lost
    return bad / filled


def _repeated(engine: Database, job: Job, written: _Written) -> dict[str, object]:
    """People of whom several rows say different things, where that is looked for."""
    if written.rows > MOST_ROWS:
        return {}
    columns = job.config.goal.mappings
    present = frozenset(number for number, one in enumerate(columns) if one.column in written.columns)
    column, count = repeated_people(engine, job.config, present, job.batch)
    return {"repeated": (column, count)} if count else {}


def _keep_rejected(engine: Database, job: Job, counts: dict[str, object]) -> dict[str, int]:
    rejected, of_events = counts["rows_rejected"], 0
    if rejected or counts.get("events_rejected"):
        of_events = find_event_lines(engine, job.config, job.content, job.header.lines)
    if rejected or of_events:
        text = SourceText(job.received, job.header, job.config.goal.format)
        kept = keep_rejected(engine, Sql("rejects"), text, job.content / REJECTED_ROWS, job.staging)
        assert kept - of_events == rejected, f"{rejected} rows and {of_events} of events are rejected, {kept} were kept"
    return {"event_rows_rejected": of_events}


def _stream(engine: Database, job: Job, rows: Rows) -> _Written:
    """Rows stream through, without processors.

    Dates are nearly always in the format that is preferred anyway. They are written as such, and only if some then
    are not read, or the first rows already say otherwise, the columns are looked at as a whole.
    """
    config = job.config
    require_identifier(config, job.header.columns)
    cells = streamed_cells(rows.source, job.header.columns, config.goal.format)
    preferred = dict.fromkeys(detected_dates(config, cells.columns), KnownFormat.iso)
    dates = preferred
    if rows.expected > MANY_ROWS and find_dates(engine, config, first_rows(cells, FIRST_ROWS)) != preferred:
        dates = find_dates(engine, config, cells)
    copied = _copy_all(engine, job, rows, cells, dates)
    if dates is preferred and dates and engine.row(undated_rows(job.batch, list(dates))) != (0,):
        dates = find_dates(engine, config, cells)
        if dates != preferred:
            copied = _copy_all(engine, job, rows, cells, dates)
    doubts = doubtful_dates(engine, config, cells, dates)
    return _Written(copied, copied, job.header.columns, rows.source.rewritten, {}, cells, dates, doubts)


def _copy_all(engine: Database, job: Job, rows: Rows, cells: Cells, dates: dict[int, KnownFormat]) -> int:
    copied = _copy_batch(engine, job, cells, dates)
    _require_rows(engine, rows, copied)
    return copied


def _prepare(engine: Database, job: Job, rows: Rows, linked: LinkedSet) -> _Written:
    """All rows are kept in the engine first."""
    prepared = prepare_cells(engine, job.config, job.header.columns, rows.source, job.at, linked)
    _require_rows(engine, rows, prepared.rows_read)
    require_identifier(job.config, prepared.cells.columns)
    copied = _copy_batch(engine, job, prepared.cells, prepared.dates)
    columns = dict.fromkeys([*prepared.cells.columns, *linked_columns(linked)])
    facts = linked_facts(linked, prepared.orphan_rows)
    doubts = doubtful_dates(engine, job.config, prepared.cells, prepared.dates)
    return _Written(prepared.rows_read, copied, tuple(columns), True, facts, prepared.root, prepared.dates, doubts)


def _drop(engine: Database, job: Job, rows: Rows) -> _Written:
    """A drop folder's file: its header decides what is typed, and rows are skipped as a whole."""
    engine.run(raw_table(rows.source, job.header.columns, job.config.goal.format))
    (rows_read,) = engine.row(Sql("SELECT count(*) FROM raw"))
    _require_rows(engine, rows, int(rows_read))
    dropped = prepare_dropped(engine, job.config, job.header.columns, rows.source, job.at)
    copied = _copy_batch(engine, job, dropped.cells, dropped.dates)
    columns = dict.fromkeys([*job.header.columns, *dropped.cells.columns])
    doubts = doubtful_dates(engine, job.config, dropped.cells, dropped.dates)
    return _Written(
        int(rows_read), copied, tuple(columns), True, {}, dropped.cells, dropped.dates, doubts, dropped.rows_skipped
    )


def _require_rows(engine: Database, rows: Rows, found: int) -> None:
    if found != rows.expected or engine_rejects(engine):
        raise _OtherRowsError


def _copy_batch(engine: Database, job: Job, cells: Cells, dates: dict[int, KnownFormat]) -> int:
    copied = engine.row(
        sql(
            "COPY (\n{query}\n) TO {target} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION snappy,"
            " DICTIONARY_SIZE_LIMIT {most})",
            most=literal(MOST_IN_DICTIONARY),
            query=batch_query(job.config, cells, dates),
            target=literal(str(job.content / "batch.parquet")),
        )
    )
    return int(copied[0])


def _finish(engine: Database, job: Job, written: _Written) -> dict[str, object]:
    """Writes the rejects and counts what the batch holds."""
    skip = literal(job.header.lines)
    line = Sql("line_no") if written.has_lines else sql("file_row_number + 1 + {skip}", skip=skip)
    found = cell_rejects(job.config, frozenset(written.columns), job.batch, line, written.dates)
    engine.run(sql("INSERT INTO rejects BY NAME {found}", found=found))
    engine.run(
        sql(
            "COPY (SELECT * FROM rejects ORDER BY file_name NULLS FIRST, line_no, column_name)"
            " TO {target} (FORMAT parquet)",
            target=literal(str(job.content / "rejects.parquet")),
        )
    )
    rejected, cells = engine.row(
        Sql("SELECT count(*) FILTER (level = 'row'), count(*) FILTER (level = 'cell') FROM rejects")
    )
    (nobody,) = engine.row(
        sql("SELECT count(*) FROM {batch} WHERE identifier IS NULL AND identifier_invalid IS NULL", batch=job.batch)
    )
    return {
        "columns": written.columns,
        "header_lines": None if written.has_lines else job.header.lines,
        "rows_received": written.rows_read,
        "rows_filtered": written.rows_read - written.skipped - written.rows,
        "rows_rejected": rejected,
        "rows_no_identifier": nobody,
        "cells_rejected": cells,
    }
