"""Turns a received file into a batch: the fast way for clean files, the careful way for all others.

The engine reads a clean file as it is. As soon as it does not find exactly one row on every line, the file
is read again row by row, so that what is wrong with one row never changes another.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import FileError
from cdp_assets.faults import step
from cdp_assets.files.delimited import Header, count_lines, read_header, records
from cdp_assets.flows.prepare_cells import prepare_cells
from cdp_assets.sql.date_detection import KnownFormat
from cdp_assets.sql.landing import (
    Cells,
    Source,
    batch_query,
    cell_rejects,
    detected_dates,
    parquet_rows,
    streamed_cells,
    undated_rows,
)
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import Database, scratch


@dataclass(frozen=True)
class Job:
    """One file to be written as a batch."""

    config: BatchConfig
    header: Header
    received: Path
    content: Path
    staging: Path
    at: datetime

    @property
    def batch(self) -> Sql:
        """The batch's rows, once written."""
        return parquet_rows([str(self.content / "batch.parquet")])


@dataclass(frozen=True)
class _Written:
    """What went into the batch."""

    rows_read: int
    """Rows the engine read from the file."""
    rows: int
    """Rows in the batch: the others were dropped by processors."""
    columns: tuple[str, ...]
    """The file's columns and those that processors added."""
    has_lines: bool
    """Whether the batch has a line number in every row."""


def write_batch(config: BatchConfig, received: Path, content: Path, staging: Path, at: datetime) -> dict[str, object]:
    """Writes `batch.parquet` and `rejects.parquet` for a file, and returns the manifest's counts.

    Args:
        config: what the goal is configured as.
        received: the file's text, in UTF-8.
        content: where the batch's files go.
        staging: a private folder for files under way.
        at: "now" for processors: the batch's frozen time.

    Raises:
        FileError: the supplier must act: the header is unusable or lacks the identifier's column.
        ConfigError: the YAML author must act: a processor cannot work.
    """
    job = Job(config, read_header(received, config.goal.format), received, content, staging, at)
    with scratch(temporary=staging / "spill") as engine:
        fast = write_fast(engine, job)
    if fast is not None:
        return fast
    step("land: before the careful way")
    with scratch(temporary=staging / "spill") as engine:
        return write_carefully(engine, job)


def _require_identifier(config: BatchConfig, columns: Collection[str]) -> None:
    for identifier in config.goal.identifiers:
        if identifier.column not in columns:
            message = f'Column "{identifier.column}" not found; the file has: {_names(columns)}'
            raise FileError(message)


def _names(columns: Collection[str]) -> str:
    """The columns for a message. A file without a header has data in their place: what looks so is left out."""
    return ", ".join("(not a name)" if _DATA.search(name) else name for name in list(columns)[:50])


_DATA = re.compile(r"@|\d{3}")


def write_fast(engine: Database, job: Job) -> dict[str, object] | None:
    """The file as it is, if the engine reads exactly one row a line; None where it does not."""
    lines = count_lines(job.received, job.config.goal.format, len(job.header.columns))
    if not lines.plain:
        return None
    source = Source(str(job.received), len(job.header.columns), job.header.lines, rewritten=False)
    written = _write(engine, job, source, expected=lines.count - job.header.lines)
    if written is None:
        return None
    engine.run(_reject_table())
    return _finish(engine, job, written) | {"rows_unreadable": 0, "padded_rows": 0}


def write_carefully(engine: Database, job: Job) -> dict[str, object]:
    """Row by row: what can be read is rewritten without ambiguity, the rest is kept as rejects."""
    clean, refused = job.staging / "clean.csv", job.staging / "refused.csv"
    good, bad, padded = _rewrite(job.config, job.header, job.received, clean, refused)
    source = Source(str(clean), len(job.header.columns), 0, rewritten=True)
    written = _write(engine, job, source, expected=good)
    if written is None:
        message = f"not all of {good} rows were read back from the clean copy of {job.received.name}"
        raise AssertionError(message)
    engine.run(_reject_table())
    engine.run(
        sql(
            "INSERT INTO rejects SELECT 'row', NULL, line_no, NULL, raw_text, reason FROM read_csv({path},"
            " columns = {{'line_no': 'BIGINT', 'raw_text': 'VARCHAR', 'reason': 'VARCHAR'}}, auto_detect = false,"
            " header = false, quote = '\"', escape = '\"', delim = ',', new_line = '\\n', max_line_size = {size})",
            path=literal(str(refused)),
            size=literal(job.config.goal.format.max_row_bytes * 8),
        )
    )
    counts = _finish(engine, job, written)
    return counts | {"rows_unreadable": bad, "rows_received": good + bad, "padded_rows": padded}


