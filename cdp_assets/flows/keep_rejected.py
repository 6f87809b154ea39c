"""Keeps the rejected rows of a file as they were sent, beside its batch, for whoever is to mend them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.config.model import BatchConfig
from cdp_assets.files.delimited import Header
from cdp_assets.files.rejected_rows import Rejected, copy_rejected_rows
from cdp_assets.sql.erasing import columns_of
from cdp_assets.sql.event_landing import event_file
from cdp_assets.sql.event_rejects import event_lines, with_problems
from cdp_assets.sql.identifiers import numbered_matches
from cdp_assets.sql.landing import parquet_rows
from cdp_assets.sql.returning import (
    MAKE_EVENT_LINES,
    add_event_lines,
    readable_lines,
    spoiled_lines,
    unreadable_lines,
    write_lines,
)
from cdp_assets.sql.text import Sql, literal, sql
from cdp_assets.warehouse import Database

REJECTED_ROWS = "rejected_rows.csv"
"""Name of that file; absent where no row and no event of the root file was rejected."""


@dataclass(frozen=True)
class SourceText:
    """A file's text, in UTF-8, and how it is laid out."""

    path: Path
    header: Header
    layout: Format


def find_event_lines(engine: Database, config: BatchConfig, folder: Path, header_lines: int | None) -> int:
    """Makes the table `event_lines`: every row of the root file that brings a rejected event; how many rows.

    Args:
        engine: where the table `rejects` is, or none.
        config: the batch's.
        folder: where it stands, or is being written.
        header_lines: row n of the root file stands on line n + header_lines, where the events tell no line.
    """
    engine.run(MAKE_EVENT_LINES)
    batch = numbered_matches(config, parquet_rows([str(folder / "batch.parquet")]))
    for number, event in enumerate(config.goal.events):
        path = str(folder / event_file(number))
        if event.source is not None or engine.row(with_problems(parquet_rows([path]))) == (0,):
            continue
        columns = [name for (name,) in engine.rows(columns_of(path))]
        line = Sql("line_no") if "line_no" in columns else sql("n + 1 + {n}", n=literal(header_lines))
        kind = config.find_event_type(event.type)
        positional = "root_row" not in columns
        engine.run(add_event_lines(event_lines(kind, parquet_rows([path]), batch, line, positional=positional)))
    (rows,) = engine.row(Sql("SELECT count(DISTINCT line_no) FROM event_lines"))
    return int(rows)


def keep_rejected(
    engine: Database, rejects: Sql, text: SourceText, target: Path, staging: Path, *, cells: bool = False
) -> int:
    """Writes the rejected rows and those of rejected events, with line and reasons, as a new file; how many rows.

    It is in UTF-8. Rows that cannot be read come last: a quote that is never closed would hide others behind it in
    a spreadsheet.

    Args:
        engine: where the rejects are read, and the table `event_lines` is; `rejects` may be any relation of it.
        rejects: the rejects of the file.
        text: the file.
        target: the new file.
        staging: a private folder for files under way.
        cells: also rows that were applied without some of their cells.
    """
    readable = spoiled_lines(rejects) if cells else readable_lines(rejects)
    lists = []
    for number, lines in enumerate((readable, unreadable_lines(rejects))):
        path = staging / f"rejected_{number}.csv"
        engine.run(write_lines(lines, str(path)))
        lists.append(_listed(path))
    return copy_rejected_rows(text.path, text.layout, text.header, lists, target)


def _listed(path: Path) -> Iterator[Rejected]:
    with path.open(newline="", encoding="utf-8") as listed:
        for line, reasons in csv.reader(listed):
            yield int(line), reasons
