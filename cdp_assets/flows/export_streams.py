"""Writes the rows of one stream of an export, the profiles or one kind of events, into their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cdp_assets.config.export_processors import ExportProcessor, Stream, fields_made
from cdp_assets.config.exports import Split
from cdp_assets.config.processors import Processor
from cdp_assets.errors import ConfigError, FileError, WarehouseError
from cdp_assets.files.outgoing import TextFile, UnencodableError, Written, fed_by_path, measured
from cdp_assets.files.sealing import Sealer
from cdp_assets.flows.export_job import ExportJob, OutgoingFile
from cdp_assets.flows.process_rows import answer_calls
from cdp_assets.flows.pseudonyms import keep_key
from cdp_assets.sql import export_lines, export_rows
from cdp_assets.sql.export_columns import Shown
from cdp_assets.sql.export_lines import Cell, column_of
from cdp_assets.sql.export_rows import LineEnd
from cdp_assets.sql.processing import Processed, processing_steps
from cdp_assets.sql.text import Sql, Step, ident
from cdp_assets.warehouse import Database

MAX_PARTS = 10_000
_ENDLESS = 1 << 60


@dataclass(frozen=True)
class Source:
    """The rows of one stream as the warehouse gave them."""

    stream: str
    """As in `export_files`."""
    named: Stream
    """As processors name it."""
    rows: Path
    """Parquet file."""
    shown: Sequence[Shown]
    identifying: Sequence[bool]
    """For each column whether it shows what identifies a person."""
    split: Split | None = None

    @property
    def final(self) -> str:
        """Parquet file of the rows as they go into the files; may become `rows` itself."""
        return str(self.rows.with_name(f"final_{self.rows.name}"))


@dataclass
class Bench:
    """What all streams of a run are written with."""

    job: ExportJob
    folder: Path
    engine: Database
    sealer: Sealer | None
    files: int = field(default=0, init=False)
    """Made so far: files are named by their numbers."""


class StreamWriter:
    """The files of one stream while they grow."""

    def __init__(self, bench: Bench, source: Source) -> None:
        self._bench, self._source, self._goal = bench, source, bench.job.goal
        self._engine = bench.engine
        self._processors = _processors(bench, source)
        self._cells: list[Cell] = []
        self.final = str(source.rows)
        self.kept = 0

    @property
    def header(self) -> tuple[str, ...]:
        """The headers as they go into the files."""
        return tuple(cell.header for cell in self._cells)

    def processed(self) -> tuple[list[Step], Processed]:
        """The rows after processors, as steps to select from.

        Raises:
            ConfigError: the YAML author must act: a value does not fit into the format, or a processor fails.
        """
        kept = str(self._source.rows)
        self._refuse(export_rows.first_ambiguous(kept), "A value that holds the multi-value separator")
        fields = {column.header: column_of(place) for place, column in enumerate(self._source.shown)}
        steps = [export_rows.numbered(kept)]
        try:
            processed = processing_steps(self._processors, fields, steps[0].name, self._bench.job.now)
        except FileError as error:
            raise ConfigError(str(error)) from error
        steps += processed.steps
        answer_calls(self._engine, steps, processed.calls)
        return steps, processed

    def keep(self, taken: int) -> None:
        """Brings the rows, so many, into their final form."""
        steps, processed = self.processed()
        self.kept = taken
        if self._processors:
            # Otherwise the rows are final as they were taken.
            self.final = self._source.final
            (self.kept,) = self._engine.row(export_rows.keep_final(steps, list(processed.columns.values()), self.final))
        self.settle(processed)

    def settle(self, processed: Processed) -> None:
        """From the final rows to what their lines are made of; refuses what cannot be written."""
        self._cells = _cells(self._bench.job, self._source, list(processed.columns), self._processors)
        refused = export_lines.cannot_be_written(self._cells, self._goal.format)
        if refused is not None:
            self._refuse(export_lines.first_refused(self.final, refused), "Value needs quoting")

    def _refuse(self, query: Sql, what: str) -> None:
        for profile, header in self._engine.rows(query):
            cure = "give format.quote, or clean the value with a processor"
            if what != "Value needs quoting":
                cure = "give another format.multi_value, or multi_value_inside: keep"
            raise ConfigError(f"{what}: column {header!r} of profile {profile}{self._file_told}; {cure}")

    @property
    def _file_told(self) -> str:
        return "" if self._source.named.name == self._source.stream else f" in {self._source.named.name}"

    def files(self, rows: int, action: str | None = None) -> Iterator[OutgoingFile]:
        """Writes so many rows, all or those of an action; as many files as it takes, at least one."""
        lines = export_rows.lines_of(self.final, export_lines.line(self._cells, self._goal.format), action)
        for part, chosen, count in self._parts(lines, rows):
            self._bench.files += 1
            file = OutgoingFile(self._bench.files, self._source.stream, action or "", part, count, 0, "", "")
            yield self._one_file(file, chosen)

    def _parts(self, lines: Sql, rows: int) -> Iterator[tuple[int | None, Sql, int]]:
        """Part, lines and their number of each file; the parts together hold every line once."""
        split = self._source.split
        if split is None:
            yield None, lines, rows
            return
        path = str(self._bench.folder / "lines.parquet")
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
        folder, sealer = self._bench.folder, self._bench.sealer
        target = folder / str(file.number)
        plain = folder / f"{file.number}.plain" if sealer else target
        written, count = self._write(plain, lines)
        must_be_as_many(count, file.rows, "written")
        size, sha256 = written.size_bytes, written.sha256_hex
        if sealer:
            sealer.seal(plain, target)
            plain.unlink()
            size, sha256 = measured(target)
        readers = sealer.identity if sealer else str(self._goal.file.gzip)
        content = hashlib.sha256(f"{written.sha256_hex} {readers}".encode()).hexdigest()
        return replace(file, size_bytes=size, sha256=sha256, content_id=content)

    def _write(self, path: Path, lines: Sql) -> tuple[Written, int]:
        layout = self._goal.format
        try:
            with TextFile(path, layout.codec, gzip=self._goal.file.gzip) as file:
                file.write(self._header_text.encode())
                self._engine.run(export_lines.ONE_THREAD)
                with fed_by_path(file) as pipe:
                    (count,) = self._engine.row(export_lines.copy_lines(lines, pipe))
                self._engine.run(export_lines.ALL_THREADS)
                return file.finish(), int(count)
        except UnencodableError as error:
            raise self._unencodable(error.sign) from error

    def _unencodable(self, sign: str) -> ConfigError:
        query = export_lines.first_refused(self.final, export_lines.holds(self._cells, sign))
        where = [
            f"column {header!r} of profile {profile}{self._file_told}" for profile, header in self._engine.rows(query)
        ]
        shown = f"U+{ord(sign):04X}"
        return ConfigError(
            f"{' '.join(where) or 'the header'} holds the character {shown}, which {self._goal.format.encoding}"
            " does not have; choose encoding: utf-8, or replace it with a processor"
        )


def must_be_as_many(count: int, due: int, what: str) -> None:
    """Refuses to deliver a part of what is due.

    Raises:
        WarehouseError: we must act.
    """
    if count != due:
        raise WarehouseError(f"{due} rows are due, but {count} were {what}; nothing was delivered")


def _processors(bench: Bench, source: Source) -> list[Processor]:
    """The goal's processors for this stream, with what only exports have said in the words of the others."""
    job, found = bench.job, list[Processor]()
    there = [column.header for column in source.shown]
    for place, processor in enumerate(job.goal.processors):
        if not processor.applies(source.named, there):
            continue
        if isinstance(processor, ExportProcessor) and processor.pseudonymize is not None:
            settings, name = processor.pseudonymize, f"pseudonym_{place}"
            keep_key(bench.engine, settings, name)
            sign = job.goal.format.multi_value
            found += [
                settings.hashing(column.header, sign if column.values is not None else None, name)
                for column, is_pii in zip(source.shown, source.identifying, strict=True)
                if is_pii and column.header not in settings.keep
            ]
        else:
            found.append(processor)
            there += fields_made(processor)
    return found


def _cells(job: ExportJob, source: Source, headers: Sequence[str], processors: Sequence[Processor]) -> list[Cell]:
    """The columns of the final rows; what a processor has changed may hold any text."""
    touched = {name for processor in processors for name in (*processor.fields, *fields_made(processor))}
    known = {column.header: column for column in source.shown if column.header not in touched}
    cells = []
    if job.goal.has_action_column and source.named.name == source.stream:
        cells.append(Cell(job.goal.action_column, ident("action"), signs="adehmnogcrv"))
    for place, header in enumerate(headers):
        column = known.get(header)
        cells.append(Cell(header, column_of(place), column.signs if column else "", bool(column and column.is_number)))
    return cells
