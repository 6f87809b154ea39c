"""Turns a received file into a batch: the fast way for clean files, the careful way for all others.

The engine reads a clean file as it is. As soon as it does not find exactly one row on every line, the file
is read again row by row, so that what is wrong with one row never changes another.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import FileError
from cdp_assets.faults import step
from cdp_assets.files.delimited import Header, count_lines, read_header, records
from cdp_assets.sql.landing import Source, batch_query, cell_rejects, parquet_rows
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import Database, scratch


def write_batch(config: BatchConfig, received: Path, content: Path, staging: Path) -> dict[str, object]:
    """Writes `batch.parquet` and `rejects.parquet` for a file, and returns the manifest's counts.

    Raises:
        FileError: the supplier must act: the header is unusable or lacks the identifier's column.
    """
    header = read_header(received, config.goal.format)
    for identifier in config.goal.identifiers:
        if identifier.column not in header.columns:
            message = f'Column "{identifier.column}" not found; the file has: {_names(header)}'
            raise FileError(message)
    with scratch(temporary=staging / "spill") as engine:
        fast = _write_fast(engine, config, header, received, content)
    if fast is not None:
        return fast
    step("land: before the careful way")
    with scratch(temporary=staging / "spill") as engine:
        return _write_carefully(engine, config, header, received, content, staging)


def _names(header: Header) -> str:
    """The columns for a message. A file without a header has data in their place: what looks so is left out."""
    return ", ".join("(not a name)" if _DATA.search(name) else name for name in header.columns[:50])


_DATA = re.compile(r"@|\d{3}")


def _write_fast(
    engine: Database, config: BatchConfig, header: Header, received: Path, content: Path
) -> dict[str, object] | None:
    """The file as it is, if the engine reads exactly one row a line; None where it does not."""
    lines = count_lines(received, config.goal.format)
    if not lines.plain:
        return None
    source = Source(str(received), len(header.columns), header.lines, rewritten=False)
    rows = _copy_batch(engine, config, header, source, content)
    if rows != lines.count - header.lines or _engine_rejects(engine):
        return None
    engine.run(_reject_table())
    return _finish(engine, config, header, content, rows, header.lines) | {"rows_unreadable": 0, "padded_rows": 0}


def _write_carefully(
    engine: Database, config: BatchConfig, header: Header, received: Path, content: Path, staging: Path
) -> dict[str, object]:
    """Row by row: what can be read is rewritten without ambiguity, the rest is kept as rejects."""
    clean, refused = staging / "clean.csv", staging / "refused.csv"
    good, bad, padded = _rewrite(config, header, received, clean, refused)
    source = Source(str(clean), len(header.columns), 0, rewritten=True)
    rows = _copy_batch(engine, config, header, source, content)
    if rows != good or _engine_rejects(engine):
        message = f"of {good} rows {rows} were read back from the clean copy of {received.name}"
        raise AssertionError(message)
    engine.run(_reject_table())
    engine.run(
        sql(
            "INSERT INTO rejects SELECT 'row', NULL, line_no, NULL, raw_text, reason FROM read_csv({path},"
            " columns = {{'line_no': 'BIGINT', 'raw_text': 'VARCHAR', 'reason': 'VARCHAR'}}, auto_detect = false,"
            " header = false, quote = '\"', escape = '\"', delim = ',', new_line = '\\n', max_line_size = {size})",
            path=literal(str(refused)),
            size=literal(config.goal.format.max_row_bytes * 8),
        )
    )
    counts = _finish(engine, config, header, content, rows, None)
    return counts | {
        "rows_unreadable": bad,
        "rows_received": rows + bad,
        "padded_rows": padded,
    }


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


def _copy_batch(engine: Database, config: BatchConfig, header: Header, source: Source, content: Path) -> int:
    positions = {name: place for place, name in enumerate(header.columns)}
    target = content / "batch.parquet"
    copied = engine.row(
        sql(
            "COPY (\n{query}\n) TO {target} (FORMAT parquet, COMPRESSION snappy)",
            query=batch_query(config, positions, source),
            target=literal(str(target)),
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


def _finish(
    engine: Database, config: BatchConfig, header: Header, content: Path, rows: int, header_lines: int | None
) -> dict[str, object]:
    """Writes the rejects and counts what the batch holds."""
    batch = parquet_rows([str(content / "batch.parquet")])
    line = Sql("line_no") if header_lines is None else sql("file_row_number + 1 + {n}", n=literal(header_lines))
    found = cell_rejects(config, frozenset(header.columns), batch, line)
    engine.run(sql("INSERT INTO rejects {found}", found=found))
    engine.run(
        sql(
            "COPY (SELECT * FROM rejects ORDER BY line_no, column_name) TO {target} (FORMAT parquet)",
            target=literal(str(content / "rejects.parquet")),
        )
    )
    rejected, cells = engine.row(
        Sql("SELECT count(*) FILTER (level = 'row'), count(*) FILTER (level = 'cell') FROM rejects")
    )
    (nobody,) = engine.row(
        sql("SELECT count(*) FROM {batch} WHERE identifier IS NULL AND identifier_invalid IS NULL", batch=batch)
    )
    return {
        "columns": header.columns,
        "header_lines": header_lines,
        "rows_received": rows,
        "rows_rejected": rejected,
        "rows_no_identifier": nobody,
        "cells_rejected": cells,
    }
