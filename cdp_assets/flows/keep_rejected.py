"""Keeps the rejected rows of a file as they were sent, beside its batch, for whoever is to mend them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.files import Format
from cdp_assets.files.delimited import Header
from cdp_assets.files.rejected_rows import Rejected, copy_rejected_rows
from cdp_assets.sql.returning import readable_lines, spoiled_lines, unreadable_lines, write_lines
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

REJECTED_ROWS = "rejected_rows.csv"
"""Name of that file; absent where no row was rejected."""


@dataclass(frozen=True)
class SourceText:
    """A file's text, in UTF-8, and how it is laid out."""

    path: Path
    header: Header
    layout: Format


def keep_rejected(
    engine: Database, rejects: Sql, text: SourceText, target: Path, staging: Path, *, cells: bool = False
) -> int:
    """Writes the rejected rows with line and reasons as a new file, in UTF-8; the number of rows.

    Rows that cannot be read come last: a quote that is never closed would hide others behind it in a spreadsheet.

    Args:
        engine: where the rejects are read; `rejects` may be any relation of it.
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