def _write(engine: Database, job: Job, source: Source, *, expected: int) -> _Written | None:
    """Writes the batch; None where the engine does not read the expected rows.

    Rows stream through where that is enough: no processors, and dates, if any, all in ISO 8601, the format
    that is preferred anyway.
    """
    config = job.config
    if not config.goal.processors:
        _require_identifier(config, job.header.columns)
        cells = streamed_cells(source, job.header.columns, config.goal.format)
        dates = detected_dates(config, cells.columns)
        rows = _copy_batch(engine, job, cells, dict.fromkeys(dates, KnownFormat.iso))
        if rows != expected or _engine_rejects(engine):
            return None
        if not dates or engine.row(undated_rows(job.batch, dates)) == (0,):
            return _Written(rows, rows, job.header.columns, has_lines=source.rewritten)
    prepared = prepare_cells(engine, config, job.header.columns, source, job.at)
    if prepared.rows_read != expected or _engine_rejects(engine):
        return None
    _require_identifier(config, prepared.cells.columns)
    rows = _copy_batch(engine, job, prepared.cells, prepared.dates)
    return _Written(prepared.rows_read, rows, tuple(prepared.cells.columns), has_lines=True)


def _rewrite(config: BatchConfig, header: Header, received: Path, clean: Path, refused: Path) -> tuple[int, int, int]:
    width = len(header.columns)
    good = bad = padded = 0
    with clean.open("w", newline="") as kept, refused.open("w", newline="") as left:
        rows = csv.writer(kept, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rejects = csv.writer(left, quoting=csv.QUOTE_ALL, lineterminator="\n")
        source = records(received, config.goal.format, width)
        next(source)
        for record in source:
            cells, reason = record.cells or (), record.reason
            if len(cells) > width:
                reason = f"the row has {len(cells)} cells, the header has {width}"
            if reason:
                bad += 1
                raw = record.raw.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\x00", "\\x00")
                rejects.writerow([record.line, raw, reason])
                continue
            good += 1
            padded += len(cells) < width
            rows.writerow([record.line, *cells, *[""] * (width - len(cells))])
    return good, bad, padded


def _copy_batch(engine: Database, job: Job, cells: Cells, dates: dict[int, KnownFormat]) -> int:
    copied = engine.row(
        sql(
            "COPY (\n{query}\n) TO {target} (FORMAT parquet, COMPRESSION snappy)",
            query=batch_query(job.config, cells, dates),
            target=literal(str(job.content / "batch.parquet")),
        )
    )
    return int(copied[0])


def _engine_rejects(engine: Database) -> int:
    return int(engine.row(Sql("SELECT count(*) FROM reject_errors"))[0])


def _reject_table() -> Sql:
    return Sql(
        "CREATE OR REPLACE TABLE rejects (level VARCHAR, row_no BIGINT, line_no BIGINT, column_name VARCHAR,"
        " raw_text VARCHAR, reason VARCHAR)"
    )


def _finish(engine: Database, job: Job, written: _Written) -> dict[str, object]:
    """Writes the rejects and counts what the batch holds."""
    skip = literal(job.header.lines)
    line = Sql("line_no") if written.has_lines else sql("file_row_number + 1 + {skip}", skip=skip)
    found = cell_rejects(job.config, frozenset(written.columns), job.batch, line)
    engine.run(sql("INSERT INTO rejects {found}", found=found))
    engine.run(
        sql(
            "COPY (SELECT * FROM rejects ORDER BY line_no, column_name) TO {target} (FORMAT parquet)",
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
        "rows_filtered": written.rows_read - written.rows,
        "rows_rejected": rejected,
        "rows_no_identifier": nobody,
        "cells_rejected": cells,
    }
