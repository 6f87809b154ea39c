"""Makes the files of an export: from rows of the warehouse to what is sent, in two steps.

    take_rows    with the warehouse open, for seconds: who is due, and their cells, in a Parquet file
    make_files   without it: processors, differences, lines, parts, compression, encryption

All files of a run come from the one state of the warehouse that `take_rows` saw. Memory does not grow with the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cdp_assets.config.check_exports import fields_made
from cdp_assets.config.export_columns import ProfileIdColumn, PropertyColumn
from cdp_assets.config.export_targets import actions_of
from cdp_assets.config.exports import ExportProcessor
from cdp_assets.config.processors import Processor
from cdp_assets.errors import ConfigError, FileError, WarehouseError
from cdp_assets.files.outgoing import TextFile, UnencodableError, Written, fed_by_path, measured
from cdp_assets.files.sealing import Sealer
from cdp_assets.flows.export_job import PROFILES, Counts, ExportJob, OutgoingFile
from cdp_assets.flows.process_rows import answer_calls
from cdp_assets.sql import export_lines, export_rows, exports
from cdp_assets.sql.export_columns import Shown, shown_columns
from cdp_assets.sql.export_lines import Cell, column_of
from cdp_assets.sql.export_rows import LineEnd
from cdp_assets.sql.processing import processing_steps
from cdp_assets.sql.text import Sql, ident
from cdp_assets.warehouse import Database, scratch

MEMORY_LIMIT = "1GB"
"""Of the engines that take the rows and make the files; what does not fit spills."""
MAX_PARTS = 10_000
_ENDLESS = 1 << 60


@dataclass(frozen=True)
class Made:
    """The files of a run, on the local disk, not yet named."""

    counts: Counts
    files: tuple[OutgoingFile, ...]
    header: tuple[str, ...]
    final: str
    """Parquet file of the rows as they went into the files."""

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)


def take_rows(database: Database, job: ExportJob, folder: Path) -> Counts:
    """Keeps the rows of everybody who is due in `folder`, in the order of the file."""
    database.run(exports.population(job.connection, job.goal, job.model))
    due, excluded, no_identifier, unchanged = (int(count) for count in database.row(exports.COUNTS))
    columns = shown_columns(job.goal, job.model)
    (kept,) = database.row(exports.keep_rows(columns, job.goal, job.model, str(folder / "rows.parquet")))
    _must_be_as_many(int(kept), due, "kept")
    if job.goal.population == "difference":
        database.run(exports.keep_before(*job.owner, str(folder / "before.parquet")))
    return Counts(due, excluded, no_identifier, unchanged)


def make_files(job: ExportJob, folder: Path, counts: Counts, sealer: Sealer | None) -> Made:
    """Writes the files of a run into `folder`, named by their numbers, and `delivered.parquet` beside them.

    Raises:
        ConfigError: the YAML author must act: a value does not fit into the format, or a Python processor fails.
        LocalDiskError: this machine's disk is full.
    """
    with scratch(temporary=folder / "spill", memory_limit=MEMORY_LIMIT) as engine:
        writer = _Writer(job, folder, engine, sealer, counts.due)
        found = writer.finish_rows()
        files = tuple(writer.files(found))
    return Made(replace(counts, filtered=counts.due - writer.kept), files, writer.header, writer.final)


class _Writer:
    """The files while they grow."""

    def __init__(self, job: ExportJob, folder: Path, engine: Database, sealer: Sealer | None, due: int) -> None:
        self._job, self._goal, self._folder = job, job.goal, folder
        self._engine, self._sealer = engine, sealer
        self.final = str(folder / "final.parquet")
        self._cells: list[Cell] = []
        self.kept, self._due = 0, due

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(cell.header for cell in self._cells)

    def finish_rows(self) -> dict[str, int]:
        """Brings the rows into their final form; gives the number for each action."""
        kept = str(self._folder / "rows.parquet")
        self._refuse(export_rows.first_ambiguous(kept), "A value that holds the multi-value separator")
        shown = shown_columns(self._goal, self._job.model)
        fields = {column.header: column_of(place) for place, column in enumerate(shown)}
        processors = _processors(self._job, shown)
        steps = [export_rows.numbered(kept)]
        try:
            processed = processing_steps(processors, fields, steps[0].name, self._job.now)
        except FileError as error:
            raise ConfigError(str(error)) from error
        steps += processed.steps
        answer_calls(self._engine, steps, processed.calls)
        columns = list(processed.columns.values())
        if self._goal.population == "difference":
            today, before = (str(self._folder / f"{name}.parquet") for name in ("today", "before"))
            ids = [place for place, column in enumerate(self._goal.columns) if isinstance(column, ProfileIdColumn)]
            (self.kept,) = self._engine.row(export_rows.keep_final(steps, columns, today))
            self._engine.run(export_rows.keep_difference(today, before, len(columns), ids, self.final))
        elif not processors:
            # The rows are final as they were taken.
            self.final = kept
            self.kept = self._due
        else:
            (self.kept,) = self._engine.row(export_rows.keep_final(steps, columns, self.final))
        self._engine.run(export_rows.keep_delivered(self.final, str(self._folder / "delivered.parquet")))
        self._cells = _cells(self._job, shown, list(processed.columns), processors)
        refused = export_lines.cannot_be_written(self._cells, self._goal.format)
        if refused is not None:
            self._refuse(export_lines.first_refused(self.final, refused), "Value needs quoting")
        return {action: int(count) for action, count in self._engine.rows(export_rows.count_final(self.final))}

    def _refuse(self, query: Sql, what: str) -> None:
        for profile, header in self._engine.rows(query):
            cure = "give format.quote, or clean the value with a processor"
            if what != "Value needs quoting":
                cure = "give another format.multi_value, or multi_value_inside: keep"
            raise ConfigError(f"{what}: column {header!r} of profile {profile}; {cure}")

    def files(self, found: dict[str, int]) -> Iterator[OutgoingFile]:
        """Writes what is due; nothing where that is nobody and empty files are not wanted."""
        number = 0
        for action in actions_of(self._goal):
            rows = found.get(action, 0) if action else sum(found.values())
            if rows == 0 and not self._goal.writes_empty_files:
                continue
            lines = export_rows.lines_of(self.final, export_lines.line(self._cells, self._goal.format), action)
            for part, chosen, count in self._parts(lines, rows):
                number += 1
                yield self._one_file(OutgoingFile(number, PROFILES, action or "", part, count, 0, "", ""), chosen)

    def _parts(self, lines: Sql, rows: int) -> Iterator[tuple[int | None, Sql, int]]:
        """Part, lines and their number of each file; the parts together hold every line once."""
        split = self._goal.file.split
        if split is None:
            yield None, lines, rows
            return
        path = str(self._folder / "lines.parquet")
        self._engine.run(export_rows.keep_lines(lines, self._goal.format, path))
        most_bytes = _ENDLESS if split.bytes is None else max(0, split.bytes - len(self._header_bytes))
        most, place, part = LineEnd(split.rows or _ENDLESS, most_bytes), LineEnd(0, 0), 0
        while part == 0 or place.number < rows:
            part += 1
            if part > MAX_PARTS:
                raise ConfigError(f"file.split gives more than {MAX_PARTS:,} files; allow more rows or bytes in each")
            last = LineEnd(*(int(value or 0) for value in self._engine.row(export_rows.part_end(path, place, most))))
            yield part, export_rows.part_lines(path, place.number, last.number), last.number - place.number
            place = last

    @property
    def _header_text(self) -> str:
        layout = self._goal.format
        return export_lines.header_line(self.header, layout) if layout.header else ""

    @property
    def _header_bytes(self) -> bytes:
        return self._header_text.encode(self._goal.format.codec)

    def _one_file(self, file: OutgoingFile, lines: Sql) -> OutgoingFile:
        target = self._folder / str(file.number)
        plain = self._folder / f"{file.number}.plain" if self._sealer else target
        written, count = self._write(plain, lines)
        _must_be_as_many(count, file.rows, "written")
        size, sha256 = written.size_bytes, written.sha256_hex
        if self._sealer:
            self._sealer.seal(plain, target)
            plain.unlink()
            size, sha256 = measured(target)
        readers = self._sealer.identity if self._sealer else str(self._goal.file.gzip)
        content = hashlib.sha256(f"{written.sha256_hex} {readers}".encode()).hexdigest()
        return replace(file, size_bytes=size, sha256=sha256, content_id=content)

    def _write(self, path: Path, lines: Sql) -> tuple[Written, int]:
        layout = self._goal.format
        try:
            with TextFile(path, layout.codec, gzip=self._goal.file.gzip) as file:
                file.write(self._header_text.encode())
                with fed_by_path(file) as pipe:
                    (count,) = self._engine.row(export_lines.copy_lines(lines, pipe))
                return file.finish(), int(count)
        except UnencodableError as error:
            raise self._unencodable(error.sign) from error

    def _unencodable(self, sign: str) -> ConfigError:
        query = export_lines.first_refused(self.final, export_lines.holds(self._cells, sign))
        where = [f"column {header!r} of profile {profile}" for profile, header in self._engine.rows(query)]
        shown = f"U+{ord(sign):04X}"
        return ConfigError(
            f"{' '.join(where) or 'the header'} holds the character {shown}, which {self._goal.format.encoding}"
            " does not have; choose encoding: utf-8, or replace it with a processor"
        )


def _must_be_as_many(count: int, due: int, what: str) -> None:
    if count != due:
        raise WarehouseError(f"{due} profiles are due, but {count} rows were {what}; nothing was delivered")


def _processors(job: ExportJob, shown: Sequence[Shown]) -> list[Processor]:
    """The goal's processors, with what only exports have said in the words of the others."""
    found: list[Processor] = []
    for processor in job.goal.processors:
        if isinstance(processor, ExportProcessor) and processor.pseudonymize is not None:
            settings = processor.pseudonymize
            found += [
                settings.hashing(column.header, job.goal.format.multi_value if column.values is not None else None)
                for column, is_pii in zip(shown, _identifying(job), strict=True)
                if is_pii and column.header not in settings.keep
            ]
        else:
            found.append(processor)
    return found


def _identifying(job: ExportJob) -> Iterator[bool]:
    """For each column whether it shows what identifies a person."""
    for column in job.goal.columns:
        if isinstance(column, PropertyColumn):
            yield column.identifier or column.property in job.pii
        else:
            is_named = isinstance(column, ProfileIdColumn) and job.goal.ids == "names"
            yield is_named and job.model.display_name in job.pii


def _cells(
    job: ExportJob, shown: Sequence[Shown], headers: Sequence[str], processors: Sequence[Processor]
) -> list[Cell]:
    """The columns of the final rows; what a processor has changed may hold any text."""
    touched = {field for processor in processors for field in (*processor.fields, *fields_made(processor))}
    known = {column.header: column for column in shown if column.header not in touched}
    cells = [Cell(job.goal.action_column, ident("action"), signs="adehmnogcrv")] if job.goal.has_action_column else []
    for place, header in enumerate(headers):
        column = known.get(header)
        cells.append(Cell(header, column_of(place), column.signs if column else "", bool(column and column.is_number)))
    return cells
